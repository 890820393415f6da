// What real sendmail answers on whole sites (test/sites, and ../shared/sendmail-cases where it is at hand): where addresses go, how they look
// when they leave, and what a client hears. Each site is made of its own sendmail.mc, tables and DNS data. Differences that stand
// are named here; docs/sendmail-differences.md says why they do.
import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { because, yes } from "../src/mail/decision.ts"
import { canonify } from "../src/routing/canonify.ts"
import { explainAddress } from "../src/routing/explain-address.ts"
import { rewriteAddress } from "../src/routing/rewrite-address.ts"
import { resolve } from "../src/routing/route.ts"
import {
  type Case,
  cases,
  type Expected,
  ownSites,
  type Probe,
  skipCases,
  type SmtpLine,
} from "./kit/cases.ts"
import type { Mailhost } from "./kit/mailhost.ts"
import type { Running } from "./kit/server.ts"

const skip = skipCases
const shared = cases()
const sites = [...ownSites(), ...shared]

/** Questions of these sites that we answer in another way, and rightly so. */
const stands: ReadonlySet<string> = new Set([
  // A smart host needs no DNS here: the domain leaves as it was written.
  "route-smarthost x@cn.test",
  // discard in mailertable throws away, as its writer meant it; sendmail knows the mailer in its checks alone.
  "route-mailertable u@disc.test",
  // What is no address is refused, and by -bt shown as sendmail shows it (commands/test-decisions.ts).
  ...["@", "<>"].flatMap((address) => sites.map(({ name }) => `${name} ${address}`)),
])

/** Sessions of which a reply differs, and the commands that get it. */
const standingReplies: Readonly<Record<string, RegExp>> = {
  "checks-accept m12": /\[1\.2\.3\]|RCPT/, // no address literal, so no bounce would ever reach it
  "relay-promiscuous out": /hello\.com%remote\.test/, // not a domain's name
  "smtp-dialogue params": /SIZE=abc/, // RFC 1870 §3
}

async function routeOf(addr: string, { routing }: Mailhost): Promise<string> {
  const typed = await canonify(addr, routing)
  const way = typed.outcome === "yes" ? await resolve(typed.value, routing) : typed
  if (way.outcome !== "yes") return "error"
  const { mailer, host, user } = way.value.route
  return `${mailer} ${host.toLowerCase()} ${mailer === "local" ? user.toLowerCase() : user}`
}

async function rewrittenBy({ addr, mailer = "", flags = "" }: Probe, { routing }: Mailhost): Promise<string> {
  const typed = await canonify(addr, routing, "form")
  if (typed.outcome !== "yes") return "error"
  const where = flags.startsWith("H") ? "header" : "envelope"
  const kind = flags.endsWith("S") ? "sender" : "recipient"
  const decision = await rewriteAddress(typed.value, { mailer, where, kind }, routing)
  return decision.outcome === "yes" ? decision.value : "error"
}

function expectedRoute({ mailer, host, user = "" }: Expected): string {
  return mailer === "*error*"
    ? "error"
    : `${mailer} ${(host ?? "").replace(/\.$/, "").toLowerCase()} ${user.replaceAll('"', "")}`
}

type Difference = { readonly at: string; readonly sendmail: unknown; readonly we: unknown }

/** Asks every question of a kind; the differences that do not stand fail the test. */
async function compare(
  kind: string,
  answer: (probe: Probe, host: Mailhost) => Promise<string>,
  expected: (answer: Expected) => string,
): Promise<void> {
  const differences: Difference[] = []
  let asked = 0
  for (const site of sites) {
    const probes = site.probes.filter((probe) => probe.kind === kind && probe.as === undefined)
    if (probes.length === 0) continue
    const host = site.host()
    for (const probe of probes) {
      asked++
      const sendmail = expected(site.expected[probe.id] ?? {})
      const we = await answer(probe, host)
      if (we === sendmail || stands.has(`${site.name} ${probe.addr}`)) continue
      differences.push({ at: `${site.name} ${probe.id} ${probe.addr}`, sendmail, we })
    }
  }
  process.stdout.write(`# ${kind}: ${asked - differences.length} of ${asked} as sendmail, or for a reason\n`)
  assert.deepEqual(differences, [])
}

test("addresses go where real sendmail sends them", async () => {
  await compare(
    "route",
    async ({ addr }, host) => (await routeOf(addr, host)).replaceAll('"', ""),
    expectedRoute,
  )
})

test("addresses leave in the form in which real sendmail writes them", async () => {
  await compare("rewrite", rewrittenBy, ({ addr = "" }) => addr)
})

const anybody = yes(undefined, because("test", "nobody asks"))
const openGate = {
  sender: async () => yes("null" as const, anybody.reason),
  recipient: async () => yes("postmaster" as const, anybody.reason),
}

