import assert from "node:assert/strict"
import { once } from "node:events"
import { test } from "node:test"
import fc from "fast-check"
import type { Gate } from "../mail/gate.ts"
import { lines, MemorySpool, open, replies, sessionOf, someMoment } from "../../test/kit/server.ts"
import type { Extension } from "./session.ts"

const lecture = [
  "helo pc236b.napier.ac.uk",
  "mail from: g.russell@napier.ac.uk",
  "rcpt to: me@grussell.org",
  "data",
  'From: "Santa" claws@northpole.com',
  "To: Gordon Russell <me@grussell.org>",
  "Subject: SMTP",
  "",
  "Hello gordon.",
  "I am Santa",
  ".",
  "quit",
  "",
].join("\r\n")

const answers = [
  "220 grussell.org ESMTP Waypost 0.1.0; Tue, 24 Nov 2026 *",
  "250 grussell.org Hello pc236b.napier.ac.uk [10.4.5.6], pleased to meet you",
  "250 2.1.0 g.russell@napier.ac.uk... Sender ok",
  "250 2.1.5 me@grussell.org... Recipient ok",
  '354 Enter mail, end with "." on a line by itself',
  "250 2.0.0 6AO7Ag00000001 Message accepted for delivery",
  "221 2.0.0 grussell.org closing connection",
]

test("the lecture's session gets the lecture's answers", async () => {
  const { said, traces } = await sessionOf([lecture])
  const got = lines(said)
  assert.match(got[0] ?? "", /^220 grussell\.org ESMTP Waypost 0\.1\.0; Tue, 24 Nov 2026 /)
  assert.deepEqual(got.slice(1), answers.slice(1))
  assert.equal(traces.spool.stored.length, 1)
  const [stored] = traces.spool.stored
  assert.ok(stored !== undefined)
  assert.match(
    stored.text,
    /^Received: from pc236b\.napier\.ac\.uk \(pc236b\.napier\.ac\.uk \[10\.4\.5\.6\]\)\r\n\tby grussell\.org \(Waypost 0\.1\.0\) with SMTP id 6AO7Ag00000001\r\n\tfor <me@grussell\.org>; /,
  )
  assert.ok(stored.text.endsWith("Subject: SMTP\r\n\r\nHello gordon.\r\nI am Santa\r\n"))
  assert.equal(stored.queued.entry.size, stored.text.length)
  assert.equal(stored.text.slice(stored.queued.entry.headerSize), "Hello gordon.\r\nI am Santa\r\n")
  assert.equal(stored.queued.entry.summary.subject, "SMTP")
})

test("the same octets cut at any place get the same answers and the same message", async () => {
  const octets = Buffer.from(lecture)
  const whole = await sessionOf([octets])
  for (let at = 1; at < octets.length; at++) {
    const cut = await sessionOf([octets.subarray(0, at), octets.subarray(at)])
    assert.equal(cut.said, whole.said, `cut at ${at}`)
    assert.equal(cut.traces.spool.stored[0]?.text, whole.traces.spool.stored[0]?.text)
  }
})

test("octet by octet is as good as all at once", async () => {
  const octets = [...Buffer.from(lecture)].map((octet) => Buffer.from([octet]))
  const whole = await sessionOf([lecture])
  const single = await sessionOf(octets)
  assert.equal(single.said, whole.said)
  assert.equal(single.traces.spool.stored[0]?.text, whole.traces.spool.stored[0]?.text)
})

test("any session in any pieces is answered the same", async () => {
  const command = fc.constantFrom(
    "EHLO hello.com\r\n",
    "MAIL FROM:<andrew@hello.com>\r\n",
    "RCPT TO:<me@grussell.org>\r\n",
    "RCPT TO:<nosuch@grussell.org>\r\n",
    "DATA\r\n",
    "Subject: x\r\n\r\n..dot\r\n.\r\n",
    "BDAT 5\r\nab\r\nc",
    "BDAT 3 LAST\r\n\r\n.",
    "RSET\n",
    "XYZZY\r\n",
    "\u0000\r\n",
    "a\nb\r\n",
    "NOOP\r\r\n",
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 12 }),
      fc.array(fc.nat(300), { maxLength: 6 }),
      async (parts, cuts) => {
        const octets = Buffer.from(parts.join(""), "latin1")
        const places = [
          0,
          ...cuts.map((cut) => Math.min(cut, octets.length)).toSorted((a, b) => a - b),
          octets.length,
        ]
        const pieces = places.slice(1).map((to, i) => octets.subarray(places[i] ?? 0, to))
        const whole = await sessionOf([octets])
        const cut = await sessionOf(pieces.filter((piece) => piece.length > 0))
        assert.equal(cut.said, whole.said)
        assert.deepEqual(
          cut.traces.spool.stored.map((one) => one.text),
          whole.traces.spool.stored.map((one) => one.text),
        )
        assert.deepEqual(cut.traces.bugs, [])
      },
    ),
    { numRuns: 300 },
  )
})

