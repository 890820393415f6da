// `waypost sieve check SCRIPT` and `waypost sieve run SCRIPT MESSAGE`: is it a script, and what would it do, rule by rule; nothing
// is done.
import { readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { compileSieve, type Script } from "../filters/sieve-compile.ts"
import { SieveMessage } from "../filters/sieve-message.ts"
import { runSieve } from "../filters/sieve-run.ts"
import type { Action, SieveAnswer, SieveAsk, SieveResult } from "../filters/sieve-state.ts"
import { showIssue } from "../filters/sieve-syntax.ts"
import { printOrigin } from "../mail/decision.ts"
import { first, scanHeader } from "../message/header.ts"
import { type Arguments, readArguments, type Usage } from "./arguments.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"

const checkUsage: Usage = {
  name: "waypost sieve check",
  operands: "SCRIPT",
  mostOperands: 1,
  about: "Is it a Sieve script? Each mistake with its line and a caret; 65 when there is one.",
  options: {},
}

const runUsage: Usage = {
  name: "waypost sieve run",
  operands: "SCRIPT MESSAGE",
  mostOperands: 2,
  about:
    "What the script would do with the message (- is standard input), rule by rule. Nothing is done: nothing is sent, nothing is\nremembered; mailboxes are taken to be there, and no message is taken for a duplicate.",
  options: {
    from: { value: "ADDRESS", says: "the envelope's sender (else the one of Return-Path:)" },
    to: { value: "ADDRESS", says: "the envelope's recipient (else the one of Delivered-To: or To:)" },
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [word, ...rest] = argv
  if (word === "check") return check(rest, io)
  if (word === "run") return await dryRun(rest, io)
  if (word === undefined || word === "--help" || word === "-h") {
    io.stdout.write("Usage: waypost sieve check SCRIPT | run SCRIPT MESSAGE (each has its own --help)\n")
    return exits.ok
  }
  return refuse(io, `waypost sieve: there is no "${word}"; check or run`, exits.usage)
}

function check(argv: readonly string[], io: Io): number {
  const args = readArguments(checkUsage, argv, io)
  if (typeof args === "number") return args
  const [file] = args.operands
  if (file === undefined) return refuse(io, "waypost sieve check: SCRIPT is needed", exits.usage)
  const script = compiled(file, io)
  if (script === undefined) return exits.dataError
  io.stdout.write(`${file}: a Sieve script\n`)
  return exits.ok
}

/** The script; undefined when its mistakes were told. */
function compiled(file: string, io: Io): Script | undefined {
  const text = readFile(resolve(io.cwd, file)).toString("utf8")
  const result = compileSieve(file, text)
  if (result.ok) return result.script
  for (const issue of result.issues) io.stderr.write(showIssue(file, text, issue))
  return undefined
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new Refusal(`waypost sieve: ${(error as Error).message}`, exits.noInput)
  }
}

async function dryRun(argv: readonly string[], io: Io): Promise<number> {
  const args = readArguments(runUsage, argv, io)
  if (typeof args === "number") return args
  const [file, mail] = args.operands
  if (file === undefined || mail === undefined)
    return refuse(io, "waypost sieve run: SCRIPT and MESSAGE are needed", exits.usage)
  const script = compiled(file, io)
  if (script === undefined) return exits.dataError
  const bytes = mail === "-" ? await readAll(io) : readFile(resolve(io.cwd, mail))
  const result = play(script, bytes, args, resolve(io.cwd, file))
  io.stdout.write(report(result))
  return exits.ok
}

async function readAll({ stdin }: Io): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stdin as AsyncIterable<Buffer | string>) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

function play(script: Script, bytes: Buffer, args: Arguments, path: string): SieveResult {
  const header = scanHeader(bytes)
  const bare = (text: string | undefined) => (text ?? "").replace(/^.*<(.*)>.*$/s, "$1").trim()
  const now = Date.now()
  const steps = runSieve(script, {
    message: new SieveMessage(bytes),
    envelope: {
      from: args.text("from") ?? bare(first(header, "return-path")),
      to: args.text("to") ?? bare(first(header, "delivered-to") ?? first(header, "to")),
    },
    now,
    zone: -new Date(now).getTimezoneOffset(),
    tellAll: true,
  })
  let next = steps.next()
  while (next.done !== true) next = steps.next(answered(next.value, path))
  return next.value
}

function answered(ask: SieveAsk, path: string): SieveAnswer {
  if (ask.ask === "mailbox") return { answer: "yes" }
  if (ask.ask === "duplicate") return { answer: "no" }
  // Beside the script: where its author keeps what it includes.
  const file = join(dirname(path), `${ask.name}.sieve`)
  try {
    const result = compileSieve(file, readFileSync(file, "utf8"))
    if (result.ok) return { answer: "script", script: result.script }
    return { answer: "nothing", why: result.issues[0]?.says ?? "no script" }
  } catch {
    return { answer: "nothing", why: "no such script" }
  }
}

function report({ told, actions, failed }: SieveResult): string {
  const places = told.map(({ at }) => printOrigin(at))
  const width = Math.max(0, ...places.map(({ length }) => length))
  const steps = told.map(({ says, matches }, n) => {
    const word = matches === undefined ? "→  " : matches ? "yes" : "no "
    return `${(places[n] ?? "").padEnd(width)}  ${word}  ${says}`
  })
  const wrong = failed === undefined ? [] : [`the script goes wrong, and the message is kept: ${failed}`]
  return [...steps, ...wrong, "the message would be:", ...actions.map((one) => `  ${worded(one)}`), ""].join(
    "\n",
  )
}

function worded(action: Action): string {
  switch (action.kind) {
    case "store": {
      const flags = action.flags.length === 0 ? "" : `, with the flags ${action.flags.join(" ")}`
      const why = action.at === undefined ? " (no rule took it)" : ""
      return `stored in ${action.folder === undefined ? "the mailbox" : `the folder "${action.folder}"`}${flags}${why}`
    }
    case "redirect":
      return `redirected to ${action.address}`
    case "reject":
      return `refused: ${action.reason.replaceAll(/\s+/g, " ").trim()}`
    case "discard":
      return "discarded"
    case "vacation":
      return `answered once in ${Math.round(action.vacation.seconds / 3600)} hours: ${action.vacation.reason.split("\n")[0] ?? ""}`
  }
}
