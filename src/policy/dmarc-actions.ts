// FEATURE(`dmarc', `reject=…, quarantine=…'): what the wish of an author's domain leads to where DMARC fails, and what cannot be told.
import type { DmarcVerdict } from "../auth/dmarc.ts"
import { wordsOf } from "../config/feature-words.ts"
import type { FeatureUse } from "../config/settings.ts"
import type { Origin } from "../mail/decision.ts"

/** What may be done, the least first. */
export const dmarcActions = ["mark", "hold", "discard", "defer", "reject"] as const

export type DmarcAction = (typeof dmarcActions)[number]

/** p=reject is done as asked; quarantine only marks: users' rules put it aside. What cannot be told is asked again later. */
const byDefault: Readonly<Record<string, DmarcAction>> = {
  reject: "reject",
  quarantine: "mark",
  none: "mark",
  temperror: "defer",
  permerror: "mark",
}

export type DmarcPolicy = {
  readonly at: Origin | undefined
  action(verdict: DmarcVerdict): DmarcAction
  /** The higher, the worse for the message. */
  severity(verdict: DmarcVerdict): number
}

/** The policy of a FEATURE line. */
export function dmarcPolicy(used: FeatureUse): DmarcPolicy {
  const words = wordsOf(used)
  const action = ({ result, wish }: DmarcVerdict): DmarcAction => {
    if (result === "pass" || result === "none") return "mark"
    const name = result === "fail" ? wish : result
    const said = words.get(name)?.toLowerCase()
    return dmarcActions.find((one) => one === said) ?? byDefault[name] ?? "mark"
  }
  return {
    at: used.at,
    action,
    // Of two that are only marked the one that failed is told.
    severity: (verdict) => dmarcActions.indexOf(action(verdict)) * 10 + badness(verdict),
  }
}

function badness({ result }: DmarcVerdict): 0 | 1 | 2 {
  return result === "pass" ? 0 : result === "none" ? 1 : 2
}