test("EHLO lists what is offered, in sendmail's order", async () => {
  assert.deepEqual(await replies(["EHLO hello.com", "QUIT"], { offers: { maxMessageSize: 2000 } }), [
    "250-grussell.org Hello pc236b.napier.ac.uk [10.4.5.6], pleased to meet you",
    "250-ENHANCEDSTATUSCODES",
    "250-PIPELINING",
    "250-EXPN",
    "250-VERB",
    "250-8BITMIME",
    "250-SIZE 2000",
    "250-DSN",
    "250-ETRN",
    "250-DELIVERBY",
    "250-CHUNKING",
    "250-BINARYMIME",
    "250-SMTPUTF8",
    "250 HELP",
    "221 2.0.0 grussell.org closing connection",
  ])
})

test("BY sets the time a message must be there by, and how (RFC 2852)", async () => {
  const spool = new MemorySpool()
  const said = [
    "EHLO a",
    "MAIL FROM:<andrew@hello.com> BY=120;Rt",
    "RCPT TO:<me@grussell.org>",
    "DATA",
    "x",
    ".",
    "QUIT",
  ]
  await replies(said, { spool })
  assert.deepEqual(spool.stored[0]?.queued.entry.envelope.deliverBy, {
    at: someMoment + 120_000,
    mode: "return",
    trace: true,
  })
})

test("DeliverByMin is told, and kept; below 0 there is no DELIVERBY", async () => {
  const least = { offers: { leastDeliverBy: 60 } }
  assert.ok((await replies(["EHLO a"], least)).includes("250-DELIVERBY 60"))
  assert.equal(
    (await replies(["EHLO a", "MAIL FROM:<> BY=59;R", "QUIT"], least)).at(-2),
    "555 5.5.2 time 59 less than 60",
  )
  const none = { offers: { leastDeliverBy: -1 } }
  assert.ok(!(await replies(["EHLO a"], none)).some((line) => line.includes("DELIVERBY")))
  assert.equal(
    (await replies(["EHLO a", "MAIL FROM:<> BY=120;R", "QUIT"], none)).at(-2),
    "555 5.5.4 BY parameter unrecognized",
  )
})

const patience = { step: "greet_pause", says: "5 ms", at: undefined, after: [] }
const pausing: Partial<Gate> = { pause: async () => ({ outcome: "yes", value: 5, reason: patience }) }

test("a client that keeps still is greeted after the pause", async () => {
  const { client, traces, over } = open({ gate: pausing })
  const [greeting] = (await once(client, "data")) as [Buffer]
  assert.match(greeting.toString(), /^220 grussell\.org ESMTP /)
  client.end("QUIT\r\n")
  await over
  assert.deepEqual(traces.bugs, [])
})

test("who speaks before the greeting is taken nothing from", async () => {
  const slow: Partial<Gate> = { pause: async () => ({ outcome: "yes", value: 60_000, reason: patience }) }
  assert.deepEqual(
    (await sessionOf(["EHLO a\r\nMAIL FROM:<>\r\nQUIT\r\n"], { gate: slow })).said.split("\r\n"),
    [
      "554 grussell.org ESMTP not accepting messages",
      "250-grussell.org Hello pc236b.napier.ac.uk [10.4.5.6], pleased to meet you",
      "250 ENHANCEDSTATUSCODES",
      "550 5.0.0 Command rejected",
      "221 2.0.0 grussell.org closing connection",
      "",
    ],
  )
})

