import assert from "node:assert/strict"
import { test } from "node:test"
import { queuedFor } from "../../test/kit/queued.ts"
import { because } from "../mail/decision.ts"
import type { Queued } from "../queue/entry.ts"
import type { Settled } from "../queue/settle.ts"
import { Followers } from "./followers.ts"

function handedIn(id: string): Queued {
  const queued = queuedFor({ id })
  const arrival = {
    ...queued.entry.arrival,
    protocol: "local",
    authenticated: "gor",
    client: undefined,
  } as const
  return { ...queued, entry: { ...queued.entry, arrival } }
}

function sent({ entry, pending }: Queued): Settled {
  const [one] = pending
  assert.ok(one)
  const reason = because("local", "delivered")
  const status = {
    recipient: one.recipient,
    action: "delivered",
    status: "2.0.0",
    diagnostic: undefined,
    remote: undefined,
    at: new Date(entry.acceptedAt),
    reason,
  } as const
  return { pending: one, status, routed: undefined, waits: undefined, tell: undefined }
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  return Array.fromAsync(lines)
}

const never = new AbortController().signal

test("whoever handed a message in sees its attempt, also when that is over already", async () => {
  const followers = new Followers()
  const queued = handedIn("a")
  followers.expect(queued)
  const live = all(followers.follow("a", never))
  followers.listenerFor("a")?.(">>>", "MAIL FROM:<me@grussell.org>")
  followers.listenerFor("a")?.("<<<", "250 ok")
  followers.settled(queued.entry, sent(queued))
  followers.end("a")
  const said = [">>> MAIL FROM:<me@grussell.org>", "250 ok", "you@napier.ac.uk... Sent"]
  assert.deepEqual(await live, said)
  assert.deepEqual(await all(followers.follow("a", never)), said)
  assert.equal(followers.loginOf("a"), "gor")
})

test("mail of the network and mail that is held cannot be followed, and nothing waits for it", async () => {
  const followers = new Followers()
  followers.expect(queuedFor({ id: "b" }))
  assert.deepEqual(await all(followers.follow("b", never)), [])
  assert.equal(followers.listenerFor("b"), undefined)
  const queued = handedIn("c")
  followers.expect({ ...queued, entry: { ...queued.entry, held: { reason: "by hand", at: undefined } } })
  assert.deepEqual(await all(followers.follow("c", never)), [])
})

test("who goes away is not waited for, and what is old is forgotten", async () => {
  const followers = new Followers()
  followers.expect(handedIn("d"))
  const gone = new AbortController()
  const following = all(followers.follow("d", gone.signal))
  gone.abort()
  assert.deepEqual(await following, [])
  for (let n = 0; n < 200; n++) followers.expect(handedIn(`e${n}`))
  assert.equal(followers.loginOf("d"), undefined)
  assert.equal(followers.loginOf("e199"), "gor")
})
