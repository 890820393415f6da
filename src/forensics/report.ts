// The report for people: one sentence, the chain as a picture with the trust line across it, then the findings by strength, each
// with the words marked, why it matters, an honest explanation, and what would settle it.
import { checks } from "./checks.ts"
import type { Finding } from "./finding.ts"
import type { Chain, Hop } from "./hops.ts"
import type { Judgement } from "./judgement.ts"
import { markedLines, plain } from "./marked.ts"
import { inLocal, inUtc, inWords } from "./words.ts"

/** Hops that the picture shows. */
const mostShown = 40

/** The whole report. */
export function printReport(judgement: Judgement): string {
  const { about, findings, sentence, verdict } = judgement
  const told = findings.filter(({ severity }) => severity !== "info" && severity !== "low")
  const remarks = findings.filter(({ severity }) => severity === "info" || severity === "low")
  const lines = [
    plain(sentence, 1000),
    "",
    `Verdict: ${verdict}`,
    "",
    ...pictureOf(about.chain),
    ...told.flatMap((finding, n) => findingLines(finding, n + 1, about.header.bytes)),
    ...remarkLines(remarks),
  ]
  return `${lines.join("\n")}\n`
}

/** The chain, the newest hop on top, with the trust line across it. */
export function pictureOf(chain: Chain): readonly string[] {
  if (chain.hops.length === 0) return ["There is no Received field: the message has no trace.", ""]
  const lines = ["The way of the message. The oldest hop is at the bottom: read upwards.", ""]
  const shown =
    chain.hops.length > mostShown
      ? [...chain.hops.slice(0, mostShown - 5), ...chain.hops.slice(-5)]
      : chain.hops
  if (chain.boundary === 0) lines.push(...trustLine(chain))
  for (const [n, hop] of shown.entries()) {
    lines.push(...hopLines(hop))
    if (hop.number === chain.boundary) lines.push(...trustLine(chain))
    const next = shown[n + 1]
    if (next !== undefined && next.number > hop.number + 1)
      lines.push(`     … ${next.number - hop.number - 1} more hops …`)
    else if (next !== undefined) lines.push(`     ^${stepText(hop)}`)
  }
  return [...lines, ""]
}

function hopLines(hop: Hop): readonly string[] {
  const { received, number, at, id, believed } = hop
  const offset = received.date?.offset
  const local = at === undefined || offset === undefined || offset === 0 ? "" : `  (${inLocal(at, offset)})`
  const time = at === undefined ? "no readable time" : `${inUtc(at)}${local}`
  const side = believed ? "|" : ":"
  const name = plain(received.host ?? received.leading[0]?.text ?? "a host that does not name itself", 60)
  const lines = [
    `${String(number).padStart(3)} ${side} ${name.padEnd(34)} ${time}`,
    `    ${side} took it from ${fromText(hop)}`,
  ]
  const clock =
    id?.clock === undefined || at === undefined ? "" : `; the clock in the id says ${clockText(id.clock, at)}`
  const given = received.id === undefined ? "no id" : `id ${plain(received.id.value, 40)}`
  return [...lines, `    ${side} written like ${makerText(hop)}, ${given}${clock}`]
}

function clockText(clock: number, at: number): string {
  const apart = Math.abs(clock - at)
  return apart <= 600_000 ? "the same" : inUtc(clock)
}

function makerText({ received: { maker } }: Hop): string {
  if (maker.name === "unknown") return "no software that is known"
  const version = maker.version === undefined ? "" : ` ${maker.version}`
  return plain(`${maker.name}${version}`, 50)
}

/** Whom it took the message from: as said, and as seen. */
export function fromText({ received, address, submission }: Hop): string {
  const { source, via, with: protocol } = received
  const how = protocol?.value ?? via?.value
  const by = how === undefined ? "" : ` by ${plain(how.split(" ", 1)[0] ?? how, 20)}`
  if (source?.user !== undefined) return `its own user ${plain(source.user, 40)}`
  const said = source?.helo?.text
  const seen = [source?.reverse?.text, address === undefined ? undefined : `[${address.text}]`].filter(
    (one) => one !== undefined,
  )
  if (said === undefined && seen.length === 0)
    return submission === "local user" ? "a user or program of its own" : `nobody it names${by}`
  const nameless = source?.nameless === true && address?.kind === "public" ? " (which has no name)" : ""
  const client =
    said === undefined || said === source?.reverse?.text
      ? seen.join(" ")
      : `${said}, seen as ${seen.join(" ") || "nothing"}`
  return plain(`${client}${nameless}`, 110) + by
}

function stepText({ step }: Hop): string {
  if (step === undefined) return ""
  return step < 0 ? ` ${inWords(step)} BACKWARDS` : ` ${inWords(step)} later`
}

function trustLine(chain: Chain): readonly string[] {
  const who = chain.receiver ?? "your server"
  const assumed = chain.assumed ? ", which is taken to be your server (say --receiver HOST)" : ""
  if (chain.boundary === 0)
    return [
      `===== ${plain(who, 60)} wrote none of these hops: all of it is what the sender liked to write =====`,
    ]
  return [
    `===== above: recorded by your own server${chain.boundary > 1 ? "s" : ""} (${plain(who, 60)}${assumed})`,
    "===== below: whatever the sender liked to write",
  ]
}

function findingLines(finding: Finding, number: number, bytes: Buffer): readonly string[] {
  const { check, severity, explanation, why, honest, settle, evidence } = finding
  return [
    `${number}. ${severity.toUpperCase()}: ${checks[check].title} (${check})`,
    `   ${plain(explanation, 600)}`,
    ...markedLines(bytes, evidence).map((line) => `     ${line}`),
    `   Why it matters: ${why}`,
    `   An honest explanation would be: ${honest ?? "none is known."}`,
    `   What would settle it: ${settle}`,
    "",
  ]
}

function remarkLines(remarks: readonly Finding[]): readonly string[] {
  if (remarks.length === 0) return []
  const lines = remarks.map(
    ({ severity, explanation }) => `   - ${plain(explanation, 400)}${severity === "info" ? "" : " (low)"}`,
  )
  return ["Remarks, as honest mail often earns them:", ...lines]
}