test("what sendmail does not offer is offered only when the configuration says so", async () => {
  const plain = { offers: { extensions: new Set<Extension>() } }
  const said = await replies(
    ["EHLO a", "MAIL FROM:<> SMTPUTF8", "MAIL FROM:<> BODY=BINARYMIME", "BDAT 3 LAST", "QUIT"],
    plain,
  )
  assert.ok(!said.some((line) => /^250.(?:CHUNKING|BINARYMIME|SMTPUTF8)/.test(line)))
  assert.deepEqual(said.slice(-4), [
    "555 5.5.4 SMTPUTF8 parameter unrecognized",
    "501 5.5.4 Unknown BODY type BINARYMIME",
    '500 5.5.1 Command unrecognized: "BDAT"',
    "221 2.0.0 grussell.org closing connection",
  ])
})

// Each line: what is sent, what comes back. Sent in one session after EHLO; sendmail's own answers where it has them.
const dialogs: Record<string, [command: string, reply: string][]> = {
  "commands out of order are told what is missing": [
    ["RCPT TO:<me@grussell.org>", "503 5.0.0 Need MAIL before RCPT"],
    ["DATA", "503 5.0.0 Need MAIL command"],
    ["MAIL FROM:<andrew@hello.com>", "250 2.1.0 <andrew@hello.com>... Sender ok"],
    ["MAIL FROM:<me@hello.com>", "503 5.5.0 Sender already specified"],
    ["DATA", "503 5.0.0 Need RCPT (recipient)"],
    ["RSET", "250 2.0.0 Reset state"],
    ["DATA", "503 5.0.0 Need MAIL command"],
  ],
  "what is no command is said so": [
    ["NOOP x", "250 2.0.0 OK"],
    ["VERB", "250 2.0.0 Verbose mode"],
    ["TURN", '502 5.5.1 Command not implemented: "TURN"'],
    ["SEND FROM:<a@b>", '502 5.5.1 Command not implemented: "SEND FROM:<a@b>"'],
    ["XYZZY", '500 5.5.1 Command unrecognized: "XYZZY"'],
    ["", '500 5.5.1 Command unrecognized: ""'],
    [".", '500 5.5.1 Command unrecognized: "."'],
    ["LHLO x", '500 5.5.1 Command unrecognized: "LHLO"'],
    ["NOOP\rRSET", "500 5.5.2 Control character in command line"],
    ["NO\u0000OP", "500 5.5.2 Control character in command line"],
    ["NOOP \u00e4", "500 5.5.2 Command line is neither ASCII nor UTF-8"],
    [`XYZZY ${"y".repeat(200)}`, `500 5.5.1 Command unrecognized: "XYZZY ${"y".repeat(91)}..."`],
    [`NOOP ${"y".repeat(5000)}`, "500 5.5.2 Command line too long"],
    ["DATA now", '501 5.5.2 Syntax error in parameters scanning "now"'],
    ["STARTTLS", "454 4.3.3 TLS not available after start"],
    ["AUTH PLAIN AGJvYgBib2I=", "503 5.3.3 AUTH not available"],
    ["QUIT now", "221 2.0.0 grussell.org closing connection"],
  ],
  "people may type blanks, lower case and no brackets": [
    ["  mail   from :   <andrew@hello.com>  ", "250 2.1.0 <andrew@hello.com>... Sender ok"],
    ["rcpt to:me", "250 2.1.5 me... Recipient ok"],
    ["Rcpt To: <  gordon@grussell.org >", "250 2.1.5 <  gordon@grussell.org >... Recipient ok"],
    ["RCPT TO:<pOstMaster>", "250 2.1.5 <pOstMaster>... Recipient ok"],
    ["RCPT TO:postmaster", "250 2.1.5 postmaster... Recipient ok"],
  ],
  "a path that is none is refused": [
    ["MAIL", '501 5.5.2 Syntax error in parameters scanning ""'],
    ["MAIL FROM", '501 5.5.2 Syntax error in parameters scanning "FROM"'],
    ["MAIL FROM:", '501 5.5.2 Syntax error in parameters scanning "FROM:"'],
    ["MAIL TO:<a@b>", '501 5.5.2 Syntax error in parameters scanning "TO:<a@b>"'],
    ["MAIL FROM:<a@b", "553 5.0.0 <a@b... Unbalanced '<'"],
    ["MAIL FROM:a@b>", "553 5.0.0 a@b>... Unbalanced '>'"],
    ['MAIL FROM:<"a@b>', "553 5.0.0 <\"a@b>... Unbalanced '\"'"],
    ["MAIL FROM:<a@b>x", '501 5.5.2 Syntax error in parameters scanning "FROM:<a@b>x"'],
    [`MAIL FROM:<${"a".repeat(600)}@b>`, `553 5.1.3 <${"a".repeat(96)}...... Address too long`],
    ["MAIL FROM:<>", "250 2.1.0 <>... Sender ok"],
    ["RCPT", '501 5.5.2 Syntax error in parameters scanning ""'],
    ["RCPT TO:<>", "553 5.1.3 <>... User address required"],
  ],
  "a refusal names the address as it was typed": [
    ["MAIL FROM:<x@spam.test>", "550 5.7.1 <x@spam.test>... Access denied"],
    ["mail from: x@spam.test", "550 5.7.1 x@spam.test... Access denied"],
    ["MAIL FROM:<>", "250 2.1.0 <>... Sender ok"],
    ["RCPT TO:<nosuch@grussell.org>", "550 5.1.1 <nosuch@grussell.org>... User unknown"],
    ["RCPT TO:x@example.org", "550 5.7.1 x@example.org... Relaying denied"],
    ["VRFY nosuch", "550 5.1.1 nosuch... User unknown"],
  ],
  "MAIL's parameters are read or refused": [
    [
      "MAIL FROM:<> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=abc+2B1 AUTH=<> SMTPUTF8",
      "250 2.1.0 <>... Sender ok",
    ],
    ["RSET", "250 2.0.0 Reset state"],
    ["MAIL FROM:<> SIZE=99999999999", "452 4.4.5 Insufficient disk space; try again later"],
    ["MAIL FROM:<> SIZE=abc", '501 5.5.2 Bad argument "abc" to SIZE'],
    ["MAIL FROM:<> SIZE", "501 5.5.2 SIZE requires a value"],
    ["MAIL FROM:<> SIZE=", "501 5.5.2 SIZE requires a value"],
    ["MAIL FROM:<> BODY=XX", "501 5.5.4 Unknown BODY type XX"],
    ["MAIL FROM:<> RET=XX", '501 5.5.2 Bad argument "XX" to RET'],
    ["MAIL FROM:<> RET=FULL RET=HDRS", "501 5.5.0 Duplicate RET parameter"],
    ["MAIL FROM:<> ENVID=a+0D+0Ab", "501 5.5.2 Syntax error in ENVID parameter value"],
    ["MAIL FROM:<> ENVID=+", "501 5.5.2 Syntax error in ENVID parameter value"],
    [`MAIL FROM:<> ENVID=${"e".repeat(101)}`, "501 5.5.2 Syntax error in ENVID parameter value"],
    ["MAIL FROM:<> AUTH=+ZZ", "501 5.5.2 Syntax error in AUTH parameter value"],
    ["MAIL FROM:<> SMTPUTF8=1", "501 5.5.4 SMTPUTF8 takes no value"],
    ["MAIL FROM:<> FOO=BAR", "555 5.5.4 FOO parameter unrecognized"],
    ["MAIL FROM:<> __proto__=1", "555 5.5.4 __proto__ parameter unrecognized"],
  ],
  "RCPT's parameters are read or refused": [
    ["MAIL FROM:<>", "250 2.1.0 <>... Sender ok"],
    ["RCPT TO:<me> NOTIFY=FAILURE,DELAY ORCPT=rfc822;me+40grussell.org", "250 2.1.5 <me>... Recipient ok"],
    ["RCPT TO:<me> NOTIFY=NEVER", "250 2.1.5 <me>... Recipient ok"],
    ["RCPT TO:<me> NOTIFY=NEVER,SUCCESS", '501 5.5.2 Bad argument "NEVER,SUCCESS" to NOTIFY'],
    ["RCPT TO:<me> NOTIFY=SUCCESS,,FAILURE", '501 5.5.2 Bad argument "SUCCESS,,FAILURE" to NOTIFY'],
    ["RCPT TO:<me> ORCPT=rfc822", "501 5.5.2 Syntax error in ORCPT parameter value"],
    ["RCPT TO:<me> ORCPT=;x", "501 5.5.2 Syntax error in ORCPT parameter value"],
    ["RCPT TO:<me> ORCPT=rfc822;+00", "501 5.5.2 Syntax error in ORCPT parameter value"],
    ["RCPT TO:<me> SIZE=1", "555 5.5.4 SIZE parameter unrecognized"],
  ],
  "an address beyond ASCII needs SMTPUTF8": [
    ["MAIL FROM:<jürgen@example.org>", "553 5.6.7 Address needs the SMTPUTF8 parameter of MAIL"],
    ["MAIL FROM:<jürgen@example.org> SMTPUTF8", "250 2.1.0 <j?rgen@example.org>... Sender ok"],
  ],
  "a name is verified, a list expanded": [
    ["VRFY", "501 5.5.2 Argument required"],
    ["EXPN", "501 5.5.2 Argument required"],
    ["VRFY me", "250 2.1.5 <me@grussell.org>"],
    ["VRFY <me>", "250 2.1.5 <me@grussell.org>"],
    ["EXPN team", "250-2.1.5 <me@grussell.org>\r\n250 2.1.5 <gordon@grussell.org>"],
  ],
  "who greets badly is told": [
    ["EHLO", "501 5.0.0 EHLO requires domain address"],
    ["HELO", "501 5.0.0 HELO requires domain address"],
    ["EHLO sp ace", "501 5.0.0 Invalid domain name"],
    ['HELO <script>"', "501 5.0.0 Invalid domain name"],
    ["HELO [10.4.5.6]", "250 grussell.org Hello pc236b.napier.ac.uk [10.4.5.6], pleased to meet you"],
  ],
  "a host's queue is run when it asks": [
    ["ETRN", "500 5.5.2 Parameter required"],
    ["ETRN remote.test", "250 2.0.0 Queuing for node remote.test started"],
  ],
  "HELP helps": [
    ["HELP NOOP", "214-2.0.0 NOOP\r\n214-2.0.0     Do nothing.\r\n214 2.0.0 End of HELP info"],
    ["HELP constructor", '504 5.3.0 HELP topic "constructo" unknown'],
  ],
}

