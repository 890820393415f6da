// Is all well with what mail depends on: disk, DNS, the clock, certificates, our own DNS records; each with what to do when it is not.
import { X509Certificate } from "node:crypto"
import { existsSync, readFileSync, statfsSync } from "node:fs"
import { option } from "../config/options.ts"
import { classMembers, macro, type Settings } from "../config/settings.ts"
import { isInnerName } from "../forensics/owners.ts"
import type { Clock, Dns } from "../mail/world.ts"
import type { Health } from "./api.ts"

export type HealthParts = {
  readonly settings: () => Settings | undefined
  readonly state: string
  readonly dns: Dns
  readonly clock: Clock
  /** Whether the mail system answers: nothing, or why not. */
  readonly mail: () => Promise<string | undefined>
}

/** Milliseconds for which an answer of DNS is good enough here. */
const dnsFor = 300_000
const day = 86_400_000
/** This program was built after that, so no clock that is right is before it. */
const builtAfter = Date.UTC(2026, 0, 1)

/** Looks when it is asked; DNS at most every five minutes. */
export function makeHealth(parts: HealthParts): () => Promise<readonly Health[]> {
  let looked: { readonly at: number; readonly found: Promise<readonly Health[]> } | undefined
  return async () => {
    const now = parts.clock()
    if (looked === undefined || now - looked.at > dnsFor) looked = { at: now, found: lookAtDns(parts) }
    const settings = parts.settings()
    return [
      await mailHealth(parts),
      diskHealth(parts.state),
      ...(await looked.found),
      clockHealth(now),
      ...(settings === undefined ? [] : [certificateHealth(settings, now)]),
    ]
  }
}

async function mailHealth({ mail }: HealthParts): Promise<Health> {
  const why = await mail()
  return why === undefined
    ? { name: "mail", state: "ok", says: "the mail system answers" }
    : { name: "mail", state: "bad", says: why, todo: "look at its log; waypost start begins it anew" }
}

function diskHealth(state: string): Health {
  const { bavail, blocks, bsize, ffree, files } = statfsSync(state)
  const free = blocks === 0 ? 1 : bavail / blocks
  const inodes = files === 0 ? 1 : ffree / files
  const says = `${Math.round((bavail * bsize) / 2 ** 20)} MiB (${Math.round(free * 100)} %) free for queue and mail`
  const least = Math.min(free, inodes)
  if (least > 0.1) return { name: "disk", state: "ok", says }
  const todo = inodes < free ? "few inodes are left: remove small files" : `make room on the disk of ${state}`
  return { name: "disk", state: least > 0.03 ? "warning" : "bad", says, todo }
}

function clockHealth(now: number): Health {
  if (now < builtAfter)
    return {
      name: "clock",
      state: "bad",
      says: `the clock says ${new Date(now).toISOString()}, before this program was made`,
      todo: "set the clock: dates of mail and of signatures are wrong",
    }
  if (existsSync("/run/systemd/timesync/synchronized"))
    return { name: "clock", state: "ok", says: "set by the network (systemd-timesyncd)" }
  return {
    name: "clock",
    state: "unknown",
    says: `${new Date(now).toISOString()}; who keeps it right cannot be seen`,
    todo: "run chrony or systemd-timesyncd",
  }
}

function certificateHealth(settings: Settings, now: number): Health {
  const file = option(settings, "ServerCertFile")
  if (file === undefined)
    return {
      name: "certificate",
      state: "warning",
      says: "no certificate of the site's own: STARTTLS has one that is self-signed, or none",
      todo: "confACME_DIRECTORY gets one, or name one with confSERVER_CERT (docs/tls.md)",
    }
  try {
    const { validTo, subject } = new X509Certificate(readFileSync(file))
    const days = Math.floor((Date.parse(validTo) - now) / day)
    const says = `${subject.replaceAll("\n", ", ")}: good for ${days} days (${file})`
    if (days >= 14) return { name: "certificate", state: "ok", says }
    return { name: "certificate", state: days < 3 ? "bad" : "warning", says, todo: "renew it" }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { name: "certificate", state: "unknown", says: `${file}: ${why}`, todo: "openssl x509 -in it" }
  }
}

async function lookAtDns({ dns, settings }: HealthParts): Promise<readonly Health[]> {
  const held = settings()
  const name = held === undefined ? undefined : macro(held, "j")?.toLowerCase()
  const asked = name === undefined || isInnerName(name) ? "example.org" : name
  const answer = await dns.mx(asked)
  const works: Health =
    answer.found === "unavailable"
      ? { name: "DNS", state: "bad", says: answer.why, todo: "look at /etc/resolv.conf, or confDNS_RESOLVER" }
      : { name: "DNS", state: "ok", says: `answers (asked for ${asked})` }
  if (held === undefined || works.state === "bad") return [works]
  return [works, ...(await recordHealth(held, dns))]
}

/** Our domains that the world can see: class w without names of the inside. */
async function recordHealth(settings: Settings, dns: Dns): Promise<readonly Health[]> {
  const names = [...classMembers(settings, "w").keys()].filter(
    (name) => !name.startsWith("[") && !isInnerName(name),
  )
  if (names.length === 0)
    return [{ name: "DNS records", state: "unknown", says: "no name of this host is known outside" }]
  return Promise.all(names.slice(0, 5).map((name) => domainHealth(name, dns)))
}

async function domainHealth(domain: string, dns: Dns): Promise<Health> {
  const [mx, addresses, txt, dmarc] = await Promise.all([
    dns.mx(domain),
    dns.addresses(domain),
    dns.txt(domain),
    dns.txt(`_dmarc.${domain}`),
  ])
  const name = `DNS of ${domain}`
  if ([mx, addresses, txt, dmarc].some(({ found }) => found === "unavailable"))
    return { name, state: "unknown", says: "DNS did not answer", todo: "look again later" }
  const missing = [
    ...(mx.found === "records" || addresses.found === "records" ? [] : ["MX"]),
    ...(txt.found === "records" && txt.records.some((one) => /^v=spf1\b/i.test(one)) ? [] : ["SPF"]),
    ...(dmarc.found === "records" && dmarc.records.some((one) => /^v=DMARC1\b/i.test(one)) ? [] : ["DMARC"]),
  ]
  if (missing.length === 0) return { name, state: "ok", says: "MX, SPF and DMARC are there" }
  return { name, state: "warning", says: `no ${missing.join(", no ")}`, todo: todoOf(domain, missing) }
}

function todoOf(domain: string, missing: readonly string[]): string {
  const records = {
    MX: `${domain}. MX 10 of this host's name`,
    SPF: `${domain}. TXT "v=spf1 mx -all"`,
    DMARC: `_dmarc.${domain}. TXT "v=DMARC1; p=none; rua=mailto:postmaster@${domain}"`,
  }
  return `publish ${missing.flatMap((one) => (one in records ? [records[one as keyof typeof records]] : [])).join("; ")}`
}
