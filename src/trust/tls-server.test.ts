import assert from "node:assert/strict"
import { once } from "node:events"
import { connect, createServer } from "node:net"
import { test } from "node:test"
import { connect as connectTls } from "node:tls"
import type { TlsTerms } from "../mail/tls-terms.ts"
import { noMaterial } from "../../test/kit/tls-host.ts"
import { makeSelfSigned } from "./self-signed.ts"
import { makeClientTls } from "./tls-client.ts"
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

const material = { ...noMaterial, noClientCertificate: false, server: [{ certificate, key }] }

/** What both ends say of a handshake under these terms: "TLSv1.3 verify", or why there is none. */
async function together(
  server: TlsTerms | undefined,
  client?: TlsTerms,
): Promise<readonly [server: string, client: string]> {
  const made = makeServerTls(material)
  assert.ok(made.ok)
  const { promise, resolve } = Promise.withResolvers<string>()
  const door = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {})
    void made.value.secure(socket, server).then((begun) => {
      resolve(begun.ok ? `${begun.value.facts.version} ${begun.value.facts.verify}` : begun.error)
      socket.destroy()
    })
  })
  await once(door.listen(0, "127.0.0.1"), "listening")
  const place = door.address()
  assert.ok(typeof place === "object" && place !== null)
  const socket = connect(place.port, "127.0.0.1")
  await once(socket, "connect")
  const tls = makeClientTls(noMaterial, assert.fail)
  const begun = await tls.secure(socket, { host: "grussell.org", timeoutMs: 5000, terms: client })
  const answer = await promise
  socket.destroy()
  door.close()
  made.value.close()
  return [answer, begun.ok ? begun.value.facts.version : begun.error]
}

test("srv_features V: this client is asked for no certificate; without terms all are", async () => {
  assert.equal((await together(undefined))[0], "TLSv1.3 NO")
  assert.equal((await together({ clientCertificate: false }))[0], "TLSv1.3 NOT")
})

test("tls_srv_features and tls_clt_features: options and ciphers are of this session alone", async () => {
  assert.deepEqual(await together({ options: ["SSL_OP_NO_TLSv1_3"] }), ["TLSv1.2 NO", "TLSv1.2"])
  assert.deepEqual(await together(undefined, { options: ["SSL_OP_NO_TLSv1_3"] }), ["TLSv1.2 NO", "TLSv1.2"])
  assert.deepEqual(await together({}), ["TLSv1.3 NO", "TLSv1.3"])
  const [server] = await together(
    { options: ["SSL_OP_NO_TLSv1_3"], ciphers: "AES128-SHA" },
    { ciphers: "AES256-SHA" },
  )
  assert.match(server, /no shared cipher|alert/)
})

test("terms that cannot be kept are no TLS at all, and the error says why", async () => {
  for (const [terms, says] of [
    [{ certificate: "/nowhere/cert.pem", key: "/nowhere/key.pem" }, /\/nowhere\/cert\.pem: ENOENT/],
    [{ needsRevocations: true }, /Flags=R needs a list of revoked certificates/],
    [{ ciphers: "no such cipher" }, /no cipher|cipher/i],
  ] as const) {
    const made = makeServerTls(material)
    assert.ok(made.ok)
    const refused = await made.value.secure(
      connect(9, "127.0.0.1").on("error", () => {}),
      terms,
    )
    assert.match(refused.ok ? "it began" : refused.error, says)
    const asClient = await makeClientTls(noMaterial, assert.fail).secure(
      connect(9, "127.0.0.1").on("error", () => {}),
      { host: "grussell.org", timeoutMs: 1000, terms },
    )
    assert.match(asClient.ok ? "it began" : asClient.error, says)
  }
})