function wire(command: string): Buffer {
  return Buffer.from(`${command}\r\n`, command.startsWith("NOOP \u00e4") ? "latin1" : "utf8")
}

for (const [sentence, dialog] of Object.entries(dialogs)) {
  test(sentence, async () => {
    for (const [command, want] of dialog) assert.ok(!/\n/.test(command), want)
    const { said } = await sessionOf([Buffer.concat(dialog.map(([command]) => wire(command)))])
    const got = lines(said).slice(1).join("\r\n")
    const want = dialog.map(([, reply]) => reply).join("\r\n")
    assert.equal(got.replace(/\r\n421 4\.4\.1 .*$/, ""), want)
  })
}

test("envelope and parameters reach the queue as they were said", async () => {
  const { traces } = await sessionOf([
    "EHLO hello.com\r\nMAIL FROM:<andrew@hello.com> RET=HDRS ENVID=abc+2B1 BODY=8BITMIME\r\n",
    "RCPT TO:<me@grussell.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;Me+40Example.ORG\r\nRCPT TO:<gordon>\r\n",
    "DATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n",
  ])
  const [stored] = traces.spool.stored
  const { entry, pending } = stored?.queued ?? assert.fail("nothing stored")
  assert.equal(entry.envelope.ret, "headers")
  assert.equal(entry.envelope.envid, "abc+1")
  assert.equal(entry.envelope.body, "8bitmime")
  assert.equal(entry.arrival.protocol, "ESMTP")
  assert.equal(entry.arrival.helo, "hello.com")
  assert.deepEqual(
    pending.map(({ number, recipient }) => [number, recipient.notify, recipient.original]),
    [
      [1, ["failure", "delay"], "rfc822;Me@Example.ORG"],
      [2, [], undefined],
    ],
  )
  assert.ok(!stored?.text.includes("for <"), "with two recipients neither is named in Received:")
})

