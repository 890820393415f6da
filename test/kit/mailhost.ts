// A mail host made of its configuration: the real reading of sendmail.mc, the real tables, routing, policy and SMTP engine;
// only the network, the disk and the clock are the test's. `await host.talk("192.0.2.7")` plays a dialog with it.
import { loadSettings } from "../../src/config/load.ts"
import { printIssue } from "../../src/config/issues.ts"
import type { Settings, TableSpec } from "../../src/config/settings.ts"
import { clientOf } from "../../src/daemon/clients.ts"
import { isSubmission, offersFrom } from "../../src/daemon/offers.ts"
import type { Origin } from "../../src/mail/decision.ts"
import type { DmarcSeen } from "../../src/auth/dmarc-seen.ts"
import type { Verify } from "../../src/auth/verification.ts"
import type { Gate } from "../../src/mail/gate.ts"
import { openSiteMaps } from "../../src/host/rule-maps.ts"
import { fail, ok } from "../../src/mail/result.ts"
import type { Dns, DnsAnswer, ReadUserFile } from "../../src/mail/world.ts"
import { cdbInMemory, findInCdb } from "../../src/maps/cdb.ts"
import { compileAliases, compileMap } from "../../src/maps/compile.ts"
import { readMapFlags } from "../../src/maps/flags.ts"
import { foldKey } from "../../src/maps/keys.ts"
import type { LookupTable } from "../../src/maps/table.ts"
import { makeSiteGate } from "../../src/policy/site-checks.ts"
import { makeRouting, type SiteRouting } from "../../src/routing/routing.ts"
import { MemorySpool, open, type Running, someMoment } from "./server.ts"
import { accountsOf, records } from "./site.ts"
import { talk } from "./talk.ts"

/** Records of a name: `{ MX: "10 mx.client.test", A: "192.0.2.7" }`; several of one type as a list. */
export type Zone = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>

export type MailhostOptions = {
  /** $j; mx.test when absent. */
  readonly name?: string
  readonly dns?: Zone
  /** In the place of `dns`. */
  readonly resolver?: Dns
  /** By path; /etc/mail/sendmail.mc is the configuration. Common indentation is taken off. */
  readonly files: Readonly<Record<string, string>>
  readonly accounts?: readonly string[]
  /** Who checks signatures. */
  readonly verify?: Verify
  /** Where messages are told of that DMARC has judged. */
  readonly dmarcSeen?: (seen: DmarcSeen) => void
}

export type Mailhost = {
  readonly spool: MemorySpool
  readonly settings: Settings
  readonly routing: SiteRouting
  readonly gate: Gate
  /** A session with a client at this address. */
  session(address: string, door?: string): Promise<Running>
  /** Plays a dialog with a client at this address; through which listener is told by its Name=. */
  talk(address: string, door?: string): (script: TemplateStringsArray) => Promise<void>
  /** The same, for a dialog that was read from a file. */
  play(address: string, script: string, door?: string): Promise<void>
}

const configuration = "/etc/mail/sendmail.mc"

/** Makes the host. A configuration that is wrong fails the test with its issues. */
export function mailhost(options: MailhostOptions): Mailhost {
  const files = new Map(Object.entries(options.files).map(([path, text]) => [path, unindent(text)]))
  const settings = settingsOf(files, options.name ?? "mx.test")
  const dns = options.resolver ?? dnsOf(options.dns ?? {})
  const tables = new Map<string, LookupTable[]>()
  for (const spec of settings.tables) {
    tables.set(spec.name, [...(tables.get(spec.name) ?? []), tableOf(spec, files.get(spec.file))])
  }
  const accounts = accountsOf(options.accounts ?? [])
  const maps = openSiteMaps(settings, tables, { dns, accounts, say: () => {} })
  const siteRules = { map: maps.map, dns }
  const routing = makeRouting({ settings, tables, accounts, readUserFile: readerOf(files), dns, siteRules })
  const { verify, dmarcSeen } = options
  const gate = makeSiteGate({ settings, routing, dns, clock: () => someMoment, verify, dmarcSeen })
  const spool = new MemorySpool()
  const session = async (address: string, door?: string) => {
    const daemon = settings.daemons.find(({ name }) => name === door) ?? settings.daemons[0]
    if (daemon === undefined) throw new Error("the configuration has no DAEMON_OPTIONS")
    const client = await clientOf({ remoteAddress: address, remotePort: 40000 }, dns)
    const offers = offersFrom(settings, daemon, "Waypost 0.1.0")
    const arrival = { client, door: daemon.name, submission: isSubmission(daemon) }
    return open({ gate, offers, arrival, spool })
  }
  const play = async (address: string, script: string, door?: string) =>
    talk(await session(address, door), script)
  return {
    spool,
    settings,
    routing,
    gate,
    session,
    play,
    talk: (address, door) => async (script) => play(address, script.raw.join(""), door),
  }
}

