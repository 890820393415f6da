import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import {
  block,
  type LogRecord,
  printAccept,
  printOutcome,
  putRecord,
  readRecords,
  roomFor,
} from "./log-records.ts"
import type { PendingRow } from "./requests.ts"

const key = { mark: 0x1234abcd, seed: 0xfeedbeef }

const plain = { noNullPrototype: true }

const row = fc.record(
  {
    number: fc.nat(),
    next: fc.nat(),
    lane: fc.nat(),
    json: fc.string({ unit: "binary" }).map((text) => JSON.stringify({ text })),
  },
  plain,
)

const accepted = fc.record(
  {
    kind: fc.constant("accept" as const),
    id: fc.stringMatching(/^[0-9A-Za-z]{1,14}$/),
    acceptedAt: fc.nat(),
    held: fc.option(fc.constant('{"reason":"looks odd"}'), { nil: undefined }),
    json: fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text)),
    pending: fc.array(row, { minLength: 1, maxLength: 4 }),
    file: fc.option(fc.record({ size: fc.nat(), crc: fc.nat() }, plain), { nil: undefined }),
    octets: fc.uint8Array({ maxLength: 9000 }),
  },
  plain,
)

const outcome = fc.record(
  {
    kind: fc.constant("record" as const),
    id: fc.stringMatching(/^[0-9A-Za-z]{1,14}$/),
    done: fc.array(fc.nat(), { maxLength: 3 }),
    update: fc.array(row, { maxLength: 3 }),
    add: fc.array(row, { maxLength: 3 }),
  },
  plain,
)

type Given = typeof accepted | typeof outcome extends fc.Arbitrary<infer T> ? T : never

/** A segment with these records, each in a group of its own. */
function segmentOf(given: readonly Given[]): { readonly octets: Buffer; readonly ends: readonly number[] } {
  const ends: number[] = []
  let octets = Buffer.alloc(block)
  for (const one of given) {
    const text = one.kind === "accept" ? printAccept(one) : printOutcome(one)
    const body = one.kind === "accept" ? one.octets : new Uint8Array()
    const group = Buffer.alloc(roomFor(text, body.length) + block)
    const { end } = putRecord(group, 0, key, one.kind, text, body)
    ends.push(octets.length + end)
    octets = Buffer.concat([octets, group.subarray(0, Math.ceil(end / block) * block)])
  }
  return { octets, ends }
}

function withoutPlace(record: LogRecord, octets: Buffer): unknown {
  if (record.kind !== "accept") return record
  const { at, length, crc, ...rest } = record
  assert.ok(crc > 0 || length === 0)
  return { ...rest, octets: new Uint8Array(octets.subarray(at, at + length)) }
}

test("what is written is read: every field, whatever letters are in it, and the octets where the record says", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(accepted, outcome), { maxLength: 5 }), (given) => {
      const { octets } = segmentOf(given)
      const found = readRecords(octets, key, block).records.map((record) => withoutPlace(record, octets))
      assert.deepEqual(found, given)
    }),
  )
})

test("a log that ends anywhere has the records that are whole, and nothing else", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(accepted, outcome), { minLength: 1, maxLength: 4 }),
      fc.nat(),
      (given, cut) => {
        const { octets, ends } = segmentOf(given)
        const end = block + (cut % (octets.length - block + 1))
        const whole = ends.filter((one) => one <= end).length
        assert.equal(readRecords(octets.subarray(0, end), key, block).records.length, whole)
      },
    ),
  )
})

test("a record in which one octet changed is left out, and those of later groups are read", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(accepted, outcome), { minLength: 2, maxLength: 4 }),
      fc.nat(),
      (given, place) => {
        const { octets, ends } = segmentOf(given)
        const at = block + (place % ((ends[0] ?? block) - block))
        octets[at] = (octets[at] ?? 0) ^ 0x20
        const found = readRecords(octets, key, block).records.map((record) => withoutPlace(record, octets))
        assert.deepEqual(found, given.slice(1))
      },
    ),
  )
})

test("a record with another segment's key, or inside a message somebody sent, is none", () => {
  const pending: PendingRow[] = [{ number: 0, next: 0, lane: 1, json: "{}" }]
  const forged = { id: "forged", acceptedAt: 1, held: undefined, json: "{}", pending, file: undefined }
  const fake = Buffer.alloc(8192)
  const { end } = putRecord(fake, 0, { ...key, seed: 1 }, "accept", printAccept(forged), new Uint8Array())
  assert.deepEqual(readRecords(fake, key, 0).records, [])
  const body = Buffer.concat([Buffer.alloc(block, "x"), fake.subarray(0, end), Buffer.alloc(3 * block)])
  const honest = Buffer.alloc(8 * block)
  putRecord(honest, 0, key, "accept", printAccept({ ...forged, id: "honest" }), body)
  honest[3 * block] = 1 // torn: now the reader looks at each block for a record
  assert.deepEqual(readRecords(honest, key, 0).records, [])
})