test("a lone CR or LF in a message ends the session, and nothing is kept", async () => {
  const start = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<me>\r\nDATA\r\nSubject: x\r\n\r\nouter"
  const hidden = "MAIL FROM:<>\r\nRCPT TO:<gordon>\r\nDATA\r\ninner\r\n.\r\nQUIT\r\n"
  const ends = [
    "\n.\n",
    "\n.\r\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\n",
    "\r\n.\r",
    "\r\n\u0000.\n",
    "\r\r\n.\r\n",
    "\n\n.\r\n",
  ]
  for (const end of ends) {
    const { said, traces } = await sessionOf([start + end + hidden])
    assert.equal(traces.spool.stored.length, 0, JSON.stringify(end))
    assert.match(
      lines(said).at(-1) ?? "",
      /^421 4\.5\.0 Bare (linefeed \(LF\)|carriage return \(CR\)) not allowed$/,
      JSON.stringify(end),
    )
  }
})

test("BDAT carries a message in chunks, dots and all", async () => {
  const { said, traces } = await sessionOf(
    [
      "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<me>\r\n",
      "BDAT 14\r\nSubject: c\r\n\r\nBDAT 8\r\n.\r\n..\r\nx",
      "BDAT 4 LAST\r\n\r\n.\nQUIT\r\n",
    ].map((text) => text.replace("\r\n.\nQUIT", "\r\n.zQUIT")),
  )
  assert.deepEqual(lines(said).slice(-5), [
    "250 2.1.5 <me>... Recipient ok",
    "250 2.0.0 14 bytes received",
    "250 2.0.0 8 bytes received",
    "250 2.0.0 6AO7Ag00000001 Message accepted for delivery",
    "221 2.0.0 grussell.org closing connection",
  ])
  // The last line had no end; mail is made of whole lines.
  assert.ok(traces.spool.stored[0]?.text.endsWith("\r\n\r\n.\r\n..\r\nx\r\n.z\r\n"))
})

