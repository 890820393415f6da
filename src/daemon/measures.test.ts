import assert from "node:assert/strict"
import { test } from "node:test"
import { because } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { QueueAges } from "../spool/spool.ts"
import { Measures } from "./measures.ts"
import { MetricsDoor } from "./metrics-door.ts"

let now = 1_000_000
let looks = 0
const waiting: QueueAges = [{ state: "held", age: "1h", messages: 2, recipients: 3 }]
const spool = {
  async ages() {
    looks++
    return waiting
  },
}
const measures = new Measures(spool, () => now)

test("refusals are counted by question, by what decided, and by code; a reply without an enhanced one by its own", async () => {
  const asked = {
    question: "check_rcpt",
    argument: "",
    outcome: "no",
    reason: because("access", "REJECT"),
  } as const
  measures.refused(asked, reply(550, "5.7.1", "Access denied"))
  measures.refused(asked, reply(421, undefined, "Bye"))
  const page = await measures.page()
  assert.match(page, /^waypost_refusals_total\{question="check_rcpt",reason="access",code="5\.7\.1"\} 1$/m)
  assert.match(page, /^waypost_refusals_total\{question="check_rcpt",reason="access",code="421"\} 1$/m)
})

test("the queue is looked through for a page, but not for each of many scrapers", async () => {
  const before = looks
  now += 60_000
  await measures.page()
  const page = await measures.page()
  assert.equal(looks - before, 1)
  assert.match(page, /^waypost_queue_messages\{state="held",age="1h"\} 2$/m)
  assert.match(page, /^waypost_queue_recipients\{state="held",age="1h"\} 3$/m)
  now += 5000
  await measures.page()
  assert.equal(looks - before, 2)
})

test("sessions that have ended are open no more", async () => {
  measures.sessionBegan("MTA")
  measures.sessionBegan("MSA")
  measures.sessionEnded()
  const page = await measures.page()
  assert.match(page, /^waypost_sessions 1$/m)
  assert.match(page, /^waypost_sessions_total\{door="MSA"\} 1$/m)
})

test("a port that is taken is said, and mail goes on; another one is followed to", async () => {
  const said: string[] = []
  const parts = {
    page: async () => "x 1\n",
    say: (line: string) => said.push(line),
    bug: (error: unknown) => assert.fail(String(error)),
  }
  const { createServer } = await import("node:net")
  const taken = createServer().listen(0, "127.0.0.1")
  await new Promise((resolve) => taken.once("listening", resolve))
  const address = taken.address()
  assert.ok(typeof address === "object" && address !== null)
  const door = new MetricsDoor(parts)
  await door.follow(address.port)
  assert.match(said.join(), /^metrics on 127\.0\.0\.1 port \d+: .*EADDRINUSE/)
  await new Promise((resolve) => taken.close(resolve))
  await door.follow(address.port) // as the next reload would
  const page = await fetch(`http://127.0.0.1:${address.port}/metrics`)
  assert.equal(await page.text(), "x 1\n")
  assert.match(page.headers.get("content-type") ?? "", /version=0\.0\.4/)
  const posted = await fetch(`http://127.0.0.1:${address.port}/metrics`, { method: "POST" })
  assert.equal(posted.status, 405)
  await door.follow(0)
  await assert.rejects(fetch(`http://127.0.0.1:${address.port}/metrics`))
})
