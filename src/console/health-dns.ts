// Does DNS answer, and does it say of our domains what it should? The records are those of `waypost dns setup`, looked at by the code
// of `waypost dns check`.
import { checkRecord, type Checked } from "../commands/dns-check.ts"
import { lineOf } from "../commands/dns.ts"
import { type Wanted, wantedRecords } from "../commands/dns-records.ts"
import { classMembers, feature, macro, type Settings } from "../config/settings.ts"
import { keysByDefault } from "../daemon/signing.ts"
import { isInnerName } from "../forensics/owners.ts"
import type { Dns } from "../mail/world.ts"
import { type KeyRing, readKeys } from "../trust/dkim-keys.ts"
import type { Health } from "./api.ts"

export type DnsHealthParts = { readonly dns: Dns; readonly settings: () => Settings | undefined }

/** Domains that are looked at. */
const mostDomains = 5
/** Without these mail is lost or not believed; what else is good to have `waypost dns check` tells. */
const needed: ReadonlySet<Wanted["what"]> = new Set(["MX", "address", "PTR", "SPF", "DKIM", "DMARC"])

/** Asks about ourselves. */
export async function lookAtDns({ dns, settings }: DnsHealthParts): Promise<readonly Health[]> {
  const held = settings()
  const host = held === undefined ? undefined : macro(held, "j")?.toLowerCase()
  const asked = host === undefined || isInnerName(host) ? "example.org" : host
  const answer = await dns.mx(asked)
  if (answer.found === "unavailable")
    return [
      {
        name: "DNS",
        state: "bad",
        says: `does not answer: ${answer.why}`,
        todo: "look at /etc/resolv.conf and at the name server it names, or name another with confDNS_RESOLVER; mail to other hosts waits until it answers",
      },
    ]
  const works: Health = { name: "DNS", state: "ok", says: `answers (asked for ${asked})` }
  return held === undefined ? [works] : [works, ...(await recordHealth(held, host ?? "", dns))]
}

async function recordHealth(settings: Settings, host: string, dns: Dns): Promise<readonly Health[]> {
  const names = [...classMembers(settings, "w").keys()].filter(
    (name) => !name.startsWith("[") && !isInnerName(name),
  )
  // The host's own name is no mail domain where there is another: nobody has to publish an MX for it.
  const others = names.filter((name) => name.toLowerCase() !== host)
  const domains = others.length === 0 ? names : others
  if (isInnerName(host))
    return domains.length === 0
      ? [{ name: "DNS records", state: "unknown", says: "no name of this host is known outside" }]
      : [namelessHealth(host)]
  const addresses = await dns.addresses(host)
  const known = addresses.found === "records" ? addresses.records : []
  const ring = keysOf(settings)
  const site = { host, addresses: known, keys: ring, dns }
  return Promise.all(domains.slice(0, mostDomains).map((domain) => domainHealth(domain, site)))
}

function namelessHealth(host: string): Health {
  return {
    name: "name of this host",
    state: "warning",
    says: `it calls itself ${host}, which nobody outside can look up`,
    todo: "give it a name that DNS knows: define(`confDOMAIN_NAME', `mail.example.org'); other hosts refuse mail without one",
  }
}

/** Keys that cannot be read are those of a system that signs as another user: nothing is asked about them. */
function keysOf(settings: Settings): KeyRing {
  const directory = feature(settings, "dkim_sign")?.args[0]
  const ring = readKeys(directory === undefined || directory === "" ? keysByDefault : directory)
  return ring.ok ? ring.value : new Map()
}

type OurSite = {
  readonly host: string
  readonly addresses: readonly string[]
  readonly keys: KeyRing
  readonly dns: Dns
}

async function domainHealth(domain: string, { host, addresses, keys, dns }: OurSite): Promise<Health> {
  const site = { domain, host, addresses, keys: keys.get(domain) ?? [], certificate: undefined, today: "" }
  const wanted = wantedRecords(site).filter(({ what }) => needed.has(what))
  const checked = await Promise.all(wanted.map((one) => checkRecord(one, dns)))
  const noAddress = addresses.length === 0 ? [`DNS knows no address of ${host}`] : []
  const troubles = checked.filter(({ state }) => state !== "ok")
  const name = `DNS of ${domain}`
  if (troubles.length === 0 && noAddress.length === 0) {
    const kinds = [...new Set(wanted.map(({ what }) => what))].join(", ")
    return { name, state: "ok", says: `${kinds}: there and right` }
  }
  const unknown = troubles.every(({ state }) => state === "unknown") && noAddress.length === 0
  const records = troubles.filter(({ state }) => state === "missing").map((one) => lineOf(one.wanted))
  return {
    name,
    state: unknown ? "unknown" : "warning",
    says: [...noAddress, ...troubles.map(wordsFor)].join("; "),
    todo: todoFor(troubles, records.length),
    ...(records.length === 0 ? {} : { records }),
  }
}

function wordsFor({ wanted: { what, name }, state }: Checked): string {
  return state === "missing" ? `no ${what}` : `${what} of ${name} is ${state}`
}

function todoFor(troubles: readonly Checked[], missing: number): string {
  const advice = troubles.flatMap(({ state, advice: says }) =>
    state === "missing" || says === undefined ? [] : [says],
  )
  const publish = missing === 0 ? [] : [`publish ${missing === 1 ? "this record" : "these records"}`]
  const all = [...new Set([...advice, ...publish])]
  return all.length === 0 ? "publish an A or AAAA record of this host's name" : all.join("; ")
}
