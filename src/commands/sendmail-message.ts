// sendmail's main business: a message on standard input, made whole and handed to the daemon; what could not be sent goes to the
// sender's dead.letter, so that nothing that was written is lost.
import { appendFileSync, existsSync } from "node:fs"
import { randomInt } from "node:crypto"
import { homedir } from "node:os"
import { join } from "node:path"
import { makeIds } from "../daemon/ids.ts"
import { parseAddressList } from "../message/addresses.ts"
import { printCtime } from "../message/date.ts"
import { type Header, scanHeader } from "../message/header.ts"
import { completeHeader, recipientsIn } from "../message/submit.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { type LocalSender, localSender } from "./local-sender.ts"
import type { SendmailOptions } from "./sendmail-options.ts"
import {
  exitOf,
  type Listener,
  type Said,
  Submission,
  type Submitted,
  type Transaction,
  wordsOf,
} from "./submit.ts"
import { asLines, openMessage } from "./typed-message.ts"

/** Reads a message from standard input and sends it. */
export async function sendMessage(
  options: SendmailOptions,
  state: string,
  listener: Listener,
  io: Io,
): Promise<number> {
  const named = options.operands.flatMap((word) => parseAddressList(word).map(({ address }) => address))
  if (named.length === 0 && !options.recipientsFromHeader) {
    io.stdout.write("Recipient names must be specified\n") // sendmail's words, where it says them
    return exits.usage
  }
  const { head, rest } = await openMessage(asLines(io.stdin, { dotEnds: !options.ignoreDots }))
  const header = scanHeader(head)
  const recipients = [...new Set([...named, ...(options.recipientsFromHeader ? recipientsIn(header) : [])])]
  if (recipients.length === 0) {
    io.stdout.write("No recipient addresses found in header\n")
    return exits.usage
  }
  const sender = localSender(options, io)
  for (const address of [sender.path, ...recipients]) checkAddress(address)
  const submission = await Submission.open(state, listener)
  try {
    const whole = completed(header, options, { host: submission.host, sender, recipients })
    const kept = new Kept()
    const tx: Transaction = {
      ...envelopeOf(options, sender, { header, recipients, offers: submission.offers }),
      content: kept.watch(octets(whole, header, rest)),
    }
    const submitted = await submission.send(tx)
    await submission.quit()
    return await conclude(submitted, { options, kept, content: tx.content, io })
  } finally {
    submission.close()
  }
}

type Facts = {
  readonly host: string
  readonly sender: LocalSender
  readonly recipients: readonly string[]
}

/** The header as it goes out; undefined with -G: it is another system's, and left alone but for its Bcc under -t. */
function completed(
  header: Header,
  options: SendmailOptions,
  { host, sender, recipients }: Facts,
): Buffer | undefined {
  if (options.gateway && !options.recipientsFromHeader) return undefined
  const address = sender.path === "" ? `MAILER-DAEMON@${host}` : sender.path
  const newId = makeIds(Date.now, randomInt(1_000_000))
  return completeHeader(header, {
    host,
    id: newId(),
    now: Date.now(),
    sender: { address: address.includes("@") ? address : `${address}@${host}`, fullName: sender.fullName },
    recipients,
    noRecipientAction: "none", // the daemon's door does what its configuration says
  })
}

async function* octets(
  completedHeader: Buffer | undefined,
  header: Header,
  rest: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  if (completedHeader === undefined) yield header.bytes
  else {
    yield completedHeader
    if (header.bodyStart < header.bytes.length) yield header.bytes.subarray(header.bodyStart)
  }
  yield* rest
}

type Envelope = Omit<Transaction, "content">

