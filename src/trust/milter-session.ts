// One filter during one SMTP session: what it is asked and when, and what its word, or its silence, leads to. A filter that fails once
// is not asked again in this session, and its F= answers in its place: what it has not seen passes only where F= says so.
import { because, type Reason } from "../mail/decision.ts"
import { reply, type Reply } from "../mail/reply.ts"
import type { Answer, Change } from "./milter-answer.ts"
import { MilterConnection } from "./milter-connection.ts"
import type { MilterUse } from "./milter-definition.ts"
import { type MilterFields, valueFor } from "./milter-fields.ts"
import { bodyChunk, steps, strings } from "./milter-wire.ts"

export type MilterVerdict =
  | { readonly kind: "continue"; readonly reason: Reason | undefined }
  | { readonly kind: "discard"; readonly reason: Reason }
  | { readonly kind: "refuse"; readonly reply: Reply; readonly reason: Reason }

/** Where a filter is asked; with the letter of the command and the number of its macros in a symbol list. */
export type Stage =
  | "connect"
  | "helo"
  | "mail"
  | "rcpt"
  | "data"
  | "header"
  | "body"
  | "unknown"
  | "eoh"
  | "eom"

type Way = {
  readonly letter: string
  readonly symbols?: number
  readonly no: number
  readonly silent: number
}

const ways: Readonly<Record<Stage, Way>> = {
  connect: { letter: "C", symbols: 0, no: steps.noConnect, silent: steps.silentConnect },
  helo: { letter: "H", symbols: 1, no: steps.noHelo, silent: steps.silentHelo },
  mail: { letter: "M", symbols: 2, no: steps.noMail, silent: steps.silentMail },
  rcpt: { letter: "R", symbols: 3, no: steps.noRcpt, silent: steps.silentRcpt },
  data: { letter: "T", symbols: 4, no: steps.noData, silent: steps.silentData },
  unknown: { letter: "U", no: steps.noUnknown, silent: steps.silentUnknown },
  header: { letter: "L", no: steps.noHeaders, silent: steps.silentHeader },
  eoh: { letter: "N", symbols: 6, no: steps.noEndOfHeader, silent: steps.silentEndOfHeader },
  body: { letter: "B", no: steps.noBody, silent: steps.silentBody },
  eom: { letter: "E", symbols: 5, no: 0, silent: 0 },
}

/** Macros for a stage: by the names that the filter asked for, else by those of the configuration. */
export type Macros = (stage: Stage, asked: readonly string[] | undefined) => readonly string[]

export type MilterContent = {
  readonly fields: MilterFields
  readonly body: () => AsyncIterable<Buffer>
}

const goOn: MilterVerdict = { kind: "continue", reason: undefined }
const tryLater = reply(451, "4.3.2", "Please try again later")

export class Milter {
  readonly use: MilterUse
  #connection: MilterConnection | undefined
  #failed: string | undefined
  /** It has accepted, and hears no more of this. */
  #accepted: "nothing" | "message" | "session" = "nothing"
  #inMessage = false

  constructor(use: MilterUse) {
    this.use = use
  }

  /** It wants to hear of recipients that we refused. */
  get hearsRefused(): boolean {
    return this.#asks("rcpt") && this.#agreed(steps.rejectedRcpt)
  }

  /** It gives and takes values of fields with the blank after the colon. */
  get leadingSpace(): boolean {
    return this.#agreed(steps.leadingSpace)
  }

  /** A client is there. `where` is its address as the protocol has it. */
  async connect(host: string, where: Buffer, macros: Macros): Promise<MilterVerdict> {
    const opened = await MilterConnection.open(this.use)
    if (!opened.ok) return this.#fail("connect", opened.error)
    this.#connection = opened.value
    return this.#ask("connect", [strings(host), where], macros)
  }

  async helo(name: string, macros: Macros): Promise<MilterVerdict> {
    return this.#ask("helo", [strings(name)], macros)
  }

