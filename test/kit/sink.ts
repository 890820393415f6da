// A scriptable remote SMTP (or LMTP) server for tests: answers by the command, goes silent or away at any step, and keeps what it was
// given, octet by octet. It is deliberately no server of ours: a mistake in one is not repeated by the other.
import { once } from "node:events"
import { type AddressInfo, createServer, type Socket } from "node:net"

/** What to do instead of the usual reply. `reply` may have several lines, each without CRLF. */
export type SinkAct =
  | string
  | { readonly reply?: string; readonly end?: "close" | "reset" | "silence"; readonly after?: number }
  /** Octets as they are, CRLF and all. */
  | { readonly raw: string }

/** `on` sees "connect" for the greeting, each command line, and "." for the end of a message. The first that matches and is not used up acts. */
export type SinkRule = { readonly on: RegExp; readonly act: SinkAct; readonly times?: number }

export type SinkOptions = {
  readonly address?: string
  readonly port?: number
  readonly name?: string
  readonly extensions?: readonly string[]
  readonly rules?: readonly SinkRule[]
  readonly lmtp?: boolean
  /** Keep no content, only count (for measuring). */
  readonly forget?: boolean
}

export type SinkTransaction = {
  readonly session: number
  readonly mail: string
  readonly rcpt: readonly string[]
  /** As sent between 354 and the final dot, dots taken off; or the BDAT chunks joined. */
  readonly content: Buffer
}

export type Sink = {
  readonly address: string
  readonly port: number
  readonly transactions: SinkTransaction[]
  /** Each line that came outside of content, with "connect" and "." marks, over all sessions. */
  readonly commands: string[]
  /** How many reads each session's octets came in. */
  readonly reads: number[]
  /** Sessions ever opened, and those open now. */
  sessions(): number
  open(): number
  received(): number
  /** Resolves when n transactions have been kept. */
  until(n: number): Promise<void>
  /** Resolves when no session is open. */
  quiet(): Promise<void>
  close(): Promise<void>
}

const usual = ["PIPELINING", "8BITMIME", "SIZE 52428800", "DSN", "ENHANCEDSTATUSCODES"]

/** Starts a remote host. */
export async function startSink(options: SinkOptions = {}): Promise<Sink> {
  const house = new House(options)
  const server = createServer((socket) => new Guest(socket, house))
  server.listen(options.port ?? 0, options.address ?? "127.0.0.1")
  await once(server, "listening")
  const { port, address } = server.address() as AddressInfo
  return {
    address,
    port,
    transactions: house.transactions,
    commands: house.commands,
    reads: house.reads,
    sessions: () => house.reads.length,
    open: () => house.guests.size,
    received: () => house.received,
    until: (n) => house.wait(() => house.received >= n),
    quiet: () => house.wait(() => house.guests.size === 0),
    close: async () => {
      for (const guest of house.guests) guest.socket.destroy()
      const closed = once(server, "close")
      server.close()
      await closed
    },
  }
}

/** What all sessions of a sink share. */
class House {
  readonly transactions: SinkTransaction[] = []
  readonly commands: string[] = []
  readonly reads: number[] = []
  readonly guests = new Set<Guest>()
  readonly options: SinkOptions
  readonly uses = new Map<SinkRule, number>()
  received = 0
  waiting: { readonly until: () => boolean; readonly resolve: () => void }[] = []

  constructor(options: SinkOptions) {
    this.options = options
  }

  act(line: string): SinkAct | undefined {
    for (const rule of this.options.rules ?? []) {
      const used = this.uses.get(rule) ?? 0
      if (!rule.on.test(line) || used >= (rule.times ?? Number.POSITIVE_INFINITY)) continue
      this.uses.set(rule, used + 1)
      return rule.act
    }
    return undefined
  }

  wait(until: () => boolean): Promise<void> {
    if (until()) return Promise.resolve()
    return new Promise((resolve) => this.waiting.push({ until, resolve }))
  }

  changed(): void {
    const met = this.waiting.filter((one) => one.until())
    this.waiting = this.waiting.filter((one) => !met.includes(one))
    for (const one of met) one.resolve()
  }
}

/** One session. */
class Guest {
  readonly socket: Socket
  readonly house: House
  readonly number: number
  pending: Buffer = Buffer.alloc(0)
  /** What came since, while nothing in it ends the message: joined once, however large it is. */
  parts: Buffer[] = []
  tail: Buffer = Buffer.alloc(0)
  mode: "commands" | "content" | "chunk" | "deaf" = "commands"
  mail = ""
  rcpt: string[] = []
  pieces: Buffer[] = []
  chunk = { left: 0, last: false }

  constructor(socket: Socket, house: House) {
    this.socket = socket
    this.house = house
    this.number = house.reads.push(0) - 1
    house.guests.add(this)
    socket.setNoDelay(true)
    socket.on("data", (bytes: Buffer) => this.feed(bytes))
    socket.on("error", () => socket.destroy())
    socket.on("close", () => {
      house.guests.delete(this)
      house.changed()
    })
    this.say("connect", `220 ${house.options.name ?? "sink.test"} ESMTP`)
  }

  feed(bytes: Buffer): void {
    this.house.reads[this.number] = (this.house.reads[this.number] ?? 0) + 1
    if (this.mode === "content" && !this.ends(bytes)) return
    this.pending = Buffer.concat([this.pending, ...this.parts.splice(0), bytes])
    this.socket.cork()
    while (this.step());
    this.socket.uncork()
  }

