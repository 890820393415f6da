import assert from "node:assert/strict"
import { test } from "node:test"
import { Sessions } from "./sessions.ts"

const minute = 60_000

function at(start = 0) {
  let now = start
  const sessions = new Sessions(() => now)
  return { sessions, pass: (time: number) => (now += time) }
}

test("a link opens one session, once, within ten minutes", () => {
  const { sessions, pass } = at()
  const link = sessions.newLink()
  const opened = sessions.useLink(link)
  assert.ok(opened !== undefined)
  assert.equal(sessions.find(opened.cookie)?.user, "link")
  assert.equal(sessions.useLink(link), undefined)
  const late = sessions.newLink()
  pass(10 * minute + 1)
  assert.equal(sessions.useLink(late), undefined)
  assert.equal(sessions.useLink("no such link"), undefined)
})

test("a session ends when it is closed, when it was idle for half a day, and after a week whatever happens", () => {
  const { sessions, pass } = at()
  const { cookie } = sessions.open("gordon")
  pass(11 * 60 * minute)
  assert.equal(sessions.find(cookie)?.user, "gordon")
  pass(12 * 60 * minute + 1)
  assert.equal(sessions.find(cookie), undefined)
  const busy = sessions.open("gordon").cookie
  for (let hours = 0; hours < 168; hours += 8) {
    assert.ok(sessions.find(busy) !== undefined)
    pass(8 * 60 * minute)
  }
  pass(1)
  assert.equal(sessions.find(busy), undefined)
  const closed = sessions.open("gordon").cookie
  sessions.close(closed)
  assert.equal(sessions.find(closed), undefined)
})

test("no more than 500 sessions are kept: who was idle longest goes", () => {
  const { sessions } = at()
  const first = sessions.open("first").cookie
  const second = sessions.open("second").cookie
  for (let n = 0; n < 498; n++) sessions.open("many")
  sessions.find(first)
  sessions.open("one too many")
  assert.equal(sessions.find(first)?.user, "first")
  assert.equal(sessions.find(second), undefined)
})
