import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { test } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { layoutOf } from "../daemon/layout.ts"
import { Refusal } from "./io.ts"
import { run } from "./talk.ts"
import { parsePlace, printPlace } from "./talk-place.ts"

const places: readonly (readonly [string, string, number])[] = [
  ["grussell.org", "grussell.org", 25],
  ["grussell.org:587", "grussell.org", 587],
  ["127.0.0.1:2525", "127.0.0.1", 2525],
  ["[::1]:2525", "::1", 2525],
  ["[::1]", "::1", 25],
  ["2001:db8::25", "2001:db8::25", 25],
]

for (const [text, host, port] of places) {
  test(`${text} is port ${port} of ${host}, and reads back as itself`, () => {
    const place = parsePlace(text)
    assert.deepEqual(place, { host, port })
    assert.deepEqual(parsePlace(printPlace({ host, port })), place)
  })
}

for (const text of ["", "a b", "host:", "host:port", "host:0", "host:65536", "host:123456", "[::1"]) {
  test(`"${text}" is no place to connect to`, () => {
    assert.equal(parsePlace(text), undefined)
  })
}

/** A server that answers as an SMTP server would, and keeps what it heard. It refuses to be spoken to out of turn. */
async function listen(server: Server, where: string | number): Promise<void> {
  await new Promise<void>((resolve) => {
    if (typeof where === "string") server.listen(where, resolve)
    else server.listen(where, "127.0.0.1", resolve)
  })
}

function speaker(heard: string[], answers: Readonly<Record<string, string>>): Server {
  return createServer((socket: Socket) => {
    let inData = false
    let text = ""
    socket.write("220 grussell.org ESMTP\r\n")
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk
      for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end)
        text = text.slice(end + 2)
        heard.push(line)
        if (inData && line !== ".") continue
        inData = line === "DATA"
        socket.write(answers[line.split(" ")[0] ?? ""] ?? "500 5.5.1 Command unrecognized\r\n")
        if (line === "QUIT") socket.end()
      }
    })
  })
}

const answers = {
  EHLO: "250-grussell.org Hello\r\n250 HELP\r\n",
  DATA: '354 Enter mail, end with "." on a line by itself\r\n',
  ".": "250 2.0.0 Message accepted for delivery\r\n",
  BDAT: "250 2.0.0 chunk\r\n",
  EVIL: "250 \u001b[2Jgone\r\n",
  QUIT: "221 2.0.0 grussell.org closing connection\r\n",
}

async function talk(input: string, extra: readonly string[] = []) {
  const heard: string[] = []
  const server = speaker(heard, answers)
  await listen(server, 0)
  const io = memoryIo(input, { WAYPOST_STATE: "/nonexistent" })
  const code = await run([`127.0.0.1:${(server.address() as AddressInfo).port}`, ...extra], io)
  server.close()
  return { code, heard, io }
}

test("a session from a pipe reads as a conversation, each line after the answer to the one before", async () => {
  const { code, io } = await talk("EHLO pc\nDATA\nSubject: hello\n\nHi\n.\nQUIT\n")
  assert.equal(code, 0)
  assert.deepEqual(io.written.stdout.split("\n"), [
    "220 grussell.org ESMTP",
    "EHLO pc",
    "250-grussell.org Hello",
    "250 HELP",
    "DATA",
    '354 Enter mail, end with "." on a line by itself',
    "Subject: hello",
    "",
    "Hi",
    ".",
    "250 2.0.0 Message accepted for delivery",
    "QUIT",
    "221 2.0.0 grussell.org closing connection",
    "",
  ])
})

test("lines leave with CRLF, whatever ended them here", async () => {
  const { heard } = await talk("EHLO pc\r\nQUIT\n")
  assert.deepEqual(heard, ["EHLO pc", "QUIT"])
})

test("the end of the input without QUIT ends the session in order", async () => {
  const { code, heard } = await talk("EHLO pc\n")
  assert.equal(code, 0)
  assert.deepEqual(heard, ["EHLO pc"])
})

test("a server cannot steer the terminal", async () => {
  const { io } = await talk("EVIL\nQUIT\n")
  assert.match(io.written.stdout, /^250 \\x1b\[2Jgone$/m)
})

test("a place where nothing listens is one line", async () => {
  const server = createServer()
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  await assert.rejects(
    run([`127.0.0.1:${port}`], memoryIo("", { WAYPOST_STATE: "/nonexistent" })),
    (error) => {
      assert.ok(error instanceof Refusal)
      assert.equal(error.message, `127.0.0.1:${port}: nothing listens there`)
      return true
    },
  )
})

/** The control socket of a running system: tells where it listens, and a reason for HELP. */
function control(port: number, watched: string[]): Server {
  return createServer((socket) => {
    socket.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.trim().split("\n")) {
        const request = JSON.parse(line) as { verb: string; client?: string }
        if (request.verb === "ready") {
          socket.write(
            `${JSON.stringify({ ok: true, listeners: [{ address: "127.0.0.1", port }] })}\n{"end":true}\n`,
          )
        } else {
          watched.push(request.client ?? "")
          const ehlo = { reply: "250 grussell.org Hello HELP", reasons: ["helo? yes: any name will do"] }
          const told = {
            reply: "250 2.0.0 chunk",
            reasons: ['access said RELAY for "To:example.org" (access:1)'],
          }
          socket.write(
            `${JSON.stringify({ reply: "220 grussell.org ESMTP", reasons: [] })}\n${JSON.stringify(ehlo)}\n${JSON.stringify(told)}\n`,
          )
        }
      }
    })
  })
}

test("a Waypost of this machine is found, and its reasons stand below its replies", async (t) => {
  const state = mkdtempSync(join(tmpdir(), "waypost-talk-"))
  t.after(() => rmSync(state, { recursive: true }))
  const server = speaker([], answers)
  await listen(server, 0)
  const watched: string[] = []
  const socket = layoutOf(state).control
  mkdirSync(dirname(socket), { recursive: true })
  const controlServer = control((server.address() as AddressInfo).port, watched)
  await listen(controlServer, socket)
  const clients: string[] = []
  server.on("connection", (from: Socket) => clients.push(`${from.remoteAddress}:${from.remotePort}`))

  const io = memoryIo("EHLO pc\nBDAT 4 LAST\nHi\nQUIT\n")
  assert.equal(await run(["--state", state], io), 0)
  server.close()
  controlServer.close()

  assert.deepEqual(watched, clients, "the session came from the port that was watched")
  assert.match(io.written.stdout, /^250 HELP\n {5}\| helo\? yes: any name will do$/m)
  assert.match(
    io.written.stdout,
    /^250 2\.0\.0 chunk\n {5}\| access said RELAY for "To:example\.org" \(access:1\)$/m,
  )
})
