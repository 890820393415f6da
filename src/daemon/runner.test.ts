import assert from "node:assert/strict"
import { test } from "node:test"
import { inMemory } from "../mail/content.ts"
import { parseMailbox } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import type { Queued } from "../queue/entry.ts"
import { laneOf } from "../queue/fair.ts"
import { Runner, type RunnerWorld } from "./runner.ts"

const content = inMemory(Buffer.from("Subject: SMTP\r\n\r\nHello gordon.\r\n"), 17)

function message(id: string, nextAttempt = 0): Queued {
  const recipient = {
    path: "postmaster",
    original: undefined,
    notify: [],
    admitted: because("test", "let in"),
  } as const
  return {
    entry: {
      id,
      envelope: { reversePath: "null", body: "7bit", smtputf8: false, ret: undefined, envid: undefined },
      arrival: {
        session: "s",
        protocol: "local",
        client: undefined,
        helo: undefined,
        authenticated: undefined,
        door: "MSA",
        submission: true,
        tls: undefined,
      },
      acceptedAt: 0,
      size: content.size,
      headerSize: 17,
      summary: { messageId: "", subject: "", from: "" },
      held: undefined,
    },
    pending: [
      {
        number: 0,
        recipient,
        route: undefined,
        expandedFrom: undefined,
        attempts: 0,
        nextAttempt,
        lastStatus: undefined,
        warned: false,
      },
    ],
  }
}

/** A spool that is an array, and an attempt that takes a turn of the event loop. */
function system(waiting: Queued[], changes: Partial<RunnerWorld> = {}) {
  const tried: string[] = []
  const world: RunnerWorld = {
    clock: () => 1_000_000,
    queueOnly: false,
    interval: undefined,
    bug: (error) => assert.fail(String(error)),
    damaged: async () => {},
    attempt: async (queued) => {
      tried.push(queued.entry.id)
      await new Promise((resolve) => setImmediate(resolve))
      const at = waiting.findIndex((one) => one.entry.id === queued.entry.id)
      if (at >= 0) waiting.splice(at, 1)
      return undefined
    },
    spool: {
      due: async (now, limit, inHand = [], full = []) =>
        waiting
          .filter(({ entry, pending: [one] }) => {
            const due = one !== undefined && one.nextAttempt <= now && !full.includes(laneOf(one))
            return due && !inHand.includes(entry.id)
          })
          .slice(0, limit),
      nextDue: async () => undefined,
      content: async () => ({ ok: true, value: content }),
      hold: async () => true,
    },
    ...changes,
  }
  return { runner: new Runner(world), tried, waiting, world }
}

test("what earlier runs left is tried at start, each once, and then it is idle", async () => {
  const ids = Array.from({ length: 1200 }, (_, n) => `old${n}`)
  const { runner, tried } = system(ids.map((id) => message(id)))
  runner.start()
  await runner.idle()
  assert.deepEqual(tried.toSorted(), ids.toSorted())
})

test("a message accepted while the spool is read is not tried twice", async () => {
  const fresh = message("fresh")
  const { runner, tried } = system([fresh])
  runner.accepted(fresh, content)
  runner.wake()
  await runner.idle()
  assert.deepEqual(tried, ["fresh"])
})

test("more than memory holds waits on disk, behind nobody who came later, and nothing of it is forgotten", async () => {
  const large = { ...content, size: 1024 * 1024 } // of which 64 MiB are kept
  const messages = Array.from({ length: 700 }, (_, n) => message(`m${n}`))
  const waiting: Queued[] = []
  const { runner, tried } = system(waiting)
  for (const one of messages) {
    waiting.push(one)
    runner.accepted(one, large)
  }
  await runner.idle()
  assert.deepEqual(
    tried,
    messages.map(({ entry }) => entry.id),
  )
})

