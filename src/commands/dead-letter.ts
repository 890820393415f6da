// dead.letter: what could not be sent is kept in the home of who wrote it, as an mbox, so that nothing that was written is lost.
import { appendFileSync, existsSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { printCtime, printDate } from "../message/date.ts"
import { writeReceived } from "../message/received.ts"
import { software } from "../host/version.ts"
import type { Io } from "./io.ts"

export type DeadLetter = {
  /** The sender as it was typed. */
  readonly sender: string
  readonly login: string
  readonly host: string
  readonly id: string
  /** Named in Received: where it is the only one. */
  readonly recipient: string | undefined
  /** CRLF line ends, header and body; `whole` says whether this is all of it. */
  readonly octets: Buffer
  readonly whole: boolean
}

/** Appends it, and says where. */
export function keepDeadLetter(letter: DeadLetter, io: Io): void {
  const file = join(io.env["HOME"] ?? homedir(), "dead.letter")
  try {
    appendFileSync(file, Buffer.from(asMbox(letter, Date.now()), "latin1"), { mode: 0o600 })
    io.stdout.write(`${file}... Saved message in ${file}${letter.whole ? "" : " (its first part only)"}\n`)
  } catch {
    const lost = existsSync(file) ? "" : ", so the message is lost"
    io.stderr.write(`sendmail: ${file}: cannot be written${lost}\n`)
  }
}

function asMbox({ sender, login, host, id, recipient, octets }: DeadLetter, now: number): string {
  const trace = writeReceived({
    arrival: {
      session: "",
      protocol: "local",
      client: undefined,
      helo: undefined,
      authenticated: login,
      door: "MSP",
      submission: true,
      tls: undefined,
    },
    by: host,
    id,
    software,
    recipient: undefined,
    typed: recipient,
    date: printDate(now),
  })
  const from = `From ${sender === "" ? "MAILER-DAEMON" : sender} ${printCtime(now)}\n`
  const header = `Return-Path: <${sender}>\r\n${trace}`
  const body = (header + octets.toString("latin1")).replaceAll("\r\n", "\n").replaceAll(/^(>*From )/gm, ">$1")
  return `${from}${body}\n`
}
