import assert from "node:assert/strict"
import { test } from "node:test"
import { loadSettings } from "./load.ts"
import { hostOfHop, submissionHop } from "./submission.ts"

function hopOf(text: string) {
  const { settings } = loadSettings({
    source: { file: "/etc/mail/submit.mc", text },
    read: (path) => ({ ok: false, error: `${path}: there is no such file` }),
    place: { hostname: "mail.hello.com", addresses: [], state: "/var/lib/waypost", root: true },
  })
  assert.ok(settings !== undefined)
  return submissionHop(settings)
}

for (const [text, host, port, connectsTo] of [
  ["FEATURE(`msp', `[127.0.0.1]')dnl", "[127.0.0.1]", 25, "127.0.0.1"],
  ["FEATURE(`msp', `[mail.hello.com]', `MSA')dnl", "[mail.hello.com]", 587, "mail.hello.com"],
  ["FEATURE(`msp', `mail.hello.com', `2525')dnl", "mail.hello.com", 2525, "mail.hello.com"],
  ["FEATURE(`msp', `[IPv6:::1]')dnl", "[IPv6:::1]", 25, "::1"],
  ["FEATURE(`msp')dnl", "[localhost]", 25, "localhost"],
] as const) {
  test(`${text} hands mail to ${connectsTo} port ${port}, and the line is known`, () => {
    const hop = hopOf(`# submit.mc\n${text}\n`)
    assert.ok(hop !== undefined)
    assert.deepEqual([hop.host, hop.port, hostOfHop(hop)], [host, port, connectsTo])
    assert.deepEqual([hop.at?.file, hop.at?.line], ["/etc/mail/submit.mc", 2])
  })
}

test("a configuration without FEATURE(msp) has no such server", () => {
  assert.equal(hopOf("MAILER(`local')dnl\n"), undefined)
})
