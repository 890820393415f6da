// FEATURE(bimi): which indicator the author's domain wants shown, for mail that DMARC vouches for and whose DMARC is enforced. Nothing is
// refused, held or put off for it: a letter without an indicator is as good as any.
import type { AuthResult } from "../mail/auth-result.ts"
import { parseMailbox } from "../mail/address.ts"
import { because, type Decision, type Reason, withTrail, yes } from "../mail/decision.ts"
import type { MessageVerdict } from "../mail/gate.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { parseAddressList } from "../message/addresses.ts"
import { fields, has, type Header, valueOf } from "../message/header.ts"
import { feature, type Settings } from "../config/settings.ts"
import { type AskTxt, isAligned } from "../auth/alignment.ts"
import { type BimiVerdict, defaultSelector, findBimi, whyNotEnforced } from "../auth/bimi.ts"
import { bimiFields, parseSelector } from "../auth/bimi-record.ts"
import type { DmarcVerdict } from "../auth/dmarc.ts"
import { bimiFieldsFor, bimiResult } from "../auth/results.ts"
import { base64Of, parseTags, type Tags } from "../auth/tag-list.ts"
import type { Signature } from "../auth/verification.ts"
import { cause } from "../routing/reasons.ts"

/** A message that was judged by DMARC. */
export type BimiQuestion = {
  readonly header: Header
  readonly signatures: readonly Signature[]
  /** One for each author's domain. */
  readonly verdicts: readonly DmarcVerdict[]
}

export type BimiOfMessage = {
  readonly result: AuthResult
  /** For the top of the message; may be empty. */
  readonly fields: string
  readonly reason: Reason
}

export type LookForBimi = (question: BimiQuestion) => Promise<BimiOfMessage>

/** As the FEATURE asks for it; undefined where it does not. */
export function makeBimi(settings: Settings, txt: AskTxt): LookForBimi | undefined {
  const used = feature(settings, "bimi")
  if (used === undefined) return undefined
  return async (question) => {
    const verdict = await judge(question, txt)
    const forged = bimiFields.filter((name) => has(question.header, name))
    const steps = [
      ...forged.map((name) => passed(`${name} is ours to write: what came is taken away`)),
      ...verdict.trail,
      ...cause("FEATURE(bimi)", used.at),
    ]
    const reason = because("bimi", `${verdict.result}: ${verdict.why}`, used.at, steps)
    return { result: bimiResult(verdict), fields: bimiFieldsFor(verdict), reason }
  }
}

/** The message with what was found; nobody looks for one that is held or thrown away. */
export async function withBimi(
  judged: Decision<MessageVerdict>,
  look: () => Promise<BimiOfMessage>,
): Promise<Decision<MessageVerdict>> {
  if (judged.outcome !== "yes" || judged.value.keep !== "deliver") return judged
  const found = await look()
  const results = [...(judged.value.results ?? []), found.result]
  const top = (judged.value.fields ?? "") + found.fields
  const value = { ...judged.value, results, ...(top === "" ? {} : { fields: top }) }
  return yes(value, withTrail(found.reason, [judged.reason]))
}

function passed(says: string): Reason {
  return { ...because("bimi", says), role: "passed" }
}

function without(result: "fail" | "skipped", why: string): BimiVerdict {
  return { result, at: undefined, record: undefined, why, trail: [] }
}

// The steps are those of draft-brand-indicators-for-message-identification-10 §7.1.
async function judge({ header, signatures, verdicts }: BimiQuestion, txt: AskTxt): Promise<BimiVerdict> {
  const from = fields(header, "from")
  const authors = from.flatMap((field) => parseAddressList(valueOf(header, field)))
  // 1.
  if (from.length !== 1 || authors.length !== 1) return without("skipped", "From: does not name one author")
  const [dmarc] = verdicts
  // 4 to 6. A seal that is believed counts for DMARC's wish, not for an indicator.
  if (dmarc?.result !== "pass") return without("skipped", `DMARC says ${dmarc?.result ?? "nothing"}`)
  // 7 to 9.
  const weak = whyNotEnforced(dmarc)
  if (weak !== undefined) return without("skipped", weak)
  const signed = fieldsOf(header, await alignedWith(dmarc, signatures, txt))
  // Beyond the draft: who adds to the body of a letter that was signed in part would show it under the signer's indicator.
  if (signed.some((one) => one.some((tags) => tags.has("l"))))
    return without("skipped", "a signature covers only a part of the body (l=)")
  const chosen = selectorOf(header, signed)
  if (!chosen.ok) return without("fail", chosen.error)
  const { domain, organization = domain } = dmarc
  const author = parseMailbox(authors[0]?.address ?? "")
  const localPart = author.ok ? author.value.localPart : ""
  const found = await findBimi({ domain, organization, localPart, selector: chosen.value.selector }, txt)
  return { ...found, trail: [...chosen.value.trail, ...found.trail] }
}

/** The good signatures that speak for the author. */
async function alignedWith(
  { domain, organization, record }: DmarcVerdict,
  signatures: readonly Signature[],
  txt: AskTxt,
): Promise<readonly Signature[]> {
  const good = signatures.filter(({ result }) => result === "pass")
  const alignments = await Promise.all(
    good.map((one) => isAligned(one.domain, { domain, organization }, record?.adkim ?? "s", txt)),
  )
  return good.filter((_, n) => alignments[n] === "aligned")
}

/** For each signature the tags of the fields that may be it: more than one where somebody added a likeness. */
function fieldsOf(header: Header, signatures: readonly Signature[]): readonly (readonly Tags[])[] {
  const all = fields(header, "dkim-signature").flatMap((field) => {
    const tags = parseTags(valueOf(header, field))
    return tags.ok ? [tags.value] : []
  })
  return signatures.map(({ domain, mark }) =>
    all.filter(
      (tags) =>
        tags.get("d")?.toLowerCase() === domain && base64Of(tags.get("b") ?? "")?.startsWith(mark) === true,
    ),
  )
}

type Chosen = { readonly selector: string; readonly trail: readonly Reason[] }

/** The selector of BIMI-Selector, which counts when a signature that speaks for the author covers it (§5.5). */
function selectorOf(header: Header, signed: readonly (readonly Tags[])[]): Result<Chosen> {
  const [field, ...more] = fields(header, "bimi-selector")
  if (field === undefined) return ok({ selector: defaultSelector, trail: [] })
  // Which one the author meant nobody can tell.
  if (more.length > 0) return fail(`${more.length + 1} BIMI-Selector fields`)
  const ignored = (why: string) => {
    const says = `BIMI-Selector does not count: ${why}; the selector is "${defaultSelector}"`
    return ok({ selector: defaultSelector, trail: [passed(says)] })
  }
  const read = parseSelector(valueOf(header, field))
  if (!read.ok) return ignored(read.error)
  if (!signed.some((one) => one.length > 0 && one.every(coversSelector)))
    return ignored("no signature that speaks for the author covers it")
  return ok({ selector: read.value, trail: [passed(`BIMI-Selector names "${read.value}", and is signed`)] })
}

function coversSelector(tags: Tags): boolean {
  const names = (tags.get("h") ?? "").split(":")
  return names.some((name) => name.trim().toLowerCase() === "bimi-selector")
}
