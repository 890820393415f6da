import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { Play, work } from "../../test/kit/client-play.ts"
import { Client } from "./client.ts"

const a = "a@grussell.org"
const b = "b@grussell.org"

test("one transaction, pipelined: the whole envelope in one write, the message after 354", () => {
  const play = new Play([
    "250 ok",
    "250 ok",
    "250 ok",
    "354 go",
    "250 2.0.0 ABC Message accepted for delivery",
  ])
  play.open("PIPELINING").send(work())
  assert.deepEqual(play.log, [
    "MAIL From:<ann@example.org>",
    "RCPT To:<a@grussell.org>",
    "RCPT To:<b@grussell.org>",
    "DATA",
    "(message)",
  ])
  assert.equal(play.fates, "relayed 2.0.0, relayed 2.0.0")
  assert.deepEqual(play.client.fates[0]?.diagnostic, {
    code: 250,
    status: "2.0.0",
    text: ["ABC Message accepted for delivery"],
  })
})

test("what the peer said to a recipient is kept where the sender asks to hear of success", () => {
  const play = new Play(["250 ok", "250 2.1.5 a is fine", "250 2.1.5 b is fine", "354 go", "250 2.0.0 taken"])
  const asked = work()
  const recipients = asked.recipients.map((one, n) =>
    n === 0 ? { ...one, notify: ["success"] as const } : one,
  )
  play.open("PIPELINING DSN").send({ ...asked, recipients })
  assert.deepEqual(
    play.client.fates.map((fate) => fate?.recipientReply?.text),
    [["a is fine"], undefined],
  )
})

test("without PIPELINING each command waits for the reply to the one before", () => {
  const client = new Client({ hello: "example.org", lmtp: false })
  client.feed(Buffer.from("220 hi\r\n"))
  client.feed(Buffer.from("250 grussell.org\r\n"))
  const sent = [client.start(work())]
  for (const reply of ["250 ok", "250 ok", "250 ok"]) sent.push(client.feed(Buffer.from(`${reply}\r\n`)))
  assert.deepEqual(
    sent.map((next) => next.kind === "send" && next.text),
    [
      "MAIL From:<ann@example.org>\r\n",
      "RCPT To:<a@grussell.org>\r\n",
      "RCPT To:<b@grussell.org>\r\n",
      "DATA\r\n",
    ],
  )
  assert.deepEqual(
    sent.map((next) => next.kind === "send" && next.step),
    ["mail", "rcpt", "rcpt", "datainit"],
  )
})

/** Greeting, EHLO (and HELO): what comes of each reply. */
const openings: readonly (readonly [readonly string[], string])[] = [
  [["220 hi", "250 ok"], "ready"],
  [["220-two\r\n220 lines", "250 ok"], "ready"],
  [["220 hi", "500 what?", "250 ok"], "ready"],
  [["220 hi", "502 5.5.1 no", "501 no"], "broken 5.5.4 for good"],
  [["220 hi", "502 no", "421 later"], "broken 4.3.2"],
  [["220 hi", "450 later"], "broken 4.2.0"],
  [["220 hi", "421 4.3.2 later"], "broken 4.3.2"],
  [["220 hi", "354 go"], "broken 4.5.0"],
  [["220 hi"], "broken 4.4.2"],
  [[], "broken 4.4.2"],
  [["421 4.7.0 too many connections"], "broken 4.7.0"],
  [["450 4.7.1 greylisted"], "broken 4.7.1"],
  [["554 5.7.1 go away"], "broken 5.7.1 for good"],
  [["521 no mail here"], "broken 5.0.0 for good"],
  [["250 hi"], "broken 4.5.0"],
  [["hello there"], "broken 4.5.0"],
  [["HTTP/1.1 400 Bad Request"], "broken 4.5.0"],
  [["220hi"], "broken 4.5.0"],
  [["220 hi\r\n250 ok"], "broken 4.5.0"],
]

for (const [replies, end] of openings) {
  test(`greeted with ${JSON.stringify(replies)} the session is ${end}`, () => {
    assert.equal(new Play(replies).run({ kind: "wait", step: "initial" }).end, end)
  })
}

const ok = "250 ok"
const go = "354 go"

