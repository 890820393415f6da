// One client's connection: reads octets, lets the session answer, writes the replies. Here decisions (smtp/) and effects
// (socket, spool, log) meet, and nothing else happens. Serves any duplex stream, so that `sendmail -bs` is a session too.
import type { Duplex } from "node:stream"
import type { Arrival } from "../mail/arrival.ts"
import { printReply } from "../mail/reply.ts"
import type { TlsTerms } from "../mail/tls-terms.ts"
import type { Soon } from "../mail/soon.ts"
import { printDate } from "../message/date.ts"
import { DataReader } from "../smtp/content.ts"
import { greet, heardOut, receive } from "../smtp/dispatch.ts"
import { Input, type Line, longestResponse } from "../smtp/lines.ts"
import { secured } from "../smtp/secure.ts"
import { chunkTaken, goingDown, lostInput, ourFault, replies } from "../smtp/replies.ts"
import {
  type Asks,
  byRule,
  clientName,
  move,
  type Next,
  type Offers,
  type Outcome,
  reset,
  type Session,
  stay,
} from "../smtp/session.ts"
import type { Filtering } from "./milters.ts"
import { Receiving } from "./receiving.ts"
import { noteRefusal } from "./refusals.ts"
import { type Silence, Wire } from "./wire.ts"
import type { World } from "./world.ts"

/** Talks with a client to the end. Never rejects: what goes wrong is logged, and the client hears 421. */
export async function converse(
  stream: Duplex,
  { arrival, offers, channel }: Beginning,
  world: World,
): Promise<void> {
  await new Connection(stream, world, channel).run(arrival, offers)
}

/** How a session begins; `channel` where it is within TLS already. */
type Beginning = {
  readonly arrival: Arrival
  readonly offers: Offers
  readonly channel?: Asks["channel"]
}

class Connection {
  readonly #world: World
  #wire: Wire
  #asks: Asks
  readonly #filtering: Filtering | undefined
  readonly #input = new Input()
  /** A message that comes in several BDATs, between two of them. */
  #receiving: Receiving | undefined

