// The timelines: what a message's two events cost, and how long a search takes among a million. `node bench/timelines.ts [EVENTS]`.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { because } from "../src/mail/decision.ts"
import { printEvent } from "../src/spool/codec.ts"
import { History } from "../src/spool/history.ts"
import type { Event } from "../src/spool/spool.ts"

const wanted = Number(process.argv[2] ?? 1_000_000)
const atOnce = 500
const directory = mkdtempSync(join(tmpdir(), "waypost-timelines-"))
const history = new History(join(directory, "history.db"), { octets: 8e9, milliseconds: 7 * 86_400_000 })
const reason = because("local", "delivered to /var/mail/bob", {
  file: "/etc/mail/sendmail.mc",
  line: 3,
  column: 1,
})

function eventOf(n: number): Event {
  return {
    id: `6AOD${String(n >> 1).padStart(10, "0")}`,
    at: Date.now(),
    what: n % 2 === 0 ? "accepted" : "delivered",
    address: `user${n}@napier.ac.uk`,
    status: "2.0.0",
    detail: "delivered to /var/mail/bob",
    remote: "mx.hello.com [192.0.2.7]",
    reason,
  }
}

function cpu(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

const begun = cpu()
for (let n = 0; n < wanted; n += atOnce) {
  const events = Array.from({ length: atOnce }, (_, k) => printEvent(eventOf(n + k)))
  history.add(events, Date.now())
  if (n % 50_000 === 0) history.checkpoint()
}
process.stdout.write(`${wanted} events kept, ${((cpu() - begun) / wanted).toFixed(1)} µs of CPU each\n`)

for (const words of [
  [`user${wanted - 1}@`],
  ["user17@napier.ac.uk"],
  ["delivered", "user123@"],
  ["nowhere"],
]) {
  const started = performance.now()
  let found = 0
  let longest = 0
  for (let before: number | undefined; ; ) {
    const step = performance.now()
    const page = history.search({ words, before })
    longest = Math.max(longest, performance.now() - step)
    found += page.rows.length
    if (page.before === undefined) break
    before = page.before
  }
  const took = `${(performance.now() - started).toFixed(0)} ms, longest step ${longest.toFixed(1)} ms`
  process.stdout.write(`${words.join(" and ")}: ${found} found in ${took}\n`)
}
history.close()
rmSync(directory, { recursive: true })
