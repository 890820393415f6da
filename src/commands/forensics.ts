// `waypost forensics FILE|-`: is a message forged? One sentence first, then its way with the trust line, then what was found and why
// it matters. Reads a message, an mbox or a Maildir; ends with 0 genuine, 1 suspicious, 2 forged.
import { drained } from "../agent/drained.ts"
import { openCase } from "../forensics/case.ts"
import type { Trust } from "../forensics/hops.ts"
import { asRecord, judge, type Judgement } from "../forensics/judgement.ts"
import { printReport } from "../forensics/report.ts"
import { drawRoute } from "../forensics/svg.ts"
import { printLesson } from "../forensics/teach.ts"
import type { Verdict } from "../forensics/findings.ts"
import { type Arguments, readArguments, type Usage } from "./arguments.ts"
import { judgeBatch } from "./forensics-batch.ts"
import { readMessages } from "./forensics-input.ts"
import type { Means, Online } from "./forensics-online.ts"
import { exits, type Io, refuse } from "./io.ts"

const usage: Usage = {
  name: "waypost forensics",
  operands: "[FILE|MAILDIR|-]",
  mostOperands: 1,
  about:
    "Reads the trace of a message, or of each message of an mbox or Maildir, and judges whether it is forged. Ends with 0 when nothing\n" +
    "speaks against it, 1 when it is suspicious, 2 when it is probably forged (of several: the worst), 64 when called wrongly.",
  options: {
    receiver: {
      value: "HOST",
      says: "your server that took the mail in from outside: what it recorded is believed",
    },
    trust: {
      value: "HOST[,HOST…]",
      says: "other hosts or domains that are believed: your relays, a forwarder",
    },
    "authserv-id": {
      value: "ID[,ID…]",
      says: "names that our servers write Authentication-Results under, where they are not the hosts' own",
    },
    json: { says: "a JSON object for each message" },
    teach: { says: "a guided reading by the five signs of forged mail" },
    svg: { says: "draw the route" },
    online: { says: "also ask DNS, as of now: SPF, DKIM, ARC, DMARC, reverse names, block lists" },
    lists: { value: "ZONE[,ZONE…]", says: "with --online: the block lists to ask (none by default)" },
    resolver: { value: "HOST[:PORT]", says: "with --online: the name server to ask" },
    batch: {
      value: "MANIFEST",
      says: "judge the files that a list of JSON lines {id, file, receiver} names",
    },
    quiz: {
      says: "find the one fault of a message that is made up; --quiz --json prints it with its answer",
    },
    number: { value: "N", says: "with --quiz: the same question again" },
    config: { value: "FILE", says: "the sendmail.mc whose own names (class w) are ours; else the usual one" },
  },
}

/** Runs it. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const wrong = contradiction(given)
  if (wrong !== undefined)
    return refuse(io, `waypost forensics: ${wrong}; see waypost forensics --help`, exits.usage)
  if (given.has("quiz")) return ask(given, io)
  const trust = await trustOf(given, io)
  const online = given.has("online") ? await openWorld(given, io) : undefined
  const manifest = given.text("batch")
  try {
    if (manifest !== undefined) return await judgeBatch({ manifest, trust, online }, io)
    return await judgeAll(given, { trust, online }, io)
  } finally {
    await online?.close()
  }
}

async function ask(given: Arguments, io: Io): Promise<number> {
  const { runQuiz } = await import("./forensics-quiz.ts")
  const { randomInt } = await import("node:crypto")
  const number = given.text("number") ?? String(randomInt(1_000_000))
  return runQuiz({ number, json: given.has("json") }, io)
}

/** Loaded only when it is asked for: what asks the world takes more memory than what reads. */
async function openWorld(given: Arguments, io: Io): Promise<Online> {
  const { openOnline } = await import("./forensics-online.ts")
  const options = { resolver: given.text("resolver"), lists: listOf(given.text("lists")) }
  return openOnline(options, (line) => io.stderr.write(`waypost forensics: ${line}\n`))
}

function contradiction(given: Arguments): string | undefined {
  const modes = ["json", "teach", "svg"].filter((mode) => given.has(mode))
  if (modes.length > 1) return `--${modes[0]} and --${modes[1]} are two reports`
  const [operand] = given.operands
  if (given.has("quiz"))
    return operand === undefined && given.text("batch") === undefined
      ? undefined
      : "--quiz makes up its own message"
  if (given.text("batch") !== undefined)
    return operand === undefined && modes.length === 0
      ? undefined
      : "--batch names its files, and prints verdicts"
  if (given.text("number") !== undefined) return "--number goes with --quiz"
  if (!given.has("online") && (given.text("resolver") ?? given.text("lists")) !== undefined)
    return "--resolver and --lists go with --online"
  return operand === undefined ? "which message? A file, a Maildir, or - for standard input" : undefined
}

function listOf(text: string | undefined): readonly string[] {
  return (text ?? "").split(/[,\s]+/).filter((one) => one !== "")
}

async function trustOf(given: Arguments, io: Io): Promise<Trust> {
  const receiver = given.text("receiver")
  const trusted = listOf(given.text("trust"))
  const authservIds = listOf(given.text("authserv-id"))
  if (receiver !== undefined) return { receiver, trusted, authservIds }
  const { ourNames } = await import("./forensics-trust.ts")
  return { trusted, authservIds, ours: ourNames(given.text("config"), io) }
}

async function judgeAll(given: Arguments, means: Means, io: Io): Promise<number> {
  let worst: Verdict = "genuine"
  let count = 0
  for await (const { name, bytes } of readMessages(given.operands[0] ?? "-", io)) {
    const judgement = await judgeOne(bytes, means)
    worst = worse(worst, judgement.verdict)
    if (count > 0 && given.has("svg"))
      return refuse(io, "waypost forensics: --svg draws one message; this holds several", exits.usage)
    const text = printed(given, judgement, { name, first: count === 0 })
    if (!io.stdout.write(text)) await drained(io.stdout)
    count++
  }
  if (count === 0)
    return refuse(io, `waypost forensics: ${given.operands[0]} holds no message`, exits.dataError)
  return codes[worst]
}

/** Judges one message, with what can be asked of the world where that is wanted. */
export async function judgeOne(bytes: Buffer, { trust, online }: Means): Promise<Judgement> {
  const about = openCase(bytes, trust)
  return judge(about, online === undefined ? [] : await online.ask(about))
}

type Place = { readonly name: string; readonly first: boolean }

function printed(given: Arguments, judgement: Judgement, { name, first }: Place): string {
  if (given.has("json")) return `${JSON.stringify({ file: name, ...asRecord(judgement) })}\n`
  if (given.has("svg")) return drawRoute(judgement)
  const text = given.has("teach") ? printLesson(judgement) : printReport(judgement)
  return first ? text : `\n${"_".repeat(72)}\n${name}\n\n${text}`
}

/** The exit code of each verdict. */
export const codes: Readonly<Record<Verdict, number>> = { genuine: 0, suspicious: 1, forged: 2 }

/** The worse of two verdicts. */
export function worse(a: Verdict, b: Verdict): Verdict {
  return codes[b] > codes[a] ? b : a
}
