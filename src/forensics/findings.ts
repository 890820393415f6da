// All checks in one table, and the verdict from the agreement of independent kinds of evidence. Never "safe": what is not found
// wrong is only not found.
import type { Case } from "./case.ts"
import { checks } from "./checks.ts"
import { type Finding, type Kind, rank, type Remark } from "./finding.ts"
import { authResultsTrust, arcStructure, dkimScope } from "./rules-authentication.ts"
import {
  displayName,
  fromAlignment,
  homograph,
  listHeaders,
  ownDomain,
  replyTo,
  routeOrigin,
} from "./rules-identity.ts"
import { anachronism, duplicateId, hopSyntax, queueId, queueIdClock } from "./rules-ids.ts"
import { messageId } from "./rules-message-id.ts"
import { ownResults, receivedSpf, strangeSigner } from "./rules-own-results.ts"
import { continuity, heloReverse, heloSelf, ipSanity } from "./rules-names.ts"
import { dateHeader, dateSyntax, looksBackwards, mboxLine, timeOrder, timezone } from "./rules-order.ts"

export type Verdict = "genuine" | "suspicious" | "forged"

/** A check: what it remarks of a case. Pure, and linear in the message. */
export type Rule = (about: Case) => readonly Remark[]

/** The rules in the order in which they are told where they are equally strong. */
export const rules: readonly Rule[] = [
  timeOrder,
  looksBackwards,
  dateHeader,
  timezone,
  dateSyntax,
  mboxLine,
  continuity,
  heloSelf,
  heloReverse,
  ipSanity,
  queueId,
  queueIdClock,
  duplicateId,
  hopSyntax,
  anachronism,
  routeOrigin,
  ownDomain,
  displayName,
  homograph,
  authResultsTrust,
  fromAlignment,
  replyTo,
  messageId,
  arcStructure,
  dkimScope,
  strangeSigner,
  receivedSpf,
  ownResults,
  listHeaders,
  unread,
]

/** Findings of one rule that are told; the rest is counted. */
const mostOfOne = 20

/** What there is to find, the strongest first. */
export function findingsOf(about: Case): readonly Finding[] {
  const found = rules.flatMap((rule) => firstOf(rule(about)).map(asFinding))
  return found.toSorted((a, b) => rank(b.severity) - rank(a.severity))
}

function firstOf(remarks: readonly Remark[]): readonly Remark[] {
  if (remarks.length <= mostOfOne) return remarks
  return remarks.toSorted((a, b) => rank(b.severity) - rank(a.severity)).slice(0, mostOfOne)
}

/** The remark with what its check means. */
export function asFinding(remark: Remark): Finding {
  const { check, severity, explanation, hop, header, telling = false } = remark
  const { kind, why, honest, settle } = checks[check]
  return {
    check,
    kind,
    severity,
    explanation,
    hop,
    header,
    telling,
    why,
    honest: Object.hasOwn(remark, "honest") ? remark.honest : honest,
    settle,
    evidence: remark.evidence.filter((span) => span !== undefined),
  }
}

/**
 * `forged`: a critical finding, a high one confirmed by another kind, a high one with no honest explanation, or two of different
 * kinds that honest mail practically never earns. `suspicious`: a high one alone, one of the telling, or two of medium severity
 * that have not one cause.
 */
export function verdictOf(findings: readonly Finding[]): Verdict {
  const strong = findings.filter(({ severity }) => rank(severity) >= rank("medium"))
  const high = strong.filter(({ severity }) => rank(severity) >= rank("high"))
  if (
    high.some(({ severity, telling, honest }) => severity === "critical" || (telling && honest === undefined))
  )
    return "forged"
  const kinds = kindsOf(strong)
  if (high.length > 0) return kinds.size > 1 ? "forged" : "suspicious"
  const rare = kindsOf(strong.filter(({ telling }) => telling))
  if (rare.size > 1) return "forged"
  return rare.size > 0 || causesOf(strong).size > 1 ? "suspicious" : "genuine"
}

/** One check may remark the same at each hop; one wrong clock bends all times, and one odd network all names. */
function causesOf(findings: readonly Finding[]): ReadonlySet<string> {
  return new Set(findings.map(({ kind, check }) => (kind === "names" || kind === "order" ? kind : check)))
}

function kindsOf(findings: readonly Finding[]): ReadonlySet<Kind> {
  return new Set(findings.map(({ kind }) => kind))
}

/** unread: more hops than are read. */
function unread({ chain }: Case): readonly Remark[] {
  const count = chain.hops.length + chain.unread
  if (chain.unread === 0) return []
  const says = `The message has ${count} Received fields: only the newest ${chain.hops.length} were read.`
  return [
    {
      check: "unread",
      severity: "medium",
      telling: true,
      header: "Received",
      explanation: says,
      evidence: [],
    },
  ]
}
