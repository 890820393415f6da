import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import type { Reason } from "../mail/decision.ts"
import type { Entry, Pending } from "../queue/entry.ts"
import {
  foundEvents,
  printEntry,
  printEvent,
  printEvents,
  printPending,
  readEvents,
  readQueued,
} from "./codec.ts"
import type { Event } from "./spool.ts"

const text = fc.string({ unit: "binary", maxLength: 20 })
// Plain objects, as the system makes them.
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined })
const origin = record({ file: text, line: fc.nat(), column: fc.nat() })
const reasonAfter = (after: fc.Arbitrary<readonly Reason[]>): fc.Arbitrary<Reason> =>
  record({ step: text, says: text, at: maybe(origin), after })
const reason = reasonAfter(
  fc.array(reasonAfter(fc.array(reasonAfter(fc.constant([])), { maxLength: 2 })), { maxLength: 2 }),
)
const domain = fc.oneof(
  record({ kind: fc.constant("name" as const), ascii: text, unicode: text }),
  record({ kind: fc.constant("literal" as const), text }),
)
const mailbox = record({ localPart: text, domain })

const entry: fc.Arbitrary<Entry> = record({
  id: text,
  envelope: record({
    reversePath: fc.oneof(fc.constant("null" as const), mailbox),
    body: fc.constantFrom("7bit" as const, "8bitmime" as const, "binarymime" as const),
    smtputf8: fc.boolean(),
    ret: fc.constantFrom("full" as const, "headers" as const, undefined),
    envid: maybe(text),
  }),
  arrival: record({
    session: text,
    protocol: fc.constantFrom("ESMTP" as const, "local" as const),
    client: maybe(record({ address: text, port: fc.nat(), name: maybe(text) })),
    helo: maybe(text),
    authenticated: maybe(text),
    door: text,
    submission: fc.boolean(),
    tls: maybe(text),
  }),
  acceptedAt: fc.nat(),
  size: fc.nat(),
  headerSize: fc.nat(),
  summary: record({ messageId: text, subject: text, from: text }),
  held: maybe(record({ reason: text, at: maybe(origin) })),
})

const pending: fc.Arbitrary<Pending> = record({
  number: fc.nat(),
  recipient: record({
    path: fc.oneof(fc.constant("postmaster" as const), mailbox),
    original: maybe(text),
    notify: fc.array(fc.constantFrom("never" as const, "success" as const, "delay" as const)),
    admitted: reason,
  }),
  route: maybe(record({ mailer: text, host: text, user: text })),
  expandedFrom: maybe(record({ address: text, owner: maybe(text), user: maybe(text), reason })),
  attempts: fc.nat(),
  nextAttempt: fc.nat(),
  lastStatus: maybe(
    record({ status: fc.constant("4.4.1" as const), text, remote: maybe(text), at: fc.nat() }),
  ),
  warned: fc.boolean(),
})

const event: fc.Arbitrary<Event> = record({
  at: fc.nat(),
  id: text,
  what: fc.constantFrom("accepted" as const, "refused" as const),
  address: text,
  status: text,
  detail: text,
  remote: maybe(text),
  reason: maybe(reason),
})

test("an entry and its recipients are read back as they were written, absent things and reasons included", () => {
  fc.assert(
    fc.property(entry, fc.array(pending, { maxLength: 3 }), (one, recipients) => {
      const { json, held } = printEntry(one)
      assert.deepEqual(readQueued({ json, held, pending: recipients.map(printPending) }), {
        entry: one,
        pending: recipients,
      })
    }),
  )
})

test("an event is read back as it was written", () => {
  fc.assert(fc.property(event, (one) => assert.deepEqual(readEvents(printEvent(one)), [one])))
})

test("what happened to many together is few rows, and each of them is read back as an event of its own", () => {
  const trail = fc.constantFrom<Reason[]>([
    { step: "smtp", says: "the peer took the message", at: undefined, after: [] },
    { step: "smtp", says: "the peer said no", at: undefined, after: [] },
  ])
  const some = fc.tuple(event, trail, fc.array(text, { minLength: 1, maxLength: 250 }))
  fc.assert(
    fc.property(fc.array(some, { maxLength: 4 }), (groups) => {
      const events = groups.flatMap(([one, [first], addresses]) => {
        const shared = { ...one, reason: first }
        return addresses.map((address) => ({ ...shared, address }))
      })
      const rows = printEvents(events)
      assert.deepEqual(rows.flatMap(readEvents), events)
      assert.ok(rows.length <= groups.reduce((sum, [, , { length }]) => sum + Math.ceil(length / 100), 0))
    }),
    { numRuns: 50 },
  )
})

test("a word of one address finds that address alone among those that were served with it", () => {
  const reason: Reason = { step: "smtp", says: "the peer took the message", at: undefined, after: [] }
  const events = ["gordon", "michael", "sandra"].map((name) => ({
    at: 1,
    id: "6AO7AgXX000001",
    what: "relayed" as const,
    address: `${name}@napier.ac.uk`,
    status: "2.0.0",
    detail: "250 2.0.0 taken",
    remote: "mx.napier.ac.uk [192.0.2.7]",
    reason,
  }))
  const [row, ...more] = printEvents(events)
  assert.ok(row !== undefined)
  assert.deepEqual(more, [])
  assert.match(row.words ?? "", /sandra@napier/)
  const addresses = (words: readonly string[]) => foundEvents(row, words).map(({ address }) => address)
  assert.deepEqual(addresses(["MICHAEL@", "relayed"]), ["michael@napier.ac.uk"])
  assert.deepEqual(addresses(["gordon", "sandra"]), [])
  assert.equal(addresses(["napier"]).length, 3)
})
