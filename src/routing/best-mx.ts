// FEATURE(bestmx_is_local): a domain whose best MX is this host is as good as one of class w. One DNS question for each domain
// that is not ours, unless the feature's argument says which domains it is meant for.
import { printDomain } from "../mail/address.ts"
import { because, type Decision, pass, yes } from "../mail/decision.ts"
import { feature, inClass } from "../config/settings.ts"
import { passed, silent } from "./reasons.ts"
import { type Canonical, type RoutingWorld, type Turn, withParents } from "./world.ts"

const name = "bestmx_is_local"
const notOurs = pass(passed(name, "the best MX of the domain is another host"))
const notMeant = pass(passed(name, "the feature is not for this domain"))

/** Whether the domain is ours by its MX; the step passes for those of class w, which the next one keeps. */
export async function byBestMx(to: Canonical, world: RoutingWorld): Promise<Decision<Turn>> {
  const { localPart } = to.mailbox
  const ours = await isOursByMx(to, world)
  return ours.outcome === "yes"
    ? yes({ kind: "route", route: { mailer: "local", host: "", user: localPart } }, ours.reason)
    : ours
}

/** The same question without the way: for relay control. */
export async function isOursByMx(
  to: Canonical,
  { settings, dns }: RoutingWorld,
): Promise<Decision<undefined>> {
  const { domain } = to.mailbox
  const use = feature(settings, name)
  if (use === undefined || to.local || to.bare || domain.kind === "literal") return notMeant
  if (!isMeant(domain.ascii, use.args[0] ?? "")) return notMeant
  const answer = await dns.mx(domain.ascii)
  if (answer.found === "unavailable") return silent(name, `no MX of ${domain.ascii}: ${answer.why}`, use.at)
  if (answer.found === "nothing") return notOurs
  const best = answer.records.reduce((first, one) => (one.preference < first.preference ? one : first))
  if (!inClass(settings, "w", best.exchange.toLowerCase().replace(/\.$/, "")).member) return notOurs
  return yes(undefined, because(name, `${best.exchange} is the best MX of ${printDomain(domain)}`, use.at))
}

/** The argument: domains that it is limited to, with what is below them. */
function isMeant(domain: string, limited: string): boolean {
  const domains = limited
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((one) => one !== "")
  return domains.length === 0 || withParents(domain).some((one) => domains.includes(one))
}
