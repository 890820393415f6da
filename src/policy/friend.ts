// FEATURE(delay_checks, `friend') and (…, `hater'): whether client and sender are judged at all is the recipient's to say, by
// Spam: in the access map. Mail for friends of spam is asked nothing more; with hater, only mail for haters is.
import { because, type Decision, pass, yes } from "../mail/decision.ts"
import { feature } from "../config/settings.ts"
import { cause, passed } from "../routing/reasons.ts"
import { askAccess, recipientKeys, tagged } from "./access.ts"
import { accessTables, type PolicyWorld, type RecipientQuestion } from "./world.ts"

/** Whether the recipient is to be kept from clients and senders that are not welcome. */
export async function isProtected({ to }: RecipientQuestion, world: PolicyWorld): Promise<Decision<boolean>> {
  const used = feature(world.routing.settings, "delay_checks")
  const mode = used?.args[0]?.toLowerCase()
  if (mode !== "friend" && mode !== "hater")
    return pass(passed("delay_checks", "everybody is protected", used?.at))
  const answer = await askAccess(accessTables(world), tagged("Spam", recipientKeys(to, world.dots)))
  if (answer.found === "silent") return answer.decision
  const word = answer.found === "entry" ? answer.entry.value.trim().toUpperCase() : ""
  const named = word === mode.toUpperCase()
  const judged = mode === "friend" ? !named : named
  const why = cause("FEATURE(delay_checks)", used?.at)
  const reason =
    answer.found === "entry"
      ? { ...answer.reason, after: [...answer.reason.after, ...why] }
      : because("delay_checks", `no Spam: names the recipient`, used?.at, why)
  return yes(judged, reason)
}
