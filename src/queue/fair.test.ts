import assert from "node:assert/strict"
import { test } from "node:test"
import { queuedFor } from "../../test/kit/queued.ts"
import { parseMailbox } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import { FairQueue, Hands, laneOf } from "./fair.ts"

function to(address: string, host?: string) {
  const path = parseMailbox(address)
  if (!path.ok) assert.fail(path.error)
  const admitted = because("test", "let in")
  const recipient = { path: path.value, original: undefined, notify: [], admitted }
  const route = host === undefined ? undefined : { mailer: "esmtp", host, user: address }
  return laneOf({ recipient, route })
}

test("a queue group with runners of its own is one lane, whatever its destinations", () => {
  const [one, other] = queuedFor({ to: ["a@hello.com", "b@napier.ac.uk"] }).pending
  assert.ok(one !== undefined && other !== undefined)
  assert.notEqual(laneOf(one), laneOf(other))
  assert.equal(laneOf({ ...one, group: "slow" }), laneOf({ ...other, group: "slow" }))
  assert.notEqual(laneOf({ ...one, group: "slow" }), laneOf({ ...one, group: "fast" }))
})

test("a destination has one lane, before its route is known and after, in any case", () => {
  assert.equal(to("gordon@hello.com"), to("sally@HELLO.com", "Hello.Com"))
  assert.notEqual(to("gordon@hello.com"), to("gordon@napier.ac.uk"))
  assert.notEqual(to("gordon@hello.com"), to("gordon@hello.com", "relay.example.org"))
})

test("slow lanes share the hands, and some are free for whoever comes", () => {
  const hands = new Hands(500)
  const slow = Array.from({ length: 10 }, (_, lane) => lane)
  for (let round = 0; round < 500; round++)
    for (const lane of slow) if (hands.hasRoom(lane)) hands.take([lane])
  assert.ok(hands.free >= 40, `${hands.free} are free`)
  assert.deepEqual(hands.full().toSorted(), slow)
  assert.ok(hands.hasRoom(99))
})

test("what is given back may be taken again", () => {
  const hands = new Hands(4)
  hands.take([1])
  hands.take([1])
  assert.equal(hands.hasRoom(1), false)
  hands.give([1])
  assert.equal(hands.hasRoom(1), true)
  assert.equal(hands.hasMuchRoom(1), true)
  hands.give([1])
  assert.equal(hands.free, 4)
})

test("lane after lane, sender after sender, of each the oldest first", () => {
  const queue = new FairQueue<string>()
  for (let n = 0; n < 1000; n++) queue.push(1, "list", `list ${n}`)
  queue.push(1, "grussell", "a letter")
  queue.push(2, "list", "elsewhere")
  const taken = Array.from({ length: 5 }, () => queue.next(() => true))
  assert.deepEqual(taken, ["list 0", "elsewhere", "a letter", "list 1", "list 2"])
  assert.equal(queue.size, 997)
  for (let n = 3; n < 1000; n++)
    assert.equal(
      queue.next(() => true),
      `list ${n}`,
    )
  assert.equal(
    queue.next(() => true),
    undefined,
  )
})

test("a lane that may not go holds nobody up", () => {
  const queue = new FairQueue<string>()
  queue.push(1, "list", "slow")
  queue.push(2, "list", "live")
  assert.equal(
    queue.next((lane) => lane !== 1),
    "live",
  )
  assert.equal(
    queue.next((lane) => lane !== 1),
    undefined,
  )
  assert.equal(queue.size, 1)
})
