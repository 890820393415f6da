// A message on its way from the wire into the spool, through DATA or several BDATs.
import type { Reason } from "../mail/decision.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { scanHeader } from "../message/header.ts"
import {
  entryOf,
  finish,
  judge,
  type Measured,
  notStored,
  pendingOf,
  stored,
  traceOf,
  type Verdict,
} from "../smtp/accept.ts"
import { Collector, type Failure } from "../smtp/collect.ts"
import { LineEnds } from "../smtp/content.ts"
import { replies } from "../smtp/replies.ts"
import { type Asks, byRule, clientName, type Outcome, type Session, traced } from "../smtp/session.ts"
import type { Incoming } from "../spool/spool.ts"
import type { HeldOctets } from "../trust/milter-body.ts"
import { printFields } from "../trust/milter-fields.ts"
import type { Standing } from "./milter-changes.ts"
import type { Filtering } from "./milters.ts"
import type { World } from "./world.ts"

export class Receiving {
  readonly #world: World
  readonly #collector: Collector
  readonly #id: string
  readonly #expected: number
  readonly #text: boolean
  readonly #ends = new LineEnds()
  readonly #filtering: Filtering | undefined
  /** Where filters are to look at it first, nothing goes into the spool before. */
  readonly #held: HeldOctets | undefined
  #incoming: Incoming | undefined

  constructor(session: Session, world: World, filtering?: Filtering) {
    const { offers, transaction } = session
    this.#world = world
    this.#id = filtering === undefined ? world.newId() : filtering.id
    this.#filtering = filtering
    this.#held = filtering?.hold()
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
  finish(session: Session, asks: Asks): Soon<Outcome> {
    const wrong = this.#text ? this.#ends.end() : undefined
    if (wrong !== undefined) this.#collector.fail(bare(wrong))
    const out: Buffer[] = []
    this.#collector.end(out, this.#text)
    const judged = () => judge(session, this.#collector, asks, () => this.#body())
    const wait = this.#write(out)
    const verdict = wait === undefined ? judged() : wait.then(judged)
    return whenThere(verdict, (known) => this.#settle(session, known))
  }

  #settle(session: Session, verdict: Verdict): Soon<Outcome> {
    if (verdict.is === "refused") {
      this.abort()
      return verdict.outcome
    }
    if (verdict.keep === "discard") return this.#discardJudged(session, verdict)
    return this.#held === undefined
      ? this.#commit(session, verdict, this.#collector)
      : this.#filter(session, verdict, this.#held)
  }

  /** The filters' word on it; then it is written as they leave it. */
  async #filter(session: Session, verdict: Verdict & { is: "taken" }, held: HeldOctets): Promise<Outcome> {
    const { headerSize } = this.#collector
    const header = scanHeader(await beginning(held, headerSize))
    const content = { header, octets: held, headerSize }
    const filtered = await this.#filtering?.message(verdict, content, session)
    if (filtered?.is === "refused") {
      this.abort()
      const { decision } = filtered
      return { ...finish(session, decision.reply), asked: traced("check_eom", "", decision) }
    }
    if (filtered === undefined || filtered.is === "discarded")
      return this.#discard(session, filtered?.reason.step ?? "milter")
    const { message } = filtered
    if (message.tx.envelope.recipients.length === 0) {
      await message.body?.close()
      return this.#discard(session, "milters left it no recipient")
    }
    const { below } = printFields(message.fields)
    const head = Buffer.from(`${below}\r\n`, "latin1")
    const bodySize = message.body?.size ?? held.size - headerSize
    await this.#copy(head, message.body?.chunks() ?? held.chunks(headerSize))
    await message.body?.close()
    await held.close()
    const measured = { header: scanHeader(head), headerSize: head.length, stored: head.length + bodySize }
    return this.#commit(session, asFiltered(verdict, message), measured)
  }

  async #copy(head: Buffer, body: AsyncIterable<Buffer>): Promise<void> {
    const incoming = this.#begin()
    await incoming.write(head)
    for await (const piece of body) await incoming.write(piece)
  }

