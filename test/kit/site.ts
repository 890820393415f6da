// A mail site as a few values: settings, tables and accounts written down by hand, each with the line it would stand on. For
// tests of routing and policy, which need no file, no clock and no network.
import type { Origin } from "../../src/mail/decision.ts"
import type { Account, Accounts, Dns, DnsAnswer, Found, ReadUserFile } from "../../src/mail/world.ts"
import type {
  FeatureUse,
  MailerDefinition,
  OptionValue,
  Setting,
  Settings,
} from "../../src/config/settings.ts"
import type { Entry, LookupTable } from "../../src/maps/table.ts"
import { makeRouting } from "../../src/routing/routing.ts"
import type { RoutingWorld } from "../../src/routing/world.ts"

export type Site = {
  /** $j; grussell.org when absent. */
  readonly name?: string
  readonly macros?: Readonly<Record<string, string>>
  readonly classes?: Readonly<Record<string, readonly string[]>>
  /** FEATURE names with their arguments. */
  readonly features?: Readonly<Record<string, readonly string[]>>
  readonly options?: Readonly<Record<string, OptionValue>>
  readonly mailers?: readonly string[]
  /** Text of each table; `aliases` has key: value lines, all others key and value parted by blanks. */
  readonly tables?: Readonly<Record<string, string>>
  /** Tables that do not answer. */
  readonly silent?: readonly string[]
  readonly users?: readonly string[]
  /** Path → text of what readUserFile finds; a value that begins with `!` is unsafe, with `?` unavailable, with `~` group writable. */
  readonly files?: Readonly<Record<string, string>>
  readonly dns?: Partial<Dns>
}

/** The line of sendmail.mc that every setting of the kit stands on: one each, so that a wrong citation shows. */
export const mc = (line: number): Origin => ({ file: "/etc/mail/sendmail.mc", line, column: 1 })

/** Settings with an origin for each value. */
export function settingsOf(site: Site): Settings {
  const name = site.name ?? "grussell.org"
  let line = 0
  const set = <T>(value: T): Setting<T> => ({ value, at: mc(++line) })
  const own: Record<string, string> = { j: name, m: name.slice(name.indexOf(".") + 1), w: name }
  const features = new Map<string, readonly FeatureUse[]>()
  for (const [feature, args] of Object.entries(site.features ?? {})) {
    features.set(feature, [{ name: feature, args, at: mc(++line) }])
  }
  const classes = new Map<string, Map<string, Origin>>()
  const members = { w: [name, "localhost", "[127.0.0.1]"], ...site.classes }
  for (const [letter, names] of Object.entries(members)) {
    const file = `/etc/mail/class-${letter}`
    classes.set(letter, new Map(names.map((one, n) => [one.toLowerCase(), { file, line: n + 1, column: 1 }])))
  }
  return {
    source: "/etc/mail/sendmail.mc",
    options: new Map(Object.entries(site.options ?? {}).map(([key, value]) => [key, set(value)])),
    macros: new Map(Object.entries({ ...own, ...site.macros }).map(([key, value]) => [key, set(value)])),
    classes,
    features,
    daemons: [],
    clients: [],
    mailers: new Map(
      (site.mailers ?? ["local", "prog", "*file*", "*include*", "esmtp", "smtp", "relay", "discard"]).map(
        (one) => [one, mailerOf(one)],
      ),
    ),
    tables: [],
    maps: new Map(),
    filters: new Map(),
    queueGroups: new Map(),
    localRules: [],
  }
}

function mailerOf(name: string): MailerDefinition {
  return { name, path: "[IPC]", args: "", flags: "", maxSize: undefined, at: undefined }
}

/** A table of lines; comments and blank lines count, so that line numbers are those of the text. */
export function tableOf(name: string, text: string, via: Origin | undefined): LookupTable {
  const entries = new Map<string, Entry>()
  for (const [n, raw] of text.split("\n").entries()) {
    const line = raw.trim()
    if (line === "" || line.startsWith("#")) continue
    const cut = name === "aliases" ? /\s*:\s*/ : /\s+/
    const [key = "", ...rest] = line.split(cut)
    const value = line.slice(line.search(cut)).replace(cut, "")
    const at = { file: `/etc/mail/${name}`, line: n + 1, column: 1 }
    if (rest.length > 0) entries.set(key.replaceAll('"', "").toLowerCase(), { key, value, at })
  }
  return {
    name,
    via,
    lookup: (key) => {
      const entry = entries.get(key.toLowerCase())
      return entry === undefined ? { found: "nothing" } : { found: "entry", entry }
    },
  }
}

/** Accounts by name, each with a line of /etc/passwd and a home. */
export function accountsOf(
  users: readonly string[],
): Accounts & { readonly all: ReadonlyMap<string, Account> } {
  const all = new Map<string, Account>(
    users.map((name, n) => [
      name,
      {
        name,
        uid: 2001 + n,
        gid: 100,
        home: `/home/${name}`,
        shell: "/bin/sh",
        gecos: "",
        at: { file: "/etc/passwd", line: 20 + n, column: 1 },
      },
    ]),
  )
  const lookup = (name: string): Found<Account> => {
    const entry = all.get(name)
    return entry === undefined ? { found: "nothing" } : { found: "entry", entry }
  }
  return { lookup, all }
}

function userFiles(files: Readonly<Record<string, string>>): ReadUserFile {
  return async (path) => {
    const text = files[path]
    if (text === undefined) return { found: "nothing" }
    if (text.startsWith("!")) return { found: "unsafe", why: text.slice(1) }
    if (text.startsWith("?")) return { found: "unavailable", why: text.slice(1) }
    if (text.startsWith("~")) return { found: "text", text: text.slice(1), despite: ["group writable file"] }
    return { found: "text", text }
  }
}

async function nothing(): Promise<DnsAnswer<never>> {
  return { found: "nothing", why: "no such name", secure: false }
}

/** A resolver that knows nothing but what it is given. */
export function dnsOf(known: Partial<Dns> = {}): Dns {
  return { mx: nothing, addresses: nothing, names: nothing, txt: nothing, cname: nothing, ...known }
}

/** Records as an answer. */
export function records<T>(...found: readonly T[]): DnsAnswer<T> {
  return { found: "records", records: found, secure: false, ttl: 60 }
}

function silence(): Found<Entry> {
  return { found: "unavailable", why: "the database is being written" }
}

/** The whole site, ready to be asked for routes. */
export function siteOf(site: Site): RoutingWorld {
  const settings = settingsOf(site)
  const tables = new Map<string, readonly LookupTable[]>()
  let line = 100
  for (const [name, text] of Object.entries(site.tables ?? {})) {
    tables.set(name, [tableOf(name, text, mc(++line))])
  }
  for (const name of site.silent ?? []) {
    tables.set(name, [{ name, via: mc(++line), lookup: silence }])
  }
  return makeRouting({
    settings,
    tables,
    accounts: accountsOf(site.users ?? []),
    readUserFile: userFiles(site.files ?? {}),
    dns: dnsOf(site.dns),
  })
}
