// Whether a domain's BIMI record is there and right, as FEATURE(bimi) of a receiver would find it. Nobody needs one, so what is not there,
// or is not looked for yet, is told as a hint.
import { type BimiVerdict, defaultSelector, findBimi, whyNotEnforced } from "../auth/bimi.ts"
import { checkDmarc } from "../auth/dmarc.ts"
import type { Dns } from "../mail/world.ts"
import type { Checked } from "./dns-check.ts"

export type CheckedBimi = Pick<Checked, "found" | "advice"> & {
  readonly state: Checked["state"] | "optional"
  readonly wanted: { readonly what: "BIMI"; readonly name: string }
}

/** Looks at the record of a domain's default selector. */
export async function checkBimi(
  domain: string,
  { txt, addresses }: Pick<Dns, "txt" | "addresses">,
): Promise<CheckedBimi> {
  const wanted = { what: "BIMI", name: `${defaultSelector}._bimi.${domain}` } as const
  const dmarc = await checkDmarc(domain, [], { txt, addresses })
  if (dmarc.result === "temperror")
    return { wanted, state: "unknown", found: [], advice: `ask again later: ${dmarc.why}` }
  const { organization = domain } = dmarc
  const selector = defaultSelector
  const verdict = await findBimi({ domain, organization, localPart: "", selector }, txt)
  const found = verdict.record === undefined ? [] : [verdict.record.text]
  return { wanted, found, ...judged(verdict, whyNotEnforced(dmarc)) }
}

function judged(
  { result, record, why }: BimiVerdict,
  weak: string | undefined,
): Pick<CheckedBimi, "state" | "advice"> {
  switch (result) {
    case "temperror":
      return { state: "unknown", advice: `ask again later: ${why}` }
    case "fail":
      return { state: "wrong", advice: `correct it: ${why}` }
    case "none":
    case "skipped": {
      const first = weak === undefined ? "" : ` first let DMARC be enforced (${weak}), then`
      const says = "nothing has to be done; to have an indicator shown beside your mail,"
      return {
        state: "optional",
        advice: `${says}${first} publish TXT v=BIMI1; l=https://….svg; a=https://….pem`,
      }
    }
    case "declined":
      return { state: "ok", advice: undefined }
    case "pass": {
      if (weak !== undefined) return { state: "optional", advice: `nobody looks for it yet: ${weak}` }
      const evident = record?.evidence !== ""
      return {
        state: "ok",
        advice: evident ? undefined : "many show it only with a mark certificate: a=https://….pem",
      }
    }
  }
}
