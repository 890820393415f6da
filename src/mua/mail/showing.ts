// Commands that show: headers, messages, their beginnings.
import { fields as fieldsOf, first, nameOf, scanHeader, valueOf } from "../../message/header.ts"
import { contentOf } from "../content.ts"
import { printable } from "../printable.ts"
import { decoded, type Flags } from "../summary.ts"
import { type After, type CommandLine, forEach, listed, type MailCommand } from "./command.ts"
import type { Numbered } from "./message-list.ts"
import { page } from "./outside.ts"
import type { Session } from "./session.ts"
import { isShown } from "./variables.ts"

/** One line of the header summary: mark, number, sender, time, size, subject. */
export function headerLine({ number, listed: one, deleted }: Numbered, dot: number, width: number): string {
  const { from, subject } = one.summary
  const who = printable(from.name || from.address)
    .slice(0, 20)
    .padEnd(20)
  const at = new Date(one.received)
  const time = `${at.toDateString().slice(0, 10)} ${at.toTimeString().slice(0, 5)}`
  const start = `${number === dot ? ">" : " "}${deleted ? "D" : letterOf(one.flags)}${String(number).padStart(4)} ${who} ${time} ${sizeOf(one.size)}`
  return `${start} ${printable(subject)}`.slice(0, Math.max(width, 60))
}

function letterOf({ flagged, answered, seen, recent }: Flags): string {
  if (flagged) return "F"
  if (answered) return "A"
  if (seen) return recent ? "R" : " "
  return recent ? "N" : "U"
}

/** `130`, `1.2K`, `3.4M`: at most five letters. */
export function sizeOf(octets: number): string {
  if (octets < 1000) return String(octets).padStart(5)
  const [size, unit] = octets < 1_000_000 ? [octets / 1024, "K"] : [octets / 1024 ** 2, "M"]
  return `${size < 10 ? size.toFixed(1) : Math.round(size)}${unit}`.padStart(5)
}

/** The screenful of header lines that the current message is on. */
export function showHeaders(session: Session, from?: number): void {
  const { terminal, wanted, dot, count } = session
  const height = Number(wanted.variables.get("screen")) || Math.max(terminal.height - 3, 5)
  const start = from ?? Math.max(0, Math.floor((Math.max(dot, 1) - 1) / height) * height)
  const some = session.messages.slice(start, start + height)
  for (const message of some) if (!message.deleted) terminal.say(headerLine(message, dot, terminal.width))
  if (count === 0) terminal.say("No messages")
}

/** How a session begins: what mailbox it is and what is in it. */
export function showGreeting(session: Session): void {
  const messages = session.messages
  const counted = (meets: (flags: Flags) => boolean, word: string) => {
    const some = messages.filter(({ listed: { flags } }) => meets(flags)).length
    return some === 0 ? "" : ` ${some} ${word}`
  }
  const fresh = counted(({ recent, seen }) => recent && !seen, "new")
  const unread = counted(({ recent, seen }) => !recent && !seen, "unread")
  session.terminal.say(
    `"${session.mailbox.path}": ${messages.length} message${messages.length === 1 ? "" : "s"}${fresh}${unread}`,
  )
}

type Showing = { readonly all: boolean; readonly lines: number | undefined }

/** A message as text: its header as wanted, an honest word about its sender, its text, its parts. */
export async function textOf(session: Session, octets: Buffer, { all, lines }: Showing): Promise<string> {
  const header = scanHeader(octets)
  const shown = header.fields.flatMap((field) => {
    const name = nameOf(header, field)
    return all || isShown(session.wanted, name)
      ? [`${name}: ${printable(decoded(valueOf(header, field)))}`]
      : []
  })
  if (all) return `${shown.join("\n")}\n\n${(await contentOf(octets)).text}`
  const { text, parts, fromHtml } = await contentOf(octets)
  const body = lines === undefined ? text : `${text.split("\n").slice(0, lines).join("\n")}\n`
  const list = parts.map(
    ({ name, type, octets: part }, i) =>
      `[part ${i + 1}: ${printable(name)}, ${printable(type)}, ${sizeOf(part.length).trim()}; "write" saves it]`,
  )
  const note = fromHtml ? ["[made from HTML; nothing was fetched]"] : []
  return [...shown, ...note, "", body, ...(lines === undefined ? list : [])].join("\n")
}

async function show(session: Session, message: Numbered, how: Showing): Promise<void> {
  const octets = await session.read(message)
  if (octets === undefined) return
  session.touch(message)
  session.terminal.say(`Message ${message.number}:`)
  await page(session, await textOf(session, octets, how))
}

