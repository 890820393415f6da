// Honest mail that looks odd, each beside the forgery that it must not be taken for.
import assert from "node:assert/strict"
import { test } from "node:test"
import { below, judged, rest, told, top } from "../../test/kit/forensic-message.ts"

const noId = /Message-ID: .*\n/
const device = top + rest.replace(noId, "")

test("a device that makes no Message-ID is remarked, not flagged; a person's mailer that made none is", () => {
  const judgement = judged(device)
  assert.deepEqual(told(judgement, "message_id"), { severity: "medium", hop: undefined })
  assert.equal(judgement.verdict, "genuine")
  assert.equal(judged(`${device}X-Mailer: Apple Mail (2.3826)\n`).verdict, "suspicious")
  assert.equal(judged(`${device}In-Reply-To: <1.2@grussell.org>\n`).verdict, "suspicious")
  assert.equal(judged(device.replace(/Date: .*\n/, "")).verdict, "suspicious")
})

test("a Message-ID that our server added is remarked; where the Date was its own too, somebody typed the message", () => {
  const added = rest.replace("<7.1@napier.ac.uk>", "<202611240710.6AO7Ag01100001@grussell.org>")
  assert.equal(judged(top + added).verdict, "genuine")
  assert.equal(judged(top + added.replace("07:10:38", "07:10:42")).verdict, "suspicious")
})

test("a program of the receiver's own host may leave the Message-ID to it", () => {
  const own = top.replace(
    "mail.napier.ac.uk (mail.napier.ac.uk [146.176.2.10])",
    "localhost (localhost [127.0.0.1])",
  )
  const added = rest.replace("<7.1@napier.ac.uk>", "<202611240710.6AO7Ag01100001@grussell.org>")
  assert.deepEqual(told(judged(own + added.replace("07:10:38", "07:10:42")), "message_id"), {
    severity: "low",
    hop: undefined,
  })
})

test("one odd network bends all names: that alone is remarked, with evidence of another kind it is suspicious", () => {
  const renamed = below
    .replace("(Postfix)", "(8.17.1/8.17.1)")
    .replace("4F12A9059D", "6AO7Ae01100009")
    .replace(
      "pc236b.napier.ac.uk (pc236b.napier.ac.uk [146.176.7.7])",
      "pc1.hello.com (pc1.hello.com [10.2.4.5])",
    )
  assert.deepEqual(told(judged(top + renamed + rest), "ip_sanity"), { severity: "medium", hop: 2 })
  assert.equal(judged(top + renamed + renamed.replace("by mail.", "by pc1.") + rest).verdict, "genuine")
  assert.equal(judged(top + renamed + rest.replace(noId, "")).verdict, "suspicious")
})

const handed = (who: string) =>
  `Received: ${who}\n\tby pc236b.napier.ac.uk (8.17.1/8.17.1) id 6AO7Ae01100002; Tue, 24 Nov 2026 07:10:40 +0000\n`
const invented =
  "Received: from mail.hello.com (mail.hello.com [62.4.5.6])\n\tby mx.example.org (Postfix) with ESMTP id 4F12A9059D; Tue, 24 Nov 2026 07:10:30 +0000\n"

test("nothing is older than what a person handed in, or what a host took from itself", () => {
  for (const who of ["(from gor@localhost)", "from localhost (localhost [127.0.0.1])"]) {
    const judgement = judged(top + handed(who) + invented + rest)
    assert.deepEqual(told(judgement, "continuity"), { severity: "medium", hop: 3 })
    assert.equal(judgement.verdict, "suspicious")
  }
})

test("a list's program hands messages in again, with the trace they had", () => {
  const list = "List-Id: <wow.napier.ac.uk>\nSender: wow-admin@napier.ac.uk\n"
  const again = top + handed("(from mail@localhost)") + invented + rest
  assert.equal(judged(again + list).verdict, "genuine")
  assert.equal(judged(again + list.replaceAll("napier.ac.uk", "example.org")).verdict, "suspicious")
})

