// Submission (RFC 6409): at a door for it, only those send whom we know, and with FEATURE(sender_login) only as themselves.
import type { Mailbox, ReversePath } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, no, type Origin, type Reason, withTrail, yes } from "../mail/decision.ts"
import type { Soon } from "../mail/soon.ts"
import { option } from "../config/options.ts"
import { feature } from "../config/settings.ts"
import type { Entry, LookupTable } from "../maps/table.ts"
import { canonical } from "../routing/canonify.ts"
import { findLocal, localName } from "../routing/local-user.ts"
import { byEntry, passed, refused, silent, tableSilent } from "../routing/reasons.ts"
import { resolve } from "../routing/route.ts"
import { tablesOf } from "../routing/world.ts"
import { domainKeys } from "./access.ts"
import { authenticationRequired, notYourAddress } from "./replies.ts"
import { isOurClient } from "./relay.ts"
import type { PolicyWorld } from "./world.ts"

const handedIn = yes(undefined, because("submission", "it was handed in on this host"))

/** RFC 6409 §4.3: who is logged in, or whom we relay for anyway; nobody else, not even for mail to this host. */
export async function maySubmit(arrival: Arrival, world: PolicyWorld): Promise<Decision<undefined>> {
  if (arrival.client === undefined) return handedIn
  const known = await isOurClient(arrival, world)
  if (known.outcome !== "pass") return known
  const says = `${arrival.door} is for submission, and the client is neither logged in nor one that we relay for`
  return no(authenticationRequired, refused("submission", says))
}

type Sender = Decision<ReversePath> & { outcome: "yes" }

/** FEATURE(sender_login): may this login send as this address? Who is not logged in, and reports, are not asked. */
export function mayUseSender(
  { authType, authenticated: login }: Pick<Arrival, "authType" | "authenticated">,
  sender: Sender,
  world: PolicyWorld,
): Soon<Decision<ReversePath>> {
  const asked = feature(world.routing.settings, "sender_login")
  const { value: mailbox } = sender
  if (asked === undefined || authType === undefined || login === undefined || mailbox === "null")
    return sender
  return isOwnSender({ sender, mailbox, login, at: asked.at }, world)
}

type Claim = {
  readonly sender: Sender
  readonly mailbox: Mailbox
  readonly login: string
  readonly at: Origin | undefined
}

async function isOwnSender(
  { sender, mailbox, login, at }: Claim,
  world: PolicyWorld,
): Promise<Decision<ReversePath>> {
  const listed = await byTable(mailbox, login, world)
  if (listed.outcome === "later") return listed
  if (listed.outcome === "yes") return yes(mailbox, withTrail(listed.reason, [sender.reason]))
  const own = await isDeliveredTo(mailbox, login, world)
  if (own.outcome === "later") return own
  if (own.outcome === "yes") return yes(mailbox, withTrail(own.reason, [sender.reason]))
  const trail = [listed.reason, own.reason]
  return no(notYourAddress(login), {
    ...refused("sender_login", `it is no address of ${login}`, at),
    after: trail,
  })
}

/** The table sender_login: `address login,login` or `@domain login`. */
async function byTable(
  mailbox: Mailbox,
  login: string,
  { routing }: PolicyWorld,
): Promise<Decision<undefined>> {
  const [host = ""] = domainKeys(mailbox.domain)
  const keys = [`${mailbox.localPart}@${host}`, ...domainKeys(mailbox.domain).map((domain) => `@${domain}`)]
  for (const table of tablesOf(routing.tables, "sender_login")) {
    for (const key of keys) {
      const found = await table.lookup(key)
      if (found.found === "unavailable") return tableSilent(table, key, found.why)
      if (found.found === "entry") return named(found.entry, login, table)
    }
  }
  return { outcome: "pass", reason: passed("sender_login", "the table does not have the address") }
}

function named(entry: Entry, login: string, table: LookupTable): Decision<undefined> {
  const reason: Reason = byEntry(table, entry)
  const has = entry.value
    .toLowerCase()
    .split(/[\s,]+/)
    .includes(login.toLowerCase())
  return has ? yes(undefined, reason) : { outcome: "pass", reason: { ...reason, role: "passed" } }
}

/** Mail to the address comes to this login: its own name here, a virtual user's, or an alias that it stands in. */
async function isDeliveredTo(
  mailbox: Mailbox,
  login: string,
  { routing }: PolicyWorld,
): Promise<Decision<undefined>> {
  const resolved = await resolve(canonical(mailbox, routing), routing)
  const step = "sender_login"
  if (resolved.outcome === "later") return silent(step, "where mail to the address goes cannot be told now")
  const elsewhere = passed(step, "mail to the address does not come to this login")
  if (resolved.outcome !== "yes" || resolved.value.route.mailer !== option(routing.settings, "LocalMailer"))
    return { outcome: "pass", reason: elsewhere }
  const name = localName(resolved.value.route.user)
  const found = await findLocal(name, resolved.value.to, routing)
  if (found.outcome === "later") return found
  if (found.outcome === "yes" && found.value.kind === "alias") {
    const members = found.value.entry.value.split(",").map((one) => one.trim().toLowerCase())
    const reason = { ...found.reason, after: [...found.reason.after] }
    return members.includes(login.toLowerCase())
      ? yes(undefined, reason)
      : { outcome: "pass", reason: elsewhere }
  }
  return found.outcome === "yes" && name.user === login.toLowerCase()
    ? yes(undefined, because(step, `mail to the address comes to ${login}`, undefined, [resolved.reason]))
    : { outcome: "pass", reason: elsewhere }
}
