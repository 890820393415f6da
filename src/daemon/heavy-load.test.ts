import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import { queuedFor } from "../../test/kit/queued.ts"
import { Leaving } from "../host/leaving.ts"
import { inMemory } from "../mail/content.ts"
import type { Outcome } from "../queue/entry.ts"
import type { Event } from "../spool/spool.ts"
import { attempt, type AttemptWorld } from "./attempt.ts"
import { commandDelays, HeavyLoad, makePutOff } from "./heavy-load.ts"

function under(load: number, lines: string) {
  const { settings } = mailhost({
    files: { "/etc/mail/sendmail.mc": `${lines}\nMAILER(local)dnl\nMAILER(smtp)dnl\n` },
  })
  const time = { now: 1_000_000 }
  const notes: string[] = []
  const log = { note: (...said: string[]) => void notes.push(said.join(" ")) }
  return { settings, time, notes, parts: { loadAverage: () => load, clock: () => time.now, log } }
}

const hour = 3_600_000

test("the log tells of rejected connections in sendmail's words, once in confREJECT_LOG_INTERVAL", () => {
  const { parts, settings, notes, time } = under(15, "define(`confREFUSE_LA', `12')")
  const heavy = new HeavyLoad(parts)
  for (let n = 0; n < 3; n++) assert.deepEqual(heavy.arrive("MTA", settings), { average: 15, wait: 0 })
  assert.deepEqual(notes, ["rejecting connections on daemon MTA: load average: 15"])
  time.now += 3 * hour
  heavy.arrive("MTA", settings)
  assert.equal(notes.length, 2)
})

test("nobody is told of the load where no line asks for it", () => {
  const { parts, settings } = under(99, "")
  assert.deepEqual(new HeavyLoad(parts).arrive("MTA", settings), { average: undefined, wait: 0 })
  assert.equal(commandDelays(settings, "MTA", parts), undefined)
  assert.equal(makePutOff(settings, parts), undefined)
})

test("under confDELAY_LA connections and commands wait, and the log tells it now and then", () => {
  const { parts, settings, notes, time } = under(9, "define(`confDELAY_LA', `8')")
  assert.deepEqual(new HeavyLoad(parts).arrive("MTA", settings), { average: undefined, wait: 1000 })
  const delay = commandDelays(settings, "MTA", parts)
  assert.deepEqual(
    ["mail from:<ann@hello.com>", "RCPT TO:<bob@hello.com>", "QUIT"].map((line) => delay?.(line)),
    [1000, 1000, 0],
  )
  assert.deepEqual(notes, ["delaying=MAIL, load average=9 >= 8"])
  time.now += 90_000
  delay?.("DATA")
  assert.equal(notes.at(-1), "delaying=DATA, load average=9 >= 8")
})

test("mail that is too heavy for the load is not tried: it waits, and its timeline cites the line", async () => {
  const { parts, settings, time } = under(40, "define(`confQUEUE_LA', `8')")
  const recorded: Outcome[] = []
  const noted: Event[] = []
  const world: AttemptWorld = {
    spool: {
      record: async () => assert.fail("nothing is over"),
      recordLate: async (outcome) => {
        recorded.push(outcome)
        return { ok: true, value: undefined }
      },
      note: (events) => void noted.push(...events),
    },
    clock: () => time.now,
    expand: async () => assert.fail("it was expanded"),
    deliver: async () => assert.fail("it was tried"),
    fate: () => assert.fail("it has no status"),
    report: async () => assert.fail("nobody is told"),
    log: () => {},
    leaving: new Leaving(),
    putOff: makePutOff(settings, parts),
    forward: "now" as const,
  }
  const content = inMemory(Buffer.from("Subject: lunch\r\n\r\nat one\r\n"), 18)
  const next = await attempt(queuedFor(), content, world)
  assert.equal(next, time.now + 300_000)
  const [update] = recorded[0]?.update ?? []
  assert.deepEqual([update?.nextAttempt, update?.attempts, update?.lastStatus?.status], [next, 0, "4.3.2"])
  const [event] = noted
  assert.equal(event?.what, "deferred")
  assert.deepEqual([event.reason?.step, event.reason?.at?.line], ["QueueLA", 1])
})
