// The public RFC 7208 test suite (test/fixtures/spf, release 2014.04): its scenarios, and each scenario's zone as DNS.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { DnsAnswer, MxRecord } from "../../src/mail/world.ts"
import type { SpfDns } from "../../src/auth/spf-dns.ts"

type Case = {
  readonly helo: string
  readonly host: string
  readonly mailfrom: string
  readonly result: readonly string[]
  readonly explanation?: string
}
/** A record as the suite has it: its type, and what it says. */
type SuiteRecord = readonly [string, unknown?]
/** Cases that share a zone. */
export type Scenario = {
  readonly description: string
  readonly tests: Readonly<Record<string, Case>>
  readonly zone: Readonly<Record<string, readonly SuiteRecord[]>>
}

const fixture = join(import.meta.dirname, "../fixtures/spf/rfc7208-tests.json")
/** All of them. */
export const scenarios = JSON.parse(readFileSync(fixture, "utf8")) as readonly Scenario[] // the suite's own form

/** The suite's zone: SPF records stand for TXT where there is no TXT; after TIMEOUT nothing else is answered. */
export function dnsOf(zone: Scenario["zone"]): SpfDns {
  const byName = new Map(Object.entries(zone).map(([name, records]) => [name.toLowerCase(), records]))
  const find = (name: string, type: string, depth = 0): DnsAnswer<unknown> => {
    const records = byName.get(name.toLowerCase())
    if (records === undefined) return { found: "nothing", why: "no such name", secure: false }
    const kind = type === "TXT" && !records.some(([one]) => one === "TXT") ? "SPF" : type
    const found = records.filter(([one, value]) => one === kind && value !== "NONE").map(([, value]) => value)
    if (found.length > 0) return { found: "records", records: found, secure: false, ttl: 60 }
    const alias = records.find(([one]) => one === "CNAME")
    if (alias !== undefined && depth < 5) return find(String(alias[1]), type, depth + 1)
    if (records.some(([one]) => one === "TIMEOUT")) return { found: "unavailable", why: "timeout" }
    return { found: "nothing", why: "no such record", secure: false }
  }
  const read = <T>(answer: DnsAnswer<unknown>, as: (value: unknown) => T): DnsAnswer<T> =>
    answer.found === "records" ? { ...answer, records: answer.records.map(as) } : answer
  const texts = (value: unknown) => (Array.isArray(value) ? value.join("") : String(value))
  return {
    txt: async (name) => read(find(name, "TXT"), texts),
    ipv4: async (name) => read(find(name, "A"), String),
    ipv6: async (name) => read(find(name, "AAAA"), String),
    addresses: async () => assert.fail("SPF asks for one family at a time"),
    names: async (address) => read(find(reverse(address), "PTR"), String),
    mx: async (name) =>
      read(find(name, "MX"), (value): MxRecord => {
        const [preference, exchange] = Array.isArray(value) ? value : []
        return { preference: Number(preference), exchange: exchange === "" ? "." : String(exchange) }
      }),
  }
}

function reverse(address: string): string {
  if (!address.includes(":")) return `${address.split(".").toReversed().join(".")}.in-addr.arpa`
  const [head = "", tail = ""] = address.toLowerCase().split("::")
  const before = head.split(":").filter(Boolean)
  const after = tail.split(":").filter(Boolean)
  const gap = Array.from({ length: 8 - before.length - after.length }, () => "0")
  const digits = [...before, ...gap, ...after].map((group) => group.padStart(4, "0")).join("")
  return `${[...digits].toReversed().join(".")}.ip6.arpa`
}
