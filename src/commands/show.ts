// `waypost show ID`: one message as SMTP saw it and as people see it, side by side, since most puzzles of mail come from
// taking one for the other; then what happened to it, in order, each step with its reason and the line that decided.
import { printAngled } from "../mail/address.ts"
import { scanHeader, valueOf, nameOf } from "../message/header.ts"
import { printDate } from "../message/date.ts"
import type { Entry, Queued } from "../queue/entry.ts"
import type { Remembered } from "../spool/spool.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { type Answer, askOnce } from "./control-client.ts"
import { eventLines, type Look, lookOf, plain, type Told } from "./event-lines.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost show",
  operands: "ID",
  mostOperands: 1,
  about: "Shows a message's envelope and header, and what happened to it; or why a session was refused.",
  options: { state: stateOption, json: { says: "as one JSON object" } },
}

type Shown = {
  readonly queued: Queued | undefined
  /** How it was accepted, when it has left the queue. */
  readonly remembered: Remembered | undefined
  readonly headerText: string | undefined
  readonly damaged: string | undefined
  readonly events: readonly Told[]
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [id] = given.operands
  if (id === undefined) return refuse(io, "waypost show: which ID? mailq lists them", exits.usage)
  const answer = await askOnce(runningState(given.text("state"), io), { verb: "show", id })
  if (given.has("json")) io.stdout.write(`${JSON.stringify(answer)}\n`)
  else io.stdout.write(page(id, shownOf(answer), lookOf(io)))
  return exits.ok
}

/** Our own daemon of our own version answers: a look at the shape is enough. */
function shownOf(answer: Answer): Shown {
  const { queued, remembered, headerText, damaged, events } = answer
  if (!Array.isArray(events))
    throw new Error(`not an answer to show: ${JSON.stringify(answer).slice(0, 200)}`)
  return {
    queued: typeof queued === "object" && queued !== null ? (queued as Queued) : undefined,
    remembered:
      typeof remembered === "object" && remembered !== null ? (remembered as Remembered) : undefined,
    headerText: typeof headerText === "string" ? headerText : undefined,
    damaged: typeof damaged === "string" ? damaged : undefined,
    events: events as Told[],
  }
}

/** The whole page; two columns where both have room. */
function page(id: string, shown: Shown, { width, paint }: Look): string {
  const { queued, remembered, headerText, damaged } = shown
  const envelope =
    queued !== undefined ? queuedEnvelope(queued) : remembered !== undefined ? pastEnvelope(remembered) : []
  const header = headerText === undefined ? [] : headerLines(headerText)
  const state = queued === undefined ? "no longer in the queue" : stateOf(queued)
  return [
    paint("bold", plain(`${id}: ${state}`)),
    ...(damaged === undefined ? [] : [paint("bold", plain(`Its content is damaged: ${damaged}`))]),
    "",
    ...(envelope.length === 0 ? [] : [...sideBySide(envelope, header, width), ""]),
    paint("bold", "What happened"),
    ...shown.events.flatMap((event) => eventLines(event, paint)),
    "",
  ].join("\n")
}

function stateOf({ entry, pending }: Queued): string {
  if (entry.held !== undefined) return `held: ${entry.held.reason}`
  const next = Math.min(...pending.map(({ nextAttempt }) => nextAttempt))
  const whom = `${pending.length} recipient${pending.length === 1 ? "" : "s"} to be served`
  return next === 0 ? `${whom}, now` : `${whom}, next at ${printDate(next)}`
}

function queuedEnvelope({ entry, pending }: Queued): readonly string[] {
  const recipients = pending.flatMap((one) => [
    `RCPT TO:${printAngled(one.recipient.path)}`,
    ...(one.expandedFrom === undefined ? [] : [`  from ${one.expandedFrom.address}`]),
    ...(one.route === undefined ? [] : [`  by ${one.route.mailer} ${one.route.host}`.trimEnd()]),
    ...(one.lastStatus === undefined ? [] : [`  ${one.lastStatus.status} ${one.lastStatus.text}`]),
  ])
  return envelopeLines(entry, recipients)
}

function pastEnvelope({ entry, recipients }: Remembered): readonly string[] {
  return envelopeLines(
    entry,
    recipients.map((path) => `RCPT TO:<${path}>`),
  )
}

function envelopeLines(entry: Entry, recipients: readonly string[]): readonly string[] {
  const { envelope, arrival } = entry
  return [
    "Envelope (what SMTP carried)",
    `MAIL FROM:${printAngled(envelope.reversePath)}`,
    ...(envelope.submitter === undefined ? [] : [`  AUTH=${envelope.submitter}`]),
    ...recipients,
    ...(arrival.client === undefined
      ? [`by ${arrival.authenticated ?? "this system"}, on this machine`]
      : [`from ${arrival.client.name ?? ""} [${arrival.client.address}]`.replace("  ", " ")]),
    ...(arrival.helo === undefined ? [] : [`called itself ${arrival.helo}`]),
    `${arrival.protocol} at ${arrival.door}`,
    ...(arrival.tls === undefined ? [] : [arrival.tls]),
    `${entry.size} octets, ${printDate(entry.acceptedAt)}`,
  ].map(plain)
}

function headerLines(headerText: string): readonly string[] {
  const header = scanHeader(Buffer.from(headerText, "latin1"))
  const lines = header.fields.map((field) => `${nameOf(header, field)}: ${valueOf(header, field)}`)
  return ["Header (what people see)", ...lines].map(plain)
}

/** The narrowest column that is worth reading. */
const narrowest = 38

function sideBySide(left: readonly string[], right: readonly string[], width: number): readonly string[] {
  const column = Math.floor((width - 3) / 2)
  if (column < narrowest || right.length === 0) {
    return [...fold(left, width), "", ...fold(right, width)]
  }
  const a = fold(left, column)
  const b = fold(right, column)
  return Array.from({ length: Math.max(a.length, b.length) }, (_, n) => {
    const cell = a[n] ?? ""
    return `${cell}${" ".repeat(Math.max(0, column - cell.length))} │ ${b[n] ?? ""}`.trimEnd()
  })
}

/** Lines no wider than the column, broken at spaces where there are some, the rest indented. */
function fold(lines: readonly string[], width: number): readonly string[] {
  return lines.flatMap((line) => {
    const folded: string[] = []
    let rest = line
    while (rest.length > width) {
      const space = rest.lastIndexOf(" ", width)
      const end = space > width / 2 ? space : width
      folded.push(rest.slice(0, end).trimEnd())
      rest = `    ${rest.slice(end).trimStart()}`
    }
    folded.push(rest)
    return folded
  })
}
