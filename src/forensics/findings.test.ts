import assert from "node:assert/strict"
import { test } from "node:test"
import { below, judged, rest, told, top } from "../../test/kit/forensic-message.ts"
import type { Check, Severity } from "./finding.ts"

test("an honest message has nothing against it, and is never called safe", () => {
  const judgement = judged(top + below + rest)
  assert.ok(judgement.findings.every(({ severity }) => severity === "info"))
  assert.equal(judgement.verdict, "genuine")
  assert.match(judgement.sentence, /does not prove who wrote it/)
})

const forgeries: readonly (readonly [string, string, Check, Severity, number | undefined])[] = [
  [
    "a hop dated a day after the one above it",
    top + below.replace("24 Nov 2026 08", "25 Nov 2026 08").replace("Tue", "Wed") + rest,
    "time_order",
    "high",
    2,
  ],
  ["a zone that no place has", top + below.replace("+0100 (CET)", "+1730") + rest, "timezone", "high", 2],
  [
    "a zone whose name contradicts it",
    top + below.replace("+0100 (CET)", "+0100 (EST)") + rest,
    "timezone",
    "medium",
    2,
  ],
  [
    "a weekday that contradicts its date",
    top + below.replace("Tue,", "Sun,") + rest,
    "date_syntax",
    "medium",
    2,
  ],
  [
    "a Date a year ahead",
    top + below + rest.replace("Tue, 24 Nov 2026", "Wed, 24 Nov 2027"),
    "date_header",
    "high",
    undefined,
  ],
  [
    "a hop by a host that nobody spoke with",
    top + below.replace("by mail.napier.ac.uk", "by relay.hello.com") + rest,
    "continuity",
    "medium",
    2,
  ],
  [
    "an address that is none",
    top + below.replace("146.176.7.7", "146.176.7.700") + rest,
    "ip_sanity",
    "high",
    2,
  ],
  ["a multicast address", top + below.replace("146.176.7.7", "224.0.0.5") + rest, "ip_sanity", "high", 2],
  [
    "an id of another software",
    top + below.replace("4F12A9059D", "g6JF0wx06107") + rest,
    "queue_id",
    "medium",
    2,
  ],
  [
    "the same id on two hosts",
    top + below.replace("4F12A9059D", "6AO7Ag01100001").replace("(Postfix)", "(8.17.1/8.17.1)") + rest,
    "duplicate_id",
    "high",
    2,
  ],
  [
    "an id whose clock tells another day",
    top + below.replace("4F12A9059D", "6AK7Ag01100009").replace("(Postfix)", "(8.17.1/8.17.1)") + rest,
    "queue_id_clock",
    "high",
    2,
  ],
  [
    "a hop signed by two makers",
    top + below.replace("(Postfix)", "(Exim Postfix 8.9.3)") + rest,
    "hop_syntax",
    "high",
    2,
  ],
  [
    "a date where the address stands",
    top +
      below.replace(
        "(pc236b.napier.ac.uk [146.176.7.7])",
        "(HELO x.hello.com) (Tue, 24 Nov 2026 07:10:41 +0000)",
      ) +
      rest,
    "hop_syntax",
    "high",
    2,
  ],
  [
    "software of decades later",
    top + below.replace("(Postfix)", "(8.18.1/8.18.1)").replace("24 Nov 2026", "24 Nov 1998") + rest,
    "anachronism",
    "medium",
    2,
  ],
  [
    "a client that greets with our own name",
    top.replace("from mail.napier.ac.uk", "from grussell.org") + rest,
    "helo_self",
    "high",
    1,
  ],
  [
    "a bank's greeting from a customer's line",
    top.replace(
      "from mail.napier.ac.uk (mail.napier.ac.uk",
      "from hsbc.com (dsl-146-176-2-10.pool.example.org",
    ) + rest,
    "helo_rdns",
    "high",
    1,
  ],
  [
    "a bank by way of another's host",
    top + rest.replace("g.russell@napier.ac.uk", "service@chase.com"),
    "route_origin",
    "high",
    1,
  ],
  [
    "another's address for a name",
    top + below + rest.replace("Gordon", '"service@apple.com"'),
    "display_name",
    "high",
    undefined,
  ],
  [
    "a house with a digit for a letter",
    top + below + rest.replace("@napier.ac.uk>\nTo", "@paypa1.com>\nTo"),
    "homograph",
    "high",
    undefined,
  ],
  [
    "a house with Cyrillic letters",
    top + below + rest.replace("@napier.ac.uk>\nTo", "@xn--pypal-4ve.com>\nTo"),
    "homograph",
    "high",
    undefined,
  ],
  [
    "a house as another's sub-domain",
    top + below + rest.replace("@napier.ac.uk>\nTo", "@paypal.com.hello.com>\nTo"),
    "homograph",
    "high",
    undefined,
  ],
  ["no Message-ID", top + below + rest.replace(/Message-ID: .*\n/, ""), "message_id", "medium", undefined],
  [
    "a Message-ID without brackets",
    top + below + rest.replace("<7.1@napier.ac.uk>", "gordon at napier"),
    "message_id",
    "medium",
    undefined,
  ],
  [
    "a Message-ID of another year",
    top + below + rest.replace("<7.1@", "<20041115111215.7@"),
    "message_id",
    "medium",
    undefined,
  ],
  [
    "another mailer's Message-ID",
    `${top}${below}X-Mailer: Apple Mail (2.482)\n${rest}`,
    "message_id",
    "medium",
    undefined,
  ],
  [
    "results in our name below the line",
    `${top}Authentication-Results: grussell.org; spf=pass smtp.mailfrom=napier.ac.uk\n${below}${rest}`,
    "auth_results_trust",
    "high",
    undefined,
  ],
  [
    "an ARC chain that passed before it began",
    `${top}ARC-Seal: i=1; cv=pass; d=hello.com\n${below}${rest}`,
    "arc_structure",
    "medium",
    undefined,
  ],
  [
    "a signature that leaves From out",
    `${top}DKIM-Signature: v=1; d=hello.com; h=to:date; b=x\n${below}${rest}`,
    "dkim_scope",
    "medium",
    undefined,
  ],
  [
    "SPF that our server found bad",
    `Received-SPF: fail (grussell.org: domain of x@hello.com) client-ip=146.176.2.10\n${top}${below}${rest}`,
    "received_spf",
    "medium",
    undefined,
  ],
  [
    "SPF in our name below the line",
    `${top}Received-SPF: Pass (domain of x) receiver=grussell.org; client-ip=146.176.2.10\n${below}${rest}`,
    "received_spf",
    "high",
    undefined,
  ],
  [
    "DMARC that our server found failed, for a known house",
    `Authentication-Results: grussell.org; dmarc=fail header.from=chase.com\n${top}${rest.replace("g.russell@napier.ac.uk", "service@chase.com")}`,
    "own_results",
    "high",
    undefined,
  ],
  [
    "a key that can be broken",
    `${top}DKIM-Signature: v=1; a=rsa-sha256; d=napier.ac.uk; h=from; b=${"A".repeat(86)}==\n${below}${rest}`,
    "dkim_scope",
    "low",
    undefined,
  ],
  [
    "a signature of somebody who is nowhere else",
    `${top}DKIM-Signature: v=1; a=rsa-sha256; d=hello.com; h=from; b=x\n${below}${rest}`,
    "dkim_scope",
    "low",
    undefined,
  ],
  [
    "one of our own who writes from outside",
    top + rest.replace("g.russell@napier.ac.uk", "chief@grussell.org"),
    "route_origin",
    "medium",
    1,
  ],
  [
    "a list that neither envelope nor trace knows",
    `Return-Path: <g.russell@napier.ac.uk>\n${top}${below}List-Id: <talk.hello.com>\n${rest}`,
    "list_headers",
    "medium",
    undefined,
  ],
  [
    "answers of a bank to free mail",
    `${top}Reply-To: x@gmail.com\n${below}${rest.replace("g.russell@napier.ac.uk", "service@chase.com")}`,
    "reply_to",
    "medium",
    undefined,
  ],
]

