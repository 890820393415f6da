// Reading for scripts: messages of a mailbox as JSON, as text or as their octets, without a session and without leaving a mark.
import { exits, type Io } from "../../commands/io.ts"
import { fields, nameOf, scanHeader, valueOf } from "../../message/header.ts"
import { contentOf } from "../content.ts"
import { decoded } from "../summary.ts"
import { type Numbered, readMessageList } from "./message-list.ts"
import type { MailOptions } from "./options.ts"
import type { Session } from "./session.ts"
import { textOf } from "./showing.ts"

/** -H --json: a line for each message. */
export function listAsJson({ messages }: Session, io: Io): void {
  for (const message of messages) io.stdout.write(line(summaryOf(message)))
}

/** --print: the messages that its list names; 1 when there are none. */
export async function printMessages(session: Session, options: MailOptions, io: Io): Promise<number> {
  const words = (options.print ?? "").split(/\s+/).filter((word) => word !== "")
  const scene = { messages: session.messages, dot: session.dot, about: "live", showName: true } as const
  const chosen = readMessageList(words, scene)
  if (!chosen.ok) {
    io.stderr.write(`mail: ${chosen.error}\n`)
    return 1
  }
  for (const message of chosen.value) {
    const octets = await session.read(message)
    if (octets === undefined) return exits.ioError
    if (options.raw) io.stdout.write(octets)
    else if (options.json) io.stdout.write(line(await messageOf(message, octets)))
    else io.stdout.write(`${await textOf(session, octets, { all: false, lines: undefined })}\n`)
  }
  return exits.ok
}

/** JSON escapes the controls of ASCII, but not those that some terminals take as commands beside them. */
function line(value: object): string {
  const text = JSON.stringify(value)
  return `${text.replaceAll(/[\u007f-\u009f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)}\n`
}

/** The names stay as they are: scripts go by them. */
function summaryOf({ number, listed: { received, size, flags, summary } }: Numbered) {
  const { from, to, subject, messageId, date } = summary
  return {
    number,
    from,
    to,
    subject,
    messageId,
    received: new Date(received).toISOString(),
    date: date === undefined ? undefined : new Date(date).toISOString(),
    size,
    seen: flags.seen,
    answered: flags.answered,
    flagged: flags.flagged,
  }
}

async function messageOf(message: Numbered, octets: Buffer) {
  const header = scanHeader(octets)
  const { text, fromHtml, parts } = await contentOf(octets)
  return {
    ...summaryOf(message),
    header: header.fields.map((field) => [nameOf(header, field), decoded(valueOf(header, field))]),
    hops: fields(header, "received").length,
    text,
    fromHtml,
    parts: parts.map(({ name, type, octets: part }) => ({ name, type, size: part.length })),
  }
}
