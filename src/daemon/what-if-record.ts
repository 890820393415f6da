// The decisions that the timelines remember, as questions that can be asked again: a client, a sender, a recipient, and of messages
// the header. Those that are alike are one question with a number.
import type { Arrival } from "../mail/arrival.ts"
import { shownSender } from "../mail/envelope.ts"
import type { AskedOf, Event, Remembered } from "../spool/spool.ts"

export type Question = {
  /** The last message or session it was asked for, and when. */
  readonly id: string
  readonly at: number
  readonly arrival: Arrival
  /** Undefined: the session came no further than its beginning. */
  readonly sender: string | undefined
  readonly recipient: string | undefined
  readonly size: number
  /** The whole header, where it is known and short enough to be remembered whole. */
  readonly header: string | undefined
  /** What was said then: `accepted`, or the reply. */
  readonly was: string
  /** How often it was asked. */
  readonly times: number
}

export class Questions {
  /** Headers make a difference: the site has rules that look at them. */
  readonly #byHeader: boolean
  readonly #asked = new Map<string, Question>()
  /** Decisions that were read. */
  read = 0
  /** The time of the oldest of them. */
  since: number | undefined

  constructor(byHeader: boolean) {
    this.#byHeader = byHeader
  }

  /** Events come the newest first. */
  add(event: Event): void {
    const { message, asked, at } = event
    if (message === undefined && asked === undefined) return
    this.read++
    this.since = at
    if (message !== undefined) for (const one of ofMessage(event, message)) this.#count(one)
    if (asked !== undefined) this.#count(ofRefusal(event, asked))
  }

  get all(): readonly Question[] {
    return [...this.#asked.values()]
  }

  #count(question: Question): void {
    const { arrival, sender, recipient, header } = question
    const { client, helo, authenticated, door, tls, protocol } = arrival
    const parts = [client?.address, client?.name, helo, authenticated, door, tls, protocol, sender, recipient]
    if (this.#byHeader) parts.push(header)
    const key = JSON.stringify(parts)
    const known = this.#asked.get(key)
    this.#asked.set(key, known === undefined ? question : { ...known, times: known.times + 1 })
  }
}

function ofMessage({ id, at }: Event, { entry, recipients, header }: Remembered): readonly Question[] {
  const { envelope, arrival, size, headerSize, held } = entry
  if (arrival.client === undefined && arrival.authenticated === undefined) return [] // our own reports
  const was = held === undefined ? "accepted" : `accepted and held: ${held.reason}`
  const whole = header.length === headerSize && headerSize > 0 ? header : undefined
  const sender = shownSender(envelope)
  return recipients.map((recipient) => ({
    id,
    at,
    arrival,
    sender,
    recipient,
    size,
    header: whole,
    was,
    times: 1,
  }))
}

function ofRefusal({ id, at, status }: Event, asked: AskedOf): Question {
  const { arrival, sender, recipient, size } = asked
  return { id, at, arrival, sender, recipient, size, header: undefined, was: status, times: 1 }
}

/** `<ann@client.test> to <bob@example.org> from client.test [192.0.2.7]`: who asked for what. */
export function printQuestion({ arrival, sender, recipient }: Question): string {
  const { client, authenticated } = arrival
  const address = client?.address.includes(":") ? `[IPv6:${client.address}]` : `[${client?.address}]`
  const peer = client === undefined ? "this machine" : `${client.name ?? ""} ${address}`.trim()
  const login = authenticated === undefined ? "" : ` as ${authenticated}`
  const to = recipient === undefined ? "" : ` to <${recipient}>`
  return `${sender === undefined ? "a session" : `<${sender}>`}${to} from ${peer}${login}`
}