for (const [what, text, check, severity, hop] of forgeries) {
  test(`${what} is found (${check})`, () => {
    const judgement = judged(text)
    assert.deepEqual(told(judgement, check), { severity, hop })
    for (const finding of judgement.findings)
      assert.ok(finding.explanation !== "" && finding.why !== "" && finding.settle !== "")
  })
}

const traps: readonly (readonly [string, string])[] = [
  [
    "a clock face that goes back across zones",
    top + below.replace("08:10:40 +0100 (CET)", "17:10:40 +1000") + rest,
  ],
  ["a relay whose clock is two minutes fast", top + below.replace("08:10:40", "08:12:40") + rest],
  [
    "a message that waited two days in the queue",
    top.replaceAll("24 Nov 2026", "26 Nov 2026").replace("Tue", "Thu").replace("6AO7Ag", "6AQ7Ag") +
      below +
      rest,
  ],
  ["a private network behind the sender's server", top + below.replace("[146.176.7.7]", "[10.2.4.5]") + rest],
  [
    "our own results above the line",
    `Authentication-Results: grussell.org; spf=pass smtp.mailfrom=napier.ac.uk\n${top}${below}${rest}`,
  ],
  [
    "a mass mailing with its own envelope",
    `Return-Path: <bounce-7@mailer.example.org>\n${top}${below}List-Unsubscribe: <https://mailer.example.org/u>\n${rest}`,
  ],
]

for (const [what, text] of traps) {
  test(`${what} is honest`, () => assert.equal(judged(text).verdict, "genuine"))
}

