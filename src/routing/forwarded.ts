// FEATURE(srs): senders of mail that is forwarded to other hosts are rewritten to our domain, and what comes back to such an address
// goes to the first sender (auth/srs.ts).
import {
  type Mailbox,
  printDomain,
  printMailbox,
  parseMailbox,
  printPath,
  type ReversePath,
} from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { type Decision, pass, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"
import type { Recipient } from "../mail/envelope.ts"
import { feature } from "../config/settings.ts"
import { isSrs, originalSender, rewriteSender } from "../auth/srs.ts"
import { cause, changed, passed, refuse, refused } from "./reasons.ts"
import { type Canonical, localDomain, type RoutingWorld, type Turn } from "./world.ts"

/** The step of routing that leads an address of SRS back; stands first, since no table knows such names. */
export function backToSender(to: Canonical, { srs, settings }: RoutingWorld): Decision<Turn> {
  const at = feature(settings, "srs")?.at
  const { localPart, domain } = to.mailbox
  if (srs === undefined || !isSrs(localPart) || printDomain(domain) !== srs.srs.domain)
    return pass(passed("srs", "it is no rewritten sender of ours", at))
  const read = originalSender(localPart, srs.srs, srs.clock())
  if (read.ok) {
    const original = printMailbox(read.value)
    return yes(
      { kind: "again", typed: original },
      changed("srs", `it leads back to ${original}`, at, cause("FEATURE(srs)", at)),
    )
  }
  return refuse(
    reply(550, "5.1.6", "This forwarding address is no longer valid"),
    refused("srs", read.error, at),
  )
}

/** What of a message and one of its recipients decides whether its sender is rewritten. */
export type Leaving = {
  readonly arrival: Arrival
  readonly sender: ReversePath
  readonly recipients: readonly {
    readonly recipient: Recipient
    readonly route: Route
    /** The address that an alias was followed from. */
    readonly expandedFrom?: { readonly address: string } | undefined
  }[]
}

/**
 * The sender that mail leaves with, when it is forwarded: it came from outside, its sender is of another domain, and it goes on to an
 * address in another domain than it was sent to. Undefined: its sender stays.
 */
export function forwardedSender(
  { arrival, sender, recipients }: Leaving,
  { srs, settings }: RoutingWorld,
): Mailbox | undefined {
  if (srs === undefined || sender === "null" || sender.domain.kind === "literal") return undefined
  if (arrival.client === undefined || arrival.authenticated !== undefined) return undefined
  if (localDomain(settings, sender.domain).member || printDomain(sender.domain) === srs.srs.domain)
    return undefined
  if (!recipients.some(isElsewhere)) return undefined
  const read = parseMailbox(rewriteSender(sender, srs.srs, srs.clock()))
  // RFC 5321 §4.5.3.1.1: what no server need take stays as it is.
  return read.ok && read.value.localPart.length <= 250 ? read.value : undefined
}

/** Whether it goes on to another domain than the one it was sent to, whatever aliases made of it on the way. */
function isElsewhere({ recipient, expandedFrom, route: { user } }: Leaving["recipients"][number]): boolean {
  const sentTo = expandedFrom?.address ?? printPath(recipient.path)
  return user.includes("@") && domainOf(user) !== domainOf(sentTo)
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase()
}
