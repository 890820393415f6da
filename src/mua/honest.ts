// One honest sentence about who a message is from, where there is something to say: silent when nothing speaks against it. "Not
// verified" is not "dangerous", so it is not said; what is said can be looked at in full (F).
import { openCase } from "../forensics/case.ts"
import { findingsOf, verdictOf } from "../forensics/findings.ts"

/** The sentence; undefined when there is nothing to warn of. */
export function honestWord(octets: Buffer): string | undefined {
  const findings = findingsOf(openCase(octets))
  const [strongest] = findings
  if (strongest === undefined) return undefined
  switch (verdictOf(findings)) {
    case "genuine":
      return undefined
    case "suspicious":
      return `Something does not fit: ${strongest.explanation} (F tells more)`
    case "forged":
      return `This looks forged: ${strongest.explanation} (F tells more)`
  }
}