function showing(how: (session: Session) => Showing) {
  return (session: Session, { words }: CommandLine): Promise<After> =>
    forEach(session, words, (message) => show(session, message, how(session)))
}

const top = (session: Session): Showing => ({
  all: false,
  lines: Number(session.wanted.variables.get("toplines")) || 5,
})

/** Return, `next`, `+`: the message after the current one; the current one itself when it was never read. */
async function next(session: Session, { words }: CommandLine): Promise<After> {
  const fresh = session.message(session.dot)
  const unread =
    fresh !== undefined && !fresh.deleted && !session.stateOf(fresh).touched && !fresh.listed.flags.seen
  const some = listed(session, words.length > 0 ? words : [unread ? "." : "+"])
  if (!some.ok)
    session.terminal.complain(some.error === "Referencing beyond last message" ? "At EOF" : some.error)
  const [message] = some.ok ? some.value : []
  if (message !== undefined) await show(session, message, { all: false, lines: undefined })
  return "go on"
}

async function previous(session: Session): Promise<After> {
  return await forEach(session, ["-"], (message) => show(session, message, { all: false, lines: undefined }))
}

async function headers(session: Session, { words }: CommandLine): Promise<After> {
  const some = words.length === 0 ? undefined : listed(session, words)
  if (some !== undefined && !some.ok) session.terminal.complain(some.error)
  const [message] = some?.ok === true ? some.value : []
  if (message !== undefined) session.dot = message.number
  showHeaders(session)
  return "go on"
}

async function scroll(session: Session, { rest }: CommandLine): Promise<After> {
  const height = Number(session.wanted.variables.get("screen")) || Math.max(session.terminal.height - 3, 5)
  const to = session.dot + (rest.startsWith("-") ? -height : height)
  if (to < 1 || to > session.count)
    session.terminal.complain(to < 1 ? "On first screenful of messages" : "On last screenful of messages")
  else {
    session.dot = to
    showHeaders(session)
  }
  return "go on"
}

async function fromLines(session: Session, { words }: CommandLine): Promise<After> {
  return await forEach(session, words, (message) => {
    session.terminal.say(headerLine(message, session.dot, session.terminal.width))
    if (words.length > 0) session.dot = message.number
  })
}

async function sizes(session: Session, { words }: CommandLine): Promise<After> {
  return await forEach(session, words, ({ number, listed: one }) =>
    session.terminal.say(`${number}: ${one.size}`),
  )
}

async function currentNumber(session: Session): Promise<After> {
  session.terminal.say(String(session.dot))
  return "go on"
}

/** How the message came here: the trace fields from the oldest on. */
async function route(session: Session, { words }: CommandLine): Promise<After> {
  return await forEach(session, words, async (message) => {
    const octets = await session.read(message)
    if (octets === undefined) return
    const header = scanHeader(octets)
    const trace = fieldsOf(header, "received").map((field) => valueOf(header, field).replaceAll(/\s+/g, " "))
    session.terminal.say(`Message ${message.number}: ${first(header, "return-path") ?? "no Return-Path"}`)
    for (const [i, hop] of trace.toReversed().entries()) session.terminal.say(`  ${i + 1}. ${printable(hop)}`)
    if (trace.length === 0) session.terminal.say("  no Received fields: it was never on its way")
  })
}

const whole = { all: false, lines: undefined }

export const showingCommands: readonly MailCommand[] = [
  { name: "next", short: "n", does: "shows the next message (so does Return)", run: next },
  {
    name: "+",
    short: "+",
    does: "shows the next message",
    run: async (session) => await next(session, { verb: "+", rest: "+", words: ["+"] }),
  },
  { name: "-", short: "-", does: "shows the message before", run: previous },
  { name: "print", short: "p", does: "shows messages", run: showing(() => whole) },
  { name: "type", short: "t", does: "shows messages", run: showing(() => whole) },
  {
    name: "Print",
    short: "P",
    does: "shows messages with all header fields",
    run: showing(() => ({ all: true, lines: undefined })),
  },
  {
    name: "Type",
    short: "T",
    does: "shows messages with all header fields",
    run: showing(() => ({ all: true, lines: undefined })),
  },
  { name: "top", short: "to", does: "shows the first lines of messages", run: showing(top) },
  { name: "headers", short: "h", does: "lists the messages around one", run: headers },
  { name: "from", short: "f", does: "lists these messages", run: fromLines },
  { name: "size", short: "si", does: "tells how large messages are", run: sizes },
  { name: "z", short: "z", does: "lists the next screenful; z- the one before", run: scroll },
  { name: "=", short: "=", does: "tells the current message's number", run: currentNumber },
  { name: "route", short: "route", does: "tells how a message came here", run: route },
]