  /** Whether these octets may end the message; otherwise they are put aside. */
  ends(bytes: Buffer): boolean {
    const before =
      this.parts.length > 0 ? this.tail : Buffer.concat([Buffer.from("\r\n"), this.pending.subarray(-4)])
    const seen = Buffer.concat([before, bytes])
    this.tail = seen.subarray(-4)
    if (seen.includes("\r\n.\r\n")) return true
    this.parts.push(bytes)
    return false
  }

  /** Takes one command, one message or one chunk off what came; false when it needs more. */
  step(): boolean {
    if (this.mode === "deaf") this.pending = Buffer.alloc(0)
    if (this.pending.length === 0) return false
    if (this.mode === "content") return this.content()
    if (this.mode === "chunk") return this.readChunk()
    const end = this.pending.indexOf("\r\n")
    if (end < 0) return false
    const line = this.pending.toString("utf8", 0, end)
    this.pending = this.pending.subarray(end + 2)
    this.command(line)
    return true
  }

  content(): boolean {
    const empty = this.pending.indexOf(".\r\n") === 0 // no content at all: the dot comes first
    const end = empty ? 0 : this.pending.indexOf("\r\n.\r\n")
    if (end < 0) return false
    const body = empty ? this.pending.subarray(0, 0) : this.pending.subarray(0, end + 2)
    this.pending = this.pending.subarray(empty ? 3 : end + 5)
    this.mode = "commands"
    this.finish(body)
    return true
  }

  finish(body: Buffer): void {
    const count = this.rcpt.length
    if (count > 0) this.keep(body)
    for (let n = 0; n < (this.house.options.lmtp === true ? count : 1); n++) {
      this.say(`. ${this.rcpt[n] ?? ""}`, count > 0 ? "250 2.0.0 kept" : "554 5.5.1 No valid recipients")
    }
    this.rcpt = []
    this.house.changed()
  }

  keep(body: Buffer): void {
    this.house.received++
    if (this.house.options.forget === true) return
    const content = Buffer.from(body.toString("latin1").replaceAll(/(^|\r\n)\./g, "$1"), "latin1")
    this.house.transactions.push({ session: this.number, mail: this.mail, rcpt: this.rcpt, content })
  }

  readChunk(): boolean {
    if (this.pending.length < this.chunk.left) return false
    this.pieces.push(this.pending.subarray(0, this.chunk.left))
    this.pending = this.pending.subarray(this.chunk.left)
    this.mode = "commands"
    if (!this.chunk.last) {
      this.say("chunk", "250 2.0.0 octets received")
      return true
    }
    this.house.received++
    this.house.transactions.push({
      session: this.number,
      mail: this.mail,
      rcpt: this.rcpt,
      content: Buffer.concat(this.pieces),
    })
    this.pieces = []
    for (let n = 0; n < (this.house.options.lmtp === true ? this.rcpt.length : 1); n++) {
      this.say(`. ${this.rcpt[n] ?? ""}`, "250 2.0.0 kept")
    }
    this.rcpt = []
    this.house.changed()
    return true
  }

  command(line: string): void {
    const verb = line.slice(0, 4).toUpperCase()
    switch (verb) {
      case "EHLO":
      case "LHLO":
        this.say(
          line,
          ["sink.test", ...(this.house.options.extensions ?? usual)]
            .map((text, n, all) => `250${n < all.length - 1 ? "-" : " "}${text}`)
            .join("\r\n"),
        )
        return
      case "MAIL":
        this.mail = line.slice(10)
        this.rcpt = []
        this.say(line, "250 2.1.0 Sender ok")
        return
      case "RCPT":
        this.recipient(line)
        return
      case "DATA":
        this.say(line, this.rcpt.length === 0 ? "503 5.0.0 Need RCPT (recipient)" : "354 go ahead")
        return
      case "BDAT":
        this.chunk = { left: Number(line.split(" ")[1]), last: / last$/i.test(line) }
        this.mode = "chunk"
        return
      case "QUIT":
        this.say(line, "221 2.0.0 closing connection")
        this.socket.end()
        return
      case "RSET":
        this.rcpt = []
        this.say(line, "250 2.0.0 Reset state")
        return
      default:
        this.say(line, "250 2.0.0 ok")
    }
  }

  recipient(line: string): void {
    const before = this.rcpt.length
    this.rcpt = [...this.rcpt, line.slice(8)]
    const accepted = this.say(line, "250 2.1.5 Recipient ok")
    if (accepted !== undefined && !accepted.startsWith("2")) this.rcpt = this.rcpt.slice(0, before)
  }

  /** Says the usual, or what the script has instead; returns what was said. */
  say(line: string, ordinary: string): string | undefined {
    if (this.house.options.forget !== true) this.house.commands.push(line)
    const act = this.house.act(line) ?? ordinary
    if (typeof act === "string") {
      this.write(act)
      return act
    }
    if ("raw" in act) {
      this.socket.write(act.raw, "latin1")
      return act.raw
    }
    if (act.end === "silence") this.mode = "deaf"
    if (act.after !== undefined) setTimeout(() => this.perform(act, ordinary), act.after)
    else this.perform(act, ordinary)
    return act.reply ?? (act.end === undefined ? ordinary : "")
  }

  perform(act: { readonly reply?: string; readonly end?: string }, ordinary: string): void {
    const text = act.reply ?? (act.end === undefined ? ordinary : undefined)
    if (text !== undefined) this.write(text)
    if (act.end === "close") this.socket.end()
    if (act.end === "reset") this.socket.resetAndDestroy()
  }

  write(text: string): void {
    this.socket.write(`${text}\r\n`, "latin1")
    if (text.startsWith("354")) this.mode = "content"
  }
}
