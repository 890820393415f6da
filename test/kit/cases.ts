// Sites: each a mail host made of its own sendmail.mc, tables, homes and DNS data, with questions and what real sendmail answered.
// Ours are in test/sites; those of ../shared/sendmail-cases are used where they are at hand.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Dns, DnsAnswer } from "../../src/mail/world.ts"
import { type Mailhost, mailhost } from "./mailhost.ts"

const folder = join(import.meta.dirname, "../../../shared/sendmail-cases")

/** Why tests of the sites are skipped; false when they are there. */
export const skipCases = existsSync(folder) ? false : "../shared/sendmail-cases is not here"

export type SmtpLine =
  | string
  | {
      readonly data?: string
      readonly raw?: string
      readonly replies?: number
      readonly pipeline?: readonly string[]
    }

export type Probe = {
  readonly id: string
  readonly kind: string
  readonly addr: string
  readonly mailer?: string
  readonly flags?: string
  readonly client?: string
  readonly via?: readonly string[]
  readonly early?: boolean
  readonly as?: string
  readonly lines?: readonly SmtpLine[]
}

export type Expected = {
  readonly mailer?: string
  readonly host?: string | null
  readonly user?: string
  readonly addr?: string
  readonly exit?: number
  readonly deliverable?: readonly {
    readonly mailer: string
    readonly host: string | null
    readonly user: string
  }[]
  readonly session?: readonly { readonly send: string | null; readonly reply: readonly unknown[] }[]
}

export type Case = {
  readonly name: string
  readonly hostname: string
  readonly users: readonly string[]
  readonly zone: ZoneFile
  readonly probes: readonly Probe[]
  readonly expected: Readonly<Record<string, Expected>>
  readonly host: () => Mailhost
}

type ZoneFile = Readonly<Record<string, Readonly<Record<string, unknown>>>>

const read = (path: string) => readFileSync(path, "utf8")
const json = <T>(path: string) => JSON.parse(read(path)) as T

/** The sites of ../shared; none where they are not at hand. */
export function cases(): readonly Case[] {
  return skipCases === false ? casesIn(folder) : []
}

/** Our own sites. */
export function ownSites(): readonly Case[] {
  return casesIn(join(import.meta.dirname, "../sites"))
}

function casesIn(directory: string): readonly Case[] {
  return readdirSync(directory)
    .filter((name) => existsSync(join(directory, name, "probes.json")))
    .map((name) => caseOf(name, join(directory, name)))
}

function caseOf(name: string, dir: string): Case {
  const { hostname, users, probes } = json<{
    hostname: string
    users: Record<string, unknown>
    probes: readonly Probe[]
  }>(join(dir, "probes.json"))
  const { results } = json<{ results: Readonly<Record<string, Expected>> }>(join(dir, "expected.json"))
  const zone = existsSync(join(dir, "zone.json")) ? json<ZoneFile>(join(dir, "zone.json")) : {}
  const accounts = Object.keys(users)
  const host = () => mailhost({ name: hostname, resolver: resolverOf(zone), files: filesOf(dir), accounts })
  return { name, hostname, users: accounts, zone, probes, expected: results, host }
}

function filesOf(dir: string): Record<string, string> {
  const files: Record<string, string> = {}
  for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
    if (statSync(join(dir, name)).isFile()) files[placeOf(name)] = read(join(dir, name))
  }
  files["/etc/aliases"] = files["/etc/mail/aliases"] ?? "" // a link, as the README of the sites says
  return files
}

function placeOf(name: string): string {
  if (name === "site.mc") return "/etc/mail/sendmail.mc"
  if (name.startsWith("fs/")) return name.slice(2)
  return name.startsWith("home/") ? `/${name}` : `/etc/mail/${name}`
}

/** A resolver that knows this zone: aliases are followed, wildcards filled in, `fail` is no answer. */
function resolverOf(zone: ZoneFile): Dns {
  const names = Object.keys(zone).map((name) => name.toLowerCase())
  const entry = (name: string) => zone[name] ?? zone[name.replace(/^[^.]+/, "*")]
  const exists = (name: string) => entry(name) !== undefined || names.some((one) => one.endsWith(`.${name}`))
  const ask = (typed: string, type: string, left = 8): DnsAnswer<unknown> => {
    const name = typed.toLowerCase().replace(/\.$/, "")
    const found = entry(name)
    if (found?.["fail"] !== undefined) return { found: "unavailable", why: String(found["fail"]) }
    const value = found?.[type]
    if (value !== undefined) {
      return { found: "records", records: Array.isArray(value) ? value : [value], secure: false, ttl: 60 }
    }
    const alias = found?.["CNAME"]
    if (typeof alias === "string" && left > 0) return ask(alias, type, left - 1)
    return { found: "nothing", why: exists(name) ? "no such record" : "no such name", secure: false }
  }
  const texts = (name: string, type: string) => mapped(ask(name, type), String)
  return {
    mx: async (name) =>
      mapped(ask(name, "MX"), (record) => {
        const [preference, exchange] = record as readonly [number, string] // as the README of the sites says
        return { preference, exchange: exchange.replace(/\.$/, "") }
      }),
    addresses: async (name) => {
      if (name === "localhost") return { found: "records", records: ["127.0.0.1"], secure: false, ttl: 60 }
      const [four, six] = [texts(name, "A"), texts(name, "AAAA")]
      if (four.found !== "records") return six.found === "records" ? six : four
      return six.found === "records" ? { ...four, records: [...four.records, ...six.records] } : four
    },
    names: async (address) => {
      if (address === "127.0.0.1") return { found: "records", records: ["localhost"], secure: false, ttl: 60 }
      return texts(`${address.split(".").toReversed().join(".")}.in-addr.arpa`, "PTR")
    },
    txt: async (name) => texts(name, "TXT"),
    cname: async (name) => texts(name, "CNAME"),
  }
}

function mapped<T>(answer: DnsAnswer<unknown>, to: (record: unknown) => T): DnsAnswer<T> {
  return answer.found === "records" ? { ...answer, records: answer.records.map(to) } : answer
}
