// Letters that the mail system writes itself and queues as mail of its own: to the postmaster about damage, to others about their domains.
import { macro, type Settings } from "../config/settings.ts"
import type { ReversePath } from "../mail/address.ts"
import { ownArrival } from "../mail/arrival.ts"
import type { BodyType, Recipient } from "../mail/envelope.ts"
import { ok, type Result } from "../mail/result.ts"
import type { Clock, NewId } from "../mail/world.ts"
import { printDate } from "../message/date.ts"
import { scanHeader, summary } from "../message/header.ts"
import { writeReceived } from "../message/received.ts"
import { type Entry, untried } from "../queue/entry.ts"
import { type OwnMailWorld, queueOwnMail } from "./own-mail.ts"

export type LetterWorld = OwnMailWorld & {
  readonly settings: Settings
  readonly software: string
  readonly clock: Clock
  /** How far the machine's clock, whose dates others read, is ahead of it. */
  readonly ahead: () => number
  readonly newId: NewId
  readonly say: (line: string) => void
}

export type OwnLetter = {
  /** What it is about, as the session's name in the log. */
  readonly about: string
  readonly reversePath: ReversePath
  readonly recipient: Recipient
  readonly body: BodyType
  /** The header with its blank line, and the body. */
  readonly write: (facts: LetterFacts) => { readonly header: string; readonly body: string }
}

export type LetterFacts = { readonly id: string; readonly host: string; readonly date: string }

/** Queues it; the value is its id. Durable when it resolves. */
export async function queueLetter(letter: OwnLetter, world: LetterWorld): Promise<Result<string>> {
  const { newId, clock, ahead, software, settings } = world
  const id = newId()
  const host = macro(settings, "j") ?? "localhost"
  const date = printDate(clock() + ahead())
  const arrival = ownArrival(letter.about, "report")
  const { path } = letter.recipient
  const trace = writeReceived({ arrival, by: host, id, software, recipient: path, date })
  const text = letter.write({ id, host, date })
  const header = Buffer.from(trace + text.header)
  const body = Buffer.from(text.body)
  const entry: Entry = {
    id,
    envelope: {
      reversePath: letter.reversePath,
      body: letter.body,
      smtputf8: false,
      ret: undefined,
      envid: undefined,
    },
    arrival,
    acceptedAt: clock(),
    size: header.length + body.length,
    headerSize: header.length,
    summary: summary(scanHeader(header)),
    held: undefined,
  }
  const pending = [untried(0, letter.recipient)]
  const queued = await queueOwnMail({ entry, pending, octets: [header, body] }, world)
  return queued.ok ? ok(id) : queued
}
