// A name looked up as a mail domain while a connection is made: the addresses of its MX hosts, best first, else its own. For
// connections that are no delivery, such as that to the server of submit.mc (sendmail: a name of P=[IPC] without brackets).
import type { LookupFunction } from "node:net"
import type { LookupAddress } from "node:dns"
import { isIP } from "node:net"
import type { Dns } from "../mail/world.ts"

/** To be given to net.connect as its `lookup`. */
export function exchangerLookup(dns: Pick<Dns, "mx" | "addresses">): LookupFunction {
  return (name, { all }, done) => {
    void addressesOf(name, dns).then(
      (found) => answer(name, all === true, found, done),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), ""),
    )
  }
}

type Done = Parameters<LookupFunction>[2]

function answer(name: string, all: boolean, found: readonly LookupAddress[], done: Done): void {
  const [first] = found
  if (first === undefined) {
    const error: NodeJS.ErrnoException = new Error(`${name}: no address`)
    error.code = "ENOTFOUND"
    return done(error, "")
  }
  if (all) return done(null, [...found])
  done(null, first.address, first.family)
}

/** No answer is no address: the connection fails, and is tried again later. */
async function addressesOf(
  name: string,
  dns: Pick<Dns, "mx" | "addresses">,
): Promise<readonly LookupAddress[]> {
  const answered = await dns.mx(name)
  if (answered.found === "unavailable") return []
  const records = answered.found === "records" ? answered.records : []
  const hosts = records
    .filter(({ exchange }) => exchange !== "" && exchange !== ".") // a null MX (RFC 7505) takes nothing
    .toSorted((one, other) => one.preference - other.preference)
    .map(({ exchange }) => exchange)
  const found = await Promise.all((records.length === 0 ? [name] : hosts).map((host) => dns.addresses(host)))
  return found.flatMap((each) =>
    each.found === "records" ? each.records.map((address) => ({ address, family: isIP(address) })) : [],
  )
}
