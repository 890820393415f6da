// One message on its way to a peer: what is to be said for it, and what the peer's replies make of it, recipient by recipient. No
// socket, and nothing of the session around it: that is client.ts's.
import { type Reply, replyLine } from "../mail/reply.ts"
import { forwardPath, mailCommand, rcptCommand, unfit, unspoken, type Work } from "./client-commands.ts"
import { type Broken, delayedBy, type Fate, refused, relayed } from "./client-fate.ts"
import type { PeerOffers } from "./client-offers.ts"
import type { Nonsense } from "./client-reply.ts"

/** What a reply is awaited to while a message is given. */
export type AwaitedInMail = "rset" | "mail" | "rcpt" | "datainit" | "datafinal"

export type MailStep =
  | { readonly kind: "send"; readonly text: string; readonly step: AwaitedInMail }
  /** Send the message now: dot-stuffed with its end, or after `prefix` as it is; then call contentSent. */
  | { readonly kind: "content"; readonly form: "dots" }
  | { readonly kind: "content"; readonly form: "chunk"; readonly prefix: string }
  /** It is over: fates tell how it went. */
  | { readonly kind: "ready" }

/** What ends the session with it. */
type End = Nonsense | { readonly turnedAway: Reply; readonly to: string }

/** What matters of the session. */
export type MailTerms = {
  readonly offers: PeerOffers
  /** The peer's certificate is its own (RFC 8689 §4.2.1). */
  readonly trusted: boolean
  readonly lmtp: boolean
  /** The one before must be reset. */
  readonly dirty: boolean
}

/** A number is RCPT for the recipient at that place of the work. */
type Step = "rset" | "mail" | "data" | number

const over: MailStep = { kind: "ready" }

/** Made for one message and thrown away after it. */
export class Transaction {
  /** One for each recipient; undefined: not decided (452 too many recipients, or the session broke before). */
  readonly fates: (Fate | undefined)[]
  readonly #work: Work
  readonly #terms: MailTerms
  readonly #steps: Step[]
  #phase: "envelope" | "content" | "final" | "discard" = "envelope"
  #sent = 0
  #answered = 0
  readonly #accepted: number[] = []
  /** What the peer said to recipients whose sender asked to hear of success (RFC 3464 §2.3.6). */
  #welcomes: Map<number, Reply> | undefined
  #mailAccepted = false
  #finals = 0
  #dirty: boolean

  constructor(work: Work, terms: MailTerms) {
    this.#work = work
    this.#terms = terms
    this.#dirty = terms.dirty
    const no = unfit(work, terms.offers, terms.trusted)
    this.fates = work.recipients.map((_, n) => no ?? unspoken(work, n, terms.offers))
    this.#steps = terms.dirty ? ["rset", "mail"] : ["mail"]
    for (let n = 0; n < this.fates.length; n++) if (this.fates[n] === undefined) this.#steps.push(n)
  }

  /** Whether the session must be reset before the next one. */
  get dirty(): boolean {
    return this.#dirty
  }

  /** Whether the message's octets have begun to go out: from here on a loss leaves open whether it arrived. */
  get underWay(): boolean {
    return this.#phase === "content" || this.#phase === "final"
  }

  /** The end of the message has been sent and not been answered: the peer may have taken it. */
  get inDoubt(): boolean {
    return this.#phase === "final"
  }

  /** All has been said: only the last word of the peer is awaited, and whatever it is, nothing is left to be reset. */
  get isSaid(): boolean {
    return this.#phase === "final" && this.#work.envelope.body !== "binarymime"
  }

  get awaited(): AwaitedInMail {
    return this.#phase === "envelope" ? awaitedStep(this.#steps[this.#answered]) : "datafinal"
  }

