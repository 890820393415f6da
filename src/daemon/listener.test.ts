import assert from "node:assert/strict"
import { once } from "node:events"
import { connect, createServer, type Server } from "node:net"
import { test } from "node:test"
import type { DaemonOptions } from "../config/settings.ts"
import { bind, handOver, hold, plainAddress, serve } from "./listener.ts"

const door: DaemonOptions = {
  name: "MTA",
  address: "127.0.0.1",
  family: "inet",
  port: 0,
  modify: "",
  other: new Map(),
  at: undefined,
}

const unlimited = { total: 0, perAddress: 0 }

function portOf(server: Server): number {
  const at = server.address()
  return typeof at === "object" && at !== null ? at.port : assert.fail("not bound")
}

async function said(port: number): Promise<string> {
  let text = ""
  for await (const chunk of connect(port, "127.0.0.1")) text += String(chunk)
  return text
}

test("a port that is taken is named in one line", async (t) => {
  const other = createServer().listen(0, "127.0.0.1")
  await once(other, "listening")
  t.after(() => other.close())
  const taken = await bind({ ...door, port: portOf(other) })
  assert.ok(!taken.ok)
  assert.equal(
    taken.error,
    `127.0.0.1:${portOf(other)} is in use by another program: stop it, or choose another port with DAEMON_OPTIONS`,
  )
})

test("an address that is not ours is named in one line", async () => {
  const elsewhere = await bind({ ...door, address: "192.0.2.1" })
  assert.ok(!elsewhere.ok)
  assert.match(elsewhere.error, /^192\.0\.2\.1:0 is not an address of this machine: /)
})

test("a client that comes before anybody serves waits, and is served", async (t) => {
  const bound = await bind(door)
  assert.ok(bound.ok)
  const accepted = once(bound.value, "connection")
  const early = said(portOf(bound.value))
  await accepted
  const listener = serve(bound.value, unlimited, (socket) => socket.end("220 here\r\n"), "421\r\n")
  t.after(() => listener.close())
  assert.equal(await early, "220 here\r\n")
})

test("what an early client says is read by whoever takes its listener over", async () => {
  const bound = await bind(door)
  assert.ok(bound.ok)
  const accepted = once(bound.value, "connection")
  const client = connect(portOf(bound.value), "127.0.0.1")
  client.write("EHLO pc236b.napier.ac.uk\r\n")
  await accepted
  const [socket, ...others] = handOver(bound.value)
  assert.ok(socket !== undefined)
  assert.deepEqual(others, [])
  socket.resume()
  const [words] = (await once(socket, "data")) as [Buffer]
  assert.equal(words.toString("latin1"), "EHLO pc236b.napier.ac.uk\r\n")
  socket.destroy()
  client.destroy()
})

test("more clients than can be kept before anybody serves are told to come again", async (t) => {
  const bound = await bind(door)
  assert.ok(bound.ok)
  const clients = Array.from({ length: 500 }, () => connect(portOf(bound.value), "127.0.0.1"))
  t.after(() => {
    for (const client of clients) client.destroy()
    for (const socket of handOver(bound.value)) socket.destroy()
  })
  await Promise.all(clients.map((client) => once(client, "connect")))
  assert.equal(await said(portOf(bound.value)), "421 4.3.2 Service not available yet, try again shortly\r\n")
})

test("clients of a server that was handed over wait until it is served", async (t) => {
  const handed = createServer().listen(0, "127.0.0.1")
  hold(handed)
  await once(handed, "listening")
  const port = portOf(handed)
  const accepted = once(handed, "connection")
  const early = said(port)
  await accepted
  const listener = serve(handed, unlimited, (socket) => socket.end("220 here\r\n"), "421\r\n")
  t.after(() => listener.close())
  assert.equal(await early, "220 here\r\n")
  assert.equal(await said(port), "220 here\r\n")
})

test("one address may not take all places", async (t) => {
  const bound = await bind(door)
  assert.ok(bound.ok)
  const listener = serve(
    bound.value,
    { total: 10, perAddress: 1 },
    (socket) => socket.write("220\r\n"),
    "421\r\n",
  )
  t.after(() => listener.close())
  const first = connect(listener.port, "127.0.0.1")
  await once(first, "data")
  assert.equal(await said(listener.port), "421\r\n")
  first.destroy()
})

test("an IPv4 client of an IPv6 socket is written as IPv4", () => {
  assert.equal(plainAddress("::ffff:192.0.2.7"), "192.0.2.7")
  assert.equal(plainAddress("2001:db8::7"), "2001:db8::7")
})