test("what a chunk holds is never taken for a command, whatever the answer", async () => {
  assert.deepEqual(await replies("BDAT 10 LAST\r\nQUIT\r\nabcdNOOP\r\n"), [
    "503 5.0.0 Need MAIL command",
    "250 2.0.0 OK",
    "421 4.4.1 grussell.org Lost input channel from pc236b.napier.ac.uk [10.4.5.6]",
  ])
  assert.deepEqual(await replies("BDAT x\r\nQUIT\r\n"), ["501 5.5.4 Syntax: BDAT octets [LAST]"])
})

test("DATA after BDAT is out of place until RSET", async () => {
  const got = await replies("MAIL FROM:<>\r\nRCPT TO:<me>\r\nBDAT 3\r\nabcDATA\r\nRSET\r\nDATA\r\nQUIT\r\n")
  assert.deepEqual(got.slice(2, -1), [
    "250 2.0.0 3 bytes received",
    "503 5.5.1 DATA after BDAT; use BDAT LAST or RSET",
    "250 2.0.0 Reset state",
    "503 5.0.0 Need MAIL command",
  ])
})

test("a lone LF in a chunk is refused, unless the message is BINARYMIME", async () => {
  const chunk = "BDAT 15 LAST\r\nSubject: x\r\n\r\na\nQUIT\r\n".replace("15", "16")
  const text = await replies(`MAIL FROM:<>\r\nRCPT TO:<me>\r\n${chunk}`)
  assert.deepEqual(text.slice(2), [
    "554 5.6.0 Bare linefeed (LF) not allowed",
    "221 2.0.0 grussell.org closing connection",
  ])
  const binary = await replies(`MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<me>\r\nDATA\r\n${chunk}`)
  assert.deepEqual(binary.slice(2, 4), [
    "503 5.5.1 BODY=BINARYMIME needs BDAT",
    "250 2.0.0 6AO7Ag00000001 Message accepted for delivery",
  ])
})

test("who said EHLO is told the octets that end the message, who said HELO or nothing hears it in words", async () => {
  const rest = ["MAIL FROM:<>", "RCPT TO:<me>", "DATA"]
  const told = async (hello: string) =>
    (await replies([hello, ...rest, "x: y", "", ".", "QUIT"])).find((line) => line.startsWith("354"))
  assert.equal(await told("EHLO a"), "354 End data with <CR><LF>.<CR><LF>")
  assert.equal(await told("HELO a"), '354 Enter mail, end with "." on a line by itself')
  assert.equal(await told("NOOP"), '354 Enter mail, end with "." on a line by itself')
})

test("LMTP answers for each recipient", async () => {
  const lmtp = { offers: { lmtp: true } }
  const got = await replies(
    "EHLO a\r\nLHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<me>\r\nRCPT TO:<nosuch>\r\nRCPT TO:<gordon>\r\nDATA\r\nx: y\r\n\r\nz\r\n.\r\nQUIT\r\n",
    lmtp,
  )
  assert.equal(got[0], '500 5.5.1 Command unrecognized: "EHLO"')
  assert.deepEqual(got.slice(-4), [
    "354 End data with <CR><LF>.<CR><LF>",
    "250 2.0.0 6AO7Ag00000001 Message accepted for delivery",
    "250 2.0.0 6AO7Ag00000001 Message accepted for delivery",
    "221 2.0.0 grussell.org closing connection",
  ])
})
