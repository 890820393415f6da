// Handing one message to the mail system: ESMTP with its local door, one transaction, over any channel that leads there. The
// sendmail command speaks so over the socket, the client queue within the mail process.
import { type Channel, linesOf } from "../host/channel.ts"
import { dotStuffed } from "../smtp/dots.ts"

/** What the server said: its code and its lines as they came. */
export type Said = { readonly code: number; readonly lines: readonly string[] }

export type SubmittedMessage = {
  /** Without brackets, "" for the null sender; and the parameters of MAIL. */
  readonly sender: string
  readonly parameters: string
  readonly recipients: readonly string[]
  /** The parameters of each RCPT. */
  readonly recipientParameters: string
  /** With CRLF line ends, dots not yet doubled. */
  readonly content: AsyncIterable<Buffer>
}

export type Submitted = {
  readonly refused: readonly { readonly recipient: string; readonly said: Said }[]
  /** The last word on the message; undefined when no recipient was left to send it to. */
  readonly said: Said | undefined
}

/** Hears each line of the conversation; `>>>` is ours. */
export type Listener = (direction: ">>>" | "<<<", line: string) => void

/** It could not be said to the end: `said` is what the server refused to go on with; undefined when it went away. */
export class SubmissionEnded extends Error {
  readonly said: Said | undefined

  constructor(said: Said | undefined) {
    super(said === undefined ? "the mail system ended in the middle" : said.lines.join(" "))
    this.said = said
  }
}

export class Submission {
  readonly #channel: Channel
  readonly #lines: AsyncIterator<string>
  readonly #listener: Listener
  /** What the server calls itself. */
  readonly host: string
  readonly offers: readonly string[]

  private constructor(channel: Channel, lines: AsyncIterator<string>, listener: Listener, greeted: Greeted) {
    this.#channel = channel
    this.#lines = lines
    this.#listener = listener
    this.host = greeted.host
    this.offers = greeted.offers
  }

  /** Says hello, by the name that is ours for the server; one that knows no EHLO is told HELO (RFC 5321 §3.2). */
  static async open(channel: Channel, listener: Listener, name = "localhost"): Promise<Submission> {
    const lines = linesOf(channel)
    const greeting = await read(lines, listener)
    if (greeting.code !== 220) throw new SubmissionEnded(greeting)
    const extended = await say(channel, lines, listener, `EHLO ${name}`)
    const hello = extended.code >= 500 ? await say(channel, lines, listener, `HELO ${name}`) : extended
    if (hello.code !== 250) throw new SubmissionEnded(hello)
    const host = /^220[ -](\S+)/.exec(greeting.lines[0] ?? "")?.[1] ?? "localhost"
    const offers = hello.lines.slice(1).map((line) => line.slice(4).toUpperCase())
    return new Submission(channel, lines, listener, { host, offers })
  }

  /**
   * One transaction. What is refused is told, not thrown; a server that is gone is thrown. All commands up to DATA go in one write
   * where the server offers that (RFC 2920): each reply that is waited for costs two changes of process.
   */
  async send(tx: SubmittedMessage): Promise<Submitted> {
    const mail = `MAIL FROM:<${tx.sender}>${tx.parameters}`
    const rcpts = tx.recipients.map((recipient) => `RCPT TO:<${recipient}>${tx.recipientParameters}`)
    if (!this.offers.includes("PIPELINING")) return this.#sendInTurn(tx, mail, rcpts)
    await this.#channel.write([mail, ...rcpts, "DATA", ""].join("\r\n"))
    const began = await this.#replyTo(mail)
    const refused: { recipient: string; said: Said }[] = []
    for (const [i, recipient] of tx.recipients.entries()) {
      const said = await this.#replyTo(rcpts[i] ?? "")
      if (said.code !== 250 && said.code !== 251 && said.code !== 252) refused.push({ recipient, said })
    }
    const data = await this.#replyTo("DATA")
    if (data.code !== 354) {
      if (began.code !== 250) return { refused: [], said: began }
      return { refused, said: refused.length === tx.recipients.length ? undefined : data }
    }
    await this.#write(tx.content)
    return { refused, said: await this.#say(".") }
  }

  /** The same, a command after each reply. */
  async #sendInTurn(tx: SubmittedMessage, mail: string, rcpts: readonly string[]): Promise<Submitted> {
    const began = await this.#say(mail)
    if (began.code !== 250) return { refused: [], said: began }
    const refused: { recipient: string; said: Said }[] = []
    for (const [i, recipient] of tx.recipients.entries()) {
      const said = await this.#say(rcpts[i] ?? "")
      if (said.code !== 250 && said.code !== 251 && said.code !== 252) refused.push({ recipient, said })
    }
    if (refused.length === tx.recipients.length) return { refused, said: undefined }
    const data = await this.#say("DATA")
    if (data.code !== 354) return { refused, said: data }
    await this.#write(tx.content)
    return { refused, said: await this.#say(".") }
  }

  /** `go`: nobody wants to hear the last words. */
  async quit(how: "wait" | "go" = "wait"): Promise<void> {
    if (how === "wait") await this.#say("QUIT")
    this.#channel.end(how === "go" ? "QUIT\r\n" : "")
  }

  /** Ends it without another word. */
  close(): void {
    this.#channel.close()
  }

  #say(command: string): Promise<Said> {
    return say(this.#channel, this.#lines, this.#listener, command)
  }

  /** The reply to a command that is on its way. */
  #replyTo(command: string): Promise<Said> {
    this.#listener(">>>", command)
    return read(this.#lines, this.#listener)
  }

  /** The content; a server that hangs up in the middle is noticed at its reply. */
  async #write(content: AsyncIterable<Buffer>): Promise<void> {
    for await (const octets of dotStuffed(content)) await this.#channel.write(octets)
  }
}

type Greeted = { readonly host: string; readonly offers: readonly string[] }

async function say(
  channel: Channel,
  lines: AsyncIterator<string>,
  listener: Listener,
  command: string,
): Promise<Said> {
  listener(">>>", command)
  await channel.write(`${command}\r\n`)
  return read(lines, listener)
}

async function read(lines: AsyncIterator<string>, listener: Listener): Promise<Said> {
  const said: string[] = []
  for (;;) {
    const line = await lines.next()
    if (line.done === true) throw new SubmissionEnded(undefined)
    listener("<<<", line.value)
    said.push(line.value)
    if (line.value[3] !== "-") return { code: Number(line.value.slice(0, 3)), lines: said }
  }
}