  constructor(stream: Duplex, world: World, channel: Asks["channel"]) {
    const { gate, spool, clock, authenticator } = world
    this.#world = world
    this.#wire = new Wire(stream, world.stopping)
    this.#filtering = world.milters?.(gate, world.newId)
    this.#asks = {
      gate: this.#filtering?.gate ?? gate,
      clock,
      authenticator,
      channel,
      room: (size) => spool.room(size),
    }
  }

  async run(arrival: Arrival, offers: Offers): Promise<void> {
    try {
      await this.#serve(
        await greet(arrival, offers, printDate((this.#world.wall ?? this.#world.clock)()), this.#asks),
      )
    } catch (error) {
      this.#world.log.bug(error)
      this.#wire.say(printReply(ourFault(offers.hostname)))
    }
    this.#receiving?.abort()
    this.#filtering?.close()
    await this.#wire.close()
  }

  async #serve(first: Outcome): Promise<void> {
    let outcome = first
    for (;;) {
      this.#answer(outcome)
      if (outcome.next.does === "close") return
      const next = this.#step(outcome.session, outcome.next)
      outcome = next instanceof Promise ? await next : next
    }
  }

  #answer(outcome: Outcome): void {
    const { session, asked } = outcome
    if (this.#receiving !== undefined && session.transaction === undefined) {
      this.#receiving.abort()
      this.#receiving = undefined
    }
    if (session.transaction === undefined) this.#filtering?.reset()
    for (const reply of outcome.replies) {
      this.#wire.say(printReply(reply))
      this.#world.watch?.(session.arrival, reply, asked?.reason)
    }
    noteRefusal(outcome, this.#world)
    if (outcome.note !== undefined) this.#world.log.note(session.arrival.session, outcome.note)
  }

  /** What the session wants next, done. */
  #step(session: Session, next: Next): Soon<Outcome> {
    switch (next.does) {
      case "start tls":
        return this.#startTls(session, next.terms)
      case "run queue":
        this.#world.runQueue(next.node)
        return this.#command(session)
      case "pause":
        return this.#pause(session, next.milliseconds)
      case "read":
        return this.#command(session)
      case "hear out":
        return this.#hearOut(session, next)
      case "content":
        return this.#content(session)
      case "chunk":
        return this.#chunk(session, next)
      case "close":
        return gone(session)
    }
  }

  async #pause(session: Session, milliseconds: number): Promise<Outcome> {
    return (await this.#wire.pause(milliseconds)) ? this.#command(session) : gone(session)
  }

  /** FEATURE(greet_pause): nothing may come before the greeting. */
  async #hearOut(session: Session, next: Next & { does: "hear out" }): Promise<Outcome> {
    const heard = await this.#wire.read(next.milliseconds, true)
    if (heard === "timeout") return heardOut(session, next, true)
    if (typeof heard === "string") return this.#silent(session, heard, "greeting")
    this.#input.feed(heard)
    return heardOut(session, next, false)
  }

  /** The 220 to STARTTLS goes out, and nothing that came in clear text is read any more. */
  async #startTls(session: Session, terms: TlsTerms | undefined): Promise<Outcome> {
    this.#input.drop()
    const stream = this.#wire.release()
    const begun = await this.#world.tls?.secure(stream, terms)
    if (begun === undefined || !begun.ok) {
      const why = begun?.error ?? "there is no certificate any more"
      const relay = clientName(session.arrival)
      this.#world.log.note(session.arrival.session, `STARTTLS=server, relay=${relay}, error: ${why}`)
      return gone(session)
    }
    this.#wire = new Wire(begun.value.stream, this.#world.stopping)
    this.#asks = { ...this.#asks, channel: begun.value.channel }
    return await secured(session, begun.value.facts, this.#asks)
  }

  /** Commands that came together are answered without waiting between them. */
  #command(session: Session): Soon<Outcome> {
    const line = this.#line(session)
    return line === undefined ? this.#nextCommand(session) : this.#received(session, line)
  }

  async #nextCommand(session: Session): Promise<Outcome> {
    for (;;) {
      const more = await this.#wire.read(this.#world.timeouts.command, true)
      if (typeof more === "string") return this.#silent(session, more, "command")
      this.#input.feed(more)
      const line = this.#line(session)
      if (line !== undefined) return this.#received(session, line)
    }
  }

  #line({ exchange }: Session): Line | undefined {
    return this.#input.line(exchange === undefined ? undefined : longestResponse)
  }

  #received(session: Session, line: Line): Soon<Outcome> {
    const wait = line.kind === "line" ? (this.#world.delay?.(line.text) ?? 0) : 0
    return wait > 0 ? this.#receivedLater(session, line, wait) : receive(session, line, this.#asks)
  }

  async #receivedLater(session: Session, line: Line, wait: number): Promise<Outcome> {
    return (await this.#wire.pause(wait)) ? receive(session, line, this.#asks) : gone(session)
  }

  /** The message after DATA. */
  async #content(session: Session): Promise<Outcome> {
    const receiving = new Receiving(session, this.#world, this.#filtering)
    const reader = new DataReader()
    this.#receiving = receiving // so that whatever happens it is given up, or stored
    while (reader.progress === "more") {
      const pieces: Buffer[] = []
      this.#input.content(reader, pieces)
      const wait = receiving.take(pieces)
      if (wait !== undefined) await wait
      if (reader.progress !== "more") break
      const more = await this.#wire.read(this.#world.timeouts.datablock, false)
      if (typeof more === "string") return this.#silent(session, more, "message")
      this.#input.feed(more)
    }
    if (reader.progress === "end") return this.#finish(session, receiving)
    const lone = reader.progress === "bare CR" ? replies.bareCr : replies.bareLf
    return stay(
      reset(session),
      lone,
      byRule("line ends", `the content has a ${reader.progress}, which ends no line`),
    )
  }

  /** The octets of one BDAT. */
  async #chunk(session: Session, chunk: Next & { does: "chunk" }): Promise<Outcome> {
    if (chunk.keep) this.#receiving ??= new Receiving(session, this.#world, this.#filtering)
    const receiving = chunk.keep ? this.#receiving : undefined
    let left = chunk.octets
    while (left > 0) {
      if (!this.#input.waiting) {
        const more = await this.#wire.read(this.#world.timeouts.datablock, false)
        if (typeof more === "string") return this.#silent(session, more, "chunk")
        this.#input.feed(more)
      }
      const piece = this.#input.take(left)
      left -= piece.length
      const wait = receiving?.takeChunk(piece)
      if (wait !== undefined) await wait
    }
    if (receiving === undefined) return { session, replies: [], next: { does: "read" }, asked: undefined }
    if (chunk.last) return this.#finish(session, receiving)
    const { failure } = receiving
    return failure === undefined
      ? stay(session, chunkTaken(chunk.octets))
      : stay(reset(session), failure.reply, failure.rule)
  }

  async #finish(session: Session, receiving: Receiving): Promise<Outcome> {
    const outcome = await receiving.finish(session, this.#asks)
    this.#receiving = undefined
    return outcome
  }

  #silent(session: Session, silence: Silence, during: string): Outcome {
    const { hostname } = session.offers
    const client = clientName(session.arrival)
    if (silence === "stopping") return stay(reset(session), goingDown(hostname))
    if (silence === "timeout") {
      this.#world.log.note(
        session.arrival.session,
        `timeout waiting for input from ${client} during ${during}`,
      )
    } else if (session.transaction !== undefined) {
      this.#world.log.note(session.arrival.session, `lost input channel from ${client} during ${during}`)
    }
    return move(reset(session), lostInput(hostname, client), { does: "close" })
  }
}

function gone(session: Session): Outcome {
  return { session: reset(session), replies: [], next: { does: "close" }, asked: undefined }
}