function unindent(text: string): string {
  const lines = text.replace(/^\n/, "").split("\n")
  const depth = Math.min(...lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)))
  return lines.map((line) => line.slice(depth)).join("\n")
}

function settingsOf(files: ReadonlyMap<string, string>, hostname: string): Settings {
  const text = files.get(configuration)
  if (text === undefined) throw new Error(`${configuration} is missing`)
  const { settings, issues } = loadSettings({
    source: { file: configuration, text },
    read: (path) => {
      const found = files.get(path)
      return found === undefined ? fail(`${path}: no such file`) : ok(found)
    },
    place: { hostname, addresses: ["192.0.2.1"], state: "/var/lib/waypost", root: true },
  })
  if (settings === undefined) throw new Error(issues.map(printIssue).join("\n"))
  return settings
}

function tableOf(spec: TableSpec, text = ""): LookupTable {
  const flags = readMapFlags(spec.flags)
  const { keepCase } = flags
  const compiled = spec.name === "aliases" ? compileAliases(text) : compileMap(text, { keepCase })
  if (!compiled.ok) throw new Error(compiled.error)
  const cdb = cdbInMemory(Buffer.concat(compiled.value.pieces))
  if (!cdb.ok) throw new Error(cdb.error)
  return {
    name: spec.name,
    via: spec.at,
    lookup(key) {
      const wanted = keepCase ? key : foldKey(key)
      const found = findInCdb(cdb.value, Buffer.from(wanted))
      if (found === undefined) return { found: "nothing" }
      const at: Origin = { file: spec.file, line: found.line, column: 1 }
      return {
        found: "entry",
        entry: { key: wanted, value: found.value.toString("utf8") + flags.append, at },
      }
    },
  }
}

function readerOf(files: ReadonlyMap<string, string>): ReadUserFile {
  return async (path) => {
    const text = files.get(path)
    return text === undefined ? { found: "nothing" } : { found: "text", text }
  }
}

/** A resolver that knows this zone; each A record has its PTR. */
export function dnsOf(zone: Zone): Dns {
  const of = (name: string, type: string): readonly string[] => {
    const found = zone[name.toLowerCase().replace(/\.$/, "")]?.[type] ?? []
    return typeof found === "string" ? [found] : found
  }
  const answer = <T>(found: readonly T[], name: string): DnsAnswer<T> => {
    if (found.length > 0) return records(...found)
    return {
      found: "nothing",
      why: zone[name] === undefined ? "no such name" : "no such record",
      secure: false,
    }
  }
  return {
    async mx(name) {
      const read = of(name, "MX").map((text) => {
        const [preference = "0", exchange = ""] = text.split(" ")
        return { preference: Number(preference), exchange }
      })
      return answer(read, name)
    },
    addresses: async (name) => answer([...of(name, "A"), ...of(name, "AAAA")], name),
    names: async (address) =>
      answer(
        Object.keys(zone).filter(
          (name) => of(name, "A").includes(address) || of(name, "PTR of").includes(address),
        ),
        address,
      ),
    txt: async (name) => answer(of(name, "TXT"), name),
    cname: async (name) => answer(of(name, "CNAME"), name),
  }
}