test("the trap of the lecture is told as a trap", () => {
  const judgement = judged(top + below.replace("08:10:40 +0100 (CET)", "17:10:40 +1000") + rest)
  assert.deepEqual(told(judgement, "time_order"), { severity: "info", hop: 2 })
})

test("a receiver that wrote no hop leaves nothing to believe", () => {
  const judgement = judged(top + below + rest, { receiver: "mail.hello.com" })
  assert.equal(judgement.about.chain.boundary, 0)
  assert.match(judgement.sentence, /hearsay/)
})

test("results under another name of ours are ours only above the line (--authserv-id)", () => {
  const field = "Authentication-Results: results.example.org; spf=pass smtp.mailfrom=napier.ac.uk\n"
  const trust = { receiver: "grussell.org", authservIds: ["results.example.org"] }
  assert.equal(told(judged(field + top + below + rest, trust), "auth_results_trust"), undefined)
  const claimed = judged(top + field + below + rest, trust)
  assert.deepEqual(told(claimed, "auth_results_trust"), { severity: "high", hop: undefined })
  assert.equal(told(judged(top + field + below + rest), "auth_results_trust")?.severity, "low")
})

test("two telling signs of different kinds are called forged, one alone suspicious", () => {
  const strangeId = below.replace("4F12A9059D", "g6JF0wx06107")
  const strangeHost = below.replace("by mail.napier.ac.uk", "by relay.hello.com")
  assert.equal(judged(top + strangeId + rest).verdict, "suspicious")
  assert.equal(judged(top + strangeHost + rest).verdict, "suspicious")
  const both = strangeId.replace("by mail.napier.ac.uk", "by relay.hello.com")
  assert.equal(judged(top + both + rest).verdict, "forged")
})

test("a house's address for a name is forged, but not where a service that hides addresses put it there", () => {
  const shown = rest.replace("Gordon", '"service@paypal.com"')
  assert.equal(judged(top + below + shown).verdict, "forged")
  const hidden = shown.replace("g.russell@napier.ac.uk", "service_at_paypal_com_x7@napier.ac.uk")
  assert.equal(judged(top + below + hidden).verdict, "suspicious")
})

test("a bank on a customer's line has no honest explanation, on another's host it may have one", () => {
  const bank = rest.replace("g.russell@napier.ac.uk", "service@chase.com")
  const line = top.replaceAll("mail.napier.ac.uk", "dsl-146-176-2-10.pool.example.org")
  assert.equal(judged(line + bank).verdict, "forged")
  assert.equal(judged(top + bank).verdict, "suspicious")
})

test("what a trusted forwarder wrote is believed", () => {
  const trust = { receiver: "grussell.org", trusted: ["napier.ac.uk"] }
  assert.equal(judged(top + below + rest, trust).about.chain.boundary, 2)
  assert.equal(judged(top + below + rest).about.chain.boundary, 1)
})

test("our own names find the receiver; else the topmost is taken to be it, and that is said", () => {
  assert.equal(judged(top + below + rest, { ours: ["grussell.org"] }).about.chain.assumed, false)
  assert.equal(judged(top + below + rest, {}).about.chain.assumed, true)
})

const teaching = `From g.russell@napier.ac.uk Sun Nov 15 11:12:21 2009
Received: from pc236b.napier.ac.uk [10.2.4.5]
	by grussell.org (8.18.11) id PDQ666
	Sun Nov 15 11:12:20 2008 -0000
Received: (gor@localhost)
	by pc236b.napier.ac.uk (8.18.11) id LXY123
	Sun Nov 15 11:12:16 2008 -0000
Date: Sun Nov 15 11:12:15 2008 -0000
From: g.russell@napier.ac.uk
To: me@grussell.org
Message-Id: <20041115111215.LXY123@pc236b.napier.ac.uk>
Subject: Wow
`

test("the teaching message is read, and what does not fit is said", () => {
  const { about, verdict, findings } = judged(teaching, {})
  const [newer, older] = about.hops
  assert.equal(newer?.received.host, "grussell.org")
  assert.equal(newer?.address?.text, "10.2.4.5")
  assert.equal(newer?.step, 4000)
  assert.equal(older?.received.host, "pc236b.napier.ac.uk")
  assert.equal(older?.received.source?.user, "gor")
  assert.deepEqual([newer?.received.maker.name, older?.received.maker.name], ["sendmail", "sendmail"])
  assert.equal(verdict, "suspicious")
  const all = findings.map(({ explanation }) => explanation).join("\n")
  for (const words of [
    /delivered in 2009/,
    /was a Saturday/,
    /2004-11-15/,
    /10\.2\.4\.5: an address of a private network/,
    /"PDQ666"/,
    /"LXY123"/,
  ])
    assert.match(all, words)
})
