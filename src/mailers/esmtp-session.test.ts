import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Leaving } from "../host/leaving.ts"
import { type Content, inMemory } from "../mail/content.ts"
import { batch, host, post, rawHost, told } from "../../test/kit/post.ts"

test("250 recipients are three transactions of one session", async (t) => {
  const sink = await host(t)
  const { mailer } = await post(t, sink.port)
  const many = Array.from({ length: 250 }, (_, n) => `u${n}@grussell.org`).join(" ")
  const statuses = await mailer.deliver(batch(many))
  assert.ok(statuses.every(({ action }) => action === "relayed"))
  assert.deepEqual(
    sink.transactions.map(({ rcpt }) => rcpt.length),
    [100, 100, 50],
  )
  assert.equal(sink.sessions(), 1)
})

test("452 too many recipients: those left over follow in the next transaction", async (t) => {
  const rules = [3, 4].map((n) => ({
    on: new RegExp(`^RCPT To:<u${n}@`),
    act: "452 4.5.3 too many recipients",
    times: 1,
  }))
  const sink = await host(t, { rules })
  const { mailer } = await post(t, sink.port)
  const statuses = await mailer.deliver(batch("u1@a.test u2@a.test u3@a.test u4@a.test"))
  assert.deepEqual(told(statuses), [
    "u1 relayed 2.0.0",
    "u2 relayed 2.0.0",
    "u3 relayed 2.0.0",
    "u4 relayed 2.0.0",
  ])
  assert.deepEqual(
    sink.transactions.map(({ rcpt }) => rcpt),
    [
      ["<u1@a.test>", "<u2@a.test>"],
      ["<u3@a.test>", "<u4@a.test>"],
    ],
  )
  assert.equal(sink.sessions(), 1)
})

test("a peer's RCPTMAX and a mailer without the flag m make smaller transactions", async (t) => {
  const sink = await host(t, { extensions: ["PIPELINING", "LIMITS RCPTMAX=2"] })
  const { mailer } = await post(t, sink.port)
  await mailer.deliver(batch("a@x.test b@x.test c@x.test"))
  assert.deepEqual(
    sink.transactions.map(({ rcpt }) => rcpt.length),
    [2, 1],
  )
  const other = await host(t, { address: "127.0.0.3", port: sink.port })
  await mailer.deliver(
    batch("a@x.test b@x.test", "", { route: { mailer: "single", host: "[127.0.0.3]", user: "" } }),
  )
  assert.deepEqual(
    other.transactions.map(({ rcpt }) => rcpt.length),
    [1, 1],
  )
})

test("where many wait for a session, each message takes the next one's envelope along", async (t) => {
  const rules = [
    { on: /^RCPT To:<u7@/, act: "550 5.1.1 nobody" },
    { on: /^\. <u9@/, act: "554 5.7.1 not this one" },
  ]
  const sink = await host(t, { rules })
  const { mailer } = await post(t, sink.port, {}, { limits: { sessions: 1 } })
  const people = Array.from({ length: 40 }, (_, n) => `u${n}`)
  const statuses = await Promise.all(people.map((one) => mailer.deliver(batch(`${one}@a.test`))))
  assert.deepEqual(
    told(statuses.flat()),
    people.map((one) => {
      if (one === "u7") return "u7 failed 5.1.1 (550 5.1.1 nobody)"
      return one === "u9" ? "u9 failed 5.7.1 (554 5.7.1 not this one)" : `${one} relayed 2.0.0`
    }),
  )
  const [reads = 0] = sink.reads
  assert.ok(reads < people.length * 1.4, `${reads} reads, where two for each message were needed`)
})

test("a message whose envelope was said behind another is given to a new session when that one ends", async (t) => {
  const rules = [{ on: /^\. <u20@/, act: { end: "close" }, times: 1 }] as const
  const sink = await host(t, { rules })
  const { mailer } = await post(t, sink.port, {}, { limits: { sessions: 1 } })
  const people = Array.from({ length: 40 }, (_, n) => `u${n}`)
  const statuses = await Promise.all(people.map((one) => mailer.deliver(batch(`${one}@a.test`))))
  const delayed = told(statuses.flat()).filter((line) => !line.endsWith(" relayed 2.0.0"))
  assert.deepEqual(delayed, ["u20 delayed 4.4.2 (Connection closed by the peer)"])
  assert.equal(sink.received(), 40, "each once, as far as the host knows")
  assert.equal(sink.sessions(), 2)
})

test("LMTP: each recipient has a fate of its own", async (t) => {
  const sink = await host(t, { lmtp: true, rules: [{ on: /^\. <b@/, act: "452 4.2.2 Mailbox full" }] })
  const { mailer } = await post(t, sink.port)
  const route = { mailer: "lmtp", host: "[127.0.0.2]", user: "" }
  const statuses = await mailer.deliver(batch("a@x.test b@x.test c@x.test", "", { route }))
  assert.deepEqual(told(statuses), [
    "a relayed 2.0.0",
    "b delayed 4.2.2 (452 4.2.2 Mailbox full)",
    "c relayed 2.0.0",
  ])
  assert.equal(sink.commands[1], "LHLO mail.example.org")
})

