// sendmail's own rules, compiled from the cases' sendmail.mc by sendmail's own cf files, run on our engine: they must give what
// sendmail gave (../shared/sendmail-cases), address by address.
import assert from "node:assert/strict"
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { type Cf, readCf } from "../src/config/cf.ts"
import { cfRuleWorld, formByCf, routeByCf } from "../src/config/cf-address.ts"
import { printTokens } from "../src/config/rule-tokens.ts"
import { openRuleMaps } from "../src/host/rule-maps.ts"
import { fail, ok } from "../src/mail/result.ts"
import type { Dns, DnsAnswer } from "../src/mail/world.ts"
import { cfFolder, compileMc } from "./kit/sendmail-cf.ts"
import { accountsOf, records } from "./kit/site.ts"

const sites = join(import.meta.dirname, "../../shared/sendmail-cases")
const found = cfFolder()
const skip = !existsSync(sites)
  ? "../shared/sendmail-cases is not here"
  : "missing" in found
    ? found.missing
    : false

type Probe = {
  readonly id: string
  readonly kind: string
  readonly addr: string
  readonly mailer: string
  readonly flags: string
}
type Answer = {
  readonly mailer: string
  readonly host: string | null
  readonly user: string
  readonly resolved: string
  readonly addr: string
}
type Zone = Readonly<
  Record<string, { readonly [type: string]: unknown; readonly CNAME?: string; readonly fail?: string }>
>

const json = <T>(path: string) => JSON.parse(readFileSync(path, "utf8")) as T

function dnsOf(zone: Zone): Dns {
  const wildcard = (name: string): Zone[string] | undefined => {
    const dot = name.indexOf(".")
    return dot < 0 ? undefined : (zone[`*.${name.slice(dot + 1)}`] ?? wildcard(name.slice(dot + 1)))
  }
  const ask = <T>(
    name: string,
    read: (records: Zone[string]) => readonly T[],
    follows = true,
  ): DnsAnswer<T> => {
    const at = zone[name] ?? wildcard(name)
    if (at?.fail !== undefined) return { found: "unavailable", why: at.fail }
    if (at === undefined) return { found: "nothing", why: "no such name", secure: false }
    if (follows && at.CNAME !== undefined) return ask(at.CNAME, read)
    const list = read(at)
    return list.length > 0 ? records(...list) : { found: "nothing", why: "no such record", secure: false }
  }
  const list = (value: unknown) => (Array.isArray(value) ? value.map(String) : [])
  const exchangers = (value: unknown) =>
    (Array.isArray(value) ? value : []).map(([preference, exchange]: [number, string]) => ({
      preference,
      exchange,
    }))
  return {
    mx: async (name) => ask(name, (at) => exchangers(at["MX"])),
    addresses: async (name) => ask(name, (at) => [...list(at["A"]), ...list(at["AAAA"])]),
    names: async (address) =>
      address === "127.0.0.1"
        ? records("localhost")
        : ask(`${address.split(".").toReversed().join(".")}.in-addr.arpa`, (at) => list(at["PTR"])),
    txt: async (name) => ask(name, (at) => list(at["TXT"])),
    cname: async (name) => ask(name, (at) => (at.CNAME === undefined ? [] : [at.CNAME]), false),
  }
}

/** The site's files in a folder of their own; tables and class files that it lacks are empty there. */
function siteIn(directory: string, site: string, folder: string, hostname: string): Cf {
  cpSync(join(sites, site), directory, { recursive: true })
  const text = compileMc(readFileSync(join(directory, "site.mc"), "utf8"), folder).replaceAll(
    "/etc/mail/",
    `${directory}/`,
  )
  for (const [, path = ""] of text.matchAll(/^(?:K\S+ \S+ .*?|F\S+?)(\/\S+)/gm)) {
    const file = path.replace(/\.db$/, "")
    if (file.startsWith(directory) && !existsSync(file)) writeFileSync(file, "")
  }
  const read = (path: string) =>
    existsSync(path) ? ok(readFileSync(path, "utf8")) : fail(`${path}: no such file`)
  return readCf("sendmail.cf", text, read, { hostname, addresses: ["127.0.0.1", "127.0.1.1"] })
}

async function differences(site: string, folder: string, directory: string): Promise<string[]> {
  const dir = join(sites, site)
  const { probes, hostname, users } = json<{
    probes: Probe[]
    hostname: string
    users: Record<string, unknown>
  }>(join(dir, "probes.json"))
  const { results } = json<{ results: Record<string, Answer> }>(join(dir, "expected.json"))
  const cf = siteIn(directory, site, folder, hostname)
  assert.deepEqual(
    cf.issues.filter(({ severity }) => severity === "error"),
    [],
    site,
  )
  const dns = dnsOf(existsSync(join(dir, "zone.json")) ? json<Zone>(join(dir, "zone.json")) : {})
  const accounts = accountsOf([...Object.keys(users), "root", "postmaster"])
  const maps = openRuleMaps(cf.maps.values(), { dns, accounts, say: () => {} })
  const world = () => cfRuleWorld(cf, { classes: cf.classes, ownMacros: new Map(), map: maps.map })
  const different: string[] = []
  for (const { id, kind, addr, mailer: name, flags } of probes) {
    const expected = results[id]
    if (expected === undefined || (kind !== "route" && kind !== "rewrite")) continue
    const mailer = cf.mailers.find((one) => one.name === name)
    const use = {
      where: flags?.includes("H") ? "header" : "envelope",
      who: flags?.includes("S") ? "sender" : "recipient",
    } as const
    const got =
      kind === "route"
        ? await routed(addr, cf, world())
        : mailer && (await formByCf(addr, mailer, use, world())).address
    const wanted = kind === "route" ? routeText(expected) : expected.addr
    if (got !== wanted) different.push(`${site} ${id} ${addr}: ${got}, and sendmail: ${wanted}`)
  }
  maps.close()
  return different
}

function routeText({
  mailer,
  host,
  user,
  resolved,
}: Pick<Answer, "mailer" | "host" | "user" | "resolved">): string {
  return `${mailer} ${host ?? ""} ${user} (${resolved})`
}

async function routed(address: string, cf: Cf, world: Parameters<typeof routeByCf>[2]): Promise<string> {
  const { route, resolved } = await routeByCf(address, cf, world)
  const tokens = printTokens(resolved).trimStart()
  if (route.kind === "route") return routeText({ ...route, resolved: tokens })
  const { host, user } = route.kind === "error" ? route : { host: "", user: "" }
  return routeText({ mailer: "*error*", host, user, resolved: tokens })
}

const siteNames =
  skip === false ? readdirSync(sites).filter((name) => existsSync(join(sites, name, "probes.json"))) : []

test("sendmail's rules on our engine give sendmail's answers", { skip }, async () => {
  const different: string[] = []
  for (const site of siteNames) {
    const directory = mkdtempSync(join(tmpdir(), "waypost-cf-"))
    try {
      different.push(...(await differences(site, "folder" in found ? found.folder : "", directory)))
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
  assert.deepEqual(different, [])
})
