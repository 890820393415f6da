// Handing one message to the running system: ESMTP over its submission socket, one transaction. The kernel tells the daemon who
// we are, so nothing here is to be believed, and nothing is decided here.
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { layoutOf } from "../daemon/layout.ts"
import { exits, Refusal } from "./io.ts"
import { dotStuffed } from "./typed-message.ts"

/** What the server said: its code and its lines as they came. */
export type Said = { readonly code: number; readonly lines: readonly string[] }

export type Transaction = {
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

export class Submission {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<string>
  readonly #listener: Listener
  /** What the server calls itself. */
  readonly host: string
  readonly offers: readonly string[]

  private constructor(socket: Socket, lines: AsyncIterator<string>, listener: Listener, greeted: Greeted) {
    this.#socket = socket
    this.#lines = lines
    this.#listener = listener
    this.host = greeted.host
    this.offers = greeted.offers
  }

  /** Connects and says hello. */
  static async open(state: string, listener: Listener): Promise<Submission> {
    const socket = await connectTo(state)
    const lines = linesOf(socket)
    const greeting = await read(lines, listener)
    if (greeting.code !== 220) throw refusal(greeting)
    const hello = await say(socket, lines, listener, "EHLO localhost")
    if (hello.code !== 250) throw refusal(hello)
    const host = /^220[ -](\S+)/.exec(greeting.lines[0] ?? "")?.[1] ?? "localhost"
    const offers = hello.lines.slice(1).map((line) => line.slice(4).toUpperCase())
    return new Submission(socket, lines, listener, { host, offers })
  }

  /** One transaction. What is refused is told, not thrown; a daemon that is gone is thrown. */
  async send(tx: Transaction): Promise<Submitted> {
    const mail = await this.#say(`MAIL FROM:<${tx.sender}>${tx.parameters}`)
    if (mail.code !== 250) return { refused: [], said: mail }
    const refused: { recipient: string; said: Said }[] = []
    for (const recipient of tx.recipients) {
      const said = await this.#say(`RCPT TO:<${recipient}>${tx.recipientParameters}`)
      if (said.code !== 250 && said.code !== 251 && said.code !== 252) refused.push({ recipient, said })
    }
    if (refused.length === tx.recipients.length) return { refused, said: undefined }
    const data = await this.#say("DATA")
    if (data.code !== 354) return { refused, said: data }
    await this.#write(tx.content)
    return { refused, said: await this.#say(".") }
  }

  async quit(): Promise<void> {
    await this.#say("QUIT")
    this.#socket.end()
  }

  /** Ends it without another word. */
  close(): void {
    this.#socket.destroy()
  }

  #say(command: string): Promise<Said> {
    return say(this.#socket, this.#lines, this.#listener, command)
  }

  /** The content; a server that hangs up in the middle is noticed at its reply. */
  async #write(content: AsyncIterable<Buffer>): Promise<void> {
    for await (const octets of dotStuffed(content)) {
      if (this.#socket.destroyed) return
      if (!this.#socket.write(octets))
        await Promise.race([once(this.#socket, "drain"), once(this.#socket, "close")])
    }
  }
}

type Greeted = { readonly host: string; readonly offers: readonly string[] }

async function connectTo(state: string): Promise<Socket> {
  const { submit } = layoutOf(state)
  const socket = connect(submit)
  try {
    await once(socket, "connect")
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    const why = code === "EACCES" ? "you may not speak to it" : "it is not running"
    throw new Refusal(
      `the mail was not sent: no answer from the Waypost on ${state} (${why}); try again when it runs`,
      exits.tryAgain,
    )
  }
  socket.on("error", () => {}) // told by the line that does not come
  return socket
}

async function say(
  socket: Socket,
  lines: AsyncIterator<string>,
  listener: Listener,
  command: string,
): Promise<Said> {
  listener(">>>", command)
  socket.write(`${command}\r\n`)
  return read(lines, listener)
}

async function read(lines: AsyncIterator<string>, listener: Listener): Promise<Said> {
  const said: string[] = []
  for (;;) {
    const line = await lines.next()
    if (line.done === true)
      throw new Refusal("the mail was not sent: the mail system ended in the middle", exits.tryAgain)
    listener("<<<", line.value)
    said.push(line.value)
    if (line.value[3] !== "-") return { code: Number(line.value.slice(0, 3)), lines: said }
  }
}

async function* linesOf(socket: Socket): AsyncGenerator<string, void> {
  let text = ""
  socket.setEncoding("utf8")
  for await (const chunk of socket) {
    text += String(chunk)
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end).replace(/\r$/, "")
      text = text.slice(end + 1)
    }
  }
}

/** The words without code and enhanced code. */
export function wordsOf({ lines }: Said): string {
  return lines.map(parseReplyWords).join(" ")
}

/** `<me>... User unknown` of `550 5.1.1 <me>... User unknown`. */
export function parseReplyWords(line: string): string {
  return line.replace(/^\d{3}[ -]?(?:[245]\.\d+\.\d+ )?/, "")
}

/** sysexits(3) for a refusal: user unknown is EX_NOUSER, other noes EX_UNAVAILABLE, "not now" EX_TEMPFAIL. */
export function exitOf({ code, lines }: Said): number {
  if (code >= 400 && code < 500) return exits.tryAgain
  return / 5\.1\.[0-9]/.test(` ${(lines[0] ?? "").slice(4)}`) ? exits.noUser : exits.unavailable
}

function refusal(said: Said): Refusal {
  return new Refusal(`the mail was not sent: ${said.lines.join(" ")}`, exitOf(said))
}