  /** The first that is to be said; ready when nothing of it can be said to this peer. */
  begin(): MailStep {
    if (this.#steps.at(-1) === "mail") return over
    if (this.#work.envelope.body !== "binarymime") this.#steps.push("data")
    return this.#sendSteps()
  }

  /** The message and its end have been handed to the network. */
  contentSent(): void {
    if (this.#phase === "content") this.#phase = "final"
  }

  /** One reply; undefined when the next one is due. */
  reply(reply: Reply): MailStep | End | undefined {
    switch (this.#phase) {
      case "envelope":
        return this.#stepReply(reply)
      case "content":
        return this.#early(reply)
      case "final":
        return this.#finalReply(reply)
      case "discard":
        this.#dirty = false
        return over
    }
  }

  /** The session is over. RFC 5321 §4.5.4.1: without the reply to the final dot the message stays ours, and is sent again. */
  lost(broken: Broken): void {
    if (this.underWay) this.#decideAccepted(delayedBy({ ...broken, permanent: false }))
  }

  /** All that may be sent now: with PIPELINING everything, else one command (RFC 2920 §3.1). */
  #sendSteps(): MailStep {
    const until = this.#terms.offers.pipelining ? this.#steps.length : this.#sent + 1
    let text = ""
    for (; this.#sent < until; this.#sent++) text += `${this.#command(this.#steps[this.#sent])}\r\n`
    return { kind: "send", text, step: awaitedStep(this.#steps[this.#answered]) }
  }

  #command(step: Step | undefined): string {
    if (step === "rset") return "RSET"
    if (step === "mail") return mailCommand(this.#work, this.#terms.offers)
    return typeof step === "number" ? rcptCommand(this.#work, step, this.#terms.offers) : "DATA"
  }

  #stepReply(reply: Reply): MailStep | End | undefined {
    const step = this.#steps[this.#answered++]
    const positive = reply.code >= 200 && reply.code < 300
    if (step === "rset") this.#dirty = !positive
    else if (step === "mail") this.#mailReply(reply, positive)
    else if (typeof step === "number") this.#rcptReply(step, reply, positive)
    else return this.#dataReply(reply)
    if (step === "rset" && !positive) return { turnedAway: reply, to: "RSET" }
    if (this.#answered < this.#sent) return undefined
    return this.#worthwhile() ? this.#sendSteps() : this.#afterEnvelope()
  }

  /** Whether the commands that have not been said are still of use; only without PIPELINING are there any. */
  #worthwhile(): boolean {
    const next = this.#steps[this.#sent]
    if (next === undefined) return false
    if (next === "mail") return true
    return this.#mailAccepted && (next !== "data" || this.#accepted.length > 0)
  }

  #mailReply(reply: Reply, positive: boolean): void {
    this.#mailAccepted = positive
    this.#dirty = positive
    if (!positive) this.#decide(refused(reply, "MAIL"))
  }

  #rcptReply(n: number, reply: Reply, positive: boolean): void {
    if (this.fates[n] !== undefined) return // MAIL was refused: what the peer says after that is an echo of it
    if (positive) {
      this.#accepted.push(n)
      if (this.#work.recipients[n]?.notify.includes("success") === true)
        (this.#welcomes ??= new Map()).set(n, reply)
    } else if (this.#accepted.length === 0 || !tooMany(reply)) {
      this.fates[n] = refused(reply, `RCPT TO:${forwardPath(this.#work, n)}`)
    }
  }

  #dataReply(reply: Reply): MailStep | End {
    if (reply.code === 354) return this.#content()
    if (reply.code < 400) return { nonsense: `said "${replyLine(reply)}" to DATA` }
    this.#decideAccepted(refused(reply, "DATA"))
    return over
  }

  /** Every command of the envelope was answered and no DATA among them. */
  #afterEnvelope(): MailStep | End {
    return this.#accepted.length > 0 ? this.#content() : over
  }

  #content(): MailStep | End {
    if (this.#accepted.length === 0) {
      // RFC 2920 §3.1: pipelined DATA may be granted with no recipient accepted; a dot alone ends it.
      if (this.#terms.lmtp) return { nonsense: "granted DATA without a recipient" }
      this.#phase = "discard"
      return { kind: "send", text: ".\r\n", step: "datafinal" }
    }
    this.#phase = "content"
    if (this.#work.envelope.body !== "binarymime") return { kind: "content", form: "dots" }
    return { kind: "content", form: "chunk", prefix: `BDAT ${this.#work.size} LAST\r\n` } // RFC 3030 §2
  }

  /** A reply before the message has gone out whole: a no counts, a yes cannot be meant. */
  #early(reply: Reply): End {
    if (reply.code < 400) return { nonsense: "took the message before it had it" }
    this.#decideAccepted(refused(reply, "the message"))
    return { turnedAway: reply, to: "the message" }
  }

  #finalReply(reply: Reply): MailStep | End | undefined {
    if (reply.code >= 300 && reply.code < 400)
      return { nonsense: `said "${replyLine(reply)}" to the message` }
    const fate = reply.code < 300 ? relayed(reply, this.#terms.offers.dsn) : refused(reply, "the message")
    if (!this.#terms.lmtp) {
      this.#decideAccepted(fate)
      return this.#finish(fate)
    }
    const n = this.#accepted[this.#finals++] // RFC 2033 §4.2: one reply for each recipient that was accepted, in order
    if (n !== undefined) this.fates[n] = this.#welcomed(n, fate)
    return this.#finals < this.#accepted.length ? undefined : this.#finish(fate)
  }

  /** After BDAT that failed the transaction must be reset (RFC 3030 §2); after DATA it is over in any case. */
  #finish(last: Fate): MailStep {
    this.#dirty = this.#work.envelope.body === "binarymime" && last.action !== "relayed"
    return over
  }

  #decide(fate: Fate): void {
    for (let n = 0; n < this.fates.length; n++) this.fates[n] ??= fate
  }

  #decideAccepted(fate: Fate): void {
    for (const n of this.#accepted) this.fates[n] ??= this.#welcomed(n, fate)
  }

  #welcomed(n: number, fate: Fate): Fate {
    const recipientReply = this.#welcomes?.get(n)
    return fate.action !== "relayed" || recipientReply === undefined ? fate : { ...fate, recipientReply }
  }
}

function awaitedStep(step: Step | undefined): AwaitedInMail {
  if (step === "data") return "datainit"
  if (step === "mail" || step === "rset") return step
  return "rcpt"
}

/**
 * RFC 5321 §4.5.3.1.10: 452 after some recipients is a full transaction, and so is an old peer's 552; a code that says
 * it is this mailbox that is full is not.
 */
function tooMany({ code, status }: Reply): boolean {
  if (code === 452) return status !== "4.2.2"
  return code === 552 && (status === undefined || status === "5.5.3")
}
