import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import type { Dns } from "../mail/world.ts"
import { type Site, siteOf } from "../../test/kit/site.ts"
import { headerRewriter } from "./header-rewriter.ts"
import { addressKind, rewriteHeader } from "./rewrite-header.ts"

const site: Site = {
  name: "mail.hello.com",
  macros: { M: "hello.com" },
  classes: { w: ["mail.hello.com", "localhost"] },
}

async function rewritten(header: string, more: Site = {}): Promise<{ text: string; waits: number }> {
  let waits = 0
  const rewriter = headerRewriter("esmtp", siteOf({ ...site, ...more }), () => void waits++)
  const octets = await rewriteHeader(Buffer.from(header, "latin1"), rewriter)
  return { text: octets.toString("latin1"), waits }
}

test("senders are masqueraded, names get a domain, and all else stays octet for octet", async () => {
  const header = [
    "Received: from x by mail.hello.com\r\n\tfor <bob@mail.hello.com>; today",
    'From: "Bob, the builder" <bob@mail.hello.com> (at mail.hello.com)',
    "Sender:   bob",
    "To: andrew, Jim <jim@mail.hello.com>,\r\n\t  far@napier.ac.uk",
    "Reply-To: <@mail.hello.com:bob@mail.hello.com>",
    "Subject: bob@mail.hello.com",
    "Resent-From: bob@localhost",
    "X-From: bob@mail.hello.com",
    "",
    "",
  ].join("\r\n")
  const { text } = await rewritten(header)
  assert.deepEqual(text.split("\r\n"), [
    "Received: from x by mail.hello.com",
    "\tfor <bob@mail.hello.com>; today",
    'From: "Bob, the builder" <bob@hello.com> (at mail.hello.com)',
    "Sender:   bob@hello.com",
    "To: andrew@mail.hello.com, Jim <jim@mail.hello.com>,",
    "\t  far@napier.ac.uk",
    "Reply-To: <bob@hello.com>",
    "Subject: bob@mail.hello.com",
    "Resent-From: bob@hello.com",
    "X-From: bob@mail.hello.com",
    "",
    "",
  ])
})

test("a header in which nothing changes is the same buffer", async () => {
  const header = Buffer.from("From: ann@Example.ORG\r\nTo: g.russell@Napier.ac.uk, x@[192.0.2.1]\r\n\r\n")
  const rewriter = headerRewriter("esmtp", siteOf(site), () => assert.fail("nothing to wait for"))
  assert.equal(await rewriteHeader(header, rewriter), header)
})

test("what is no address stays, and so do 8-bit names around one that changes", async () => {
  const { text } = await rewritten("From: Andr\xe9 <bob@mail.hello.com>, a@b@c, undisclosed:;, <>\r\n\r\n")
  assert.equal(text, "From: Andr\xe9 <bob@hello.com>, a@b@c, undisclosed:;, <>\r\n\r\n")
})

test("the domaintable's new name reaches the header", async () => {
  const { text } = await rewritten("To: bob@old.example.org\r\n\r\n", {
    tables: { domaintable: "old.example.org new.example.org" },
  })
  assert.equal(text, "To: bob@new.example.org\r\n\r\n")
})

test("a table that does not answer changes nothing and says that the mail must wait", async () => {
  const { text, waits } = await rewritten("From: bob\r\n\r\n", { silent: ["genericstable"] })
  assert.equal(text, "From: bob\r\n\r\n")
  assert.equal(waits, 1)
})

test("which fields hold addresses", () => {
  assert.equal(addressKind("from"), "sender")
  assert.equal(addressKind("resent-sender"), "sender")
  assert.equal(addressKind("cc"), "recipient")
  assert.equal(addressKind("resent-bcc"), "recipient")
  assert.equal(addressKind("subject"), undefined)
})

test("whatever the header is, a rewriter that keeps all keeps every octet", async () => {
  const line = fc.string({ unit: "binary", maxLength: 30 })
  const header = fc
    .array(fc.tuple(fc.constantFrom("From: ", "To: ", "X: ", " ", ""), line), { maxLength: 6 })
    .map((lines) => Buffer.from(lines.map(([name, value]) => `${name}${value}\r\n`).join("")))
  await fc.assert(
    fc.asyncProperty(header, async (octets) => {
      assert.deepEqual(await rewriteHeader(octets, async () => undefined), octets)
      const doubled = await rewriteHeader(octets, async (address) => address)
      assert.deepEqual(doubled, octets)
    }),
  )
})

test("a domain that DNS says is an alias leaves under its real name, unless nobody is to expand names", async () => {
  const cname: Dns["cname"] = async (name) =>
    name === "alias.test"
      ? { found: "records", records: ["real.test"], ttl: 60, secure: false }
      : { found: "nothing", why: "no such record", secure: false }
  const dns = { cname }
  assert.equal(
    (await rewritten("To: me@alias.test, x@other.test\r\n\r\n", { dns })).text,
    "To: me@real.test, x@other.test\r\n\r\n",
  )
  const features = { nocanonify: [] }
  assert.equal(
    (await rewritten("To: me@alias.test\r\n\r\n", { dns, features })).text,
    "To: me@alias.test\r\n\r\n",
  )
})
