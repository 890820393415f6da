import assert from "node:assert/strict"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { test } from "node:test"
import {
  MemorySpool,
  open,
  type Setting,
  someArrival,
  someMoment,
  someOffers,
  smallGate,
} from "../../test/kit/server.ts"
import { because, no, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { converse } from "./connection.ts"
import { bind, serve } from "./listener.ts"
import type { World } from "./world.ts"

type Host = {
  readonly connect: () => Promise<Socket>
  readonly spool: MemorySpool
  readonly notes: string[]
  readonly bugs: unknown[]
}

/** A listening server on a port of the system's choice, for the length of a test. */
async function host(
  t: { after(f: () => void): void },
  world: Partial<World> = {},
  offers = someOffers,
): Promise<Host> {
  const bound = await bind({
    name: "MTA",
    address: "127.0.0.1",
    family: "inet",
    port: 0,
    modify: "",
    other: new Map(),
    at: undefined,
  })
  assert.ok(bound.ok)
  const spool = new MemorySpool()
  const notes: string[] = []
  const bugs: unknown[] = []
  const whole: World = {
    gate: smallGate,
    spool,
    newId: () => "6AO7Ag00000001",
    clock: () => someMoment,
    timeouts: { command: 300_000, datablock: 300_000 },
    log: {
      refused: () => {},
      note: (_id, text) => void notes.push(text),
      bug: (error) => void bugs.push(error),
    },
    onAccepted: () => {},
    note: () => {},
    runQueue: () => {},
    ...world,
  }
  const listener = serve(
    bound.value,
    { total: 5, perAddress: 0 },
    (socket) => void converse(socket, { arrival: someArrival, offers }, whole),
    "421 4.3.2 grussell.org Too many open connections.\r\n",
  )
  t.after(() => listener.close())
  const opened: Socket[] = []
  t.after(() => opened.forEach((socket) => socket.destroy()))
  return {
    spool,
    notes,
    bugs,
    async connect() {
      const socket = connect({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true })
      socket.on("error", () => {})
      opened.push(socket)
      await once(socket, "connect")
      return socket
    },
  }
}

async function everything(socket: Socket): Promise<string> {
  let text = ""
  for await (const chunk of socket) text += String(chunk)
  return text
}

const wholeMessage = "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<me>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"

test("a client that closes its side after the dot still hears that its message is safe", async (t) => {
  const server = await host(t)
  const socket = await server.connect()
  socket.end(wholeMessage)
  const said = await everything(socket)
  assert.match(said, /250 2\.0\.0 6AO7Ag00000001 Message accepted for delivery\r\n421 4\.4\.1 .*\r\n$/)
  assert.equal(server.spool.stored.length, 1)
})

test("a client that vanishes inside its message leaves nothing behind", async (t) => {
  const spool = new MemorySpool()
  const { promise, resolve } = Promise.withResolvers<void>()
  const server = await host(t, {
    spool,
    log: { refused: () => {}, note: () => resolve(), bug: assert.fail },
  })
  const socket = await server.connect()
  socket.write(wholeMessage.replace("\r\n.\r\n", "\r\nmore"))
  await once(socket, "data")
  socket.resetAndDestroy()
  await promise
  assert.equal(spool.stored.length, 0)
})

test("under a heavy load each command waits before it is answered, and who leaves is not kept", async (t) => {
  const heard: string[] = []
  const delay = (line: string) => {
    heard.push(line)
    return line === "QUIT" ? 0 : 60
  }
  const server = await host(t, { delay })
  const socket = await server.connect()
  const began = performance.now()
  socket.write("NOOP\r\nNOOP\r\nQUIT\r\n")
  const said = await everything(socket)
  assert.ok(performance.now() - began >= 119, "two commands waited")
  assert.match(said, /250 2\.0\.0 OK\r\n250 2\.0\.0 OK\r\n221 2\.0\.0 /)
  assert.deepEqual(heard, ["NOOP", "NOOP", "QUIT"])
})

test("a silent client is told, and let go", async (t) => {
  const server = await host(t, { timeouts: { command: 30, datablock: 30 } })
  const said = await everything(await server.connect())
  assert.match(
    said,
    /\r\n421 4\.4\.1 grussell\.org Lost input channel from pc236b\.napier\.ac\.uk \[10\.4\.5\.6\]\r\n$/,
  )
  assert.deepEqual(server.notes, [
    "timeout waiting for input from pc236b.napier.ac.uk [10.4.5.6] during command",
  ])
})

test("a client that falls silent in its message is let go, and nothing is kept", async (t) => {
  const server = await host(t, { timeouts: { command: 300_000, datablock: 30 } })
  const socket = await server.connect()
  socket.write(wholeMessage.replace("\r\n.\r\n", ""))
  assert.match(await everything(socket), /421 4\.4\.1 /)
  assert.equal(server.spool.stored.length, 0)
})

test("a client that never reads is not read from either", async (t) => {
  const line = "HELP\r\n".repeat(10_000)
  const patient = { ...someOffers, maxIdleCommands: 0 }
  const server = await host(t, { timeouts: { command: 200, datablock: 200 } }, patient)
  const socket = await server.connect()
  socket.pause()
  const closed = once(socket, "close").then(
    () => false,
    () => false,
  )
  let sent = 0
  let reading = true
  for (; reading && sent < 500; sent++) {
    if (socket.write(line)) continue
    reading = await Promise.race([
      once(socket, "drain").then(
        () => true,
        () => closed,
      ),
      closed,
    ])
  }
  assert.ok(sent < 500, "the server stopped reading, and gave up")
})

test("pipelined commands are answered in one write", async () => {
  const { client, over } = open()
  await once(client, "data") // the greeting
  const pieces: string[] = []
  client.on("data", (chunk: Buffer) => pieces.push(String(chunk)))
  client.write("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<me>\r\nDATA\r\n")
  await once(client, "data")
  assert.match(pieces.join(""), /354 /)
  assert.equal(pieces.length, 1)
  client.end()
  await over
})

test("a bug of ours is logged with its stack, the client hears 421, and nothing is kept", async () => {
  const setting: Setting = {
    gate: {
      message: async () => {
        throw new TypeError("broken")
      },
    },
  }
  const { client, traces, over } = open(setting)
  let said = ""
  client.on("data", (chunk: Buffer) => (said += String(chunk)))
  client.write(wholeMessage)
  await over
  assert.ok(said.endsWith("421 4.3.0 grussell.org Internal error, closing connection\r\n"))
  assert.equal(traces.bugs.length, 1)
  assert.equal(traces.spool.stored.length, 0)
  assert.equal(traces.spool.aborted, 1)
})

test("nothing is said before the message is safe", async () => {
  const commit = Promise.withResolvers<void>()
  class Slow extends MemorySpool {
    override incoming(id: string) {
      const incoming = super.incoming(id)
      return {
        ...incoming,
        commit: async (...args: Parameters<typeof incoming.commit>) => {
          await commit.promise
          return incoming.commit(...args)
        },
      }
    }
  }
  const { client, over } = open({ spool: new Slow() })
  let said = ""
  client.on("data", (chunk: Buffer) => (said += String(chunk)))
  client.write(`${wholeMessage}QUIT\r\n`)
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  assert.ok(!said.includes("Message accepted"))
  commit.resolve()
  await over
  assert.match(said, /Message accepted for delivery\r\n221 /)
})

test("a spool that asks for time is waited for, and gets the octets in order", async () => {
  class Busy extends MemorySpool {
    override incoming(id: string) {
      const incoming = super.incoming(id)
      return {
        ...incoming,
        async write(chunk: Buffer) {
          await new Promise(setImmediate)
          await incoming.write(chunk)
        },
      }
    }
  }
  const body = Array.from({ length: 3000 }, (_, n) => `line ${n} ${"x".repeat(60)}\r\n`).join("")
  const { client, traces, over } = open({ spool: new Busy() })
  client.resume()
  client.write(`MAIL FROM:<>\r\nRCPT TO:<me>\r\nDATA\r\nSubject: x\r\n\r\n`)
  for (let at = 0; at < body.length; at += 7000) client.write(body.slice(at, at + 7000))
  client.end(".\r\nQUIT\r\n")
  await over
  assert.ok(traces.spool.stored[0]?.text.endsWith(`\r\n\r\n${body}`))
})

test("when the daemon stops, an idle session ends at once and a message in hand is finished first", async () => {
  const stop = new AbortController()
  const world = { stopping: stop.signal }
  const idle = open({ world })
  const busy = open({ world })
  const said = { idle: "", busy: "" }
  idle.client.on("data", (chunk: Buffer) => (said.idle += String(chunk)))
  busy.client.on("data", (chunk: Buffer) => (said.busy += String(chunk)))
  busy.client.write("MAIL FROM:<>\r\nRCPT TO:<me>\r\nDATA\r\nSubject: x\r\n\r\n")
  while (!said.busy.includes("354 ") || said.idle === "") await new Promise(setImmediate)
  stop.abort()
  await idle.over
  assert.match(said.idle, /421 4\.3\.2 grussell\.org Service not available, closing connection\r\n$/)
  busy.client.write("x\r\n.\r\n")
  await busy.over
  assert.match(said.busy, /Message accepted for delivery\r\n421 4\.3\.2 /)
  assert.equal(busy.traces.spool.stored.length, 1)
})

test("a client refused at its connection hears why at every command", async () => {
  const refused = no(reply(550, "5.7.1", "Access denied"), because("access", "Connect:10.4.5.6"))
  const { client, traces, over } = open({ gate: { connect: async () => refused } })
  let said = ""
  client.on("data", (chunk: Buffer) => (said += String(chunk)))
  client.end("EHLO a\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<me>\r\nNOOP\r\nQUIT\r\n")
  await over
  assert.deepEqual(said.split("\r\n").slice(1, -1), [
    "250-grussell.org Hello pc236b.napier.ac.uk [10.4.5.6], pleased to meet you",
    "250 ENHANCEDSTATUSCODES",
    "550 5.7.1 Access denied",
    "550 5.7.1 Access denied",
    "250 2.0.0 OK",
    "221 2.0.0 grussell.org closing connection",
  ])
  assert.equal(traces.events[0]?.detail, "check_relay")
})

test("a gate that says 421 closes the session", async () => {
  const busy = no(reply(421, "4.3.2", "Too many open connections."), because("limits", "5 from 10.4.5.6"))
  const { client, over } = open({ gate: { connect: async () => busy } })
  let said = ""
  client.on("data", (chunk: Buffer) => (said += String(chunk)))
  await over
  assert.equal(said, "421 4.3.2 Too many open connections.\r\n")
})

test("a held message is held with its reason, a discarded one is accepted and not kept", async () => {
  const why = because("access", "QUARANTINE")
  const held = open({ gate: { message: async () => yes({ keep: "hold" as const }, why) } })
  held.client.resume()
  held.client.end(`${wholeMessage}QUIT\r\n`)
  await held.over
  assert.equal(held.traces.spool.stored[0]?.queued.entry.held?.reason, "QUARANTINE")
  const gone = open({ gate: { message: async () => yes({ keep: "discard" as const }, why) } })
  let said = ""
  gone.client.on("data", (chunk: Buffer) => (said += String(chunk)))
  gone.client.end(`${wholeMessage}QUIT\r\n`)
  await gone.over
  assert.match(said, /Message accepted for delivery/)
  assert.equal(gone.traces.spool.stored.length, 0)
})

test("what rules had held or thrown away is logged in sendmail's words, with the question that had it", async () => {
  const why = because("access", '"From:example.org" says "QUARANTINE:look at this"')
  const by = { question: "check_mail", argument: "<me@example.org>", why: "look at this" }
  const held = open({ gate: { message: async () => yes({ keep: "hold" as const, by }, why) } })
  held.client.resume()
  held.client.end(`${wholeMessage}QUIT\r\n`)
  await held.over
  assert.equal(held.traces.spool.stored[0]?.queued.entry.held?.reason, "look at this")
  assert.match(
    held.traces.log.join(),
    /ruleset=check_mail, arg1=<me@example\.org>, relay=\S+ \[\S+\], quarantine=look at this/,
  )
  const gone = open({ gate: { message: async () => yes({ keep: "discard" as const, by }, why) } })
  gone.client.resume()
  gone.client.end(`${wholeMessage}QUIT\r\n`)
  await gone.over
  assert.match(
    gone.traces.log.join(),
    /ruleset=check_mail, arg1=<me@example\.org>, relay=\S+ \[\S+\], discard/,
  )
})

test("who has no mailbox here is logged in sendmail's words; a line of a table that refuses is named", async () => {
  const at = { file: "/etc/mail/mailertable", line: 3, column: 1 }
  const nobody = no(
    reply(550, "5.1.1", "User unknown"),
    because("user?", "you is neither an alias nor an account"),
  )
  const closed = no(reply(550, "5.7.1", "closed"), because("mailertable", "says error:5.7.1:550 closed", at))
  for (const [refusal, expected] of [
    [nobody, /: <you@grussell\.org>\.\.\. User unknown, relay=\S+ \[\S+\]$/],
    [closed, /: <you@grussell\.org>\.\.\. closed, relay=\S+ \[\S+\]$/],
  ] as const) {
    const { client, traces, over } = open({ gate: { recipient: async () => refusal } })
    client.resume()
    client.end("EHLO a\r\nMAIL FROM:<a@remote.test>\r\nRCPT TO:<you@grussell.org>\r\nQUIT\r\n")
    await over
    assert.match(traces.log.find((line) => line.includes("<you@grussell.org>")) ?? "", expected)
  }
})

test("who guesses addresses waits a second for each", async () => {
  const { client, over } = open({ offers: { badRecipientThrottle: 2 } })
  const times: number[] = []
  client.on("data", (chunk: Buffer) => {
    if (String(chunk).includes("n3")) times.push(performance.now())
    if (String(chunk).includes("closing")) times.push(performance.now())
  })
  client.end("MAIL FROM:<>\r\nRCPT TO:<n1>\r\nRCPT TO:<n2>\r\nRCPT TO:<n3>\r\nQUIT\r\n")
  await over
  const [third = 0, last = 0] = times
  assert.ok(last - third > 900)
})

test("ETRN runs the queue for the host", async () => {
  const { client, traces, over } = open()
  client.resume()
  client.end("ETRN Remote.Test\r\nQUIT\r\n")
  await over
  assert.deepEqual(traces.queueRuns, ["Remote.Test"])
})

test("one connection too many is told so, and a place that is free again is given", async (t) => {
  const server = await host(t)
  const five = await Promise.all([1, 2, 3, 4, 5].map(() => server.connect()))
  await Promise.all(five.map((socket) => once(socket, "data")))
  assert.equal(
    await everything(await server.connect()),
    "421 4.3.2 grussell.org Too many open connections.\r\n",
  )
  five[0]?.end("QUIT\r\n")
  await everything(five[0] ?? assert.fail())
  const again = await server.connect()
  const [greeting] = await once(again, "data")
  assert.match(String(greeting), /^(220|421) /)
})