test("a host with two names, or web mail by the name of its site, is met", () => {
  for (const [client, host] of [
    ["evv.napier.local (cable-36.sigecom.net [63.69.210.36])", "napier.ac.uk"],
    ["smtp.comcast.net (smtp.comcast.net [63.69.210.36])", "mtaout04.icomcast.net"],
  ] as const)
    assert.equal(
      told(
        judged(
          top.replace("mail.napier.ac.uk (mail.napier.ac.uk [146.176.2.10])", client) +
            invented.replace("mx.example.org", host) +
            rest,
        ),
        "continuity",
      ),
      undefined,
    )
  const webMail = invented.replace("(Postfix) with ESMTP", "with HTTP")
  const own = handed("from localhost (localhost [127.0.0.1])")
  assert.equal(told(judged(top + own + webMail + rest), "continuity"), undefined)
})

test("a date that nobody can read is no second semicolon, a zone that is not told contradicts none", () => {
  const local = below.replace("Tue, 24 Nov 2026 08:10:40 +0100 (CET)", "24/11/2026 08:10:40")
  assert.deepEqual(told(judged(top + local + rest), "hop_syntax"), { severity: "low", hop: 2 })
  assert.equal(
    told(judged(top + below.replace("08:10:40 +0100 (CET)", "07:10:40 -0000 (EST)") + rest), "timezone"),
    undefined,
  )
})

test("the client's user is not who wrote the field", () => {
  const ident = below
    .replace("(pc236b.napier.ac.uk [", "(postfix@pc236b.napier.ac.uk [")
    .replace("(Postfix)", "(8.9.3/8.9.3)")
    .replace("4F12A9059D", "IAA06955")
  assert.equal(judged(top + ident + rest).about.hops[1]?.received.maker.name, "sendmail")
})

test("nobody speaks two protocols at once", () => {
  const both = below.replace("with ESMTP", "with SMTP with ESMTP")
  assert.deepEqual(told(judged(top + both + rest), "hop_syntax"), { severity: "medium", hop: 2 })
  assert.equal(
    told(judged(top + below.replace("with ESMTP", "with ESMTP with TLS") + rest), "hop_syntax"),
    undefined,
  )
})

test("a department's name is no look-alike of a house, a bank's is", () => {
  const from = (domain: string) => judged(top + below + rest.replace("napier.ac.uk>", `${domain}>`))
  assert.equal(told(from("office.napier.ac.uk"), "homograph"), undefined)
  assert.deepEqual(told(from("paypal.napier.ac.uk"), "homograph"), { severity: "medium", hop: undefined })
})

test("Exchange does not look for the names of addresses, and a filter's name for its own host is its own", () => {
  const exchange =
    "Received: from A.prod.outlook.com (2603:10a6:10:2a5::12) by mail.napier.ac.uk (2603:10a6:208:c1::20)" +
    " with Microsoft SMTP Server id 15.20.9345.17; Tue, 24 Nov 2026 07:10:40 +0000\n"
  assert.equal(told(judged(top + exchange + rest), "helo_rdns"), undefined)
  const filter = below.replace(
    "pc236b.napier.ac.uk (pc236b.napier.ac.uk [146.176.7.7])",
    "pps.filterd (m0123456.ppops.net [127.0.0.1])",
  )
  assert.deepEqual(told(judged(top + filter + rest), "ip_sanity"), { severity: "low", hop: 2 })
})

test("one relay's clock may be hours off in old mail; in today's that is suspicious", () => {
  const ahead = (hops: string) => hops.replace("24 Nov 2026 08:10:40", "24 Nov 2026 13:10:40")
  const oldest = below.replace("by mail.", "by pc236b.").replace("08:10:40", "08:10:30")
  const today = judged(top + ahead(below) + oldest + rest)
  assert.deepEqual(told(today, "time_order"), { severity: "medium", hop: 2 })
  assert.equal(today.verdict, "suspicious")
  const then = (text: string) =>
    text.replaceAll("Tue, 24 Nov 2026", "Sun, 24 Nov 2002").replaceAll("6AO7Ag", "gAO7Ag")
  assert.equal(judged(then(top) + then(ahead(below)) + then(oldest) + then(rest)).verdict, "genuine")
})
