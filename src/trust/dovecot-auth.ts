// Dovecot's authentication service as a backend: its client protocol, version 1, on a unix socket. A login is one line out and one
// back; a server that does not answer is "later", never "no".
import { connect, type Socket } from "node:net"
import { authenticationFailed } from "../auth/sasl.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, later, no, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"

export type DovecotLogin = {
  readonly login: string
  readonly password: string
  readonly arrival: Pick<Arrival, "client" | "tls">
}

const patience = 10_000

const busy = reply(454, "4.7.0", "Temporary authentication failure")

/** Asks whether the password is right; the login is as Dovecot writes it. */
export function askDovecot(path: string, asked: DovecotLogin): Promise<Decision<string>> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const timer = setTimeout(() => end(silent(path, "it did not answer")), patience)
    const end = (decision: Decision<string>) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(decision)
    }
    let text = ""
    let sent = false
    socket.setEncoding("utf8")
    // Dovecot 2.4 says nothing before it knows who asks; 2.3 does not mind.
    socket.write(`VERSION\t1\t1\nCPID\t${process.pid}\n`)
    socket.on("error", (error: NodeJS.ErrnoException) => end(silent(path, error.code ?? error.message)))
    socket.on("close", () => end(silent(path, "it closed the connection")))
    socket.on("data", (piece) => {
      text += String(piece)
      for (let lf = text.indexOf("\n"); lf >= 0; lf = text.indexOf("\n")) {
        const line = text.slice(0, lf)
        text = text.slice(lf + 1)
        if (line === "DONE" && !sent) sent = say(socket, asked)
        const decision = decisionOf(line, path, asked.login)
        if (decision !== undefined) return end(decision)
      }
    })
  })
}

function say(socket: Socket, { login, password, arrival }: DovecotLogin): true {
  const response = Buffer.from(`\0${login}\0${password}`, "utf8").toString("base64")
  const { client, tls } = arrival
  const words = [
    "AUTH",
    "1",
    "PLAIN",
    "service=smtp",
    ...(tls === undefined ? [] : ["secured"]),
    ...(client === undefined ? [] : [`rip=${client.address}`, `rport=${client.port}`]),
    `resp=${response}`, // must be the last one
  ]
  socket.write(`${words.join("\t")}\n`)
  return true
}

function decisionOf(line: string, path: string, login: string): Decision<string> | undefined {
  const [word, ...rest] = line.split("\t")
  const value = (key: string) => rest.find((one) => one.startsWith(`${key}=`))?.slice(key.length + 1)
  switch (word) {
    case "VERSION":
      return rest[0] === "1" ? undefined : silent(path, `it speaks version ${rest[0]}, not 1`)
    case "OK":
      return yes(value("user") ?? login, because("dovecot", `${path} says it is right`))
    case "FAIL":
      return rest.includes("temp")
        ? silent(path, "it has trouble of its own (temp)")
        : no(authenticationFailed, because("dovecot", `${path} says it is not`))
    case "CONT":
      return silent(path, "it asks for more than PLAIN has to say")
    default:
      return undefined // MECH, SPID, CUID, COOKIE …
  }
}

function silent(path: string, why: string): Decision<never> {
  return later(busy, because("dovecot", `${path}: ${why}`))
}
