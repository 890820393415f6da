// vacation(1): answers mail while its user is away, once a week to each person, as sendmail's program of that name has always done
// from a .forward. To whom and what is filters/vacation.ts's to say; here it is read, remembered and sent.
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import {
  alreadyTold,
  answerTo,
  emptyMemory,
  type Memory,
  parseMemory,
  printMemory,
  remember,
  writeAnswer,
} from "../filters/vacation.ts"
import { lockFile } from "../host/posix.ts"
import { parsePasswdLine } from "../host/passwd.ts"
import { scanHeader } from "../message/header.ts"
import { exits, type Io, Refusal, withStreams } from "./io.ts"
import { run as sendmail } from "./sendmail.ts"
import { readVacationOptions, type VacationOptions, vacationUsage } from "./vacation-options.ts"

export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes("--help")) {
    io.stdout.write(vacationUsage)
    return exits.ok
  }
  const read = readVacationOptions(argv)
  if (!read.ok) throw new Refusal(`${read.error}; see vacation --help`, exits.usage)
  const options = read.value
  const home = homeOf(options, io)
  const memory = new MemoryFile(join(home, options.memory ?? ".vacation.known"))
  try {
    if (options.list) return list(memory, io)
    if (options.initialize || options.exclude) return await prepare(memory, options, io)
    return await answer(memory, options, { home, io })
  } finally {
    memory.close()
  }
}

/** The memory's file, open and locked: of two messages of one sender only the first is answered. */
class MemoryFile {
  readonly #path: string
  #fd: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  read(): Memory {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
    this.#fd ??= openSync(this.#path, flags, 0o600)
    if (!fstatSync(this.#fd).isFile()) throw new Refusal(`${this.#path}: no regular file`, exits.cannotCreate)
    lockFile(this.#fd, "wait")
    const memory = parseMemory(contents(this.#fd))
    if (memory === undefined)
      throw new Refusal(`${this.#path}: not written by this vacation; -f FILE names another`, exits.dataError)
    return memory
  }

  /** What was read is written anew; the lock keeps others out meanwhile. */
  write(memory: Memory): void {
    if (this.#fd === undefined) throw new Error("a memory is read before it is written")
    ftruncateSync(this.#fd, writeSync(this.#fd, printMemory(memory), 0, "utf8"))
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
  }
}

function contents(fd: number): string {
  const octets = Buffer.alloc(fstatSync(fd).size)
  const have = readSync(fd, octets, 0, octets.length, 0)
  return octets.toString("utf8", 0, have)
}

/** With -U the files are named whole and nobody is looked up. */
function homeOf({ login, unknownUser }: VacationOptions, { env }: Io): string {
  if (unknownUser) return "/"
  const own = login === ownLogin() ? env["HOME"] : undefined
  if (own !== undefined && own !== "") return own
  const account = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line, n) => parsePasswdLine(line, { file: "/etc/passwd", line: n + 1, column: 1 }))
    .find((one) => one?.name === login)
  if (account !== undefined) return account.home
  // A user of the users file has no account: the mail system starts us with his home.
  if (env["LOGNAME"] === login && env["HOME"] !== undefined) return env["HOME"]
  throw new Refusal(`there is no user ${login}`, exits.noUser)
}

function ownLogin(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined // a uid without an account
  }
}

function list(memory: MemoryFile, io: Io): number {
  for (const [address, at] of memory.read().told) {
    io.stdout.write(`${address.padEnd(40)} ${new Date(at * 1000).toISOString()}\n`)
  }
  return exits.ok
}

/** -i begins anew, -r with it says how long an answer lasts, -x reads whom never to answer. */
async function prepare(memory: MemoryFile, options: VacationOptions, io: Io): Promise<number> {
  const before = options.initialize ? emptyAgain(memory) : memory.read()
  const never = options.exclude ? await linesOf(io.stdin) : []
  const { interval = before.interval } = options
  memory.write({ ...before, interval, never: [...new Set([...before.never, ...never])] })
  return exits.ok
}

/** What another vacation has written is no reason to refuse: -i asks for a new one. */
function emptyAgain(memory: MemoryFile): Memory {
  try {
    memory.read()
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== exits.dataError) throw error
  }
  return emptyMemory
}

async function linesOf(input: Readable): Promise<readonly string[]> {
  const text = (await readUpTo(input, mostHeader)).toString("utf8")
  return text
    .split("\n")
    .map((line) => line.trim().toLowerCase())
    .filter((line) => line !== "")
}

type Place = { readonly home: string; readonly io: Io }

async function answer(memory: MemoryFile, options: VacationOptions, { home, io }: Place): Promise<number> {
  const octets = await readUpTo(io.stdin, mostHeader)
  const header = scanHeader(octets)
  const sender = options.sender ?? senderOf(octets)
  const names = [options.login, ...options.aliases]
  const decision = answerTo({ sender, header, names, anyRecipient: options.anyRecipient })
  if (decision.outcome !== "yes") return tell(options, io, decision.reason.says)
  const known = memory.read()
  const now = Math.floor(Date.now() / 1000)
  const told = alreadyTold({ ...known, interval: options.interval ?? known.interval }, sender, now)
  if (told !== undefined) return tell(options, io, told)
  const text = readText(join(home, options.message ?? ".vacation.msg"))
  const code = await send(writeAnswer({ text, to: sender, header }), sender, options, io)
  if (code === exits.ok) memory.write(remember({ ...known, interval: known.interval }, sender, now))
  return code
}

function tell({ debug }: VacationOptions, io: Io, says: string): number {
  if (debug) io.stderr.write(`vacation: no answer: ${says}\n`)
  return exits.ok
}

function send(text: string, to: string, options: VacationOptions, io: Io): Promise<number> {
  const from = options.nullSender ? "<>" : (options.returnAddress ?? options.login)
  const args = ["-oi", "-f", from, "-N", "never", "--", to.startsWith("-") ? `<${to}>` : to]
  if (options.debug) io.stderr.write(`vacation: answering ${to}\n`)
  return sendmail(args, withStreams(io, { stdin: Readable.from([Buffer.from(text)]) }))
}

/** `From ann@example.org Tue Nov 24 07:10:42 2026`, as programs of a .forward get it. */
function senderOf(octets: Buffer): string {
  const line = octets.toString("latin1", 0, Math.min(octets.length, 2000)).split("\n", 1)[0] ?? ""
  const [, sender] = /^>?From ("(?:[^"\\]|\\.)*"\S*|\S+) /.exec(line) ?? []
  if (sender === undefined)
    throw new Refusal('the message does not begin with a line "From SENDER DATE"', exits.dataError)
  return Buffer.from(sender, "latin1").toString("utf8")
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Refusal(`${path}: ${code === "ENOENT" ? "there is no such file" : message}`, exits.noInput)
  }
}

/** No header is longer. */
const mostHeader = 1024 * 1024

/** The beginning; the rest is read too, so that whoever writes it is not stopped. */
async function readUpTo(input: Readable, most: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let octets = 0
  for await (const chunk of input) {
    const piece = Buffer.from(chunk as Buffer | string)
    if (octets < most) pieces.push(piece.subarray(0, most - octets))
    octets += piece.length
  }
  return Buffer.concat(pieces)
}
