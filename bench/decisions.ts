// What decisions cost: `node bench/decisions.ts [ENTRIES]`. Maps of a million entries on disk; one recipient through virtusertable,
// alias and route with reasons; newaliases; a sendmail.mc of 300 lines; lookups while a map is replaced.
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadSettings } from "../src/config/load.ts"
import type { Settings } from "../src/config/settings.ts"
import { compileTable } from "../src/host/table-compile.ts"
import { makeTables, Table } from "../src/host/tables.ts"
import { parseMailbox } from "../src/mail/address.ts"
import { fail } from "../src/mail/result.ts"
import type { Accounts, Dns } from "../src/mail/world.ts"
import { expand } from "../src/routing/expand.ts"
import { makeRouting } from "../src/routing/routing.ts"
import type { RoutingWorld } from "../src/routing/world.ts"

const entries = Number(process.argv[2] ?? 1_000_000)
const folder = mkdtempSync(join(tmpdir(), "waypost-decisions-"))
const say = (line: string) => process.stdout.write(`${line}\n`)

/** Lines made one by one, joined in pieces: a million of them are tens of megabytes. */
function write(name: string, line: (n: number) => string): string {
  const path = join(folder, name)
  const lines = Array.from({ length: entries }, (_, n) => line(n))
  writeFileSync(path, `${lines.join("\n")}\n`)
  return path
}

const mc = () => `define(\`MAIL_SETTINGS_DIR', \`${folder}/')dnl
define(\`ALIAS_FILE', \`${folder}/aliases')dnl
LOCAL_DOMAIN(\`hello.com')dnl
VIRTUSER_DOMAIN(\`grussell.org')dnl
FEATURE(\`virtusertable')dnl
FEATURE(\`mailertable')dnl
FEATURE(\`genericstable')dnl
FEATURE(\`access_db')dnl
FEATURE(\`nocanonify')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

function settingsOf(text: string): Settings {
  const { settings, issues } = loadSettings({
    source: { file: join(folder, "sendmail.mc"), text },
    read: (path) => fail(`${path}: not read here`),
    place: { hostname: "mail.hello.com", addresses: ["192.0.2.1"], state: folder, root: true },
  })
  if (settings === undefined) throw new Error(JSON.stringify(issues))
  return settings
}

const unasked = async () => ({ found: "nothing", why: "no such name", secure: false }) as const
const dns: Dns = { mx: unasked, addresses: unasked, names: unasked, txt: unasked, cname: unasked }
const accounts: Accounts = {
  lookup: (name) => ({
    found: "entry",
    entry: { name, uid: 1000, gid: 100, home: "/nowhere", shell: "/bin/sh", gecos: "", at: undefined },
  }),
}

function routingOf(settings: Settings): RoutingWorld {
  const tables = makeTables(settings.tables, () => {})
  if (!tables.ok) throw new Error(tables.error)
  const readUserFile = async () => ({ found: "nothing" }) as const
  const siteRules = { map: () => undefined, dns }
  return makeRouting({ settings, tables: tables.value.byName, accounts, readUserFile, dns, siteRules })
}

/** Microseconds of CPU for one of so many, each with another address. */
async function decisions(routing: RoutingWorld, many: number): Promise<number> {
  const before = process.cpuUsage()
  for (let n = 0; n < many; n++) {
    const path = parseMailbox(`u${(n * 7919) % entries}@grussell.org`)
    if (!path.ok) throw new Error(path.error)
    const { leaves } = await expand(path.value, routing)
    if (leaves[0]?.route.mailer !== "local") throw new Error(JSON.stringify(leaves))
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / many
}

async function measureDecisions(): Promise<void> {
  write("virtusertable", (n) => `u${n}@grussell.org\ta${n}`)
  for (const name of ["mailertable", "genericstable", "access"]) write(name, (n) => `d${n}.example.org\tOK`)
  const settings = settingsOf(mc())
  for (const spec of settings.tables) {
    const began = performance.now()
    const made = compileTable(spec)
    if (!made.ok) throw new Error(made.error)
    say(`compile ${spec.name}: ${entries} entries in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  }
  const routing = routingOf(settings)
  await decisions(routing, 20_000)
  const rounds: number[] = []
  for (let round = 0; round < 5; round++) rounds.push(await decisions(routing, 20_000))
  say(`decision for one recipient: ${rounds.map((one) => one.toFixed(1)).join(", ")} µs of CPU (goal 80)`)
}

