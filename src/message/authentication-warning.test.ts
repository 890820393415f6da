import assert from "node:assert/strict"
import { test } from "node:test"
import { namesAnother } from "./authentication-warning.ts"

const trusted = new Set(["gordon"])

for (const [login, sender, expected] of [
  ["bob", "bob", undefined],
  ["bob", "Bob@Mail.Hello.com", undefined],
  ["bob", "bob@hello.com", "bob set sender to bob@hello.com using -f"],
  ["bob", "x@example.org", "bob set sender to x@example.org using -f"],
  ["bob", "", "bob set sender to <> using -f"],
  ["root", "x@example.org", undefined],
  ["gordon", "x@example.org", undefined],
  ["Gordon", "x@example.org", undefined],
] as const) {
  test(`${login} as ${sender === "" ? "<>" : sender}: ${expected ?? "nothing is said"}`, () => {
    assert.equal(namesAnother({ login, sender, host: "mail.hello.com", flag: "-f", trusted }), expected)
  })
}

test("the flag that was used is named", () => {
  const named = {
    login: "bob",
    sender: "a@b.org",
    host: "mail.hello.com",
    flag: "-r",
    trusted: undefined,
  } as const
  assert.equal(namesAnother(named), "bob set sender to a@b.org using -r")
})
