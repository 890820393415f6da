import assert from "node:assert/strict"
import { once } from "node:events"
import { connect, createServer } from "node:net"
import { test } from "node:test"
import { connect as connectTls } from "node:tls"
import { noMaterial } from "../../test/kit/tls-host.ts"
import { makeSelfSigned } from "./self-signed.ts"
import { makeServerTls } from "./tls-server.ts"

const { certificate, key } = makeSelfSigned(["grussell.org"], new Date(), 30)

/** The group of the key exchange that a client which knows these comes to, or the error's code. */
async function agreed(groups: string, offered: string): Promise<string | undefined> {
  const made = makeServerTls({ ...noMaterial, groups, server: [{ certificate, key }] })
  if (!made.ok) return made.error
  const server = createServer({ allowHalfOpen: true }, (socket) => void made.value.secure(socket))
  await once(server.listen(0, "127.0.0.1"), "listening")
  const place = server.address()
  if (place === null || typeof place === "string") throw new Error("it listens nowhere")
  const socket = connectTls({
    socket: connect(place.port, "127.0.0.1"),
    rejectUnauthorized: false,
    ecdhCurve: offered,
    minVersion: "TLSv1.3",
  })
  try {
    await once(socket, "secureConnect")
    const about = socket.getEphemeralKeyInfo()
    return about !== null && "name" in about ? about.name : "none that Node knows by name"
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error)
  } finally {
    socket.destroy()
    server.close()
    made.value.close()
  }
}

test("confTLS_GROUPS: what it names is agreed, and nothing else, whatever the client likes best", async () => {
  assert.equal(await agreed("X25519:P-256", "X25519MLKEM768:X25519"), "X25519")
  assert.equal(await agreed("P-256", "X25519:P-256"), "prime256v1")
  assert.equal(await agreed("X25519MLKEM768:X25519", "X25519MLKEM768:X25519"), "X25519MLKEM768")
  assert.equal(await agreed("X25519MLKEM768:X25519", "X25519:P-256"), "X25519")
})

test("confTLS_GROUPS: no group in common is no TLS, and a group that is none is told", async () => {
  assert.match(String(await agreed("P-256", "X25519")), /ERR_SSL|ECONNRESET/)
  assert.match(String(await agreed("P-999", "X25519")), /^TLS: /)
})
