// `waypost procmail run RC MESSAGE` and `waypost procmail convert RC`: what an rcfile would do with a message, rule by rule and
// nothing done; and the Sieve script that does the same.
import { hostname, userInfo } from "node:os"
import { dirname, resolve } from "node:path"
import { readFileSync } from "node:fs"
import type { Answer, Steps, Wish } from "../filters/procmail-effects.ts"
import { printCommand, type Told } from "../filters/procmail-machine.ts"
import { type Ended, procmail } from "../filters/procmail.ts"
import { toSieve } from "../filters/procmail-convert.ts"
import { readRcfile } from "../mailers/procmail-rcfile.ts"
import { printOrigin } from "../mail/decision.ts"
import { readArguments, type Usage } from "./arguments.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"

const runUsage: Usage = {
  name: "waypost procmail run",
  operands: "RCFILE MESSAGE",
  mostOperands: 2,
  about:
    "What the rcfile would do with the message (- is standard input), rule by rule. Nothing is done: no program is run, and each\nis taken to succeed, with nothing to say.",
  options: { user: { value: "LOGIN", says: "whose mail it is (else yours)" } },
}

const convertUsage: Usage = {
  name: "waypost procmail convert",
  operands: "RCFILE",
  mostOperands: 1,
  about:
    "Writes the Sieve script that does the same. What Sieve cannot do is said, line by line, and ends with 1.",
  options: {},
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [word, ...rest] = argv
  if (word === "run") return await dryRun(rest, io)
  if (word === "convert") return convert(rest, io)
  const help = word === undefined || word === "--help" || word === "-h"
  const text = "Usage: waypost procmail run RCFILE MESSAGE | convert RCFILE (bin/procmail delivers)\n"
  if (help) {
    io.stdout.write(text)
    return exits.ok
  }
  return refuse(io, `waypost procmail: there is no "${word}"; run or convert`, exits.usage)
}

async function dryRun(argv: readonly string[], io: Io): Promise<number> {
  const args = readArguments(runUsage, argv, io)
  if (typeof args === "number") return args
  const [rc, file] = args.operands
  if (rc === undefined || file === undefined)
    return refuse(io, "waypost procmail run: RCFILE and MESSAGE are needed", exits.usage)
  const message = await readMessage(file, io)
  const own = userInfo()
  const user = args.text("user") ?? own.username
  const home = user === own.username ? own.homedir : `/home/${user}`
  const path = resolve(io.cwd, rc)
  const steps = procmail(
    {
      user,
      home,
      shell: "/bin/sh",
      hostname: hostname(),
      orgmail: `/var/mail/${user}`,
      path: "/usr/local/bin:/usr/bin:/bin",
      sendmail: "/usr/sbin/sendmail",
      pid: process.pid,
      arguments: [],
      program: "procmail",
      berkeley: false,
      softFail: false,
      environment: new Map(),
      directory: dirname(path),
      tellAll: true,
    },
    message,
    [{ kind: "rcfile", path, strict: true, optional: false, system: false, directory: home }],
  )
  const ended = imagine(steps, (line) => void io.stderr.write(line))
  io.stdout.write(report(ended))
  return exits.ok
}

/** Line ends as procmail gets them. */
async function readMessage(file: string, io: Io): Promise<Buffer> {
  if (file !== "-") {
    try {
      return toLf(readFileSync(resolve(io.cwd, file)))
    } catch (error) {
      throw new Refusal(`waypost procmail run: ${(error as Error).message}`, exits.noInput)
    }
  }
  const pieces: Buffer[] = []
  for await (const piece of io.stdin as AsyncIterable<Buffer | string>) pieces.push(Buffer.from(piece))
  return toLf(Buffer.concat(pieces))
}

function toLf(octets: Buffer): Buffer {
  return Buffer.from(octets.toString("latin1").replaceAll("\r\n", "\n"), "latin1")
}

/** Answers each wish as if it had been fulfilled. */
function imagine(steps: Steps<Ended>, say: (line: string) => void): Ended {
  let next = steps.next()
  while (next.done !== true) next = steps.next(imagined(next.value, say))
  return next.value
}

function imagined(wish: Wish, say: (line: string) => void): Answer {
  switch (wish.wish) {
    case "run": {
      const keeps = wish.use === "filter" ? wish.input : Buffer.alloc(0)
      say(`(not run: ${printCommand(wish.command)})\n`)
      return { answer: "ended", code: 0, output: keeps, wrote: true }
    }
    case "store":
      return {
        answer: "stored",
        ok: true,
        folder: wish.folders[0] ?? "",
        octets: wish.message.length,
        why: "",
      }
    case "read":
      return readRcfile(wish.path, wish.strict)
    case "log":
      if (wish.file === undefined) say(wish.text)
      return { answer: "done" }
    case "print":
    case "lock":
    case "unlock":
    case "enter":
      return { answer: "done" }
  }
}

function report({ told, exitCode, delivered }: Ended): string {
  const places = told.map(({ at }) => (at === undefined ? "" : printOrigin(at)))
  const width = Math.max(0, ...places.map(({ length }) => length))
  const lines = told.map((one, n) => `${(places[n] ?? "").padEnd(width)}  ${worded(one)}`)
  const end = delivered ? "the message would be delivered" : "the message would not be delivered"
  return [...lines, `${end}; exit code ${exitCode}`, ""].join("\n")
}

function worded({ kind, says, matches = false }: Told): string {
  switch (kind) {
    case "condition":
      return `  ${matches ? "yes" : "no "}  * ${says}`
    case "recipe":
      return matches ? "recipe matches" : "recipe does not match"
    case "action":
      return `  →    ${says}`
    case "note":
      return `  note ${says}`
  }
}

function convert(argv: readonly string[], io: Io): number {
  const args = readArguments(convertUsage, argv, io)
  if (typeof args === "number") return args
  const [rc] = args.operands
  if (rc === undefined) return refuse(io, "waypost procmail convert: RCFILE is needed", exits.usage)
  const read = readRcfile(resolve(io.cwd, rc), false)
  if (read.answer !== "text") {
    return refuse(io, `waypost procmail convert: ${rc}: ${read.why}`, exits.noInput)
  }
  const { script, problems } = toSieve(rc, read.text)
  io.stdout.write(script)
  for (const { at, says } of problems) io.stderr.write(`${printOrigin(at)}: ${says}\n`)
  return problems.length === 0 ? exits.ok : 1
}
