// What an aggregate report tells of one message (RFC 9990 §3.1.1.7): who sent it, who vouched for it, what was asked and what was done.
import type { AskTxt } from "./alignment.ts"
import { isAligned } from "./alignment.ts"
import type { DmarcVerdict } from "./dmarc.ts"
import type { ReportRow, SignatureSeen, SpfSeen } from "./dmarc-report.ts"

/** A message whose author's domain has published a record. */
export type DmarcSeen = {
  /** The client's address. */
  readonly source: string
  readonly verdict: DmarcVerdict
  /** The domain of MAIL FROM; "" where there was none. */
  readonly envelopeFrom: string
  readonly signatures: readonly SignatureSeen[]
  /** What SPF found; it is judged once for a message. */
  readonly senders: readonly SpfSeen[]
  /** `mark`: it was let in. What is put off comes again, and is told of then. */
  readonly done: "mark" | "hold" | "discard" | "reject"
  /** Whose seal was believed where DMARC failed. */
  readonly sealer: string | undefined
}

/** A row without its count. */
export type SeenRow = Omit<ReportRow, "count">

/** RFC 9990 §3.1.3 speaks of 100; more than we look at never come. */
const mostSignatures = 10

/** The row that this message is counted in. DNS is asked whose names were vouched for, as the verdict did before. */
export async function rowOf(seen: DmarcSeen, txt: AskTxt): Promise<SeenRow> {
  const { verdict, signatures, senders } = seen
  const { adkim, aspf } = verdict.record ?? { adkim: "r", aspf: "r" }
  const dkim = await speaksFor(verdict, signatures, { mode: adkim, txt })
  const spf = await speaksFor(verdict, senders, { mode: aspf, txt })
  return {
    source: seen.source,
    ...whatWasDone(seen),
    dkim,
    spf,
    headerFrom: verdict.domain,
    envelopeFrom: seen.envelopeFrom,
    signatures: signatures.slice(0, mostSignatures),
    senders,
  }
}

/** Whether one of these passes and speaks for the author's domain. */
async function speaksFor(
  { domain, organization }: DmarcVerdict,
  vouchers: readonly { readonly domain: string; readonly result: string }[],
  { mode, txt }: { readonly mode: "r" | "s"; readonly txt: AskTxt },
): Promise<"pass" | "fail"> {
  for (const voucher of vouchers) {
    if (voucher.result !== "pass") continue
    const alignment = await isAligned(voucher.domain, { domain, organization }, mode, txt)
    if (alignment === "aligned") return "pass"
  }
  return "fail"
}

const dispositions = { mark: "none", hold: "quarantine", discard: "reject", reject: "reject" } as const

/** The disposition, and why it is another than was asked for (RFC 9990 §3.1.6). */
function whatWasDone({ verdict, done, sealer }: DmarcSeen): Pick<ReportRow, "disposition" | "reasons"> {
  const { result, wish, lessened } = verdict
  if (result === "pass") return { disposition: wish === "none" ? "none" : "pass", reasons: [] }
  const disposition = dispositions[done]
  if (result !== "fail")
    return { disposition, reasons: [{ type: "other", comment: "DNS did not say all that is needed" }] }
  const reasons = lessened ? [{ type: "policy_test_mode", comment: "" }] : []
  if (sealer !== undefined)
    return {
      disposition,
      reasons: [...reasons, { type: "trusted_forwarder", comment: `arc=pass, sealed by ${sealer}` }],
    }
  return disposition === wish
    ? { disposition, reasons }
    : { disposition, reasons: [...reasons, { type: "local_policy", comment: localPolicy[done] }] }
}

const localPolicy = {
  mark: "delivered with its Authentication-Results",
  hold: "held for a look",
  discard: "thrown away",
  reject: "refused",
} as const

/** What is counted of a message: where a record stands, what it says, and the row. */
export type CountedRow = readonly [at: string, record: string, row: SeenRow]

/** One domain's day: the record as it was seen last, and the rows. */
export type DomainDay = {
  readonly at: string
  readonly record: string
  readonly rows: readonly (SeenRow & { readonly count: number })[]
}

/** The rows of a day, for each domain. */
export function byDomain(
  counts: Iterable<{ readonly counted: CountedRow; readonly count: number }>,
): readonly DomainDay[] {
  const days = new Map<string, { at: string; record: string; rows: (SeenRow & { count: number })[] }>()
  for (const {
    counted: [at, record, row],
    count,
  } of counts) {
    const day = days.get(at) ?? { at, record, rows: [] }
    days.set(at, day)
    day.record = record
    day.rows.push({ ...row, count })
  }
  return [...days.values()]
}
