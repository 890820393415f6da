// FEATURE(dkim_verify), FEATURE(dmarc), FEATURE(arc): who vouches for a message that is here, what the domain of its author asks for
// where nobody does, and what is done about it, before the 250. Clients that are ours, logged in or welcome by access are not asked.
import type { Arrival } from "../mail/arrival.ts"
import type { AuthResult } from "../mail/auth-result.ts"
import {
  because,
  type Decision,
  later,
  no,
  type Origin,
  type Reason,
  withTrail,
  yes,
} from "../mail/decision.ts"
import type { MessageBody, MessageVerdict } from "../mail/gate.ts"
import { reply } from "../mail/reply.ts"
import { ok } from "../mail/result.ts"
import { fields, first, type Header, scanHeader } from "../message/header.ts"
import { wordsOf } from "../config/feature-words.ts"
import { feature, type Settings } from "../config/settings.ts"
import { hasArc, wrongArcFields } from "../auth/arc-fields.ts"
import type { DmarcVerdict, DmarcWorld, Voucher } from "../auth/dmarc.ts"
import { isReportSubject } from "../auth/dmarc-letter.ts"
import type { DmarcSeen } from "../auth/dmarc-seen.ts"
import { arcResult, chainInWords, dkimResults, dmarcResult, signatureInWords } from "../auth/results.ts"
import type { Chain, Signature, Verification, Verify } from "../auth/verification.ts"
import { cause } from "../routing/reasons.ts"
import { judgeAuthors } from "./authors.ts"
import { type LookForBimi, makeBimi, withBimi } from "./bimi.ts"
import { type DmarcAction, type DmarcPolicy, dmarcPolicy } from "./dmarc-actions.ts"

export type AuthenticationQuestion = {
  readonly arrival: Arrival
  readonly header: Buffer
  readonly body: MessageBody | undefined
  /** What SPF found of this message. */
  readonly spf: AuthResult | undefined
}

/** Judges a message: with what results, and whether it may be taken. */
export type Authenticate = (question: AuthenticationQuestion) => Promise<Decision<MessageVerdict>>

export type AuthenticationParts = {
  readonly settings: Settings
  readonly dns: DmarcWorld
  readonly verify: Verify | undefined
  /** Where messages are told of, for reports; absent where none are sent. */
  readonly seen?: ((seen: DmarcSeen) => void) | undefined
}

/** Signatures that are looked at, from the top; each may cost a question to DNS (RFC 6376 §8.4). */
const mostSignatures = 10

/** As the FEATUREs ask for it; undefined where none does. */
export function makeAuthentication({
  settings,
  dns,
  verify,
  seen,
}: AuthenticationParts): Authenticate | undefined {
  const dkim = feature(settings, "dkim_verify")
  const dmarc = feature(settings, "dmarc")
  const arc = feature(settings, "arc")
  const used = dmarc ?? dkim ?? arc
  if (used === undefined || verify === undefined) return undefined
  const trusted = arc === undefined ? [] : (wordsOf(arc).get("trust") ?? "").toLowerCase().split(":")
  const site: Site = {
    verify,
    dns,
    dkim: dkim !== undefined || dmarc !== undefined,
    arc: arc !== undefined,
    policy: dmarc === undefined ? undefined : dmarcPolicy(dmarc),
    trusted: new Set(trusted.filter((name) => name !== "")),
    at: used.at,
    seen,
    bimi: makeBimi(settings, dns.txt),
  }
  return (question) => authenticate(question, site)
}

type Taken = Decision<MessageVerdict> & { readonly outcome: "yes" }

type Site = {
  readonly verify: Verify
  readonly dns: DmarcWorld
  readonly dkim: boolean
  readonly arc: boolean
  readonly policy: DmarcPolicy | undefined
  /** Domains whose seals are believed. */
  readonly trusted: ReadonlySet<string>
  readonly at: Origin | undefined
  readonly seen: AuthenticationParts["seen"]
  readonly bimi: LookForBimi | undefined
}

async function authenticate(
  { arrival, header: octets, body, spf }: AuthenticationQuestion,
  site: Site,
): Promise<Decision<MessageVerdict>> {
  const header = scanHeader(octets)
  const verified = await verificationOf(header, body, site)
  if (!verified.ok) {
    const reason = because("dkim", `signatures could not be checked: ${verified.error}`, site.at)
    return later(reply(451, "4.3.0", "Signatures could not be checked now, try again later"), {
      ...reason,
      role: "unknown",
    })
  }
  const { signatures, chain } = verified.value
  const trail = [...stepsOf(verified.value, site), ...cause("FEATURE", site.at)]
  const results: AuthResult[] = site.dkim ? [...dkimResults(signatures)] : []
  if (site.arc) results.push(arcResult(chain, arrival.client?.address))
  const reason = because("authentication", "who vouches for it was found out", site.at, trail)
  const taken: Taken = { outcome: "yes", value: { keep: "deliver", results }, reason }
  if (site.policy === undefined) return taken
  const told = { arrival, header, spf, signatures, chain, policy: site.policy }
  const verdicts = await dmarcVerdicts(told, site)
  const judged = byDmarc(taken, { ...told, verdicts }, site)
  const { bimi } = site
  return bimi === undefined ? judged : withBimi(judged, () => bimi({ header, signatures, verdicts }))
}