  /** Nothing of it is kept. */
  abort(): void {
    this.#incoming?.abort()
    this.#incoming = undefined
    void this.#held?.close()
  }

  /** The body as it will be kept. */
  #body(): AsyncIterable<Buffer> {
    const { headerSize } = this.#collector
    return this.#held === undefined ? this.#begin().written(headerSize) : this.#held.chunks(headerSize)
  }

  /** Rules had it thrown away: told as sendmail tells it, with the line of a message that came. */
  #discardJudged(session: Session, verdict: Verdict & { is: "taken" }): Outcome {
    const at = this.#world.clock()
    const entry = entryOf(session, verdict, this.#collector, { id: this.#id, at, prefix: 0 })
    this.#world.log.accepted?.({ entry, pending: pendingOf(verdict, at) })
    return this.#discard(session, rulesetOf(verdict))
  }

  #discard(session: Session, by: string): Outcome {
    this.abort()
    const { arrival } = session
    this.#world.log.note(this.#id, `${by}, relay=${clientName(arrival)}, discard`)
    return stored(session, this.#id)
  }

  async #commit(session: Session, verdict: Verdict & { is: "taken" }, message: Measured): Promise<Outcome> {
    const { clock, wall = clock } = this.#world
    const made = { id: this.#id, at: wall() }
    const prefix = traceOf(session, verdict, message, made)
    const written = entryOf(session, verdict, message, { ...made, prefix: prefix.length })
    const entry = { ...written, acceptedAt: clock() }
    const incoming = this.#begin()
    this.#incoming = undefined
    const result = await incoming.commit(entry, pendingOf(verdict, entry.acceptedAt), prefix)
    if (!result.ok) return notStored(session, result.error)
    if (entry.held !== undefined && verdict.by !== undefined) {
      const words = `${rulesetOf(verdict)}, relay=${clientName(session.arrival)}, quarantine=${entry.held.reason}`
      this.#world.log.note(this.#id, words)
    }
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
      const wait = this.#to().write(piece)
      if (wait !== undefined) return this.#writeRest(wait, out.slice(index + 1))
    }
    return undefined
  }

  async #writeRest(first: Promise<void>, rest: readonly Buffer[]): Promise<void> {
    await first
    for (const piece of rest) await this.#to().write(piece)
  }

  #to(): Pick<Incoming, "write"> {
    return this.#held ?? this.#begin()
  }
}

/** `ruleset=check_mail, arg1=<x@example.org>` */
function rulesetOf({ by }: Verdict & { is: "taken" }): string {
  return by === undefined ? "ruleset=check_eom" : `ruleset=${by.question}, arg1=${by.argument}`
}

/** The first octets, so many. */
async function beginning(octets: HeldOctets, size: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of octets.chunks()) {
    pieces.push(Buffer.from(piece))
    length += piece.length
    if (length >= size) break
  }
  return Buffer.concat(pieces).subarray(0, size)
}

/** The verdict with what filters changed; each recipient's trail tells of it. */
function asFiltered(
  verdict: Verdict & { is: "taken" },
  { tx, fields, held, steps }: Standing,
): Verdict & { is: "taken" } {
  const { above } = printFields(fields)
  const recipients = tx.envelope.recipients.map((one) => ({
    ...one,
    admitted: withSteps(one.admitted, steps),
  }))
  return {
    ...verdict,
    tx: { ...tx, envelope: { ...tx.envelope, recipients } },
    fields: above + (verdict.fields ?? ""),
    ...(held === undefined ? {} : { keep: "hold", reason: held }),
  }
}

function withSteps(admitted: Reason, steps: readonly Reason[]): Reason {
  return steps.length === 0 ? admitted : { ...admitted, after: [...admitted.after, ...steps] }
}

function bare(which: "bare CR" | "bare LF"): Failure {
  const reply = which === "bare CR" ? replies.chunkBareCr : replies.chunkBareLf
  return { reply, rule: byRule("line ends", `the content has a ${which}, which ends no line`) }
}