test("the address of the route is what RCPT says", async (t) => {
  const sink = await host(t)
  const { mailer } = await post(t, sink.port)
  await mailer.deliver(
    batch("me@grussell.org you@grussell.org", "[127.0.0.2]", {
      addresses: ["gordon@napier.ac.uk", "you@hello.com"],
    }),
  )
  assert.deepEqual(sink.transactions[0]?.rcpt, ["<gordon@napier.ac.uk>", "<you@hello.com>"])
})

/** A message that is not in memory, in pieces. */
function large(pieces: number, broken = false): Content {
  const piece = Buffer.from(`${".".repeat(62)}\r\n`.repeat(1024))
  const header = Buffer.from("Subject: large\r\n\r\n")
  return {
    size: header.length + pieces * piece.length,
    headerSize: header.length,
    bytes: undefined,
    async *chunks() {
      yield header
      for (let n = 0; n < pieces; n++) {
        if (broken && n === pieces - 1) throw new Error("checksum does not match")
        yield piece
      }
    },
  }
}

test("a large message goes out piece by piece, dots and all", async (t) => {
  const sink = await host(t)
  const { mailer } = await post(t, sink.port)
  const content = large(40)
  assert.deepEqual(told(await mailer.deliver(batch("me@grussell.org", "[127.0.0.2]", { content }))), [
    "me relayed 2.0.0",
  ])
  const got = sink.transactions[0]?.content
  assert.equal(got?.length, content.size)
  assert.ok(got?.subarray(-66).equals(Buffer.from(`\r\n${".".repeat(62)}\r\n`)))
})

test("a message that cannot be read to its end is never ended with a dot", async (t) => {
  const sink = await host(t)
  const { mailer } = await post(t, sink.port)
  const statuses = await mailer.deliver(batch("me@grussell.org", "[127.0.0.2]", { content: large(3, true) }))
  assert.deepEqual(told(statuses), [
    "me delayed 4.4.2 (The message could not be read from the spool: checksum does not match)",
  ])
  await sink.quiet()
  assert.equal(sink.received(), 0)
})

test("a peer that stops reading in the middle of a message is given up", async (t) => {
  const port = await rawHost(t, (socket) => {
    socket.write("220 hi\r\n")
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1")
      if (text.startsWith("EHLO")) socket.write("250-x\r\n250 PIPELINING\r\n")
      if (text.startsWith("MAIL")) {
        socket.write("250 ok\r\n250 ok\r\n354 go\r\n")
        socket.pause()
      }
    })
  })
  const { mailer } = await post(t, port, {}, { timeouts: { datablock: 150 } })
  const statuses = await mailer.deliver(batch("me@grussell.org", "[127.0.0.2]", { content: large(400) }))
  assert.deepEqual(told(statuses), ["me delayed 4.4.2 (Timed out: the peer did not take the message)"])
})

test("a peer that dribbles octets of a reply gains no time by it", async (t) => {
  const port = await rawHost(t, (socket) => {
    const timer = setInterval(() => socket.write("2"), 20)
    socket.on("close", () => clearInterval(timer))
    socket.write("220-")
  })
  const { mailer } = await post(t, port, {}, { timeouts: { initial: 150 } })
  assert.deepEqual(told(await mailer.deliver(batch("me@grussell.org"))), [
    "me delayed 4.4.2 (Timed out: the peer did not greet)",
  ])
})

test("SMTPUTF8 is asked for only when the header or an address needs it", async (t) => {
  const sink = await host(t, { extensions: ["PIPELINING", "SMTPUTF8"] })
  const { mailer } = await post(t, sink.port)
  const envelope = { ...batch("x@x.test").envelope, smtputf8: true }
  const header = Buffer.from("Subject: Grüße\r\n\r\nhello\r\n")
  await mailer.deliver(batch("me@grussell.org", "[127.0.0.2]", { envelope }))
  await mailer.deliver(batch("me@grussell.org", "[127.0.0.2]", { envelope, content: inMemory(header, 20) }))
  assert.deepEqual(
    sink.transactions.map(({ mail }) => mail),
    ["<ann@example.org>", "<ann@example.org> SMTPUTF8"],
  )
})