/** Replies to MAIL, RCPT a, RCPT b, DATA, the dot; fates; end. The first column plays with PIPELINING, the second without. */
const conversations: readonly {
  readonly piped: readonly string[]
  readonly stepwise: readonly string[]
  readonly fates: string
  readonly end: string
}[] = [
  {
    piped: [ok, ok, ok, go, ok],
    stepwise: [ok, ok, ok, go, ok],
    fates: "relayed 2.0.0, relayed 2.0.0",
    end: "ready",
  },
  {
    piped: [ok, "251 forwarded", "252 maybe", go, ok],
    stepwise: [ok, "251 x", "252 x", go, ok],
    fates: "relayed 2.0.0, relayed 2.0.0",
    end: "ready",
  },
  // MAIL refused: what follows is its echo
  {
    piped: ["550 5.7.1 no", "503 5.5.1 need MAIL", "503 x", "503 x"],
    stepwise: ["550 5.7.1 no"],
    fates: "failed 5.7.1, failed 5.7.1",
    end: "ready",
  },
  {
    piped: ["451 later", "503 x", "503 x", "503 x"],
    stepwise: ["451 later"],
    fates: "delayed 4.3.0, delayed 4.3.0",
    end: "ready",
  },
  {
    piped: ["552 5.3.4 too big", "503 x", "503 x", "503 x"],
    stepwise: ["552 5.3.4 too big"],
    fates: "failed 5.3.4, failed 5.3.4",
    end: "ready",
  },
  {
    piped: ["354 what", "503 x", "503 x", "503 x"],
    stepwise: ["354 what"],
    fates: "delayed 4.5.0, delayed 4.5.0",
    end: "ready",
  },
  {
    piped: ["550 no", "503 x", "503 x", go, "554 none"],
    stepwise: ["550 no"],
    fates: "failed 5.2.0, failed 5.2.0",
    end: "ready",
  },
  // RCPT
  {
    piped: [ok, "550 5.1.1 unknown", ok, go, ok],
    stepwise: [ok, "550 5.1.1 unknown", ok, go, ok],
    fates: "failed 5.1.1, relayed 2.0.0",
    end: "ready",
  },
  {
    piped: [ok, "450 4.2.1 busy", ok, go, ok],
    stepwise: [ok, "450 4.2.1 busy", ok, go, ok],
    fates: "delayed 4.2.1, relayed 2.0.0",
    end: "ready",
  },
  {
    piped: [ok, "550 no", "450 later", "554 5.5.1 none"],
    stepwise: [ok, "550 no", "450 later"],
    fates: "failed 5.2.0, delayed 4.2.0",
    end: "ready",
  },
  {
    piped: [ok, "550 no", "553 no", go, "554 none"],
    stepwise: [ok, "550 no", "553 no"],
    fates: "failed 5.2.0, failed 5.1.3",
    end: "ready",
  },
  {
    piped: [ok, "550 no", "553 no", go, ok],
    stepwise: [ok, "550 no", "553 no"],
    fates: "failed 5.2.0, failed 5.1.3",
    end: "ready",
  },
  {
    piped: [ok, "452 4.5.3 too many", ok, go, ok],
    stepwise: [ok, "452 4.5.3 too many", ok, go, ok],
    fates: "delayed 4.5.3, relayed 2.0.0",
    end: "ready",
  },
  {
    piped: [ok, ok, "452 4.5.3 too many", go, ok],
    stepwise: [ok, ok, "452 4.5.3 too many", go, ok],
    fates: "relayed 2.0.0, ?",
    end: "ready",
  },
  {
    piped: [ok, ok, "552 too many", go, ok],
    stepwise: [ok, ok, "552 too many", go, ok],
    fates: "relayed 2.0.0, ?",
    end: "ready",
  },
  {
    piped: [ok, ok, "452 4.2.2 full", go, ok],
    stepwise: [ok, ok, "452 4.2.2 full", go, ok],
    fates: "relayed 2.0.0, delayed 4.2.2",
    end: "ready",
  },
  {
    piped: [ok, ok, "552 5.2.2 full", go, ok],
    stepwise: [ok, ok, "552 5.2.2 full", go, ok],
    fates: "relayed 2.0.0, failed 5.2.2",
    end: "ready",
  },
  // DATA
  {
    piped: [ok, ok, ok, "451 4.7.1 greylisted"],
    stepwise: [ok, ok, ok, "451 4.7.1 x"],
    fates: "delayed 4.7.1, delayed 4.7.1",
    end: "ready",
  },
  {
    piped: [ok, ok, ok, "554 5.7.1 no"],
    stepwise: [ok, ok, ok, "554 5.7.1 no"],
    fates: "failed 5.7.1, failed 5.7.1",
    end: "ready",
  },
  { piped: [ok, ok, ok, ok], stepwise: [ok, ok, ok, ok], fates: "?, ?", end: "broken 4.5.0" },
  // the dot
  {
    piped: [ok, ok, ok, go, "550 5.7.1 spam"],
    stepwise: [ok, ok, ok, go, "550 5.7.1 spam"],
    fates: "failed 5.7.1, failed 5.7.1",
    end: "ready",
  },
  {
    piped: [ok, ok, ok, go, "452 no room"],
    stepwise: [ok, ok, ok, go, "452 no room"],
    fates: "delayed 4.3.1, delayed 4.3.1",
    end: "ready",
  },
  {
    piped: [ok, ok, ok, go, go],
    stepwise: [ok, ok, ok, go, go],
    fates: "delayed 4.5.0, delayed 4.5.0",
    end: "broken 4.5.0",
  },
  {
    piped: [ok, ok, ok, go, "421 4.3.2 bye"],
    stepwise: [ok, ok, ok, go, "421 4.3.2 bye"],
    fates: "delayed 4.3.2, delayed 4.3.2",
    end: "broken 4.3.2",
  },
  {
    piped: [ok, ok, ok, go],
    stepwise: [ok, ok, ok, go],
    fates: "delayed 4.4.2, delayed 4.4.2",
    end: "broken 4.4.2",
  },
  // the peer goes away, closes with 421 or talks nonsense before the message: not decided, another host may take it
  { piped: [], stepwise: [], fates: "?, ?", end: "broken 4.4.2" },
  { piped: [ok], stepwise: [ok], fates: "?, ?", end: "broken 4.4.2" },
  { piped: [ok, ok, ok], stepwise: [ok, ok, ok], fates: "?, ?", end: "broken 4.4.2" },
  {
    piped: [ok, "550 5.1.1 no"],
    stepwise: [ok, "550 5.1.1 no"],
    fates: "failed 5.1.1, ?",
    end: "broken 4.4.2",
  },
  { piped: ["421 bye"], stepwise: ["421 bye"], fates: "?, ?", end: "broken 4.3.2" },
  { piped: [ok, "421 bye"], stepwise: [ok, "421 bye"], fates: "?, ?", end: "broken 4.3.2" },
  { piped: [ok, ok, ok, "421 bye"], stepwise: [ok, ok, ok, "421 bye"], fates: "?, ?", end: "broken 4.3.2" },
  { piped: ["nonsense"], stepwise: ["nonsense"], fates: "?, ?", end: "broken 4.5.0" },
  { piped: [ok, "250-a\r\n550 b"], stepwise: [ok, "250-a\r\n550 b"], fates: "?, ?", end: "broken 4.5.0" },
  { piped: [ok, "199 x"], stepwise: [ok, "199 x"], fates: "?, ?", end: "broken 4.5.0" },
  {
    piped: [ok, ok, ok, go, "garbage"],
    stepwise: [ok, ok, ok, go, "garbage"],
    fates: "delayed 4.5.0, delayed 4.5.0",
    end: "broken 4.5.0",
  },
  // a yes before the message has been sent is a lie; a no may be meant
  {
    piped: [ok, ok, ok, "354 go\r\n250 done"],
    stepwise: [ok, ok, ok, "354 go\r\n250 done"],
    fates: "delayed 4.5.0, delayed 4.5.0",
    end: "broken 4.5.0",
  },
  {
    piped: [ok, ok, ok, "354 go\r\n554 5.7.1 not you"],
    stepwise: [ok, ok, ok, "354 go\r\n554 5.7.1 not you"],
    fates: "failed 5.7.1, failed 5.7.1",
    end: "broken 5.7.1 for good",
  },
]

