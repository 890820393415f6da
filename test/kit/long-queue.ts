// A long queue, written straight into a spool before a system is started on it: messages to a thousand destinations of very different
// sizes, of every age, put off with the words of their peers, some held.
import { SteadyClock } from "../../src/host/steady-clock.ts"
import type { Spool } from "../../src/spool/spool.ts"
import { openSpool } from "../../src/spool/sqlite.ts"
import { queuedFor } from "./queued.ts"

const words = [
  ["4.4.1", "connect to mx.example.org[192.0.2.25]:25: Connection timed out"],
  ["4.2.2", "452 4.2.2 The mailbox is full"],
  ["4.7.1", "451 4.7.1 Greylisting in action, please come back later"],
  ["4.3.2", "421 4.3.2 Service not available, closing transmission channel"],
  ["4.4.3", "DNS does not answer for this name"],
] as const

const subjects = [
  "Lunch on Friday",
  "Minutes of the meeting",
  "Your order",
  "Re: the ferry",
  "Photos",
  "Invoice",
]

const hour = 3_600_000

/** Where the nth message goes: a few destinations get most of the mail. */
function hostOf(n: number): string {
  const big = n % 10 < 6 ? n % 7 : n % 1000
  return `host${big}.example.org`
}

/** Fills the queue of this state directory; none of it is due for hours. */
export async function fillQueue(directory: string, count: number): Promise<void> {
  const steady = new SteadyClock(() => {}) // so that the system that is started on it knows when it was written
  const opened = await openSpool({ directory, clock: steady.now, steady, log: () => {} })
  if (!opened.ok) throw new Error(opened.error)
  for (let n = 0; n < count; n += 500)
    await Promise.all(Array.from({ length: Math.min(500, count - n) }, (_, i) => put(opened.value, n + i)))
  await opened.value.close()
}

async function put(spool: Spool, n: number): Promise<void> {
  const host = hostOf(n)
  const now = Date.now()
  const [status, text] = words[n % words.length] ?? words[0]
  const subject = subjects[n % subjects.length] ?? ""
  // Of the last two days, most of it young.
  const acceptedAt = now - Math.round(48 * hour * (((n * 389) % 997) / 997) ** 3)
  const id = `6AO7Ag${String(n).padStart(9, "0")}`
  const { entry, pending } = queuedFor({ id, to: [`you@${host}`], said: text, host, acceptedAt })
  const body = Buffer.from(
    `From: me@grussell.org\r\nTo: you@${host}\r\nSubject: ${subject}\r\n\r\nHello.\r\n`,
  )
  const incoming = spool.incoming(id, body.length)
  await incoming.write(body)
  const waiting = pending.map((each) => ({
    ...each,
    attempts: 1 + (n % 9),
    nextAttempt: now + hour + (n % 360) * 60_000,
    lastStatus: { status, text, remote: `mx.${host}`, at: now - 600_000 } as const,
  }))
  const held = n % 500 === 7 ? { reason: "looks like a flood: look at it first", at: undefined } : undefined
  const whole = {
    ...entry,
    size: body.length,
    headerSize: body.indexOf("\r\n\r\n") + 4,
    summary: { ...entry.summary, subject },
    held,
  }
  const done = await incoming.commit(whole, waiting, Buffer.alloc(0))
  if (!done.ok) throw new Error(done.error.why)
}