test("shutting down ends what waits, and lets no new delivery begin", async (t) => {
  const sink = await host(t, { rules: [{ on: /^MAIL/, act: { end: "silence" } }] })
  const { mailer } = await post(t, sink.port)
  const leaving = new Leaving()
  const waiting = mailer.deliver(batch("me@grussell.org"), leaving)
  await new Promise<void>((resolve) => {
    const look = () =>
      sink.commands.some((line) => line.startsWith("MAIL")) ? resolve() : setImmediate(look)
    look()
  })
  leaving.begin()
  assert.deepEqual(told(await waiting), ["me delayed 4.3.2 (Shutting down)"])
  assert.equal((await waiting)[0]?.interrupted, true)
  await mailer.close()
  assert.deepEqual(told(await mailer.deliver(batch("me@grussell.org"))), ["me delayed 4.3.2 (Shutting down)"])
})

test("shutting down does not wait for a host that does not greet, and nobody queues behind it", async (t) => {
  const silent = await host(t, { rules: [{ on: /^connect/, act: { end: "silence" } }] })
  const { mailer } = await post(t, silent.port, {}, { limits: { sessions: 1 } })
  const leaving = new Leaving()
  const waiting = Array.from({ length: 4 }, () => mailer.deliver(batch("me@grussell.org"), leaving))
  const greeted = setInterval(() => silent.sessions() > 0 && leaving.begin(), 5)
  const statuses = await Promise.all(waiting)
  clearInterval(greeted)
  assert.ok(
    statuses.flat().every(({ action, diagnostic }) => action === "delayed" && diagnostic === "Shutting down"),
  )
})

test("shutting down waits for the answer to a message that was given whole, and gives no other", async (t) => {
  const sink = await host(t, { rules: [{ on: /^\./, act: { reply: "250 2.0.0 taken", after: 300 } }] })
  const { mailer } = await post(t, sink.port)
  const leaving = new Leaving()
  const waiting = mailer.deliver(batch("me@grussell.org"), leaving)
  while (!sink.commands.some((line) => line.startsWith("."))) await sleep(5)
  leaving.begin()
  assert.deepEqual(told(await mailer.deliver(batch("you@grussell.org"), leaving)), [
    "you delayed 4.3.2 (Shutting down)",
  ])
  assert.deepEqual(told(await waiting), ["me relayed 2.0.0"])
  assert.equal(sink.received(), 1)
})

test("shutting down gives nothing that was said behind a message which is in doubt", async (t) => {
  const heard: string[] = []
  const port = await rawHost(t, (socket) => {
    const replies = ["250-slow.test\r\n250 PIPELINING", "250 ok\r\n250 ok\r\n354 go", "250 2.0.0 taken"]
    socket.write("220 hi\r\n")
    socket.on("data", (chunk) => {
      heard.push(chunk.toString("latin1"))
      if (heard.length === 5) return void setTimeout(() => socket.write("250 2.0.0 at last\r\n"), 300)
      socket.write(`${replies[heard.length < 4 ? heard.length - 1 : 1]}\r\n`)
    })
  })
  const { mailer } = await post(t, port, {}, { limits: { sessions: 1 } })
  const leaving = new Leaving()
  const give = (name: string) => mailer.deliver(batch(`${name}@a.test`), leaving)
  await give("u0") // so it is known to be quick
  const both = [give("u1"), give("u2")]
  while (heard.length < 5) await sleep(5)
  leaving.begin()
  assert.deepEqual(told((await Promise.all(both)).flat()), [
    "u1 relayed 2.0.0",
    "u2 delayed 4.3.2 (Shutting down)",
  ])
  assert.match(heard[4] ?? "", /\r\n\.\r\nMAIL From:<ann@example.org>\r\nRCPT To:<u2@a.test>\r\nDATA\r\n$/)
  assert.equal(heard.length, 5, "the second one's content was never said")
})

test("those who wait for a session with a host that turns out silent do not wait for it themselves", async (t) => {
  const silent = await host(t, { rules: [{ on: /^connect/, act: { end: "silence" } }] })
  const { mailer } = await post(t, silent.port, {}, { limits: { sessions: 1 }, timeouts: { initial: 60 } })
  const all = await Promise.all(Array.from({ length: 10 }, () => mailer.deliver(batch("me@grussell.org"))))
  assert.ok(all.flat().every(({ action }) => action === "delayed"))
  assert.equal(silent.sessions(), 1)
})

test("closing says QUIT to what rests", async (t) => {
  const sink = await host(t)
  const { mailer } = await post(t, sink.port)
  await mailer.deliver(batch("me@grussell.org"))
  await mailer.close()
  await sink.quiet()
  assert.equal(sink.commands.at(-1), "QUIT")
})

test("a mailer that is not there, or whose port is none, keeps the mail", async (t) => {
  const { mailer } = await post(t, 0)
  const route = { mailer: "uucp", host: "x", user: "" }
  assert.deepEqual(told(await mailer.deliver(batch("me@x.test", "", { route }))), [
    'me delayed 4.3.5 (there is no mailer "uucp")',
  ])
  assert.deepEqual(told(await mailer.deliver(batch("me@x.test"))), [
    'me delayed 4.3.5 (mailer "esmtp": "0" is no port)',
  ])
})
