// What a domain publishes beside what it should: for each record whether it is there, whether it is right, and what to do.
import { destinationsOf } from "../auth/dmarc-destinations.ts"
import { type DmarcRecord, isDmarc, parseDmarc } from "../auth/dmarc-record.ts"
import { lintSpf } from "../auth/spf-lint.ts"
import { parseTags } from "../auth/tag-list.ts"
import type { Dns, DnsAnswer } from "../mail/world.ts"
import { recordId } from "../trust/mta-sts-policy.ts"
import type { Wanted } from "./dns-records.ts"

export type Checked = {
  readonly wanted: Wanted
  readonly state: "ok" | "missing" | "wrong" | "unknown"
  /** What is there. */
  readonly found: readonly string[]
  /** What to do; undefined: nothing. */
  readonly advice: string | undefined
}

/** Looks one record up. */
export async function checkRecord(wanted: Wanted, dns: Dns): Promise<Checked> {
  const answer = await ask(wanted, dns)
  if (answer.found === "unavailable")
    return {
      wanted,
      state: "unknown",
      found: [],
      advice: `ask again later: DNS does not answer (${answer.why})`,
    }
  const found = (answer.found === "records" ? answer.records : []).filter((text) => isOfKind(wanted, text))
  if (found.length === 0)
    return { wanted, state: "missing", found, advice: `publish ${wanted.type} ${wanted.text}` }
  const advice = await wrong(wanted, found, dns)
  return { wanted, state: advice === undefined ? "ok" : "wrong", found, advice }
}

async function ask({ name, type }: Wanted, dns: Dns): Promise<DnsAnswer<string>> {
  switch (type) {
    case "MX": {
      const answer = await dns.mx(name)
      return written(answer, ({ preference, exchange }) => `${preference} ${exchange}.`)
    }
    case "A":
      return (dns.ipv4 ?? dns.addresses)(name)
    case "AAAA":
      return (dns.ipv6 ?? dns.addresses)(name)
    case "PTR":
      return written(await dns.names(addressOf(name)), (host) => `${host}.`)
    case "TXT":
      return dns.txt(name)
    case "TLSA": {
      if (dns.tlsa === undefined)
        return { found: "unavailable", why: "this resolver asks for no TLSA records" }
      return written(
        await dns.tlsa(name),
        (one) => `${one.usage} ${one.selector} ${one.matching} ${one.octets.toString("hex")}`,
      )
    }
  }
}

function written<T>(answer: DnsAnswer<T>, write: (record: T) => string): DnsAnswer<string> {
  return answer.found === "records" ? { ...answer, records: answer.records.map(write) } : answer
}

/** The address whose reverse name this is. */
function addressOf(reverse: string): string {
  const labels = reverse.split(".")
  if (reverse.endsWith(".in-addr.arpa")) return labels.slice(0, 4).toReversed().join(".")
  const nibbles = labels.slice(0, 32).toReversed().join("")
  return (nibbles.match(/.{4}/g) ?? []).join(":")
}

/** A name may have other TXT records beside the one that is meant. */
function isOfKind({ what }: Wanted, text: string): boolean {
  switch (what) {
    case "SPF":
      return /^v=spf1(?: |$)/i.test(text)
    case "DMARC":
      return isDmarc(text)
    case "MTA-STS":
      return text.startsWith("v=STSv1")
    case "TLS-RPT":
      return text.startsWith("v=TLSRPTv1")
    case "MX":
    case "address":
    case "PTR":
    case "DKIM":
    case "TLSA":
      return true
  }
}

/** What is wrong with what is there, as what to do; undefined when it will do. */
async function wrong(wanted: Wanted, found: readonly string[], dns: Dns): Promise<string | undefined> {
  const { what, text, name } = wanted
  const several =
    found.length > 1 ? `keep one of the ${found.length} records: several count as none` : undefined
  switch (what) {
    case "MX": {
      const host = text.split(" ")[1]
      return found.some((one) => one.split(" ")[1] === host)
        ? undefined
        : `name this host, ${host}, among the exchangers`
    }
    case "address":
    case "PTR":
    case "TLSA":
      return found.includes(text) ? undefined : `publish ${text} in the place of ${found.join(", ")}`
    case "SPF": {
      if (several !== undefined) return several
      const { lines, worst } = await lintSpf(name, { dns })
      return worst === "error" ? lines.find(({ level }) => level === "error")?.says : undefined
    }
    case "DKIM":
      return several ?? wrongKey(found[0] ?? "", text)
    case "DMARC": {
      const read = parseDmarc(found[0] ?? "")
      if (several !== undefined) return several
      if (!read.ok) return `correct it: ${read.error}`
      if (read.value.wrong !== undefined) return `correct it: ${read.value.wrong}`
      return weakPolicy(read.value) ?? (await unwantedReports(name.slice("_dmarc.".length), read.value, dns))
    }
    case "MTA-STS":
      return recordId(found) === undefined ? `correct it: publish ${text}` : undefined
    case "TLS-RPT":
      return (
        several ??
        (/;\s*rua\s*=\s*(?:mailto:|https:)/.test(found[0] ?? "")
          ? undefined
          : "name an address for the reports: rua=mailto:")
      )
  }
}

function weakPolicy({ rua }: { readonly rua: readonly string[] }): string | undefined {
  return rua.length > 0 ? undefined : "name an address for reports: rua=mailto:"
}

/** Others send no reports to an address that has not asked for them (RFC 9990 §4). */
async function unwantedReports(domain: string, record: DmarcRecord, dns: Dns): Promise<string | undefined> {
  const destinations = await destinationsOf(domain, record, dns.txt)
  const refused = destinations.find((one) => one.is === "refused")
  return refused === undefined ? undefined : `no reports go to ${refused.uri}: ${refused.why}`
}

function wrongKey(found: string, wanted: string): string | undefined {
  const keys = [found, wanted].map((text) => {
    const tags = parseTags(text)
    return tags.ok ? tags.value.get("p")?.replaceAll(/\s/g, "") : undefined
  })
  return keys[0] !== undefined && keys[0] === keys[1]
    ? undefined
    : `publish our key, which is another: ${wanted}`
}
