// Whose address a sender's is, for the name in a From: that is missing (sendmail: setsender). It decides nothing.
import type { ReversePath } from "../mail/address.ts"
import type { Account, Found } from "../mail/world.ts"
import { gecosName } from "../message/full-name.ts"
import { localName } from "../routing/local-user.ts"
import { localDomain, type RoutingWorld } from "../routing/world.ts"

/** The name of the account behind an address of this host; undefined for strangers, and where the accounts do not answer. */
export async function fullNameOf(path: ReversePath, world: RoutingWorld): Promise<string | undefined> {
  if (path === "null" || !localDomain(world.settings, path.domain).member) return undefined
  const found: Found<Account> = await world.accounts.lookup(localName(path.localPart).user)
  return found.found === "entry" ? gecosName(found.entry.gecos, found.entry.name) : undefined
}
