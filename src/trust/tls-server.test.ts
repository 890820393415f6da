import assert from "node:assert/strict"
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import { duplexPair } from "node:stream"
import { test, type TestContext } from "node:test"
import { connect as connectTls, type TLSSocket } from "node:tls"
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
      if (begun.ok) begun.value.stream.end()
      else socket.destroy()
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

/** A server whose handshakes are heard of, and a way to it. */
async function ground(t: TestContext): Promise<{ readonly begun: Promise<string>; readonly port: number }> {
  const made = makeServerTls({ ...noMaterial, server: [{ certificate, key }] })
  if (!made.ok) throw new Error(made.error)
  const { promise, resolve } = Promise.withResolvers<string>()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.on("error", () => {})
    void made.value.secure(socket).then((result) => {
      resolve(result.ok ? result.value.facts.version : result.error)
      if (result.ok) result.value.stream.on("data", (octets: Buffer) => result.value.stream.write(octets))
      else socket.destroy()
    })
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  t.after(() => {
    server.close()
    made.value.close()
  })
  const place = server.address()
  if (place === null || typeof place === "string") throw new Error("it listens nowhere")
  return { begun: promise, port: place.port }
}

/** A client's TLS whose octets come as `pass` hands them on. */
function clientOver(socket: Socket, pass: (octets: Buffer) => void): TLSSocket {
  const [near, far] = duplexPair()
  far.on("data", pass)
  socket.on("data", (octets) => far.write(octets))
  return connectTls({ socket: near, rejectUnauthorized: false })
}

test("a handshake may come octet by octet, or in pieces of any size, and so may all that follows", async (t) => {
  for (const size of [1, 999, 1000, 1001, 1023, 1024, 1025]) {
    const { begun, port } = await ground(t)
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    const secure = clientOver(socket, (octets) => {
      for (let at = 0; at < octets.length; at += size) socket.write(octets.subarray(at, at + size))
    })
    await once(secure, "secureConnect")
    assert.equal(await begun, "TLSv1.3")
    const text = Buffer.alloc(200_000, "what comes back\r\n")
    secure.write(text)
    let back = 0
    for await (const octets of secure) if ((back += (octets as Buffer).length) >= text.length) break
    assert.equal(back, text.length, `pieces of ${size}`)
    socket.destroy()
  }
})

for (const [what, play, why] of [
  [
    "what is no TLS",
    (socket) => socket.write("EHLO pc236b.napier.ac.uk\r\n"),
    /wrong version number|packet|record/i,
  ],
  [
    "a client that leaves before it begins",
    (socket) => socket.destroy(),
    /^the client closed the connection during/,
  ],
  [
    "a client that says no more before it begins",
    (socket) => socket.end(),
    /^the client closed the connection during/,
  ],
  [
    "a client that leaves in the middle of its hello",
    (socket) => socket.write("\x16\x03\x01\x01\x49\x01", () => socket.destroy()),
    /^the client closed|socket hang up/,
  ],
] as const satisfies readonly (readonly [string, (socket: Socket) => unknown, RegExp])[]) {
  test(`${what} has no TLS, and is told`, async (t) => {
    const { begun, port } = await ground(t)
    const socket = connect(port, "127.0.0.1")
    socket.on("error", () => {})
    await once(socket, "connect")
    play(socket)
    assert.match(await begun, why)
    socket.destroy()
  })
}
