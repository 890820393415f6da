import assert from "node:assert/strict"
import { test } from "node:test"
import { lines, MemorySpool, replies, type Setting, sessionOf } from "../../test/kit/server.ts"
import type { PrivacyFlag } from "./session.ts"

const message = (body: string) => `MAIL FROM:<>\r\nRCPT TO:<me>\r\nDATA\r\n${body}.\r\nQUIT\r\n`

test("too much is refused, and the session goes on", async () => {
  const small = { offers: { maxMessageSize: 2000, maxRecipients: 2, maxHops: 3, maxHeaderSize: 500 } }
  const cases: [sent: string, reply: string][] = [
    [
      "MAIL FROM:<> SIZE=5000\r\nQUIT\r\n",
      "552 5.2.3 Message size exceeds fixed maximum message size (2000)",
    ],
    [
      message(`Subject: big\r\n\r\n${"x".repeat(2000)}\r\n`),
      "552 5.2.3 Message exceeds maximum fixed size (2000)",
    ],
    [message(`Subject: ${"h".repeat(600)}\r\n\r\nx\r\n`), "552 5.6.0 Message header too large"],
    [message(`${"Received: x\r\n".repeat(3)}\r\nx\r\n`), "554 5.4.6 Too many hops 4 (3 max)"],
    [
      "MAIL FROM:<>\r\nRCPT TO:<me>\r\nRCPT TO:<me>\r\nRCPT TO:<me>\r\nQUIT\r\n",
      "452 4.5.3 Too many recipients",
    ],
  ]
  for (const [sent, want] of cases) {
    const { said, traces } = await sessionOf([sent], small)
    assert.deepEqual(lines(said).slice(-2), [want, "221 2.0.0 grussell.org closing connection"])
    assert.equal(traces.spool.stored.length, 0)
    assert.ok(
      traces.log.some((line) => line.includes(`reject=${want}`)),
      "the log has it",
    )
    assert.equal(traces.events.at(-1)?.what, "refused")
    assert.ok(traces.events.at(-1)?.reason !== undefined, "and its reason")
  }
  const twoHops = await sessionOf([message(`${"Received: x\r\n".repeat(2)}\r\nx\r\n`)], small)
  assert.equal(twoHops.traces.spool.stored.length, 1)
})

test("after a refused message nothing of its transaction is left", async () => {
  const { said } = await sessionOf(
    [`${message("Received: x\r\n\r\n").replace("QUIT", "DATA")}RCPT TO:<me>\r\nQUIT\r\n`],
    {
      offers: { maxHops: 1 },
    },
  )
  assert.deepEqual(lines(said).slice(-4, -1), [
    "554 5.4.6 Too many hops 2 (1 max)",
    "503 5.0.0 Need MAIL command",
    "503 5.0.0 Need MAIL before RCPT",
  ])
})

test("a full disk is 452, at MAIL or after the message, and mail flows again afterwards", async () => {
  const spool = new MemorySpool()
  spool.full = "at MAIL"
  assert.deepEqual((await replies("MAIL FROM:<>\r\nQUIT\r\n", { spool })).slice(0, 1), [
    "452 4.4.5 Insufficient disk space; try again later",
  ])
  spool.full = "at commit"
  assert.equal(
    (await replies(message("a: b\r\n\r\n"), { spool })).at(-2),
    "452 4.4.5 Insufficient disk space; try again later",
  )
  spool.full = "no"
  assert.match((await replies(message("a: b\r\n\r\n"), { spool })).at(-2) ?? "", /^250 2\.0\.0 /)
})

test("who sends rubbish is let go after 25 lines of it", async () => {
  const got = await replies("XYZZY\r\n".repeat(40))
  assert.equal(got.length, 26)
  assert.equal(got.at(-1), "421 4.7.0 grussell.org Too many bad commands; closing connection")
})

test("NOOP without end is rubbish too, but not between messages", async () => {
  const got = await replies("NOOP\r\n".repeat(100), { offers: { maxIdleCommands: 10 } })
  assert.equal(got.filter((line) => line === "250 2.0.0 OK").length, 35)
  assert.equal(got.at(-1), "421 4.7.0 grussell.org Too many bad commands; closing connection")
  const pooled = `NOOP\r\n${message("a: b\r\n\r\n").replace("QUIT\r\n", "")}`.repeat(50)
  assert.match((await replies(pooled, { offers: { maxIdleCommands: 10 } })).at(-2) ?? "", /accepted/)
})

test("a browser that was led to our port is sent away", async () => {
  assert.deepEqual(await replies("POST / HTTP/1.0\r\nMAIL FROM:<>\r\n"), [
    "421 4.7.0 grussell.org Rejecting open proxy pc236b.napier.ac.uk [10.4.5.6]",
  ])
})

function privacy(...flags: PrivacyFlag[]): Setting {
  return { offers: { privacy: new Set(flags) } }
}

test("privacy options silence what they name", async () => {
  assert.equal(
    (await replies(["VRFY me"], privacy("novrfy")))[0],
    "252 2.5.2 Cannot VRFY user; try RCPT to attempt delivery (or try finger)",
  )
  assert.equal(
    (await replies(["EXPN team"], privacy("noexpn")))[0],
    "502 5.7.0 Sorry, we do not allow this operation",
  )
  assert.equal((await replies(["VERB"], privacy("noexpn")))[0], "502 5.7.0 Verbose unavailable")
  assert.equal(
    (await replies(["ETRN x"], privacy("noetrn")))[0],
    "502 5.7.0 Sorry, we do not allow this operation",
  )
  assert.equal(
    (await replies(["MAIL FROM:<>"], privacy("needmailhelo")))[0],
    "503 5.0.0 Polite people say HELO first",
  )
  assert.equal(
    (await replies(["MAIL FROM:<> RET=HDRS"], privacy("noreceipts")))[0],
    "504 5.7.0 Sorry, RET not supported, we do not allow DSN",
  )
  const listed = await replies(["EHLO a"], privacy("noexpn", "noetrn", "noreceipts"))
  assert.ok(!listed.some((line) => /EXPN|\bVERB|ETRN|DSN/.test(line)))
})
