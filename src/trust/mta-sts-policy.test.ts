import assert from "node:assert/strict"
import { test } from "node:test"
import { matchesMx, parsePolicy, recordId } from "./mta-sts-policy.ts"

test("the id is that of the one record that there is", () => {
  const cases: readonly (readonly [texts: readonly string[], id: string | undefined])[] = [
    [["v=STSv1; id=20160831085700Z;"], "20160831085700Z"], // RFC 8461 §3.1
    [["v=STSv1;id=1"], "1"],
    [["v=STSv1 ; a=b; id=20160831 ;"], "20160831"],
    [["v=spf1 -all", "v=STSv1; id=7;"], "7"],
    [["v=STSv1; id=1;", "v=STSv1; id=2;"], undefined],
    [["v=STSv2; id=1;"], undefined],
    [["v=STSv11; id=1;"], undefined],
    [["v=STSv1; id=;"], undefined],
    [["v=STSv1; id=a b;"], undefined],
    [[`v=STSv1; id=${"1".repeat(33)};`], undefined],
    [[" v=STSv1; id=1;"], undefined],
    [["v=STSv1"], undefined],
    [[], undefined],
  ]
  for (const [texts, id] of cases) assert.equal(recordId(texts), id, texts.join(" | "))
})

const example =
  "version: STSv1\r\nmode: enforce\r\nmx: mail.Example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"

test("the policy of RFC 8461 §3.2 is read", () => {
  assert.deepEqual(parsePolicy(example), {
    ok: true,
    value: { mode: "enforce", maxAge: 604_800, mx: ["mail.example.com", "*.example.net"] },
  })
})

test("what may differ in a policy differs", () => {
  const more = `${example.replaceAll("\r\n", "\n")}x_new: whatever: it says\nmode: none\n\n`
  const read = parsePolicy(more)
  assert.ok(read.ok)
  assert.equal(read.value.mode, "enforce", "the first of a name counts")
  assert.ok(parsePolicy("version: STSv1\nmode: none\nmax_age: 86400").ok, "none needs no mx")
})

test("a policy with something wrong is none, and that is said", () => {
  const wrong: readonly (readonly [text: string, error: RegExp])[] = [
    ["", /version/],
    [example.replace("STSv1", "STSv2"), /version/],
    [example.replace("enforce", "Enforce"), /mode/],
    [example.replace("604800", "31557601"), /max_age/],
    [example.replace("604800", "-1"), /max_age/],
    [example.replaceAll(/mx:.*\r\n/g, ""), /names no mx/],
    [example.replace("*.example.net", "a.*.net"), /pattern/],
    [example.replace("*.example.net", "*"), /pattern/],
    [`${example}<html>`, /no field/],
  ]
  for (const [text, error] of wrong) {
    const read = parsePolicy(text)
    assert.match(read.ok ? "" : read.error, error, text)
  }
})

test("a star stands for one label, and for no more and no less (RFC 8461 §4.1)", () => {
  const policy = { mode: "enforce", maxAge: 1, mx: ["mail.example.com", "*.example.net"] } as const
  const match = (host: string) => matchesMx(policy, host)
  for (const host of ["mail.example.com", "MAIL.example.com.", "mx1.example.net"])
    assert.ok(match(host), host)
  for (const host of ["example.net", "a.b.example.net", "xmail.example.com", "example.com", "net", ""])
    assert.ok(!match(host), host)
})
