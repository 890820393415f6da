// What each address of a header becomes by the settings of a site: the rewriter that rewriteHeader asks.
import { parseDomain, printLocalPart, printMailbox } from "../mail/address.ts"
import type { Reason } from "../mail/decision.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { canonify } from "./canonify.ts"
import { rewriteAddress } from "./rewrite-address.ts"
import type { AddressRewriter } from "./rewrite-header.ts"
import { changed } from "./reasons.ts"
import { expandsNames } from "./route.ts"
import type { Canonical, RoutingWorld } from "./world.ts"

/**
 * The rewriter of these settings for mail that leaves by this mailer: senders masqueraded, bare names given a domain. What
 * cannot be read as an address stays as it is; a table that does not answer makes the delivery wait, by `waits`. `told` hears why
 * each address became what it is, for those who only look.
 */
export function headerRewriter(
  mailer: string,
  world: RoutingWorld,
  waits: (reason: Reason) => void,
  told: (address: string, reasons: readonly Reason[]) => void = () => {},
): AddressRewriter {
  return (address, kind) =>
    whenThere(canonify(address, world, "form"), (read) => {
      if (read.outcome === "later") waits(read.reason)
      if (read.outcome !== "yes") return undefined
      return whenThere(byRealName(read.value, mailer, world), (named) =>
        whenThere(rewriteAddress(named, { mailer, where: "header", kind }, world), (decision) => {
          if (decision.outcome === "later") waits(decision.reason)
          if (decision.outcome !== "yes") return undefined
          const real = named === read.value ? [] : [realName(read.value, named)]
          told(address, [read.reason, ...real, decision.reason])
          const { mailbox, bare } = read.value
          const before = bare ? printLocalPart(mailbox.localPart) : printMailbox(mailbox)
          return decision.value === before && read.reason.after.length === 0 ? undefined : decision.value
        }),
      )
    })
}

function realName(typed: Canonical, named: Canonical): Reason {
  const { domain } = named.mailbox
  const real = domain.kind === "name" ? domain.unicode : domain.text
  return changed(
    "canonify",
    `DNS says that the real name of ${printMailbox(typed.mailbox)}'s domain is ${real}`,
  )
}

/**
 * The address under the real name of its domain, where DNS says it is an alias (sendmail: $[ $] of ruleset 3). Only in mail that
 * leaves: what is delivered here would ask DNS for each stranger's domain. No answer, no change: the name as it stands is not wrong.
 */
function byRealName(to: Canonical, mailer: string, { dns, settings }: RoutingWorld): Soon<Canonical> {
  const { domain } = to.mailbox
  if (to.local || domain.kind === "literal" || mailer === "local" || !expandsNames(settings)) return to
  return whenThere(dns.cname(domain.ascii), (answer) => {
    const other = answer.found === "records" ? parseDomain(answer.records[0] ?? "") : undefined
    return other === undefined || !other.ok ? to : { ...to, mailbox: { ...to.mailbox, domain: other.value } }
  })
}
