// procmail(1): one message from standard input, delivered as the user's rcfile wishes, with the user's rights. Its options, its
// exit codes and its log are procmail's own, so that .forward lines, mailers and mutt find what they know.
import { hostname, userInfo } from "node:os"
import { resolve } from "node:path"
import type { Readable } from "node:stream"
import { withFrom } from "../filters/procmail-mail.ts"
import { type Ended, procmail, type Rcfile, type Start } from "../filters/procmail.ts"
import type { Setup } from "../filters/procmail-machine.ts"
import { makeAccounts } from "../host/accounts.ts"
import { groupsByName } from "../host/groups.ts"
import { fulfil } from "../mailers/procmail-world.ts"
import { printCtime } from "../message/date.ts"
import { exits, type Io } from "./io.ts"
import { type Options, readOptions, usage } from "./procmail-options.ts"
import { serve } from "./procmail-serve.ts"
import { versionLine } from "./version.ts"

/** Environment by which the mail system asks for the steps, as one line on standard output. */
const stepsVariable = "WAYPOST_STEPS"

export async function run(argv: readonly string[], io: Io): Promise<number> {
  return argv[0] === "--serve" ? await serve(io, deliver) : await deliver(argv, io)
}

async function deliver(argv: readonly string[], io: Io): Promise<number> {
  const options = readOptions(argv)
  for (const line of options.complaints) io.stderr.write(`procmail: ${line}\n`)
  if (options.wish === "version") {
    io.stderr.write(`procmail v3.22 compatible, ${versionLine}\nDefault rcfile: .procmailrc\n`)
    return exits.ok
  }
  if (options.wish === "help") {
    io.stderr.write(usage)
    return exits.usage
  }
  const wantsSteps = io.env[stepsVariable] !== undefined
  const account = (wantsSteps ? accountOf(io) : undefined) ?? (await become(options.recipient, io))
  if (account === undefined) {
    io.stderr.write(`procmail: Unknown user "${options.recipient ?? ""}"\n`)
    return exits.noUser
  }
  if (options.filter && options.operands.length === 0) {
    io.stderr.write("procmail: Missing rcfile\n")
    return exits.noInput
  }
  const message = withEnvelope(await readAll(io.stdin), options, account.username)
  const ended = await fulfil(procmail(setupFor(options, account, io), message, startsFor(options, account)), {
    print: (octets) => void io.stdout.write(octets),
    say: (text) => void io.stderr.write(Buffer.from(text, "latin1")),
  })
  if (wantsSteps) io.stdout.write(stepsLine(ended))
  return ended.exitCode
}

type Account = { readonly username: string; readonly homedir: string; readonly shell: string | null }

/** The mail system has made us the user; where all its users are one, only it knows whose mail this is. */
function accountOf({ env }: Io): Account | undefined {
  const { LOGNAME: username, HOME: homedir } = env
  return username === undefined || homedir === undefined ? undefined : { username, homedir, shell: null }
}

/** Who we are; with -d, and as root, the recipient is who we become. */
async function become(recipient: string | undefined, io: Io): Promise<Account | undefined> {
  try {
    if (recipient !== undefined && process.geteuid?.() === 0) await takeRights(recipient)
    const own = userInfo()
    if (recipient !== undefined && own.username !== recipient) return undefined
    return own
  } catch {
    if (recipient !== undefined) return undefined
    // A uid without an account on this machine: a user of the mail system alone, who is told who he is.
    return accountOf(io) ?? { username: String(process.getuid?.() ?? "nobody"), homedir: "/", shell: null }
  }
}

/** For good: what an rcfile says is done with its user's rights and no others. */
async function takeRights(user: string): Promise<void> {
  const found = await makeAccounts({ passwd: "/etc/passwd", usersFile: undefined, asRoot: true }).lookup(user)
  if (found.found !== "entry") throw new Error(`no account ${user}`)
  const { uid, gid } = found.entry
  if (uid === undefined || gid === undefined) throw new Error(`${user} has no uid`)
  process.setgroups?.([...(await groupsByName(user, gid))])
  process.setgid?.(gid)
  process.setuid?.(uid)
}