function envelopeOf(
  options: SendmailOptions,
  sender: LocalSender,
  {
    header,
    recipients,
    offers,
  }: { header: Header; recipients: readonly string[]; offers: readonly string[] },
): Envelope {
  const offered = (word: string) => offers.some((offer) => offer === word || offer.startsWith(`${word} `))
  const international = [sender.path, ...recipients].some((address) => /[^\x00-\x7f]/.test(address))
  const eightBit = options.body === "8BITMIME" || (options.body === undefined && hasEightBit(header.bytes))
  const parameters = [
    ...(eightBit && offered("8BITMIME") ? ["BODY=8BITMIME"] : []),
    ...(international && offered("SMTPUTF8") ? ["SMTPUTF8"] : []),
    ...(options.ret === undefined ? [] : [`RET=${options.ret}`]),
    ...(options.envid === undefined ? [] : [`ENVID=${xtext(options.envid)}`]),
  ]
  const notify = options.notify === undefined ? "" : ` NOTIFY=${options.notify.join(",").toUpperCase()}`
  return {
    sender: sender.path,
    parameters: parameters.map((parameter) => ` ${parameter}`).join(""),
    recipients,
    recipientParameters: notify,
  }
}

/** What was typed never ends a command. */
function checkAddress(address: string): void {
  if (/[\u0000-\u001f\u007f]/.test(address)) {
    throw new Refusal(`an address cannot hold control characters: ${JSON.stringify(address)}`, exits.usage)
  }
}

function hasEightBit(octetsSoFar: Buffer): boolean {
  return octetsSoFar.some((octet) => octet > 0x7f)
}

/** RFC 3461 §4: `+`, `=` and what is not printable as +HH. */
function xtext(text: string): string {
  return text.replaceAll(
    /[^\x21-\x2a\x2c-\x3c\x3e-\x7e]/g,
    (c) => `+${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  )
}

/** The first octets of what went by, for dead.letter; a message larger than this is kept in part, and that is said. */
class Kept {
  readonly #pieces: Buffer[] = []
  #octets = 0
  readonly #most = 8 * 1024 * 1024

  async *watch(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of content) {
      if (this.#octets < this.#most) this.#pieces.push(piece)
      this.#octets += piece.length
      yield piece
    }
  }

  get whole(): boolean {
    return this.#octets <= this.#most
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces)
  }
}

type End = {
  readonly options: SendmailOptions
  readonly kept: Kept
  readonly content: AsyncIterable<Buffer>
  readonly io: Io
}

/** Tells what was refused and keeps what nobody got; the result is the exit code. */
async function conclude({ refused, said }: Submitted, end: End): Promise<number> {
  const { options, io } = end
  if (!options.quiet) {
    for (const one of refused) io.stderr.write(`${refusalLine(one.recipient, one.said)}\n`)
    if (said !== undefined && said.code !== 250) io.stderr.write(`sendmail: ${said.lines.join(" ")}\n`)
  }
  const failed = said !== undefined && said.code !== 250 ? said : refused[0]?.said
  if (failed === undefined) return exits.ok
  if (said?.code !== 250 && failed.code >= 500) await keepDeadLetter(end)
  return exitOf(failed)
}

/** `nosuch... User unknown`; the server's own words begin with the address already. */
function refusalLine(recipient: string, said: Said): string {
  const words = wordsOf(said)
  return words.startsWith("<") ? words.replace(/^<([^>]*)>/, "$1") : `${recipient}... ${words}`
}

/** As an mbox, in the home of who sent it. */
async function keepDeadLetter({ kept, content, options, io }: End): Promise<void> {
  for await (const _ of content) if (!kept.whole) break // when every recipient was refused, nothing has been read yet
  const file = join(io.env["HOME"] ?? homedir(), "dead.letter")
  const lines = kept
    .bytes()
    .toString("latin1")
    .replaceAll("\r\n", "\n")
    .replaceAll(/^(>*From )/gm, ">$1")
  const from = `From ${options.sender ?? io.env["LOGNAME"] ?? "me"}  ${printCtime(Date.now())}\n`
  try {
    appendFileSync(file, Buffer.from(`${from}${lines}\n`, "latin1"), { mode: 0o600 })
    io.stdout.write(`${file}... Saved message in ${file}${kept.whole ? "" : " (its first part only)"}\n`)
  } catch {
    io.stderr.write(
      `sendmail: ${file}: cannot be written${existsSync(file) ? "" : ", so the message is lost"}\n`,
    )
  }
}