test("aliases, lists and .forward lead where real sendmail -bv says", async () => {
  await compare(
    "verify",
    async ({ addr }, { routing }) => {
      const words = /[,;<>()"]/.test(addr) ? [addr] : addr.split(" ")
      const ends = await Promise.all(
        words.map((typed) => explainAddress({ typed }, { routing, gate: openGate })),
      )
      return endsOf(
        ends.flatMap(({ deliverable }) =>
          deliverable.map(({ mailer, host, user, typed }) => ({
            mailer,
            host,
            user: mailer === "local" && typed.startsWith("\\") ? `\\${user}` : user,
          })),
        ),
      )
    },
    ({ deliverable = [] }) => endsOf(deliverable),
  )
})

function endsOf(ends: readonly { mailer: string; host: string | null; user: string }[]): string {
  return ends
    .map(({ mailer, host, user }) =>
      [mailer, (host ?? "").replace(/\.$/, "").toLowerCase(), user.replace(/^"?\|?(.*?)"?$/, "$1")].join(" "),
    )
    .toSorted()
    .join("\n")
}

/** One session, line by line; for each command the codes of its reply. */
async function sessionOf({ client = "", lines = [] }: Probe, host: Mailhost): Promise<readonly string[]> {
  const running = await host.session(client)
  const said = new Replies(running)
  const codes = [await said.next()]
  for (const line of lines) {
    const octets = octetsOf(line)
    running.client.write(octets.text)
    for (let n = 0; n < octets.replies; n++) codes.push(await said.next())
  }
  running.client.end()
  await running.over
  assert.deepEqual(running.traces.bugs, [])
  return codes
}

function octetsOf(line: SmtpLine): { readonly text: string; readonly replies: number } {
  if (typeof line === "string") return { text: `${line}\r\n`, replies: 1 }
  if (line.data !== undefined) {
    const stuffed = line.data.split("\n").map((one) => (one.startsWith(".") ? `.${one}` : one))
    return { text: `${stuffed.join("\r\n")}\r\n.\r\n`, replies: 1 }
  }
  if (line.pipeline !== undefined)
    return { text: line.pipeline.map((one) => `${one}\r\n`).join(""), replies: line.pipeline.length }
  return { text: line.raw ?? "", replies: line.replies ?? 1 }
}

class Replies {
  #text = ""
  #ended = false
  #wake: () => void = () => {}

  constructor({ client }: Running) {
    client.on("data", (chunk: Buffer) => {
      this.#text += chunk.toString("latin1")
      this.#wake()
    })
    client.on("end", () => {
      this.#ended = true
      this.#wake()
    })
  }

  /** Code and enhanced code of the next reply, `(closed)` when there is none. */
  async next(): Promise<string> {
    for (;;) {
      const found = /^(?:\d{3}-[^\n]*\n)*(\d{3}) (\d\.\d+\.\d+)?[^\n]*\n/.exec(this.#text)
      if (found !== null) {
        this.#text = this.#text.slice(found[0].length)
        return [found[1], found[2]].filter((code) => code !== undefined).join(" ")
      }
      if (this.#ended) return "(closed)"
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

/** Sessions that need more than an engine without a socket: TLS, passwords, other programs, waiting. */
function isPlain(site: Case, { kind, via, early, lines = [] }: Probe): boolean {
  const simple = lines.every(
    (line) => typeof line === "string" || line.data !== undefined || line.pipeline !== undefined,
  )
  return (
    kind === "smtp" &&
    via === undefined &&
    early !== true &&
    simple &&
    !/^(?:auth|starttls|greetpause)/.test(site.name)
  )
}

function codesOf(reply: readonly unknown[]): readonly string[] {
  const whole = reply.every((line) => typeof line === "string") ? [reply] : reply
  return whole.map((one) => {
    const last = String(Array.isArray(one) ? one.at(-1) : one)
    return /^\d{3}[ -]?(?:\d\.\d+\.\d+)?/.exec(last)?.[0].trim() ?? last
  })
}

test("clients hear the codes that real sendmail gives", async () => {
  const differences: Difference[] = []
  let asked = 0
  for (const site of sites) {
    for (const probe of site.probes.filter((one) => isPlain(site, one))) {
      asked++
      const host = site.host()
      const session = site.expected[probe.id]?.session ?? []
      const sendmail = session.flatMap(({ reply }) => codesOf(reply))
      const we = await sessionOf(probe, host)
      const commands = session.flatMap(({ send, reply }) => codesOf(reply).map(() => send ?? "(greeting)"))
      const standing = standingReplies[`${site.name} ${probe.id}`]
      for (const [n, command] of commands.entries()) {
        if (we[n] === sendmail[n] || standing?.test(command) === true) continue
        differences.push({ at: `${site.name} ${probe.id}: ${command}`, sendmail: sendmail[n], we: we[n] })
      }
    }
  }
  process.stdout.write(`# smtp: ${asked} sessions, ${differences.length} replies otherwise\n`)
  assert.deepEqual(differences, [])
})

/** Names that these sites share with everybody: those of the documentation and the standards, and short words. */
const common =
  /^(?:localhost|grussell\.org|napier\.ac\.uk|hello\.com|me\.com|(?:.*\.)?example\.(?:org|com|net)|remote|test|invalid|127\.0\.0\.1|.{1,5})$/

test("nothing in src/ knows a site: no name, host or address of the cases occurs there", { skip }, () => {
  const words = new Set<string>()
  for (const { name, hostname, zone } of shared) {
    words.add(name.includes("-") ? name : `${name}/`)
    for (const word of [hostname, ...Object.keys(zone)]) words.add(word.replace(/^\*\./, "").toLowerCase())
  }
  const names = [...words].filter((word) => !common.test(word) && /[.-]/.test(word))
  const source = join(import.meta.dirname, "../src")
  const found: string[] = []
  for (const file of readdirSync(source, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue
    const text = readFileSync(join(source, file), "utf8").toLowerCase()
    for (const name of names) if (hasWord(text, name)) found.push(`${file}: ${name}`)
  }
  assert.ok(names.length > 50)
  assert.deepEqual(found, [])
})

function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const [before = "", after = ""] = [text[at - 1], text[at + word.length]]
    if (!/[a-z0-9-]/.test(before) && !/[a-z0-9-]/.test(after)) return true
  }
  return false
}