/** Larger messages are no mail. */
const mostOctets = 1024 * 1024 * 1024

async function readAll(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = []
  let octets = 0
  for await (const piece of stream as AsyncIterable<Buffer | string>) {
    const octetsOf = Buffer.from(piece)
    octets += octetsOf.length
    if (octets > mostOctets) throw new Error("a message of more than 1 GiB")
    pieces.push(octetsOf)
  }
  return Buffer.concat(pieces)
}

/** -f SENDER writes a From_ line; `-f -` only its time; -d makes sure that there is one. */
function withEnvelope(message: Buffer, { sender, recipient }: Options, invoker: string): Buffer {
  if (sender === undefined && recipient === undefined) return message
  const line = (who: string) => Buffer.from(`From ${who}  ${printCtime(Date.now())}\n`, "latin1")
  if (sender === undefined) return withFrom(message, line(invoker), false)
  if (sender !== "-") return withFrom(message, line(sender), true)
  const there = /^\n*From +(\S+)/.exec(message.toString("latin1", 0, 2048))?.[1]
  return withFrom(message, line(there ?? invoker), there !== undefined)
}

function setupFor(options: Options, account: Account, io: Io): Setup {
  const { username, homedir } = account
  const kept = options.keepEnvironment ? Object.entries(io.env) : Object.entries(io.env).filter(isKept)
  const environment = new Map(kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
  environment.delete(stepsVariable)
  return {
    user: username,
    home: homedir,
    shell: account.shell || "/bin/sh",
    hostname: hostname(),
    orgmail: `/var/mail/${username}`,
    path: `${homedir}/bin:/usr/local/bin:/usr/bin:/bin`,
    sendmail: io.env["WAYPOST_SENDMAIL"] ?? "/usr/sbin/sendmail",
    pid: process.pid,
    arguments: options.arguments,
    program: "procmail",
    berkeley: options.berkeley,
    softFail: options.softFail,
    environment,
    directory: io.cwd,
    tellAll: false,
  }
}

/** procmail keeps the time zone of where it was started; we, beside it, which mail system that was. */
function isKept([name]: readonly [string, string | undefined]): boolean {
  return name === "TZ" || name === "WAYPOST_STATE"
}

/** The rcfile of the command line; else /etc/procmailrc and the user's. */
export function startsFor(options: Options, { homedir }: Account): readonly Start[] {
  const own: Rcfile[] = [
    rcfile("/etc/procmailrc", { system: true }),
    rcfile(`${homedir}/.procmailrc`, { directory: homedir }),
  ]
  const named = options.operands.filter((word) => !word.includes("="))
  const assignments = options.operands.flatMap((word): Start[] => {
    const at = word.indexOf("=")
    return at < 0 ? [] : [{ kind: "assignment", name: word.slice(0, at), value: word.slice(at + 1) }]
  })
  if (named.length === 0) return [...assignments, ...own]
  return [...assignments, ...named.map((word) => namedRcfile(word, options, homedir))]
}

function rcfile(path: string, more: Partial<Rcfile>): Rcfile {
  return { kind: "rcfile", path, strict: true, optional: true, system: false, directory: undefined, ...more }
}

/** `./rc`, and any of -m, are where they are said; other names are in the home. */
function namedRcfile(word: string, { filter }: Options, home: string): Rcfile {
  const here = !word.startsWith("/") && (filter || word.startsWith("./"))
  if (here) return rcfile(resolve(word), { strict: false, optional: false })
  const path = word.startsWith("/") ? word : `${home}/${word}`
  return rcfile(path, { optional: false, directory: home })
}

/** For the mail system: what was done, and which lines said so. */
function stepsLine({ told }: Ended): string {
  const steps = told.map(({ at, says }) => [at?.file ?? "", at?.line ?? 0, says.slice(0, 200)])
  return `${JSON.stringify(steps.slice(-12))}\n`
}
