// Names of web servers, asked for at our own resolver: as Node's https wants to ask.
import { isIPv6, type LookupFunction } from "node:net"
import type { Dns } from "../mail/world.ts"

/** The `lookup` of a request; only addresses that `may` be are asked. */
export function lookupWith(
  dns: Pick<Dns, "addresses">,
  may: (address: string) => boolean = () => true,
): LookupFunction {
  return (hostname, options, callback) => {
    void dns.addresses(hostname).then((answer) => {
      const found = answer.found === "records" ? answer.records.filter(may) : []
      const [first] = found
      if (first === undefined) {
        const why = answer.found === "records" ? "it has no address that may be asked" : answer.why
        return callback(new Error(`${hostname}: ${why}`), "", 4)
      }
      if (options.all !== true) return callback(null, first, isIPv6(first) ? 6 : 4)
      const all = found.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
      return callback(null, all)
    })
  }
}
