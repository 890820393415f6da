// What signatures cost by themselves: CPU of the whole process for each message of 10 KiB that is judged with SPF, DKIM (two signatures), DMARC and
// ARC (one seal) at the end of DATA, and for one that is signed twice as it leaves; and how long the event loop was ever blocked.
// `node bench/signatures-alone.ts [MESSAGES]`
import { monitorEventLoopDelay } from "node:perf_hooks"
import { mailhost } from "../test/kit/mailhost.ts"
import { verifier } from "../src/daemon/signatures.ts"
import type { ReversePath } from "../src/mail/address.ts"
import type { Arrival } from "../src/mail/arrival.ts"
import { fieldsOf, freshKeys, plainLetter, sealedLetter, signingOf, threadsWith } from "./signed-letter.ts"

const count = Number(process.argv[2] ?? 3000)
/** Messages judged at once, as by so many sessions. */
const sessions = 20

const { keys, published } = freshKeys()
const threads = threadsWith(published)
const sealed = await sealedLetter(threads, keys)
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

const sign = signingOf(keys)

async function signOne(): Promise<void> {
  await fieldsOf(threads, sign, plainLetter)
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
await measure(`signing twice, ${plainLetter.length} octets`, signOne)
await threads.close()