for (const { piped, stepwise, fates, end } of conversations) {
  test(`the peer says ${JSON.stringify(piped)}: ${fates}; ${end}`, () => {
    const fast = new Play(piped).open("PIPELINING").send(work())
    assert.equal(fast.fates, fates)
    assert.equal(fast.end, end)
    const slow = new Play(stepwise).open().send(work())
    assert.equal(slow.fates, fates, "without PIPELINING")
    assert.equal(slow.end, end, "without PIPELINING")
  })
}

test("a transaction that ended without a message is reset before the next, in the same write", () => {
  const play = new Play([ok, "550 no", "554 none"]).open("PIPELINING").send(work([a]))
  play.log.length = 0
  play.replies.push(ok, ok, ok, go, ok)
  play.send(work([b]))
  assert.deepEqual(play.log, [
    "RSET",
    "MAIL From:<ann@example.org>",
    "RCPT To:<b@grussell.org>",
    "DATA",
    "(message)",
  ])
  play.log.length = 0
  play.replies.push(ok, ok, go, ok)
  play.send(work([b]))
  assert.equal(play.log[0], "MAIL From:<ann@example.org>", "nothing to reset after a message")
  assert.equal(play.fates, "relayed 2.0.0")
})

/** The client after the message has gone out, with another message's envelope said behind it. */
function followed(second = work([b]), ...offers: readonly string[]) {
  const play = new Play([]).open("PIPELINING", ...offers)
  const { client } = play
  client.start(work([a]))
  assert.equal(client.follow(second), undefined, "nothing follows an envelope")
  client.feed(Buffer.from(`${ok}\r\n${ok}\r\n${go}\r\n`))
  client.contentSent()
  const said = client.follow(second)
  return { play, client, said }
}

