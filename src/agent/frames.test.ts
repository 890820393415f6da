import assert from "node:assert/strict"
import { test } from "node:test"
import { array, assert as check, integer, property, record, string, uint8Array } from "fast-check"
import { type Frame, frameHead, FrameReader } from "./frames.ts"

function plain({ head, body }: Frame): readonly string[] {
  return [head.toString("utf8"), Buffer.concat(body).toString("latin1")]
}

test("frames come out as they went in, however the octets are cut", () => {
  const frame = record({ head: string(), body: uint8Array({ maxLength: 50 }) })
  check(
    property(array(frame), array(integer({ min: 1, max: 30 })), (frames, cuts) => {
      const octets = Buffer.concat(frames.flatMap(({ head, body }) => [frameHead(head, body.length), body]))
      const reader = new FrameReader()
      const out: Frame[] = []
      let at = 0
      for (const length of cuts) {
        out.push(...reader.push(octets.subarray(at, at + length)))
        at = Math.min(octets.length, at + length)
      }
      if (at < octets.length) out.push(...reader.push(octets.subarray(at)))
      const expected = frames.map(({ head, body }) => [
        JSON.stringify(head),
        Buffer.from(body).toString("latin1"),
      ])
      assert.deepEqual(out.map(plain), expected)
    }),
  )
})

test("a body is made of slices of what the socket gave, not of copies", () => {
  const octets = Buffer.concat([frameHead({ number: 1 }, 5), Buffer.from("hello")])
  const [frame] = new FrameReader().push(octets)
  assert.equal(frame?.body[0]?.buffer, octets.buffer)
})

test("a frame too large to be ours is an error before anything is kept for it", () => {
  const start = Buffer.alloc(8)
  start.writeUInt32BE(2, 0)
  start.writeUInt32BE(0x7fff_ffff, 4)
  assert.throws(() => new FrameReader().push(start), /a frame of 2 \+ 2147483647 octets/)
})
