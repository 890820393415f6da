// `waypost whatif`: what another configuration, or another table, would have decided of the mail that came. Nothing is changed; only
// what would be otherwise is shown, with the line that decides now and the line that would.
import { resolve } from "node:path"
import { printStamp } from "../message/date.ts"
import type { Compared } from "../daemon/what-if.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { type Answer, ask } from "./control-client.ts"
import { type Look, lookOf, plain } from "./event-lines.ts"
import { type Io, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost whatif",
  operands: "",
  mostOperands: 0,
  about:
    "Asks again what was asked of the running system, under its own configuration and under another, and shows what would be " +
    "decided otherwise. Ends with 0 when nothing would, 1 when something would, 2 when the other one cannot be used.",
  options: {
    config: { value: "NEW.mc", says: "the other sendmail.mc" },
    map: { value: "NAME=FILE,…", says: "this text instead of a table: access=/etc/mail/access.new" },
    last: { value: "N", says: "look at so many decisions, the newest (5000)" },
    reasons: { says: "below each verdict why, step by step" },
    json: { says: "one JSON object a line for each that changes, then the summary" },
    state: stateOption,
  },
}

/** Wrong usage, or a configuration that cannot be used. */
const unusable = 2

type Told = { readonly text: string } & Pick<Compared, "question" | "now" | "instead">

type Summary = {
  readonly decisions: number
  readonly since: number | undefined
  readonly questions: number
  readonly changed: number
  readonly moved: number
  readonly dnsQuestions: number
  readonly notices: readonly string[]
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given === 0 ? 0 : unusable
  const config = given.text("config")
  const maps = mapsOf(given.text("map"), io.cwd)
  const last = Number(given.text("last") ?? 5000)
  if (maps === undefined) return refuse(io, "waypost whatif: --map is NAME=FILE", unusable)
  if (!Number.isInteger(last) || last < 1)
    return refuse(io, "waypost whatif: --last is a number above 0", unusable)
  if (config === undefined && Object.keys(maps).length === 0)
    return refuse(io, "waypost whatif: name another configuration by --config, or a table by --map", unusable)
  const file = config === undefined ? undefined : resolve(io.cwd, config)
  const request = { verb: "whatif", config: file, maps, last }
  const look = { paint: lookOf(io).paint, reasons: given.has("reasons") }
  let changed = 0
  for await (const answer of ask(runningState(given.text("state"), io), request)) {
    if (answer["changed"] !== undefined) changed++
    io.stdout.write(given.has("json") ? `${JSON.stringify(answer)}\n` : printed(answer, look))
  }
  return changed > 0 ? 1 : 0
}

/** `access=new.access,mailertable=/tmp/m`; undefined when it cannot be understood. */
function mapsOf(text: string | undefined, cwd: string): Readonly<Record<string, string>> | undefined {
  const maps: Record<string, string> = {}
  for (const one of text?.split(",") ?? []) {
    const at = one.indexOf("=")
    const [name, file] = [one.slice(0, at).trim(), one.slice(at + 1).trim()]
    if (at < 1 || file === "") return undefined
    maps[name] = resolve(cwd, file)
  }
  return maps
}

type Style = Pick<Look, "paint"> & { readonly reasons: boolean }

/** Our own daemon of our own version answers: a look at the shape is enough. */
function printed({ changed, summary }: Answer, style: Style): string {
  if (typeof changed === "object" && changed !== null && "question" in changed)
    return printChanged(changed as Told, style)
  if (typeof summary === "object" && summary !== null && "decisions" in summary)
    return printSummary(summary as Summary)
  throw new Error("not an answer to whatif")
}

function printChanged({ text, question, now, instead }: Told, { paint, reasons }: Style): string {
  const times = question.times === 1 ? "" : `${question.times} times, last `
  const lines = [
    paint("bold", plain(text)),
    `  ${plain(`${times}${printStamp(question.at)} ${question.id}`)}`,
  ]
  for (const [word, verdict] of [["now", now] as const, ["then", instead] as const]) {
    const at = verdict.at === undefined ? "" : `   ${verdict.at}`
    lines.push(plain(`  ${word.padEnd(5)} ${verdict.says}${at}`))
    if (reasons) lines.push(...verdict.reasons.map((line) => paint("gray", plain(`          ${line}`))))
  }
  return `${lines.join("\n")}\n\n`
}

function printSummary({
  decisions,
  since,
  questions,
  changed,
  moved,
  dnsQuestions,
  notices,
}: Summary): string {
  const from = since === undefined ? "" : ` since ${printStamp(since)}`
  const dns = dnsQuestions === 0 ? "" : ` DNS was asked anew (${dnsQuestions} questions), for both alike.`
  const then =
    moved === 0 ? "" : ` ${moved} are answered otherwise now than they were: users, tables or DNS changed.`
  return (
    notices.map((line) => `note: ${plain(line)}\n`).join("") +
    `${changed} of ${questions} questions would be answered otherwise; ${decisions} recorded decisions were looked at${from}.${then}${dns}\n`
  )
}