test("another envelope is said behind the message that waits for its answer; each has its own fates", () => {
  const { play, client, said } = followed()
  assert.equal(said, "MAIL From:<ann@example.org>\r\nRCPT To:<b@grussell.org>\r\nDATA\r\n")
  assert.equal(client.follow(work([a])), undefined, "one at a time")
  assert.equal(client.feed(Buffer.from(`550 5.7.1 no\r\n${ok}\r\n${ok}\r\n`)).kind, "followed")
  assert.equal(play.fates, "failed 5.7.1")
  assert.deepEqual(client.goOn(), { kind: "wait", step: "datainit" })
  assert.deepEqual(client.feed(Buffer.from(`${go}\r\n`)), { kind: "content", form: "dots" })
  client.contentSent()
  assert.equal(client.feed(Buffer.from(`${ok}\r\n`)).kind, "ready")
  assert.equal(play.fates, "relayed 2.0.0")
})

test("a session that ends while a message waits for its answer decides nothing of the one behind it", () => {
  for (const replies of ["", "421 4.3.2 bye\r\n", "what\r\n"]) {
    const { play, client } = followed()
    if (replies !== "") client.feed(Buffer.from(replies))
    assert.equal(client.lost("Connection closed by the peer").kind, "broken")
    assert.match(play.fates, /^delayed 4/)
  }
  const { play, client } = followed()
  assert.equal(client.feed(Buffer.from(`${ok}\r\n421 4.3.2 bye\r\n`)).kind, "followed")
  assert.equal(play.fates, "relayed 2.0.0")
  assert.equal(client.goOn().kind, "broken")
  assert.equal(play.fates, "?")
})

test("nothing is said behind a message where the peer does not pipeline, after BDAT, or when nothing of it can be said", () => {
  const plain = new Play([ok, ok, go]).open()
  plain.client.start(work([a]))
  for (const reply of [ok, ok, go]) plain.client.feed(Buffer.from(`${reply}\r\n`))
  plain.client.contentSent()
  assert.equal(plain.client.follow(work([b])), undefined)
  const binary = new Play([]).open("PIPELINING", "CHUNKING", "BINARYMIME")
  binary.client.start(work([a], { body: "binarymime" }))
  binary.client.feed(Buffer.from(`${ok}\r\n${ok}\r\n`))
  binary.client.contentSent()
  assert.equal(binary.client.follow(work([b])), undefined, "a BDAT that fails must be reset first")
  const { client, said } = followed(work([b], { body: "binarymime" }))
  assert.equal(said, undefined)
  assert.equal(client.feed(Buffer.from(`${ok}\r\n`)).kind, "ready")
})

test("a peer that refuses RSET is left", () => {
  const play = new Play([ok, "550 no", "554 none"]).open("PIPELINING").send(work([a]))
  play.replies.push("500 what")
  play.send(work([b]))
  assert.equal(play.fates, "?")
  assert.equal(play.end, "broken 5.5.2 for good")
})

test("octets while nothing was asked end the session", () => {
  const play = new Play([ok, ok, go, ok]).open("PIPELINING").send(work([a]))
  assert.equal(play.client.feed(Buffer.from("421 4.4.2 idle too long\r\n")).kind, "broken")
  assert.equal(play.fates, "relayed 2.0.0", "what was decided stays decided")
})

test("a final 250 with something after it counts, and the session ends", () => {
  const play = new Play([ok, ok, go, "250 2.0.0 kept\r\n250 again"]).open("PIPELINING").send(work([a]))
  assert.equal(play.fates, "relayed 2.0.0")
  assert.equal(play.end, "broken 4.5.0")
})

