// Who we are to another server: AuthInfo:host in the table authinfo, else in access (proto.m4: authinfo). What the line says is read
// by auth/sasl-client.ts, and never shown.
import { because, type Decision, pass, yes } from "../mail/decision.ts"
import type { LookupTable } from "../maps/table.ts"
import { causeOf, tableSilent } from "../routing/reasons.ts"
import { addressKeys, nameKeys } from "./access.ts"

type Tables = { readonly authInfo: readonly LookupTable[]; readonly access: readonly LookupTable[] }

const nobody = pass(because("authinfo", "it names no login for this host"))

/** The line for this host: by its name, its address, and `AuthInfo:` for all; with access also by its domains and networks. */
export async function askAuthInfo(
  { host, address }: { readonly host: string; readonly address: string },
  { authInfo, access }: Tables,
): Promise<Decision<string>> {
  const exact = [host.toLowerCase(), address, `[${address}]`, ""]
  if (authInfo.length > 0) return await firstOf(authInfo, exact)
  const wide = [...nameKeys(host.toLowerCase(), false), ...addressKeys(address), ""]
  return await firstOf(access, wide)
}

async function firstOf(tables: readonly LookupTable[], keys: readonly string[]): Promise<Decision<string>> {
  for (const table of tables) {
    for (const key of keys) {
      const found = await table.lookup(`AuthInfo:${key}`)
      if (found.found === "unavailable") return tableSilent(table, `AuthInfo:${key}`, found.why)
      if (found.found === "nothing") continue
      const { at } = found.entry
      return yes(found.entry.value, because(table.name, `AuthInfo:${key} names a login`, at, causeOf(table)))
    }
  }
  return nobody
}
