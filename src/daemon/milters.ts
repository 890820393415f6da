// Filters (milters) in a session: each is asked after our own checks, in its order, and can only take away from what they allow.
// A session without filters has none of this.
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import { type ForwardPath, printPath, type ReversePath, type TypedAddress } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, type Reason, yes } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Gate, Parameters } from "../mail/gate.ts"
import type { Reply } from "../mail/reply.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Route } from "../mail/route.ts"
import type { Dns, NewId } from "../mail/world.ts"
import { first, type Header } from "../message/header.ts"
import type { Offers } from "../smtp/session.ts"
import { HeldOctets } from "../trust/milter-body.ts"
import { filtersOf, type MilterUse } from "../trust/milter-definition.ts"
import { fieldsOf } from "../trust/milter-fields.ts"
import { Milter, type MilterVerdict, type Stage } from "../trust/milter-session.ts"
import { Changes, type Standing } from "./milter-changes.ts"
import {
  envelopeMacros,
  interfaceMacros,
  macrosFor,
  recipientMacros,
  routeMacros,
  sessionMacros,
} from "./milter-macros.ts"

export type MilterParts = {
  readonly settings: Settings
  /** Reads an address as RCPT does, without asking whether mail for it may come. */
  readonly read: (address: string) => Promise<Decision<ForwardPath>>
  /** Where mail to an address goes; undefined: that is not known. */
  readonly route?: (address: string) => Promise<Route | undefined>
  /** The names of an address of ours. */
  readonly names?: Dns["names"]
  /** Where large messages are kept while filters look at them. */
  readonly directory: string
  readonly log: (id: string, line: string) => void
}

/** The filters of each door: called for a session, they go between it and its gate. Undefined: that door asks none. */
export type Milters = (door: string) => ((gate: Gate, newId: NewId) => Filtering) | undefined

/** The filters of these settings, or what is wrong with one of them. */
export function makeMilters(parts: MilterParts): Result<Milters> {
  const { settings } = parts
  const doors = new Map<string, readonly MilterUse[]>()
  for (const door of settings.daemons) {
    const uses = filtersOf(settings, door)
    if (!uses.ok) return fail(uses.error)
    doors.set(door.name, uses.value)
  }
  const usual = filtersOf(settings, undefined)
  if (!usual.ok) return usual
  return ok((door) => {
    const uses = doors.get(door) ?? usual.value
    if (uses.length === 0) return undefined
    return (gate, newId) => new Filtering(uses, gate, newId, parts)
  })
}

/** What became of a message. */
export type Filtered =
  | { readonly is: "refused"; readonly decision: Exclude<Decision<never>, { outcome: "pass" | "yes" }> }
  | { readonly is: "discarded"; readonly reason: Reason }
  | { readonly is: "taken"; readonly message: Standing }

/** One session's filters. */
export class Filtering {
  readonly gate: Gate
  readonly #parts: MilterParts
  readonly #uses: readonly MilterUse[]
  readonly #newId: NewId
  #milters: readonly Milter[] = []
  #known: Readonly<Record<string, string>> = {}
  /** Of the address that the client came to. */
  #reached: Readonly<Record<string, string>> = {}
  /** Of the sender of the transaction. */
  #senderRoute: Readonly<Record<string, string>> = {}
  #id = ""
  #discard: Reason | undefined
  #steps: Reason[] = []
  #bad = 0
  /** A filter refused the client for the name it says: it hears that at each MAIL (sendmail: nullserver). */
  #barred: Refusal | undefined

  constructor(uses: readonly MilterUse[], gate: Gate, newId: NewId, parts: MilterParts) {
    this.#uses = uses
    this.#parts = parts
    this.#newId = newId
    this.gate = {
      ...gate,
      connect: (arrival) => this.#connect(arrival, gate),
      hello: (arrival, name) => this.#hello(arrival, name, gate),
      sender: (arrival, path, size, parameters) => this.#sender({ arrival, path, size, parameters }, gate),
      recipient: (arrival, envelope, path, parameters) =>
        this.#recipient({ arrival, envelope, path, parameters }, gate),
      content: (arrival, envelope) => this.#content(arrival, envelope, gate),
      unknown: async (arrival, line) => {
        const asked = await this.#ask(arrival.session, (one, macros) => one.unknown(line, macros))
        return asked ?? yes(undefined, nothingSaid)
      },
    }
  }

  /** The queue id of the message that is on its way; filters were told it at MAIL. */
  get id(): string {
    return this.#id
  }