test("replies that never end are cut off", () => {
  for (const flood of ["220 ".padEnd(5000, "x"), "220-x\r\n".repeat(300)]) {
    const play = new Play([flood]).run({ kind: "wait", step: "initial" })
    assert.equal(play.end, "broken 4.5.0")
  }
})

test("LMTP: a reply for each accepted recipient, in order", () => {
  const play = new Play([ok, ok, "550 5.1.1 no", ok, go, "250 2.1.5 in", "452 4.2.2 full"], { lmtp: true })
  play.open("PIPELINING").send(work([a, b, "c@grussell.org"]))
  assert.equal(play.fates, "relayed 2.1.5, failed 5.1.1, delayed 4.2.2")
  const first = new Client({ hello: "example.org", lmtp: true }).feed(Buffer.from("220 hi\r\n"))
  assert.equal(first.kind === "send" && first.text, "LHLO example.org\r\n")
})

test("LMTP: those whose reply had come when the peer went away are decided, the others are delayed", () => {
  const play = new Play([ok, ok, ok, go, "250 2.1.5 in"], { lmtp: true }).open("PIPELINING").send(work())
  assert.equal(play.fates, "relayed 2.1.5, delayed 4.4.2")
  assert.equal(
    new Play(["220 hi", "500 no"], { lmtp: true }).run({ kind: "wait", step: "initial" }).end,
    "broken 5.5.2 for good",
  )
})

test("BINARYMIME goes by BDAT, and only to those who know both", () => {
  const binary = work([a], { body: "binarymime" })
  const play = new Play([ok, ok, ok]).open("PIPELINING", "CHUNKING", "BINARYMIME").send(binary)
  assert.deepEqual(play.log, [
    "MAIL From:<ann@example.org> BODY=BINARYMIME",
    "RCPT To:<a@grussell.org>",
    "BDAT 1000 LAST",
  ])
  assert.equal(play.fates, "relayed 2.0.0")
  const failed = new Play([ok, ok, "550 no"]).open("PIPELINING", "CHUNKING", "BINARYMIME").send(binary)
  failed.log.length = 0
  failed.replies.push(ok, ok, ok, ok)
  assert.equal(failed.send(binary).log[0], "RSET", "a BDAT that failed must be reset (RFC 3030 §2)")
  assert.equal(new Play([]).open("PIPELINING", "CHUNKING").send(binary).fates, "failed 5.6.3")
})

test("any split of the peer's octets gives the same result", () => {
  const scripts = conversations.filter(({ piped }) => !piped.some((reply) => reply.startsWith("354 go\r\n")))
  for (const { piped, fates } of scripts) {
    const octets = Buffer.from(piped.map((reply) => `${reply}\r\n`).join(""))
    for (let cut = 0; cut <= octets.length; cut++)
      assert.equal(played(octets, [cut]), fates, `cut at ${cut} of ${piped}`)
  }
  fc.assert(
    fc.property(fc.constantFrom(...scripts), fc.array(fc.nat(200), { maxLength: 20 }), (script, cuts) => {
      const octets = Buffer.from(script.piped.map((reply) => `${reply}\r\n`).join(""))
      assert.equal(played(octets, cuts), script.fates)
    }),
  )
})

/** Feeds the replies cut at these places, each piece only as far as a reply that waits for the message's octets. */
function played(octets: Buffer, cuts: readonly number[]): string {
  const play = new Play([]).open("PIPELINING")
  let now = play.client.start(work())
  const places = [...new Set([...cuts, ...afterGo(octets)])]
    .filter((cut) => cut <= octets.length)
    .toSorted((x, y) => x - y)
  let from = 0
  for (const to of [...places, octets.length]) {
    if (now.kind === "ready" || now.kind === "broken") break
    now = play.client.feed(octets.subarray(from, to))
    if (now.kind === "content") now = play.client.contentSent()
    from = to
  }
  if (now.kind !== "ready" && now.kind !== "broken") play.client.lost("Connection closed by the peer")
  return play.fates
}

function afterGo(octets: Buffer): number[] {
  const at = octets.indexOf("354 go\r\n")
  return at < 0 ? [] : [at + 8]
}

test("nonsense of any kind never crashes the client, and never makes a message of it relayed", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), (chunks) => {
      const play = new Play([]).open("PIPELINING")
      play.client.start(work())
      for (const chunk of chunks) play.client.feed(Buffer.from(chunk))
      play.client.lost("Connection closed by the peer")
      assert.ok(play.client.fates.every((fate) => fate?.action !== "relayed"))
    }),
  )
})