/** Fields of ARC that are wrong in themselves break the chain, whatever their signatures say. */
async function verificationOf(header: Header, body: MessageBody | undefined, { verify, dkim, arc }: Site) {
  const signed = dkim && fields(header, "dkim-signature").length > 0
  const chained = arc && hasArc(header)
  if (!signed && !chained) return ok({ signatures: [], chain: noChain, asked: [] })
  const octets = withFewSignatures(header)
  const verified = await verify(octets, body ?? noBody)
  const wrong = verified.ok && chained ? wrongArcFields(header) : undefined
  if (!verified.ok || wrong === undefined) return verified
  return ok({ ...verified.value, chain: { ...verified.value.chain, result: "fail" as const, why: wrong } })
}

/** The header's octets, without signatures beyond those that are looked at. */
function withFewSignatures(header: Header): Buffer {
  const { bytes, bodyStart } = header
  const beyond = fields(header, "dkim-signature").slice(mostSignatures)
  if (beyond.length === 0) return bytes.subarray(0, bodyStart)
  const kept: Buffer[] = []
  let at = 0
  for (const { start, end } of beyond) {
    kept.push(bytes.subarray(at, start))
    at = end
  }
  return Buffer.concat([...kept, bytes.subarray(at, bodyStart)])
}

const noChain: Chain = { result: "none", why: undefined, sets: 0, sealer: undefined, dmarc: undefined }

async function* noBody(): AsyncIterable<Buffer> {}

/** A fact is a yes where there is something: a record, a good signature. */
function fact(step: string, says: string, found: "yes" | "no" | "unknown"): Reason {
  const told = because(step, says)
  return found === "yes" ? told : { ...told, role: found === "no" ? "passed" : "unknown" }
}

const ofAnswer = { records: "yes", nothing: "no", unavailable: "unknown" } as const

function stepsOf({ signatures, chain, asked }: Verification, { dkim, arc }: Site): Reason[] {
  const told = asked.map(({ name, said, found }) =>
    fact("dkim", `${name} says ${said.length > 200 ? `${said.slice(0, 197)}...` : said}`, ofAnswer[found]),
  )
  if (dkim && signatures.length === 0) told.push(fact("dkim", "the message is not signed", "no"))
  if (dkim) told.push(...signatures.map(ofSignature))
  const sealed = chain.result === "pass" ? "yes" : chain.silent === undefined ? "no" : "unknown"
  if (arc) told.push(fact("arc", chainInWords(chain), sealed))
  return told
}

function ofSignature(signature: Signature): Reason {
  const { result } = signature
  const found = result === "pass" ? "yes" : result === "temperror" ? "unknown" : "no"
  return fact("dkim", signatureInWords(signature), found)
}

function vouchersOf(spf: AuthResult | undefined): readonly Voucher[] {
  if (spf === undefined) return []
  const { "smtp.mailfrom": sender = "", "smtp.helo": helo } = spf.properties
  const domain = helo ?? sender.slice(sender.lastIndexOf("@") + 1)
  return [{ by: "spf", domain: domain.toLowerCase(), result: spf.result }]
}

type DmarcQuestion = Omit<AuthenticationQuestion, "header" | "body"> & {
  readonly header: Header
  readonly signatures: readonly Signature[]
  readonly chain: Chain
  readonly policy: DmarcPolicy
}

/** One for each author's domain. */
function dmarcVerdicts(
  { header, spf, signatures }: DmarcQuestion,
  { dns }: Site,
): Promise<readonly DmarcVerdict[]> {
  const vouchers = [
    ...vouchersOf(spf),
    ...signatures.map(({ domain, result }) => ({ by: "dkim", domain, result }) as const),
  ]
  return judgeAuthors(header, vouchers, dns)
}

type DmarcAnswer = DmarcQuestion & { readonly verdicts: readonly DmarcVerdict[] }

