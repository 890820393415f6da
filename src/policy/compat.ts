// FEATURE(compat_check): whether mail may go from this sender to that recipient, by Compat:sender<@>recipient in access. Asked when
// aliases are expanded, for each place the mail leads to (sendmail: check_compat, called by deliver()).
import { printAngled, printPath, type ForwardPath, type ReversePath } from "../mail/address.ts"
import { type Decision, later, no, pass, type Reason, yes } from "../mail/decision.ts"
import { reply, type Reply } from "../mail/reply.ts"
import type { Found } from "../mail/world.ts"
import { feature } from "../config/settings.ts"
import type { Entry } from "../maps/table.ts"
import { isResolved } from "../config/triple.ts"
import type { SiteRouting } from "../routing/routing.ts"
import { rulesReason } from "../routing/site-rules.ts"
import { inputTokens, ruleVerdict } from "./site-question.ts"
import { byEntry, passed, tableSilent } from "../routing/reasons.ts"
import { codeAndText } from "../routing/target.ts"
import { type RoutingWorld, tablesOf } from "../routing/world.ts"

const free = pass(passed("compat_check", "nothing is said of this pair"))

/** A yes discards; a no and a later are the recipient's end; a pass lets the mail go on. */
export async function checkCompat(
  sender: ReversePath,
  recipient: ForwardPath,
  { settings, tables }: Pick<RoutingWorld, "settings" | "tables">,
): Promise<Decision<"discard">> {
  if (feature(settings, "compat_check") === undefined) return free
  const key = `Compat:${printPath(sender)}<@>${printPath(recipient)}`
  for (const table of tablesOf(tables, "access")) {
    const answer = table.lookup(key)
    const found: Found<Entry> = answer instanceof Promise ? await answer : answer
    if (found.found === "unavailable") return tableSilent(table, key, found.why)
    if (found.found === "entry") return judge(found.entry.value.trim(), byEntry(table, found.entry))
  }
  return free
}

/** The site's own check_compat, asked of `sender $| recipient` behind what access says. */
export async function checkSiteCompat(
  sender: ReversePath,
  recipient: ForwardPath,
  { settings, rules }: Pick<SiteRouting, "settings" | "rules">,
): Promise<Decision<"discard">> {
  const name = "check_compat"
  if (rules?.has(name) !== true) return free
  const input = inputTokens([printAngled(sender), printAngled(recipient)], settings)
  const outcome = await rules.run(name, input, { macros: new Map() })
  const [, mailer] = isResolved(outcome.tokens) ? outcome.tokens : []
  if (typeof mailer === "string" && mailer.toLowerCase() === "discard")
    return yes("discard", rulesReason(name, "$#discard: it is thrown away", outcome))
  const said = ruleVerdict(name, outcome, settings)
  return said.outcome === "yes" ? pass({ ...said.reason, role: "passed" }) : said
}

function judge(value: string, reason: Reason): Decision<"discard"> {
  const found = /^(DISCARD|TEMP|ERROR)(?::\s*|\s+|$)(.*)$/i.exec(value)
  const text = found?.[2] ?? ""
  switch (found?.[1]?.toUpperCase()) {
    case "DISCARD":
      return yes("discard", reason)
    case "TEMP":
      return later(told(text, "error from check_compat. Try again later", 451), {
        ...reason,
        role: "unknown",
      })
    case "ERROR":
      return no(told(text, "error from check_compat", 550), { ...reason, role: "refused" })
    default:
      return pass({ ...reason, role: "passed" }) // sendmail lets anything else through
  }
}

/** The line's own code and text, with sendmail's words behind them. */
function told(text: string, words: string, code: number): Reply {
  if (!/^[45]\d\d(?:\s|$)/.test(text))
    return reply(code, code === 451 ? "4.0.0" : "5.0.0", `${text} ${words}`.trim())
  const own = codeAndText(text, undefined)
  return { ...own, text: own.text.map((line) => `${line} ${words}`) }
}
