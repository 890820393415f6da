// A message judged: its case, what was found, the verdict, and the sentence that is said first.
import type { Case } from "./case.ts"
import { type Finding, rank } from "./finding.ts"
import { findingsOf, type Verdict, verdictOf } from "./findings.ts"

export type Judgement = {
  readonly about: Case
  readonly findings: readonly Finding[]
  readonly verdict: Verdict
  /** One sentence for people. */
  readonly sentence: string
}

/** Judges a case; `more` are findings from outside the message (look-ups as of now). */
export function judge(about: Case, more: readonly Finding[] = []): Judgement {
  const findings = [...findingsOf(about), ...more].toSorted((a, b) => rank(b.severity) - rank(a.severity))
  const verdict = verdictOf(findings)
  return { about, findings, verdict, sentence: sentenceOf(verdict, findings, about) }
}

function sentenceOf(verdict: Verdict, findings: readonly Finding[], about: Case): string {
  const [first] = findings
  if (verdict === "genuine" || first === undefined) return nothingFound(findings, about)
  const second = findings.find((one) => one.kind !== first.kind && rank(one.severity) >= rank("medium"))
  const start = verdict === "forged" ? "Probably forged" : "Suspicious"
  const also = second === undefined ? "" : ` Besides: ${second.explanation}`
  return `${start}: ${first.explanation}${also}`
}

/** Never "safe": the trace cannot prove who wrote a message. */
function nothingFound(findings: readonly Finding[], { hops, chain }: Case): string {
  if (hops.length === 0)
    return "Cannot tell: the message has no Received field, so nothing is known of its way."
  if (chain.boundary === 0)
    return `Nothing in it speaks against it, but ${chain.receiver ?? "no known host"} wrote none of its hops: all of its way is hearsay.`
  const remarks = findings.filter(({ severity }) => severity !== "info").length
  const odd =
    remarks === 0
      ? ""
      : ` ${remarks === 1 ? "One thing is" : `${remarks} things are`} remarkable, as in much honest mail.`
  return `Nothing in its trace speaks against it; that does not prove who wrote it.${odd}`
}

/** The judgement for programs: the verdict format, with what people are told. */
export function asRecord({
  verdict,
  sentence,
  findings,
  about,
}: Judgement): Readonly<Record<string, unknown>> {
  const { chain } = about
  return {
    verdict,
    sentence,
    receiver: chain.receiver ?? null,
    receiverAssumed: chain.assumed,
    boundary: chain.boundary,
    hops: chain.hops.map((hop) => ({
      hop: hop.number,
      by: hop.received.host ?? null,
      helo: hop.received.source?.helo?.text ?? null,
      reverse: hop.received.source?.reverse?.text ?? null,
      address: hop.address?.text ?? null,
      user: hop.received.source?.user ?? null,
      protocol: hop.received.with?.value ?? null,
      id: hop.received.id?.value ?? null,
      maker: hop.received.maker.name,
      version: hop.received.maker.version ?? null,
      signs: hop.received.maker.signs,
      believed: hop.believed,
      at: hop.at === undefined ? null : isoOf(hop.at),
      offset: hop.received.date?.offset ?? null,
      stepSeconds: hop.step === undefined ? null : hop.step / 1000,
      idClock: hop.id?.clock === undefined ? null : isoOf(hop.id.clock),
    })),
    findings: findings.map((one) => ({
      ...one,
      hop: one.hop ?? null,
      header: one.header ?? null,
      honest: one.honest ?? null,
      evidence: one.evidence.map(({ start, end }) => ({ start, end })),
    })),
  }
}

function isoOf(at: number): string | null {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
