import assert from "node:assert/strict"
import { test } from "node:test"
import type { DmarcWorld } from "../auth/dmarc.ts"
import { scanHeader } from "../message/header.ts"
import { authorsOf, judgeAuthors } from "./authors.ts"

const header = (from: string) => scanHeader(Buffer.from(`${from}\r\nTo: bob@mx.test\r\n\r\n`))

const cases: readonly (readonly [from: string, ...authors: string[]])[] = [
  ["From: boss@hello.com", "hello.com"],
  ["FROM:<boss@HELLO.com>", "hello.com"],
  ["To: x@y.org\r\nfrom : boss@hello.com", "hello.com"],
  ["From: boss@hello.com <me@example.org>", "example.org"],
  ['From: "boss <boss@hello.com>" <me@example.org>', "example.org"],
  ["From: (boss@hello.com) me@example.org (<boss@hello.com>)", "example.org"],
  ["From: <me@example.org> <boss@hello.com>", "example.org", "hello.com"],
  ["From: me <me@example.org>boss<boss@hello.com>", "example.org", "hello.com"],
  ["From: <me@example.org>, boss@hello.com", "example.org", "hello.com"],
  ["From: team: me@example.org, boss@hello.com;", "example.org", "hello.com"],
  ["From: <@example.org:boss@hello.com>", "hello.com"],
  ["From: me@example.org\r\nfrom: boss@hello.com", "example.org", "hello.com"],
  ["From: me@example.org\r\nFrom: you@EXAMPLE.org", "example.org"],
  ["From: boss@hello.com\0.example.org", "hello.com\0.example.org"],
  ["From: boss @ hello . com", "hello.com"],
  ["From: boss@hello.com.", "hello.com"],
  ["From: boss", "boss"],
  ["From: <>"],
  ["From:"],
  ["Subject: no author"],
]

for (const [from, ...authors] of cases) {
  test(`${JSON.stringify(from)} is of ${authors.join(" and ") || "nobody"}`, () =>
    assert.deepEqual(authorsOf(header(from)), authors))
}

const world: DmarcWorld = {
  async txt(name) {
    return name === "_dmarc.hello.com"
      ? { found: "records", records: ["v=DMARC1; p=reject"], secure: false, ttl: 60 }
      : { found: "nothing", why: "no such name", secure: false }
  },
  addresses: async () => ({ found: "nothing", why: "no such name", secure: false }),
}

const results = async (from: string) =>
  (await judgeAuthors(header(from), [], world)).map(({ result, domain }) => `${result} ${domain}`.trim())

test("each author is judged; one who cannot be is not let through as one who asks for nothing", async () => {
  assert.deepEqual(await results("From: <me@example.org> <boss@hello.com>"), [
    "none example.org",
    "fail hello.com",
  ])
  const six = [..."abcde"].map((one) => `me@${one}.example.org`)
  assert.deepEqual((await results(`From: ${six.join(", ")}, boss@hello.com`)).at(-1), "permerror")
  assert.deepEqual(await results("From: (boss@hello.com"), ["permerror"])
  assert.deepEqual(await results("From: boss@hello.com\0"), ["permerror hello.com\0"])
  assert.deepEqual(await results("From: me@example.org\r\nFrom: you@example.org"), [
    "none example.org",
    "permerror",
  ])
  assert.deepEqual(await results("Subject: no author"), [])
})
