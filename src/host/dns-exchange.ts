// One question to one name server: over UDP from a fresh random port with a fresh random id, again over TCP when the answer did not
// fit. What does not come from that server, or answers something else, is not heard (RFC 5452 §9).
import { randomInt } from "node:crypto"
import { createSocket } from "node:dgram"
import { connect, isIPv6 } from "node:net"
import type { DecodedPacket } from "dns-packet"
import type { NameserverAddress } from "./dns-conf.ts"
import { type Question, readAnswer, type Said, understand, writeQuestion } from "./dns-message.ts"

/** Asks one server, in at most so many milliseconds altogether. */
export async function askServer(
  server: NameserverAddress,
  question: Question,
  limitMs: number,
): Promise<Said> {
  const until = performance.now() + limitMs
  const first = await overUdp(server, question, true, limitMs)
  const said =
    first.said === "no EDNS" ? await overUdp(server, question, false, until - performance.now()) : first
  if (said.said === "no EDNS") return { said: "failure", why: "FORMERR" }
  if (said.said !== "truncated") return said
  const whole = await overTcp(server, question, until - performance.now())
  return whole.said === "truncated" || whole.said === "no EDNS"
    ? { said: "failure", why: "a truncated answer over TCP" }
    : whole
}

const silence: Said = { said: "failure", why: "no answer in time" }

function overUdp(
  server: NameserverAddress,
  question: Question,
  edns: boolean,
  limitMs: number,
): Promise<Said> {
  return new Promise((resolve) => {
    const id = randomInt(0x10000)
    const socket = createSocket(isIPv6(server.address.replace(/%.*/, "")) ? "udp6" : "udp4")
    const finish = (said: Said) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      socket.on("error", ignore)
      socket.close()
      resolve(said)
    }
    const timer = setTimeout(finish, Math.max(limitMs, 1), silence)
    socket.on("error", (error) => finish({ said: "failure", why: error.message }))
    socket.on("message", (octets) => {
      const packet = readAnswer(octets, question, id)
      if (packet !== undefined) finish(understand(packet, question))
    })
    socket.on("connect", () => socket.send(writeQuestion(question, id, edns)))
    // A connected socket hears no other address, and hears at once that nobody listens there.
    socket.connect(server.port, server.address)
  })
}

function ignore(): void {
  // the socket is closed
}

function overTcp(server: NameserverAddress, question: Question, limitMs: number): Promise<Said> {
  return new Promise((resolve) => {
    const id = randomInt(0x10000)
    const socket = connect({ port: server.port, host: server.address, noDelay: true })
    let pending: Buffer = Buffer.alloc(0)
    const finish = (said: Said) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      socket.on("error", ignore)
      socket.destroy()
      resolve(said)
    }
    const timer = setTimeout(finish, Math.max(limitMs, 1), silence)
    socket.on("connect", () => socket.write(framed(writeQuestion(question, id, true))))
    socket.on("error", (error) => finish({ said: "failure", why: error.message }))
    socket.on("close", () => finish({ said: "failure", why: "the server closed the connection" }))
    socket.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      const packet = framedAnswer(pending, question, id)
      if (packet === "more") return
      finish(
        packet === undefined ? { said: "failure", why: "nonsense over TCP" } : understand(packet, question),
      )
    })
  })
}

/** RFC 1035 §4.2.2: two octets of length before the message. */
function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

function framedAnswer(pending: Buffer, question: Question, id: number): DecodedPacket | "more" | undefined {
  if (pending.length < 2 || pending.length < pending.readUInt16BE(0) + 2) return "more"
  return readAnswer(pending.subarray(2, pending.readUInt16BE(0) + 2), question, id)
}
