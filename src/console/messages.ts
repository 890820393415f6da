// Messages and refused sessions for the console: the list that a search finds, and one of them with all that is known.
import { printPath } from "../mail/address.ts"
import { nameOf, scanHeader, valueOf } from "../message/header.ts"
import type { Entry, Queued } from "../queue/entry.ts"
import type { Remembered } from "../spool/spool.ts"
import { printAngled } from "../mail/address.ts"
import type { Message, MessageLine, Messages, Told } from "./api.ts"
import { type Ask, first } from "./asking.ts"

/** The newest that have all the words; none: the newest of all. */
export async function findMessages(ask: Ask, q: string, limit: number): Promise<Messages> {
  const words = q.split(/\s+/).filter((word) => word !== "")
  const messages: MessageLine[] = []
  let more = false
  for await (const answer of ask({ verb: "recent", words, limit })) {
    const { id, events } = answer
    if (answer["more"] === true) more = true
    else if (typeof id === "string" && Array.isArray(events)) messages.push(lineOf(id, events as Told[]))
  }
  return { messages, more }
}

/** A timeline in one line. */
export function lineOf(id: string, events: readonly Told[]): MessageLine {
  const last = events.at(-1)
  const message = events.find((event) => event.message !== undefined)?.message
  const session = message === undefined && events.every(({ what }) => what === "refused")
  return {
    id,
    at: message?.entry.acceptedAt ?? last?.at ?? 0,
    what: last?.what ?? "accepted",
    sender: message === undefined ? askedOf(events).sender : printPath(message.entry.envelope.reversePath),
    recipients: message?.recipients ?? askedOf(events).recipients,
    subject: message?.entry.summary.subject ?? "",
    status: last?.status ?? "",
    detail: last?.detail ?? "",
    remote: events.find(({ remote }) => remote !== undefined)?.remote,
    session,
  }
}

/** What a session without a message named, as far as its refusals tell: `address` is what was asked about. */
function askedOf(events: readonly Told[]): Pick<MessageLine, "sender" | "recipients"> {
  const named = (question: string) =>
    events
      .filter(({ what, detail }) => what !== "refused" || detail === question)
      .map(({ address }) => address)
  const sender =
    events.find(({ asked }) => asked?.sender !== undefined)?.asked?.sender ??
    events.find(({ detail }) => detail === "check_mail")?.address
  return { sender, recipients: [...new Set(named("check_rcpt"))].filter((one) => one !== "") }
}

/** One message or session. */
export async function oneMessage(ask: Ask, id: string): Promise<Message> {
  const shown = (await first(ask({ verb: "show", id }))) as Omit<Message, "id" | "envelope" | "fields">
  const { queued, remembered, headerText, damaged } = shown
  return {
    id,
    ...(queued === undefined ? {} : { queued }),
    ...(remembered === undefined ? {} : { remembered }),
    ...(headerText === undefined ? {} : { headerText }),
    ...(damaged === undefined ? {} : { damaged }),
    events: shown.events,
    envelope: envelopeOf(queued, remembered),
    fields: headerText === undefined ? [] : fieldsOf(headerText),
  }
}

function envelopeOf(queued: Queued | undefined, remembered: Remembered | undefined): readonly string[] {
  const entry = queued?.entry ?? remembered?.entry
  if (entry === undefined) return []
  const paths =
    remembered?.recipients ?? queued?.pending.map(({ recipient }) => printPath(recipient.path)) ?? []
  return [
    `MAIL FROM:${printAngled(entry.envelope.reversePath)}`,
    ...paths.map((path) => `RCPT TO:<${path}>`),
    ...arrivalOf(entry),
  ]
}

function arrivalOf({ arrival, size }: Entry): readonly string[] {
  const { client, helo, authenticated, protocol, door, tls } = arrival
  const from =
    client === undefined
      ? `by ${authenticated ?? "this system"}, on this machine`
      : `from ${client.name ?? ""} [${client.address}]`.replace("  ", " ")
  return [
    from,
    ...(helo === undefined ? [] : [`called itself ${helo}`]),
    `${protocol} at ${door}`,
    ...(tls === undefined ? [] : [tls]),
    `${size} octets`,
  ]
}

function fieldsOf(headerText: string): Message["fields"] {
  const header = scanHeader(Buffer.from(headerText, "latin1"))
  return header.fields.map((field) => ({ name: nameOf(header, field), value: valueOf(header, field) }))
}
