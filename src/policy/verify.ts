// VRFY and EXPN: who is behind a name, as sendmail prints it. Whether anybody may ask is PrivacyOptions, which the session knows.
import { printMailbox, type TypedAddress } from "../mail/address.ts"
import { because, type Decision, yes } from "../mail/decision.ts"
import { printable } from "../mail/reply.ts"
import type { Account, Found } from "../mail/world.ts"
import { option } from "../config/options.ts"
import { canonify } from "../routing/canonify.ts"
import { expandCanonical } from "../routing/expand.ts"
import type { Leaf } from "../routing/expansion.ts"
import { findLocal, localName } from "../routing/local-user.ts"
import { resolve } from "../routing/route.ts"
import type { RoutingWorld } from "../routing/world.ts"

/** VRFY: the name itself, if there is such a user or alias; aliases are not opened. */
export async function verify(
  path: TypedAddress,
  routing: RoutingWorld,
): Promise<Decision<readonly string[]>> {
  const read = await canonify(path, routing)
  if (read.outcome !== "yes") return read
  const resolved = await resolve(read.value, routing)
  if (resolved.outcome !== "yes") return resolved
  const { route, to } = resolved.value
  if (route.mailer !== option(routing.settings, "LocalMailer"))
    return yes([`<${route.user}>`], resolved.reason)
  const found = await findLocal(localName(route.user), to, routing)
  if (found.outcome !== "yes") return found
  const account = found.value.kind === "mailbox" ? found.value.account : undefined
  return yes([named(account, route.user, routing)], found.reason)
}

/** The most lines of an EXPN: longer lists are told by their first members. */
const mostLines = 1000

/** EXPN: everybody behind an alias. An address that leads nowhere at all is refused with its own words. */
export async function expandNames(
  path: TypedAddress,
  routing: RoutingWorld,
): Promise<Decision<readonly string[]>> {
  const read = await canonify(path, routing)
  if (read.outcome !== "yes") return read
  const { leaves, dead } = await expandCanonical(read.value, routing)
  const first = dead[0]
  if (leaves.length === 0 && first !== undefined) return first
  const lines: string[] = []
  for (const leaf of leaves.slice(0, mostLines)) lines.push(await lineOf(leaf, routing))
  return yes(lines, leaves[0]?.reason ?? because("expand", "nobody"))
}

async function lineOf({ route }: Leaf, routing: RoutingWorld): Promise<string> {
  if (route.mailer === "prog") return `<"|${printable(route.user)}">`
  if (route.mailer !== "local") return `<${printable(route.user)}>`
  const answer = routing.accounts.lookup(localName(route.user).user)
  const found: Found<Account> = answer instanceof Promise ? await answer : answer
  return named(found.found === "entry" ? found.entry : undefined, route.user, routing)
}

/** `Bob Jones <bob@hello.com>`: the first field of GECOS, in which & is the login's own name. */
function named(account: Account | undefined, user: string, { own }: RoutingWorld): string {
  const address = `<${printable(printMailbox({ localPart: user, domain: own }))}>`
  const full = account?.gecos.split(",")[0]?.trim() ?? ""
  if (account === undefined || full === "") return address
  const capital = account.name.charAt(0).toUpperCase() + account.name.slice(1)
  return `${printable(full.replaceAll("&", capital))} ${address}`
}