  /** Octets that wait for the filters. */
  hold(): HeldOctets {
    return new HeldOctets(this.#parts.directory, this.#id)
  }

  /** The transaction has ended, in whatever way. */
  reset(): void {
    for (const one of this.#milters) one.abort()
    this.#id = ""
  }

  /** So has the session. */
  close(): void {
    for (const one of this.#milters) one.close()
    this.#milters = []
  }

  async #connect(arrival: Arrival, gate: Gate): Promise<Decision<undefined>> {
    this.close() // a proxy speaks for another client now
    const decision = await gate.connect(arrival)
    if (decision.outcome === "no" || decision.outcome === "later") return decision
    this.#milters = this.#uses.map((use) => new Milter(use))
    this.#reached = await interfaceMacros(arrival.reached, this.#parts.names)
    this.#known = { ...sessionMacros(arrival, this.#parts.settings), ...this.#reached }
    const { host, where } = clientFor(arrival)
    const asked = await this.#ask(arrival.session, (one, macros) => one.connect(host, where, macros))
    return asked ?? decision
  }

  async #hello(arrival: Arrival, name: string, gate: Gate): Promise<Decision<undefined>> {
    const decision = await gate.hello(arrival, name)
    if (decision.outcome === "no" || decision.outcome === "later") return decision
    this.#known = { ...sessionMacros({ ...arrival, helo: name }, this.#parts.settings), ...this.#reached }
    this.#barred = await this.#ask(arrival.session, (one, macros) => one.helo(name, macros))
    return this.#barred ?? decision
  }

  async #sender(said: SaidSender, gate: Gate): Promise<Decision<ReversePath>> {
    const { arrival, path, size, parameters } = said
    const decision = await gate.sender(arrival, path, size, parameters)
    if (decision.outcome !== "yes") return decision
    if (this.#barred !== undefined) return this.#barred
    this.#id = this.#newId()
    this.#discard = undefined
    this.#steps = []
    this.#bad = 0
    const envelope = { ...emptyEnvelope, reversePath: decision.value }
    this.#senderRoute = routeMacros("mail", await this.#routeOf(decision.value))
    this.#know(arrival, envelope)
    const typed = [`<${path === "null" ? "" : path.text}>`, ...wordsOf(parameters)]
    const asked = await this.#ask(this.#id, (one, macros) => one.mail(typed, macros))
    if (asked === undefined) return decision
    for (const one of this.#milters) one.abort()
    return asked
  }

  async #recipient(said: SaidRecipient, gate: Gate): Promise<Decision<ForwardPath>> {
    const { arrival, envelope, path, parameters } = said
    const decision = await gate.recipient(arrival, envelope, path, parameters)
    const typed = path === "postmaster" ? path : path.text
    const heard = [`<${typed}>`, ...wordsOf(parameters)]
    if (decision.outcome !== "yes") {
      this.#bad++
      if (decision.outcome !== "pass") await this.#tellRefused(heard, typed, decision.reply)
      return decision
    }
    const { settings } = this.#parts
    this.#know(arrival, envelope, {
      ...recipientMacros(decision.value, typed, settings),
      ...routeMacros("rcpt", await this.#routeOf(decision.value)),
    })
    return (await this.#ask(this.#id, (one, macros) => one.rcpt(heard, macros))) ?? decision
  }

  /** SMFIP_RCPT_REJ: those who wish hear of recipients that we refused, and change nothing about it. */
  async #tellRefused(heard: readonly string[], typed: string, reply: Reply): Promise<void> {
    const known = { ...this.#known, ...recipientMacros(undefined, typed, this.#parts.settings, reply) }
    for (const one of this.#milters) {
      if (one.hearsRefused)
        await one.rcpt(heard, (stage, asked) => macrosFor(stage, asked, known, this.#parts.settings))
    }
  }

  async #content(arrival: Arrival, envelope: Envelope, gate: Gate): Promise<Decision<undefined>> {
    const decision = await gate.content(arrival, envelope)
    if (decision.outcome === "no" || decision.outcome === "later") return decision
    this.#know(arrival, envelope)
    return (await this.#ask(this.#id, (one, macros) => one.data(macros))) ?? decision
  }

  async #routeOf(path: ReversePath | ForwardPath): Promise<Route | undefined> {
    return path === "null" ? undefined : await this.#parts.route?.(printPath(path))
  }

  #know(arrival: Arrival, envelope: Envelope, more: Readonly<Record<string, string>> = {}): void {
    const { settings } = this.#parts
    const counts = { nbadrcpts: String(this.#bad) }
    this.#known = {
      ...sessionMacros(arrival, settings),
      ...this.#reached,
      ...envelopeMacros(envelope, this.#id, settings),
      ...this.#senderRoute,
      ...counts,
      ...more,
    }
  }

  /** Each in its order, until one refuses; undefined: none does. */
  async #ask(
    id: string,
    ask: (
      milter: Milter,
      macros: (stage: Stage, asked: readonly string[] | undefined) => readonly string[],
    ) => Promise<MilterVerdict>,
  ): Promise<Refusal | undefined> {
    for (const one of this.#milters) {
      if (this.#discard !== undefined) return undefined
      const verdict = await ask(one, (stage, asked) => this.#macros(stage, asked))
      const refused = this.#take(verdict, id)
      if (refused !== undefined) return refused
    }
    return undefined
  }

  #macros(stage: Stage, asked: readonly string[] | undefined): readonly string[] {
    return macrosFor(stage, asked, this.#known, this.#parts.settings)
  }

  #take(verdict: MilterVerdict, id: string): Refusal | undefined {
    if (verdict.reason !== undefined) this.#tell(id, verdict.reason)
    switch (verdict.kind) {
      case "continue":
        if (verdict.reason !== undefined && !this.#steps.some(({ says }) => says === verdict.reason?.says))
          this.#steps.push({ ...verdict.reason, role: verdict.reason.role ?? "passed" })
        return undefined
      case "discard":
        this.#discard = verdict.reason
        return undefined
      case "refuse":
        return refusal(verdict.reply, verdict.reason)
    }
  }

  /** confMILTER_LOG_LEVEL: 0 nothing, from 1 filters that fail, from 9 what they decide and change. */
  #tell(id: string, reason: Reason): void {
    const level = option(this.#parts.settings, "Milter.LogLevel") ?? 9
    const least = reason.role === "unknown" ? 1 : 9
    if (level >= least) this.#parts.log(id, `${reason.step.replace("milter ", "Milter (")}): ${reason.says}`)
  }

  /** The whole message, as our own checks let it pass: what the filters make of it. `octets` has header and body. */
  async message(
    before: Pick<Standing, "tx">,
    content: { readonly header: Header; readonly octets: HeldOctets; readonly headerSize: number },
    { arrival, offers }: { readonly arrival: Arrival; readonly offers: Offers },
  ): Promise<Filtered> {
    if (this.#discard !== undefined) return { is: "discarded", reason: this.#discard }
    const fields = fieldsOf(content.header)
    let now: Standing = { tx: before.tx, fields, body: undefined, held: undefined, steps: [] }
    this.#know(arrival, before.tx.envelope, {
      msg_id: first(content.header, "message-id") ?? "",
      msg_size: String(content.octets.size),
    })
    for (const milter of this.#milters) {
      const { settings: _, read, directory } = this.#parts
      const { use, leadingSpace } = milter
      const newBody = () =>
        new HeldOctets(directory, `${this.#id}-${use.name.replaceAll(/[^A-Za-z0-9]/g, "_")}`)
      const changes = new Changes(now, { use, leadingSpace, offers, read, newBody })
      const { body } = now
      const octets = () => (body === undefined ? content.octets.chunks(content.headerSize) : body.chunks())
      const verdict = await milter.message(
        { fields: now.fields, body: octets },
        (stage, asked) => this.#macros(stage, asked),
        (change) => changes.make(change),
      )
      const refused = this.#take(verdict, this.#id)
      if (refused !== undefined || this.#discard !== undefined || failed(verdict)) await changes.drop()
      if (refused !== undefined || this.#discard !== undefined) await body?.close()
      if (refused !== undefined) return { is: "refused", decision: refused }
      if (this.#discard !== undefined) return { is: "discarded", reason: this.#discard }
      if (failed(verdict)) continue
      for (const step of changes.now.steps.slice(now.steps.length)) this.#tell(this.#id, step)
      await changes.keep()
      now = changes.now
    }
    return { is: "taken", message: { ...now, steps: [...this.#steps, ...now.steps] } }
  }
}

type Refusal = Decision<never> & { readonly outcome: "no" | "later" }

type SaidSender = {
  readonly arrival: Arrival
  readonly path: TypedAddress | "null"
  readonly size: number
  readonly parameters: Parameters | undefined
}

type SaidRecipient = {
  readonly arrival: Arrival
  readonly envelope: Envelope
  readonly path: TypedAddress | "postmaster"
  readonly parameters: Parameters | undefined
}

const nothingSaid = because("milters", "none has anything to say")

const emptyEnvelope = {
  recipients: [],
  body: "7bit",
  smtputf8: false,
  ret: undefined,
  envid: undefined,
} as const

/** It could not be asked, and mail passes without it: what it had changed until then does not count. */
function failed(verdict: MilterVerdict): boolean {
  return verdict.kind === "continue" && verdict.reason?.role === "unknown"
}

function refusal(reply: Reply, reason: Reason): Refusal {
  return reply.code < 500 ? { outcome: "later", reply, reason } : { outcome: "no", reply, reason }
}

function wordsOf(parameters: Parameters | undefined): readonly string[] {
  return (parameters ?? []).map(({ key, value }) => (value === undefined ? key : `${key}=${value}`))
}

/** The client as the protocol has it. Mail of the sendmail command comes from this host. */
function clientFor({ client }: Arrival): { readonly host: string; readonly where: Buffer } {
  const address = client?.address ?? "127.0.0.1"
  const six = address.includes(":")
  const head = Buffer.from([six ? "6" : "4", "\0", "\0"].join(""), "latin1")
  head.writeUInt16BE(client?.port ?? 0, 1)
  const host = client === undefined ? "localhost" : (client.name ?? `[${six ? "IPv6:" : ""}${address}]`)
  return { host, where: Buffer.concat([head, Buffer.from(`${six ? "IPv6:" : ""}${address}\0`)]) }
}