function byDmarc(taken: Taken, question: DmarcAnswer, site: Site): Decision<MessageVerdict> {
  const { header, chain, policy, verdicts } = question
  const [worst] = verdicts.toSorted((a, b) => policy.severity(b) - policy.severity(a))
  const found = worst === undefined ? nobody : dmarcResult(worst)
  const results = [...(taken.value.results ?? []), found]
  if (worst === undefined) return yes({ ...taken.value, results }, taken.reason)
  const vouched = sealedBy(chain, site.trusted)
  const action = actionOn(worst, { vouched, chain }, { policy, trusted: site.trusted })
  if (site.seen !== undefined && action !== "defer" && !isReportSubject(first(header, "subject") ?? ""))
    for (const verdict of verdicts)
      site.seen(
        seenOf(question, { verdict, done: action, sealer: vouched === undefined ? undefined : chain.sealer }),
      )
  const believed = vouched === undefined ? [] : [because("arc", vouched)]
  const steps = [
    ...taken.reason.after,
    ...verdicts.flatMap(({ trail }) => trail),
    ...believed,
    ...cause("FEATURE(dmarc)", policy.at),
  ]
  const reason = because("dmarc", `${worst.result}: ${worst.why}`, policy.at, steps)
  return decided(action, worst, { ...taken.value, results }, reason)
}

/** A seal that is believed lessens it; one of which nobody can tell now puts the letter off instead of refusing it. */
function actionOn(
  verdict: DmarcVerdict,
  { vouched, chain }: { readonly vouched: string | undefined; readonly chain: Chain },
  { policy, trusted }: { readonly policy: DmarcPolicy; readonly trusted: ReadonlySet<string> },
): DmarcAction {
  const action = policy.action(verdict)
  if (verdict.result !== "fail" || action === "mark") return action
  if (vouched !== undefined) return "mark"
  return chain.silent !== undefined && trusted.has(chain.sealer ?? "") ? "defer" : action
}

/** What a report tells of it. RFC 9990 §3.1.1.13: SPF's identity is MAIL FROM, which is postmaster's of HELO where there is none. */
function seenOf(
  { arrival, spf, signatures }: DmarcQuestion,
  outcome: Pick<DmarcSeen, "verdict" | "done" | "sealer">,
): DmarcSeen {
  const senders = vouchersOf(spf).map(({ domain, result }) => ({ domain, scope: "mfrom", result }))
  return {
    ...outcome,
    source: arrival.client?.address ?? "",
    envelopeFrom: spf?.properties["smtp.mailfrom"] === undefined ? "" : (senders[0]?.domain ?? ""),
    signatures: signatures.map(({ domain, selector, result }) => ({ domain, selector, result })),
    senders,
  }
}

const nobody: AuthResult = {
  method: "dmarc",
  result: "none",
  comment: "no author has a domain",
  properties: {},
}

/** Whoever sealed it last is believed here, and saw DMARC pass. */
function sealedBy({ result, sealer, dmarc }: Chain, trusted: ReadonlySet<string>): string | undefined {
  if (result !== "pass" || sealer === undefined || !trusted.has(sealer) || dmarc !== "pass") return undefined
  return `${sealer}, whose seals are believed here, saw DMARC pass`
}

function decided(
  action: DmarcAction,
  { domain, wish, result }: DmarcVerdict,
  verdict: MessageVerdict,
  reason: Reason,
): Decision<MessageVerdict> {
  switch (action) {
    case "reject": {
      const said =
        result === "fail"
          ? `Mail in the name of ${domain} is refused, as it asks (DMARC p=${wish}): neither SPF nor DKIM vouches for it`
          : "Mail whose author DMARC cannot judge is refused here"
      return no(reply(550, "5.7.26", said), { ...reason, role: "refused" }) // RFC 7372 §3.3
    }
    case "defer":
      return later(reply(451, "4.7.0", `DMARC of ${domain} could not be checked, try again later`), {
        ...reason,
        role: "unknown",
      })
    case "hold":
    case "discard":
      return yes({ ...verdict, keep: action }, reason)
    case "mark":
      return yes(verdict, result === "pass" ? reason : { ...reason, role: "passed" })
  }
}

/** What was decided before, and these results with it. */
export function withResults(before: Taken, judged: Decision<MessageVerdict>): Decision<MessageVerdict> {
  if (judged.outcome !== "yes") return judged
  const results = [...(before.value.results ?? []), ...(judged.value.results ?? [])]
  const top = (before.value.fields ?? "") + (judged.value.fields ?? "")
  const value = { ...before.value, results, ...(top === "" ? {} : { fields: top }) }
  if (judged.value.keep === "deliver") return yes(value, withTrail(before.reason, [judged.reason]))
  return yes({ ...value, keep: judged.value.keep }, withTrail(judged.reason, [before.reason]))
}
