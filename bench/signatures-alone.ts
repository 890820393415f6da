// What signatures cost: CPU of the whole process for each message of 10 KiB that is judged with SPF, DKIM (two signatures), DMARC and
// ARC (one seal) at the end of DATA, and for one that is signed twice as it leaves; and how long the event loop was ever blocked.
// `node bench/signatures.ts [MESSAGES]`
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { mailhost } from "../test/kit/mailhost.ts"
import { verifier } from "../src/daemon/signatures.ts"
import type { DnsAnswer } from "../src/mail/world.ts"
import type { ReversePath } from "../src/mail/address.ts"
import type { Arrival } from "../src/mail/arrival.ts"
import { makeKeys, recordOf } from "../src/trust/dkim-keys.ts"
import { SignatureThreads } from "../src/trust/mailauth.ts"
import type { Job } from "../src/trust/mailauth-requests.ts"

const count = Number(process.argv[2] ?? 3000)
/** Messages judged at once, as by so many sessions. */
const sessions = 20

const directory = mkdtempSync(join(tmpdir(), "waypost-bench-dkim-"))
const made = makeKeys(directory, "napier.ac.uk", "bench")
if (!made.ok) throw new Error(made.error)
const keys = made.value
const published = new Map(
  keys.map((key) => recordOf("napier.ac.uk", key)).map(({ name, text }) => [name, text]),
)

async function txt(name: string): Promise<DnsAnswer<string>> {
  const text = published.get(name)
  return text === undefined
    ? { found: "nothing", why: "no such name", secure: false }
    : { found: "records", records: [text], secure: false, ttl: 60 }
}

const threads = new SignatureThreads(txt, (line) => process.stderr.write(`${line}\n`))
const text = `From: gordon@napier.ac.uk\r\nTo: bob@mx.test\r\nSubject: bench\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@napier.ac.uk>\r\n\r\n${"A line of text, as there are many in a letter.\r\n".repeat(200)}`

async function fieldsOf(job: Job, octets: string): Promise<string> {
  const done = await threads.do(job, () => [Buffer.from(octets)])
  if (!done.ok) throw new Error(done.error)
  return done.value.found.did === "verify" ? "" : done.value.found.fields
}

const sign: Job = {
  does: "sign",
  domain: "napier.ac.uk",
  keys,
  headerSize: text.indexOf("\r\n\r\n") + 4,
  seconds: 1_790_000_000,
}
const signed = (await fieldsOf(sign, text)) + text
const [key] = keys
if (key === undefined) throw new Error("no key was made")
const seal: Job = {
  does: "seal",
  domain: "napier.ac.uk",
  key,
  results: "mx.test; dmarc=pass",
  cv: "none",
  seconds: 1_790_000_000,
}
const sealed = Buffer.from((await fieldsOf(seal, signed)) + signed)
const headerSize = sealed.indexOf("\r\n\r\n") + 4

const host = mailhost({
  dns: {
    "client.test": { A: "192.0.2.7" },
    "napier.ac.uk": { TXT: "v=spf1 ip4:192.0.2.7 -all", MX: "10 client.test" },
    "_dmarc.napier.ac.uk": { TXT: "v=DMARC1; p=reject" },
  },
  accounts: ["bob"],
  verify: verifier(() => threads, { does: "verify", dkim: true, arc: true }),
  files: {
    "/etc/mail/sendmail.mc": "FEATURE(`spf')dnl\nFEATURE(`dmarc')dnl\nFEATURE(`arc')dnl\nMAILER(smtp)dnl",
  },
})

const arrival: Arrival = {
  session: "s",
  protocol: "ESMTP",
  client: { address: "192.0.2.7", port: 40000, name: "client.test" },
  helo: "client.test",
  authenticated: undefined,
  door: "MTA",
  submission: false,
  tls: undefined,
}
const reversePath: ReversePath = {
  localPart: "gordon",
  domain: { kind: "name", ascii: "napier.ac.uk", unicode: "napier.ac.uk" },
}
const envelope = {
  reversePath,
  recipients: [],
  body: "8bitmime",
  smtputf8: false,
  ret: undefined,
  envid: undefined,
} as const

async function judgeOne(n: number): Promise<void> {
  const body = async function* () {
    yield sealed.subarray(headerSize)
  }
  const decision = await host.gate.message(
    { ...arrival, session: `s${n}` },
    envelope,
    sealed.subarray(0, headerSize),
    sealed.length,
    body,
  )
  const results = decision.outcome === "yes" ? (decision.value.results ?? []) : []
  if (results.length !== 5 || results.some(({ result }) => result !== "pass"))
    throw new Error(JSON.stringify(results.length === 0 ? decision.reason : results))
}

async function signOne(): Promise<void> {
  await fieldsOf(sign, text)
}

async function measure(name: string, act: (n: number) => Promise<void>): Promise<void> {
  const run = async (from: number, to: number) => {
    let next = from
    await Promise.all(
      Array.from({ length: sessions }, async () => {
        while (next < to) await act(next++)
      }),
    )
  }
  await run(0, Math.min(500, count)) // warm
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  const began = performance.now()
  await run(1000, 1000 + count)
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  delay.disable()
  const each = ((user + system) / 1000 / count).toFixed(2)
  process.stdout.write(
    `${name}: ${each} ms CPU a message, ${Math.round(count / seconds)} messages/s, event loop at most ${(delay.max / 1e6).toFixed(1)} ms late\n`,
  )
}

await measure(`SPF, DKIM twice, DMARC, ARC of ${sealed.length} octets`, judgeOne)
await measure(`signing twice, ${text.length} octets`, signOne)
await threads.close()
rmSync(directory, { recursive: true })
