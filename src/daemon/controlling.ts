// Whose delivery it is, for the log's ctladdr=: the sender or owner who is a user here, or for programs and files the one whose
// alias or .forward named them (sendmail: getctladdr).
import { option } from "../config/options.ts"
import type { Controlling } from "../host/log-lines.ts"
import { printSender } from "../host/log-lines.ts"
import { parseMailbox, printPath } from "../mail/address.ts"
import type { Account, Accounts, Found } from "../mail/world.ts"
import type { Entry, Pending } from "../queue/entry.ts"
import { canonical } from "../routing/canonify.ts"
import { localName } from "../routing/local-user.ts"
import { resolve } from "../routing/route.ts"
import type { RoutingWorld } from "../routing/world.ts"

/** Who answers for a recipient; undefined when no user here does. */
export type WhoControls = (pending: Pending) => Controlling | undefined

/** Looks the sender up once; the rest is asked only of what is known already, for a log line waits for nothing. */
export async function whoControls(entry: Entry, routing: RoutingWorld): Promise<WhoControls> {
  const sender = await senderHere(entry, routing)
  return ({ route, expandedFrom, recipient }) => {
    if (route?.mailer === "prog" || route?.mailer === "*file*")
      return byUser(expandedFrom?.address ?? printPath(recipient.path), expandedFrom?.user, routing)
    const owner = expandedFrom?.owner
    if (owner === undefined) return sender
    return known(owner, userOf(owner, routing), routing.accounts)
  }
}

/** The sender, where mail to it is for a mailbox of this host. */
async function senderHere(entry: Entry, routing: RoutingWorld): Promise<Controlling | undefined> {
  const { reversePath } = entry.envelope
  if (reversePath === "null") return undefined
  const address = canonical(reversePath, routing)
  if (!address.local) return undefined
  const way = await resolve(address, routing)
  if (way.outcome !== "yes" || way.value.route.mailer !== "local") return undefined
  const found = await routing.accounts.lookup(localName(way.value.route.user).user)
  return controlling(printSender(entry), found)
}

/** The user whose .forward it was; nobody's programs run as DefaultUser. */
function byUser(
  address: string,
  user: string | undefined,
  { settings, accounts }: RoutingWorld,
): Controlling | undefined {
  if (user !== undefined && user !== "root") return known(`<${address}>`, user, accounts)
  const [uid = "", gid = uid] = option(settings, "DefaultUser").split(/[:.]/)
  if (!/^\d+$/.test(uid)) return known(`<${address}>`, uid, accounts)
  return /^\d+$/.test(gid) ? { address: `<${address}>`, uid: Number(uid), gid: Number(gid) } : undefined
}

/** The login of an owner, when it is a name of this host. */
function userOf(owner: string, routing: RoutingWorld): string | undefined {
  if (!owner.includes("@")) return localName(owner).user
  const mailbox = parseMailbox(owner)
  return mailbox.ok && canonical(mailbox.value, routing).local
    ? localName(mailbox.value.localPart).user
    : undefined
}

function known(address: string, user: string | undefined, accounts: Accounts): Controlling | undefined {
  if (user === undefined) return undefined
  const found = accounts.lookup(user)
  return found instanceof Promise ? undefined : controlling(address, found)
}

function controlling(address: string, found: Found<Account>): Controlling | undefined {
  if (found.found !== "entry") return undefined
  const { uid, gid } = found.entry
  return uid === undefined || gid === undefined ? undefined : { address, uid, gid }
}
