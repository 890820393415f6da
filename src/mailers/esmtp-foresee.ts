// What the hosts of a route will have to prove before they are given mail (DANE, MTA-STS), asked of DNS and of policies without speaking
// to any of them: for `waypost explain`.
import { because, type Reason } from "../mail/decision.ts"
import type { Result } from "../mail/result.ts"
import { addressesOf, findExchangers, type Target } from "../routing/exchangers.ts"
import { type AttemptTerms, bareHost } from "./esmtp-attempt.ts"
import { demandOf, type Demanded, type Demands, wayTo } from "./esmtp-demand.ts"
import type { SmtpDelivery } from "./esmtp-terms.ts"

/** The host of a route, and an address that goes there. */
export type Foreseen = { readonly host: string; readonly to: string }

export type ForeseeTerms = Pick<AttemptTerms, "dns" | "exchangers" | "demands" | "security">

/** Hosts that are told; those after them are asked the same way. */
const mostHosts = 5

/** Reasons for the first hosts; none where nobody asks anything of them, or the mailer asks no DNS. */
export async function foresee(
  { host: routed, to }: Foreseen,
  how: Result<SmtpDelivery>,
  { dns, exchangers, demands: wishes, security }: ForeseeTerms,
): Promise<readonly Reason[]> {
  const demands = wishes?.dane === undefined && wishes?.sts === undefined ? undefined : wishes
  const asksNothing = demands === undefined && security === undefined
  if (asksNothing || !how.ok || how.value.lmtp || how.value.path !== undefined) return []
  const host = how.value.hostFor(routed)
  const decision = await findExchangers(host, exchangers)
  if (decision.outcome !== "yes") return demands === undefined ? [] : [decision.reason]
  const way = demands && (await wayTo(host, decision.value.secure, demands))
  const told = new Map<string, readonly Reason[]>()
  for (const group of decision.value.groups) {
    const found = await addressesOf(group, dns, () => false)
    if (found.outcome !== "yes") continue
    for (const target of found.value) {
      const { host: name } = target.exchanger
      if (told.has(name) || told.size >= mostHosts) continue
      const demanded = demands && way && (await demandOf(target, way, { demands, port: how.value.port }))
      told.set(name, [
        ...(demanded && demands ? [inWords(target, demanded, demands)] : []),
        ...((await security?.foresee({ host: bareHost(name), address: target.address }, to)) ?? []),
      ])
    }
  }
  return [...told.values()].flat()
}

function inWords({ exchanger: { host } }: Target, demanded: Demanded, { dane, sts }: Demands): Reason {
  switch (demanded.is) {
    case "demand": {
      const { by, testing, reason } = demanded.demand
      const must = testing
        ? `${host} should prove itself by ${by} (testing: mail goes all the same)`
        : `${host} has to prove itself by ${by}, else mail waits`
      return { ...because(by === "DANE" ? "dane" : "mta-sts", must, reason.at, [reason]) }
    }
    case "not this host":
      return {
        ...because(demanded.reason.step, `${host} is not used now: ${demanded.reason.says}`),
        role: "refused",
      }
    case "nothing": {
      const asked = [dane === undefined ? [] : ["DANE"], sts === undefined ? [] : ["MTA-STS"]]
        .flat()
        .join(" nor ")
      const why = demanded.reason === undefined ? "" : `: ${demanded.reason.says}`
      return { ...because("tls", `${host} is asked for nothing by ${asked}${why}`), role: "passed" }
    }
  }
}
