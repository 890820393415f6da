import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:net"
import { test } from "node:test"
import { Leaving } from "./leaving.ts"
import { connect, lossWords } from "./net.ts"

test("a connection comes from the address that was asked for, without listeners of ours", async (t) => {
  const server = createServer().listen(0, "127.0.0.2")
  await once(server, "listening")
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === "object" && address !== null)
  const arrived = once(server, "connection")
  const opened = await connect({ address: "127.0.0.2", port: address.port, from: "127.0.0.3" }, 1000)
  assert.ok(opened.ok)
  const [guest] = await arrived
  assert.equal(guest.remoteAddress, "127.0.0.3")
  assert.equal(opened.value.listenerCount("error"), 0)
  opened.value.destroy()
  guest.destroy()
})

test("why there is no connection is said in the system's words", async () => {
  const server = createServer().listen(0, "127.0.0.2")
  await once(server, "listening")
  const address = server.address()
  assert.ok(typeof address === "object" && address !== null)
  server.close()
  await once(server, "close")
  const refused = await connect({ address: "127.0.0.2", port: address.port }, 1000)
  assert.deepEqual(refused, { ok: false, error: { says: "Connection refused", silent: false } })
  const missing = await connect({ path: "/nowhere/lmtp" }, 1000)
  assert.deepEqual(missing, { ok: false, error: { says: "No such file or directory", silent: false } })
  const leaving = new Leaving()
  leaving.begin()
  const stopped = await connect({ address: "127.0.0.2", port: address.port }, 1000, leaving)
  assert.deepEqual(stopped, { ok: false, error: { says: "Shutting down", silent: false } })
  assert.equal(
    lossWords(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })),
    "Connection reset",
  )
  assert.equal(lossWords(new Error("odd")), "odd")
})