  /** A transaction begins. `words` are the path in its brackets and the parameters. */
  async mail(words: readonly string[], macros: Macros): Promise<MilterVerdict> {
    this.abort()
    if (this.#accepted === "message") this.#accepted = "nothing"
    this.#inMessage = true
    return this.#ask("mail", [strings(...words)], macros)
  }

  async rcpt(words: readonly string[], macros: Macros): Promise<MilterVerdict> {
    return this.#ask("rcpt", [strings(...words)], macros)
  }

  async data(macros: Macros): Promise<MilterVerdict> {
    return this.#ask("data", [], macros)
  }

  /** A command that we do not know. */
  async unknown(line: string, macros: Macros): Promise<MilterVerdict> {
    return this.#ask("unknown", [strings(line)], macros)
  }

  /** The whole message; `hear` is told of each change as it comes. */
  async message(
    content: MilterContent,
    macros: Macros,
    hear: (change: Change) => Promise<void>,
  ): Promise<MilterVerdict> {
    if (this.#failed !== undefined) return this.#without("eom")
    const early = (await this.#header(content.fields, macros)) ?? (await this.#body(content.body(), macros))
    const verdict = early ?? (await this.#ask("eom", [], macros, hear))
    if (verdict === early && verdict.kind !== "continue") this.abort()
    this.#inMessage = false
    return verdict
  }

  /** Each field, then the end of the header. undefined: it wants to hear more. */
  async #header(fields: MilterFields, macros: Macros): Promise<MilterVerdict | undefined> {
    const blank = this.leadingSpace
    for (const field of this.#asks("header") ? fields : []) {
      if (field === "ours") continue
      const answer = await this.#answer("header", [strings(field.name, valueFor(field, blank))], macros)
      if (answer?.kind === "skip") break
      const verdict = this.#judge("header", answer)
      if (verdict !== goOn) return verdict
    }
    const verdict = await this.#ask("eoh", [], macros)
    return verdict === goOn ? undefined : verdict
  }

  async #body(chunks: AsyncIterable<Buffer>, macros: Macros): Promise<MilterVerdict | undefined> {
    if (!this.#asks("body")) return undefined
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += bodyChunk) {
        const answer = await this.#answer("body", [chunk.subarray(at, at + bodyChunk)], macros)
        if (answer?.kind === "skip") return undefined // SMFIP_SKIP: it has seen enough, and says the rest at the end
        const verdict = this.#judge("body", answer)
        if (verdict !== goOn) return verdict
      }
    }
    return undefined
  }

  /** The transaction is over before its end. */
  abort(): void {
    if (this.#inMessage && this.#failed === undefined) void this.#connection?.tell("A")
    this.#inMessage = false
  }

  /** The session is over. */
  close(): void {
    if (this.#failed === undefined) this.#connection?.quit()
    this.#connection = undefined
    this.#failed ??= "the session is over"
  }

  #agreed(step: number): boolean {
    return ((this.#connection?.agreement.steps ?? 0) & step) !== 0
  }

  /** Whether it is to be asked there at all. */
  #asks(stage: Stage): boolean {
    if (this.#failed !== undefined || this.#accepted !== "nothing" || this.#connection === undefined)
      return false
    const { version } = this.#connection.agreement
    if (stage === "data" && version < 4) return false
    if (stage === "unknown" && version < 3) return false
    return !this.#agreed(ways[stage].no)
  }

  async #ask(
    stage: Stage,
    parts: readonly (Buffer | string)[],
    macros: Macros,
    hear?: (change: Change) => Promise<void>,
  ): Promise<MilterVerdict> {
    if (this.#failed !== undefined) return this.#without(stage)
    return this.#judge(stage, await this.#answer(stage, parts, macros, hear))
  }

  /** Its answer; undefined when it is not asked, or does not answer here. */
  async #answer(
    stage: Stage,
    parts: readonly (Buffer | string)[],
    macros: Macros,
    hear?: (change: Change) => Promise<void>,
  ): Promise<Answer | undefined> {
    const connection = this.#connection
    if (this.#accepted !== "nothing" || connection === undefined) return undefined
    const { letter, symbols, silent } = ways[stage]
    if (symbols !== undefined) {
      const pairs = macros(stage, connection.agreement.symbols.get(symbols))
      if (pairs.length > 0) await connection.tell("D", letter, strings(...pairs))
    }
    if (!this.#asks(stage)) return undefined
    if (silent === 0 || !this.#agreed(silent)) return connection.ask(letter, parts, hear)
    await connection.tell(letter, ...parts)
    return undefined
  }

  #judge(stage: Stage, answer: Answer | undefined): MilterVerdict {
    switch (answer?.kind) {
      case undefined:
      case "continue":
      case "skip":
        return goOn
      case "accept":
        this.#accepted = stage === "connect" || stage === "helo" ? "session" : "message"
        return { kind: "continue", reason: this.#because(stage, "accepts") }
      case "discard":
        if (stage === "connect" || stage === "helo") return this.#fail(stage, "it discards what has not come")
        this.#accepted = "message"
        return { kind: "discard", reason: this.#because(stage, "discards") }
      case "reject":
        return this.#refuse(stage, rejection(stage), "rejects")
      case "tempfail":
        return this.#refuse(stage, tryLater, "puts off")
      case "close":
        return this.#refuse(stage, reply(421, "4.3.0", "closing connection"), "ends the session")
      case "reply":
        return this.#refuse(stage, answer.reply, "answers itself")
      case "failed":
        return this.#fail(stage, answer.why)
    }
  }

  /** After a refusal of the transaction the filter waits for the next one; after one of a recipient it goes on. */
  #refuse(stage: Stage, words: Reply, says: string): MilterVerdict {
    const reason = { ...this.#because(stage, says), role: "refused" } as const
    return { kind: "refuse", reply: words, reason }
  }

  #fail(stage: Stage, why: string): MilterVerdict {
    this.#failed = why
    this.#connection?.destroy()
    this.#connection = undefined
    this.#inMessage = false
    return this.#without(stage)
  }

  /** What F= says of mail that it cannot be asked about. */
  #without(stage: Stage): MilterVerdict {
    const { without } = this.use
    const then = { pass: "mail passes without it", tempfail: "F=T", reject: "F=R", close: "F=4" }[without]
    const reason = this.#because(stage, `cannot be asked: ${this.#failed}: ${then}`)
    switch (without) {
      case "pass":
        return { kind: "continue", reason: { ...reason, role: "unknown" } }
      case "tempfail":
        return { kind: "refuse", reply: tryLater, reason: { ...reason, role: "unknown" } }
      case "reject":
        return { kind: "refuse", reply: rejection(stage), reason: { ...reason, role: "refused" } }
      case "close": {
        const words = reply(421, "4.7.0", "closing connection")
        return { kind: "refuse", reply: words, reason: { ...reason, role: "unknown" } }
      }
    }
  }

  #because(stage: Stage, says: string): Reason {
    return because(`milter ${this.use.name}`, `${stage}: ${says}`, this.use.at)
  }
}

/** sendmail's words. */
function rejection(stage: Stage): Reply {
  switch (stage) {
    case "connect":
    case "data":
    case "header":
    case "eoh":
    case "body":
    case "eom":
      return reply(554, "5.7.1", "Command rejected")
    case "helo":
    case "mail":
    case "rcpt":
    case "unknown":
      return reply(550, "5.7.1", "Command rejected")
  }
}