/** The command itself, in a process of its own: time and the most memory it had. */
function measureNewaliases(): void {
  write("aliases", (n) => `a${n}: user${n}`)
  const file = join(folder, "sendmail.mc")
  writeFileSync(file, mc())
  const command = `
import { run } from ${JSON.stringify(join(import.meta.dirname, "../src/commands/newaliases.ts"))}
const code = await run(["-C", ${JSON.stringify(file)}, "--state", ${JSON.stringify(folder)}], {
  stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env, cwd: "/", entry: "" })
process.stdout.write(\`exit \${code}, \${Math.round(process.resourceUsage().maxRSS / 1024)} MB\\n\`)`
  const began = performance.now()
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", command], {
    encoding: "utf8",
  })
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  say(
    `newaliases: ${seconds} s (goal 10), goal 700 MB\n  ${(stdout + stderr).trim().replaceAll("\n", "\n  ")}`,
  )
}

function measureMc(): void {
  const lines = mc().split("\n")
  const many = [
    ...lines.slice(0, 9),
    ...Array.from({ length: 140 }, (_, n) => `LOCAL_DOMAIN(\`d${n}.hello.com')dnl`),
    ...Array.from({ length: 140 }, (_, n) => `dnl comment ${n}\nRELAY_DOMAIN(\`r${n}.example.org')dnl`).slice(
      0,
      70,
    ),
    ...lines.slice(9),
  ]
  const text = many.join("\n")
  const times = Array.from({ length: 30 }, () => {
    const began = performance.now()
    settingsOf(text)
    return performance.now() - began
  })
  const sorted = times.toSorted((a, b) => a - b)
  say(
    `sendmail.mc of ${text.split("\n").length} lines: first ${(times[0] ?? 0).toFixed(1)} ms, ` +
      `median ${(sorted[15] ?? 0).toFixed(1)} ms (goal 50)`,
  )
}

/** Lookups in turn for some seconds, while the table is written anew each half second by another process. */
function measureReplacement(): void {
  const file = join(folder, "virtusertable")
  const spec = { name: "virtusertable", kind: "hash", file, flags: "", at: undefined }
  let replaced = 0
  const table = new Table(spec, () => replaced++)
  const cdb = readFileSync(`${file}.cdb`)
  let slowest = 0
  let missed = 0
  let asked = 0
  const until = performance.now() + 5000
  let next = performance.now() + 500
  while (performance.now() < until) {
    if (performance.now() > next) {
      writeFileSync(`${file}.cdb.new`, cdb)
      spawnSync("mv", [`${file}.cdb.new`, `${file}.cdb`])
      next = performance.now() + 500
    }
    for (let n = 0; n < 1000; n++) {
      const began = performance.now()
      const found = table.lookup(`u${(asked * 7919) % entries}@grussell.org`)
      slowest = Math.max(slowest, performance.now() - began)
      if (found.found !== "entry") missed++
      asked++
    }
  }
  table.close()
  say(
    `lookups while the map is replaced ${replaced} times: ${asked} asked, ${missed} without their answer, ` +
      `${((5000 * 1000) / asked).toFixed(1)} µs each with all, slowest ${slowest.toFixed(1)} ms`,
  )
}

try {
  measureNewaliases()
  await measureDecisions()
  measureMc()
  measureReplacement()
} finally {
  rmSync(folder, { recursive: true })
}
