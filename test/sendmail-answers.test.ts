// What real sendmail answers on whole sites (../shared/sendmail-cases, where it is at hand): where addresses go, and how they
// look when they leave. Each site is made of its own sendmail.mc, tables and DNS data. Differences that stand are named here.
import assert from "node:assert/strict"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { printMailbox } from "../src/mail/address.ts"
import { canonify } from "../src/routing/canonify.ts"
import { rewriteRecipient, rewriteSender } from "../src/routing/masquerade.ts"
import { resolve } from "../src/routing/route.ts"
import { type Mailhost, mailhost, type Zone } from "./kit/mailhost.ts"

const sites = join(import.meta.dirname, "../../shared/sendmail-cases")
const skip = existsSync(sites) ? false : "../shared/sendmail-cases is not here"

type Probe = {
  readonly id: string
  readonly kind: string
  readonly addr: string
  readonly mailer?: string
  readonly flags?: string
}
type Expected = {
  readonly mailer?: string
  readonly host?: string | null
  readonly user?: string
  readonly addr?: string
}
type ZoneFile = Readonly<Record<string, Readonly<Record<string, unknown>>>>

const read = (path: string) => readFileSync(path, "utf8")
const json = <T>(path: string) => JSON.parse(read(path)) as T

function hostOf(dir: string, probes: { hostname: string; users: Record<string, unknown> }): Mailhost {
  const files: Record<string, string> = {}
  for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
    if (!statSync(join(dir, name)).isFile()) continue
    files[name === "site.mc" ? "/etc/mail/sendmail.mc" : `/etc/mail/${name}`] = read(join(dir, name))
  }
  const zone = existsSync(join(dir, "zone.json")) ? json<ZoneFile>(join(dir, "zone.json")) : {}
  return mailhost({ name: probes.hostname, dns: zoneOf(zone), files, accounts: Object.keys(probes.users) })
}

function zoneOf(zone: ZoneFile): Zone {
  return Object.fromEntries(
    Object.entries(zone).map(([name, types]) => [
      name,
      Object.fromEntries(
        Object.entries(types).map(([type, value]) => {
          const records: readonly unknown[] = Array.isArray(value) ? value : [value]
          return [type, records.map((one) => (Array.isArray(one) ? one.join(" ") : String(one)))]
        }),
      ),
    ]),
  )
}

// UUCP neighbours are written with their bangs by sendmail's UUCP rules; `@` and `<>` alone, and DECnet's ::, are refused by us;
// a smart host needs no DNS here; the local mailer's $h and a mailer that is not configured are told differently.
const stands =
  /^(?:.*!.*|.*\.uucp|@|<>|user::node|u@locu?\.test|u@disc\.test|x@cn\.test at route-smarthost)(?: at .*)?$/

async function routeOf(addr: string, { routing }: Mailhost): Promise<string> {
  const typed = await canonify(addr, routing)
  const way = typed.outcome === "yes" ? await resolve(typed.value, routing) : typed
  if (way.outcome !== "yes") return "error"
  const { mailer, host, user } = way.value.route
  return `${mailer} ${host} ${user}`.toLowerCase()
}

async function rewrittenBy(addr: string, flags: string, { routing }: Mailhost): Promise<string> {
  const typed = await canonify(addr, routing)
  if (typed.outcome !== "yes") return "error"
  if (flags === "ER") return printMailbox(typed.value.mailbox)
  const where = flags.startsWith("H") ? "header" : "envelope"
  const decision = await (flags.endsWith("S")
    ? rewriteSender(typed.value, where, routing)
    : rewriteRecipient(typed.value, routing))
  return decision.outcome === "yes" ? printMailbox(decision.value) : "error"
}

const names =
  skip === false ? readdirSync(sites).filter((name) => existsSync(join(sites, name, "probes.json"))) : []

test("addresses go where real sendmail sends them, and look as it writes them", { skip }, async () => {
  let asked = 0
  let same = 0
  const differences: string[] = []
  for (const name of names) {
    const dir = join(sites, name)
    const probes = json<{ hostname: string; users: Record<string, unknown>; probes: readonly Probe[] }>(
      join(dir, "probes.json"),
    )
    const { results } = json<{ results: Readonly<Record<string, Expected>> }>(join(dir, "expected.json"))
    const wanted = probes.probes.filter(
      ({ kind, mailer }) => kind === "route" || (kind === "rewrite" && mailer === "esmtp"),
    )
    if (wanted.length === 0) continue
    const host = hostOf(dir, probes)
    for (const { id, kind, addr, flags = "" } of wanted) {
      const { mailer, host: via, user, addr: form } = results[id] ?? {}
      asked++
      const theirs =
        kind === "rewrite"
          ? form
          : mailer === "*error*"
            ? "error"
            : `${mailer} ${(via ?? "").replace(/\.$/, "")} ${user}`.toLowerCase()
      const ours = kind === "rewrite" ? await rewrittenBy(addr, flags, host) : await routeOf(addr, host)
      if (ours === theirs) same++
      else if (!stands.test(`${addr} at ${name}`) && !stands.test(addr))
        differences.push(`${name}: ${kind} ${addr}: sendmail ${theirs}, we ${ours}`)
    }
  }
  process.stdout.write(`# ${same} of ${asked} answers are those of real sendmail\n`)
  assert.deepEqual(differences, [])
})
