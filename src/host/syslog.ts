// The machine's own log: lines sent to the datagram socket that syslogd or journald reads, in the form of syslog(3). What it does
// not take is counted and said once it takes lines again; mail never waits for it.
import { closeSync } from "node:fs"
import { printStamp } from "../message/date.ts"
import { openDatagram, sendDatagram } from "./sockets.ts"

/** Facility mail (2), severity info (6): RFC 3164 §4.1.1. */
const mailInfo = 2 * 8 + 6

/** Milliseconds until a log that was not there is looked for again. */
const lookAgain = 5000

/** Gives lines to the socket at `path`; `stamp` is the time as syslog(3) writes it. */
export class Syslog {
  readonly #path: string
  readonly #tag: string
  readonly #stamp: () => string
  #fd: number | undefined
  #lookAt = 0
  #lost = 0

  constructor(path: string, tag: string, stamp: () => string) {
    this.#path = path
    this.#tag = `${tag}[${process.pid}]`
    this.#stamp = stamp
  }

  say(line: string): void {
    if (this.#fd === undefined && !this.#open()) {
      this.#lost++
      return
    }
    if (this.#lost > 0 && this.#send(`${this.#lost} lines were not taken by the log`)) this.#lost = 0
    if (!this.#send(line)) this.#lost++
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #send(line: string): boolean {
    if (this.#fd === undefined) return false
    if (sendDatagram(this.#fd, Buffer.from(`<${mailInfo}>${this.#stamp()} ${this.#tag}: ${line}`)))
      return true
    this.close() // a syslogd that was started again has a new socket
    return false
  }

  #open(): boolean {
    const now = performance.now()
    if (now < this.#lookAt) return false
    this.#lookAt = now + lookAgain
    try {
      this.#fd = openDatagram(this.#path)
      return true
    } catch {
      return false // nobody reads there: counted by who asks
    }
  }
}

/** As root each line goes to syslog too, unless journald has our standard error already. */
export function machineLog(): Syslog | undefined {
  if (process.env["JOURNAL_STREAM"] !== undefined) return undefined
  return new Syslog("/dev/log", "sm-mta", () => printStamp(Date.now()))
}
