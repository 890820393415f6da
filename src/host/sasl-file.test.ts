import assert from "node:assert/strict"
import { test } from "node:test"
import { badSaslName, parseSaslUsers, withoutSaslUser, withSaslUser } from "./sasl-file.ts"

const me = { login: "me", realm: "mail.grussell.org", password: "läuft: no\ttab, no = problem" }
const other = { login: "me", realm: "hello.com", password: "x" }

test("a user is of a login and a realm; the last password counts, comments stay", () => {
  const text = withSaslUser(withSaslUser("# ours\n", { ...me, password: "old" }), other)
  const changed = withSaslUser(text, me)
  assert.deepEqual(parseSaslUsers(changed), [other, me])
  assert.ok(changed.startsWith("# ours\n"))
  assert.deepEqual(parseSaslUsers(withoutSaslUser(changed, me)), [other])
  assert.equal(withoutSaslUser("# ours\n", me), "# ours\n")
})

test("a line that is no user is none", () => {
  assert.deepEqual(parseSaslUsers("\nme\nme\tx\n\tx\tYQ==\nme\tx\ty\tz\n#me\tx\tYQ==\n"), [])
})

for (const [name, good] of [
  ["me", true],
  ["me@grussell.org", true],
  ["", false],
  ["two words", false],
  ["#me", false],
  ["a\tb", false],
  ["a\nb", false],
] as const) {
  test(`${JSON.stringify(name)} is ${good ? "a name" : "no name"}`, () => {
    assert.equal(badSaslName(name) === undefined, good)
  })
}