test("what is in hand ends while the spool is asked for more: the rest is not forgotten", async () => {
  const waiting = Array.from({ length: 700 }, (_, n) => message(`m${n}`))
  const { spool } = system(waiting).world
  const tried: string[] = []
  const { runner } = system(waiting, {
    attempt: async ({ entry: { id } }) => {
      tried.push(id)
      await new Promise((resolve) => setTimeout(resolve, tried.length % 2 === 0 ? 1 : 15))
      waiting.splice(
        waiting.findIndex(({ entry }) => entry.id === id),
        1,
      )
      return undefined
    },
    spool: {
      ...spool,
      due: async (now, limit, inHand, full) => {
        await new Promise((resolve) => setTimeout(resolve, 10))
        return await spool.due(now, Math.ceil(limit / 2), inHand, full)
      },
    },
  })
  runner.start()
  for (const end = performance.now() + 5000; tried.length < 700 && performance.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(new Set(tried).size, 700)
})

test("in queue-only mode nothing is tried until a queue run", async () => {
  const { runner, tried } = system([message("waits")], { queueOnly: true })
  runner.start()
  runner.accepted(message("waits"), content)
  await runner.idle()
  assert.deepEqual(tried, [])
  runner.wake()
  await runner.idle()
  assert.deepEqual(tried, ["waits"])
})

test("stop finishes what is in hand and begins nothing new", async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const tried: string[] = []
  const { runner } = system([], {
    attempt: async (queued) => {
      tried.push(queued.entry.id)
      await promise
      return undefined
    },
  })
  runner.accepted(message("first"), content)
  const stopped = runner.stop()
  runner.accepted(message("second"), content)
  resolve()
  await stopped
  assert.deepEqual(tried, ["first"])
})

test("a delayed message is tried again when its time has come", async () => {
  let now = 1_000_000
  const later = message("later", now + 30)
  const waiting = [message("now")]
  const { runner, tried } = system(waiting, { clock: () => now })
  runner.start()
  await runner.idle()
  assert.deepEqual(tried, ["now"])
  waiting.push(later)
  now += 40
  runner.wake()
  await runner.idle()
  assert.deepEqual(tried, ["now", "later"])
})

test("damaged content is reported and not tried", async () => {
  const damaged: string[] = []
  const waiting = [message("torn")]
  const { runner, tried } = system(waiting, {
    damaged: async (queued) => {
      damaged.push(queued.entry.id)
      waiting.length = 0
    },
    spool: {
      due: async () => waiting.slice(),
      nextDue: async () => undefined,
      content: async () => ({ ok: false, error: "checksum differs" }),
      hold: async () => true,
    },
  })
  runner.start()
  await runner.idle()
  assert.deepEqual({ damaged, tried }, { damaged: ["torn"], tried: [] })
})

test("a destination that answers nothing, with ten thousand messages, delays no other one", async () => {
  const to = (queued: Queued, domain: string): Queued => {
    const path = parseMailbox(`gordon@${domain}`)
    if (!path.ok) assert.fail(path.error)
    const { value } = path
    const pending = queued.pending.map((one) => ({ ...one, recipient: { ...one.recipient, path: value } }))
    return { ...queued, pending }
  }
  const dead = Array.from({ length: 10_000 }, (_, n) => to(message(`dead${n}`), "hello.com"))
  const waiting = [...dead, to(message("old"), "napier.ac.uk")]
  const arrived = new Set<string>()
  const reached = Promise.withResolvers<void>()
  const { promise, resolve } = Promise.withResolvers<void>()
  const { runner } = system(waiting, {
    attempt: async ({ entry }) => {
      if (entry.id.startsWith("dead")) await promise
      else arrived.add(entry.id)
      const at = waiting.findIndex((one) => one.entry.id === entry.id)
      if (at >= 0) waiting.splice(at, 1)
      if (arrived.size === 2) reached.resolve()
      return undefined
    },
  })
  runner.start()
  runner.accepted(to(message("fresh"), "napier.ac.uk"), content)
  await reached.promise
  assert.deepEqual([...arrived].toSorted(), ["fresh", "old"])
  const stopped = runner.stop()
  resolve()
  await stopped
})
