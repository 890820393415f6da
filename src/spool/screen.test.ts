// Filters of the queue, against what each message says: the database may leave out much, but nothing that is meant.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import fc from "fast-check"
import { queuedFor } from "../../test/kit/queued.ts"
import { printPath } from "../mail/address.ts"
import type { Queued } from "../queue/entry.ts"
import { destinationOf } from "../queue/summary.ts"
import { screened } from "./screen.ts"
import type { Filter, Spool } from "./spool.ts"
import { openSpool } from "./sqlite.ts"

let directory: string
let spool: Spool
const kept: Queued[] = []

const senders = [
  "me@grussell.org",
  '"g. russell"@napier.ac.uk',
  "null",
  "MÜLLER@bücher.example",
  "a_b@[192.0.2.1]",
]
const recipients = ["you@napier.ac.uk", '"quo\\"ted"@hello.com', "postmaster", "Jim%x@[IPv6:2001:db8::1]"]
const words = ["451 4.2.2 mailbox full", 'said "no"\\', "Zeitüberschreitung", "100% of time_out"]

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "waypost-screen-"))
  const opened = await openSpool({ directory, clock: Date.now, log: () => {} })
  assert.ok(opened.ok)
  spool = opened.value
  const at = <T>(list: readonly T[], n: number): T => list[n % list.length] ?? assert.fail()
  await Promise.all(
    Array.from({ length: 120 }, async (_, n) => {
      const wish = {
        id: `6AO7Ag${String(n).padStart(9, "0")}`,
        from: at(senders, n),
        to: [at(recipients, n), `user${n}@host${n % 7}.example.org`],
        acceptedAt: 1000 + n,
        ...(n % 4 === 0 ? { host: at(["MX.hello.com", "[127.0.0.1]"], n / 4) } : {}),
        ...(n % 3 === 0 ? {} : { said: at(words, n) }),
      }
      const { entry, pending } = queuedFor(wish)
      const held = n % 5 === 0 ? { reason: at(words, n + 1), at: undefined } : undefined
      const incoming = spool.incoming(wish.id, 1)
      await incoming.write(Buffer.from("x"))
      const done = await incoming.commit({ ...entry, size: 1, headerSize: 0, held }, pending, Buffer.alloc(0))
      assert.ok(done.ok)
      kept.push({ entry: { ...entry, held }, pending })
    }),
  )
  kept.sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1))
})

after(async () => {
  await spool.close()
  rmSync(directory, { recursive: true })
})

function means(
  { entry, pending }: Queued,
  { from, to, destination, reason, olderThan, held }: Filter,
): boolean {
  const has = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase())
  const said = [entry.held?.reason, ...pending.map(({ lastStatus }) => lastStatus?.text)]
  return (
    (from === undefined || has(printPath(entry.envelope.reversePath), from)) &&
    (to === undefined || pending.some(({ recipient }) => has(printPath(recipient.path), to))) &&
    (destination === undefined ||
      pending.some(
        ({ recipient, route }) => destinationOf(printPath(recipient.path), route?.host) === destination,
      )) &&
    (reason === undefined || said.some((text) => text !== undefined && has(text, reason))) &&
    (olderThan === undefined || entry.acceptedAt < olderThan) &&
    (held === undefined || (entry.held !== undefined) === (held === "only"))
  )
}

/** A piece of a text, in any case. */
function pieceOf(texts: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...texts.filter((text) => text !== "null")), fc.nat(30), fc.nat(12), fc.boolean())
    .map(([text, from, length, loud]) => {
      const piece = text.slice(from % text.length, (from % text.length) + length)
      return loud ? piece.toUpperCase() : piece
    })
}

test("a filter finds what each message says, whatever signs it is written in", async () => {
  const filters = fc.record(
    {
      from: pieceOf(senders),
      to: pieceOf([...recipients, "user7@host0.example.org", "nobody@nowhere.example"]),
      destination: fc.constantFrom(
        "(local)",
        "host3.example.org",
        "mx.hello.com",
        "[127.0.0.1]",
        "hello.com",
      ),
      reason: pieceOf([...words, "never said"]),
      olderThan: fc.integer({ min: 990, max: 1130 }),
      held: fc.constantFrom("no" as const, "only" as const),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(filters, async (filter) => {
      const found = (await spool.list(filter, undefined, 1000)).map(({ entry }) => entry.id)
      assert.deepEqual(
        found,
        kept.filter((one) => means(one, filter)).map(({ entry }) => entry.id),
      )
    }),
    { numRuns: 150 },
  )
})

test("pages of what is found follow one another without a gap", async () => {
  const filter = { to: "host3.example.org" }
  const found: string[] = []
  for (;;) {
    const page = await spool.list(filter, found.at(-1), 2)
    found.push(...page.map(({ entry }) => entry.id))
    if (page.length < 2) break
  }
  assert.deepEqual(
    found,
    kept.filter((one) => means(one, filter)).map(({ entry }) => entry.id),
  )
  assert.ok(found.length > 10 && screened > found.length)
})
