// A message on its way from the wire into the spool, through DATA or several BDATs.
import { entryOf, judge, notStored, pendingOf, stored, traceOf, type Verdict } from "../smtp/accept.ts"
import { Collector, type Failure } from "../smtp/collect.ts"
import { LineEnds } from "../smtp/content.ts"
import { replies } from "../smtp/replies.ts"
import { type Asks, byRule, clientName, type Outcome, type Session } from "../smtp/session.ts"
import type { Incoming } from "../spool/spool.ts"
import type { World } from "./world.ts"

export class Receiving {
  readonly #world: World
  readonly #collector: Collector
  readonly #id: string
  readonly #expected: number
  readonly #text: boolean
  readonly #ends = new LineEnds()
  #incoming: Incoming | undefined

  constructor(session: Session, world: World) {
    const { offers, transaction } = session
    this.#world = world
    this.#id = world.newId()
    this.#collector = new Collector(offers)
    this.#expected = transaction?.bytes ?? 0
    this.#text = transaction?.envelope.body !== "binarymime"
  }

  /** Content from DATA, free of lone CR and LF. A promise means: wait. */
  take(pieces: readonly Buffer[]): Promise<void> | undefined {
    const out: Buffer[] = []
    for (const piece of pieces) this.#collector.add(piece, out)
    return this.#write(out)
  }

  /** Content from a BDAT chunk: looked at for lone CR and LF, which only BINARYMIME may have (RFC 3030 §3). */
  takeChunk(piece: Buffer): Promise<void> | undefined {
    const wrong = this.#text ? this.#ends.check(piece) : undefined
    if (wrong !== undefined) this.#collector.fail(bare(wrong))
    return this.take([piece])
  }

  /** Why it will not be taken, if that is known already. */
  get failure(): Failure | undefined {
    return this.#collector.failure
  }

  /** The content is whole: judged, stored, answered for. */
  async finish(session: Session, asks: Asks): Promise<Outcome> {
    const wrong = this.#text ? this.#ends.end() : undefined
    if (wrong !== undefined) this.#collector.fail(bare(wrong))
    const out: Buffer[] = []
    this.#collector.end(out, this.#text)
    await this.#write(out)
    const verdict = await judge(session, this.#collector, asks, () => this.#body())
    if (verdict.is === "refused") {
      this.abort()
      return verdict.outcome
    }
    return verdict.keep === "discard" ? this.#discard(session) : this.#commit(session, verdict)
  }

  /** Nothing of it is kept. */
  abort(): void {
    this.#incoming?.abort()
    this.#incoming = undefined
  }

  /** The body as it will be kept. */
  #body(): AsyncIterable<Buffer> {
    return this.#begin().written(this.#collector.headerSize)
  }

  #discard(session: Session): Outcome {
    this.abort()
    const { arrival } = session
    this.#world.log.note(this.#id, `ruleset=check_eom, relay=${clientName(arrival)}, discard`)
    return stored(session, this.#id)
  }

  async #commit(session: Session, verdict: Verdict & { is: "taken" }): Promise<Outcome> {
    const made = { id: this.#id, at: this.#world.clock() }
    const prefix = traceOf(session, verdict, this.#collector, made)
    const entry = entryOf(session, verdict, this.#collector, { ...made, prefix: prefix.length })
    const incoming = this.#begin()
    this.#incoming = undefined
    const result = await incoming.commit(entry, pendingOf(verdict.tx, made.at), prefix)
    if (!result.ok) return notStored(session, result.error)
    const { content, ...queued } = result.value
    this.#world.onAccepted(queued, content)
    return stored(session, this.#id)
  }

  #begin(): Incoming {
    this.#incoming ??= this.#world.spool.incoming(this.#id, this.#expected)
    return this.#incoming
  }

  #write(out: readonly Buffer[]): Promise<void> | undefined {
    if (this.#collector.failure !== undefined) {
      this.abort()
      return undefined
    }
    for (const [index, piece] of out.entries()) {
      const wait = this.#begin().write(piece)
      if (wait !== undefined) return this.#writeRest(wait, out.slice(index + 1))
    }
    return undefined
  }

  async #writeRest(first: Promise<void>, rest: readonly Buffer[]): Promise<void> {
    await first
    for (const piece of rest) await this.#begin().write(piece)
  }
}

function bare(which: "bare CR" | "bare LF"): Failure {
  const reply = which === "bare CR" ? replies.chunkBareCr : replies.chunkBareLf
  return { reply, rule: byRule("line ends", `the content has a ${which}, which ends no line`) }
}
