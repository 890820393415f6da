// Names in DNS as rules ask for them: the real name of a host ($[ … $]), records of a type (class dns), the best exchanger (bestmx).
import { isIPv4 } from "node:net"
import { foundValue, type MapAnswer, nothingFound } from "../config/rule-maps.ts"
import type { Dns, DnsAnswer } from "../mail/world.ts"

const types = ["A", "AAAA", "MX", "TXT", "PTR", "CNAME"] as const

export type DnsType = (typeof types)[number]

/** Types of records that are looked up. */
export function isDnsType(type: string): type is DnsType {
  return types.some((one) => one === type)
}

/** The name that DNS knows the host by, or for `[address]` the address's name; names that do not exist have none. */
export async function canonicalHost(key: string, dns: Dns): Promise<MapAnswer> {
  const literal = /^\[(?:IPv6:)?([^\]]*)\]$/i.exec(key)
  if (literal !== null) return first(await dns.names(literal[1] ?? ""), undefined)
  const name = key.toLowerCase().replace(/\.$/, "")
  if (!name.includes(".")) return nothingFound
  const alias = await dns.cname(name)
  if (alias.found === "unavailable") return alias
  const real = alias.found === "records" ? (alias.records[0] ?? name) : name
  const addresses = await dns.addresses(real)
  if (addresses.found === "records") return foundValue(real === name ? key.replace(/\.$/, "") : real)
  const exchangers = await dns.mx(real)
  if (exchangers.found === "records") return foundValue(real === name ? key.replace(/\.$/, "") : real)
  if (addresses.found === "unavailable") return addresses
  return exchangers.found === "unavailable" ? exchangers : nothingFound
}

/** The records of a name: the first, or all with `between` between them. */
export async function dnsRecords(
  name: string,
  type: DnsType,
  between: string | undefined,
  dns: Dns,
): Promise<MapAnswer> {
  switch (type) {
    case "A":
      return first(only(await dns.addresses(name), isIPv4), between)
    case "AAAA":
      return first(
        only(await dns.addresses(name), (address) => !isIPv4(address)),
        between,
      )
    case "TXT":
      return first(await dns.txt(name), between)
    case "CNAME":
      return first(await dns.cname(name), between)
    case "PTR":
      return first(await dns.names(name), between)
    case "MX":
      return exchangersOf(name, between, dns)
  }
}

/** The best exchanger; a domain without MX records is its own. */
export async function bestExchanger(key: string, between: string | undefined, dns: Dns): Promise<MapAnswer> {
  const name = key.toLowerCase().replace(/\.$/, "")
  const answer = await exchangersOf(name, between, dns)
  if (answer.found !== "nothing") return answer
  const addresses = await dns.addresses(name)
  if (addresses.found === "unavailable") return addresses
  return addresses.found === "records" ? foundValue(name) : nothingFound
}

async function exchangersOf(name: string, between: string | undefined, dns: Dns): Promise<MapAnswer> {
  const answer = await dns.mx(name)
  if (answer.found !== "records") return first(answer, between)
  const ordered = answer.records.toSorted((a, b) => a.preference - b.preference)
  return first({ ...answer, records: ordered.map(({ exchange }) => exchange) }, between)
}

function only(answer: DnsAnswer<string>, wanted: (one: string) => boolean): DnsAnswer<string> {
  return answer.found === "records" ? { ...answer, records: answer.records.filter(wanted) } : answer
}

function first(answer: DnsAnswer<string>, between: string | undefined): MapAnswer {
  if (answer.found === "unavailable") return answer
  const [one] = answer.found === "records" ? answer.records : []
  if (answer.found === "nothing" || one === undefined) return nothingFound
  return foundValue(between === undefined ? one : answer.records.join(between))
}
