// The client's side of SMTP and LMTP without a socket: octets of replies in, what is to be sent or awaited out. One Client is one
// session with a peer and carries any number of transactions, one after the other (RFC 5321 §3.3, RFC 2033). Which host, how long
// to wait, and what to do with a fate is the mailer's.
import type { ClientExchange } from "../auth/sasl-client.ts"
import { type Reply, replyLine } from "../mail/reply.ts"
import { forwardPath, mailCommand, rcptCommand, unfit, unspoken, type Work } from "./client-commands.ts"
import { type Broken, delayedBy, type Fate, refused, relayed, statusOf } from "./client-fate.ts"
import { noOffers, type PeerOffers, readOffers } from "./client-offers.ts"
import { type Nonsense, ReplyReader } from "./client-reply.ts"

/** What a reply is awaited to; each has its own limit of time (RFC 5321 §4.5.3.2). */
export type Awaited =
  | "initial"
  | "helo"
  | "starttls"
  | "auth"
  | "rset"
  | "mail"
  | "rcpt"
  | "datainit"
  | "datafinal"

export type Next =
  | { readonly kind: "wait"; readonly step: Awaited }
  | { readonly kind: "send"; readonly text: string; readonly step: Awaited }
  /** Send the message now: dot-stuffed with its end, or after `prefix` as it is; then call contentSent. */
  | { readonly kind: "content"; readonly form: "dots" }
  | { readonly kind: "content"; readonly form: "chunk"; readonly prefix: string }
  /** The peer is ready for TLS: begin it, then call secured(). */
  | { readonly kind: "start tls" }
  /** Greeted, or the transaction is over: fates tell how it went, and the session takes another. */
  | { readonly kind: "ready" }
  /** The session is over. Recipients without a fate were not decided. */
  | { readonly kind: "broken"; readonly broken: Broken }

/** A number is RCPT for the recipient at that place of the work. */
type Step = "rset" | "mail" | "data" | number

type Phase =
  | "initial"
  | "helo"
  | "starttls"
  | "auth"
  | "idle"
  | "envelope"
  | "content"
  | "final"
  | "discard"
  | "broken"

export type ClientOptions = {
  /** What we call ourselves: $j. */
  readonly hello: string
  readonly lmtp: boolean
  /** TLS is begun where the peer offers it. */
  readonly startTls?: boolean
}

const ready: Next = { kind: "ready" }

/** One session with one peer. */
export class Client {
  offers: PeerOffers = noOffers
  /** Why the session is over, once it is. */
  broken: Broken | undefined
  /** Replies read so far: each gives the peer its time anew. */
  replies = 0
  /** One for each recipient of the transaction; undefined: not decided (452 too many recipients, or the session broke before). */
  fates: (Fate | undefined)[] = []
  /** TLS is on. */
  secure = false
  /** Whether the peer took our login: undefined when it was not asked to, else what it said. */
  login: { readonly ok: boolean; readonly says: string } | undefined
  readonly #options: ClientOptions
  #exchange: ClientExchange | undefined
  /** The peer's certificate is its own (RFC 8689 §4.2.1). */
  #trusted = false
  readonly #reader = new ReplyReader()
  #phase: Phase = "initial"
  #hello: "EHLO" | "HELO" | "LHLO"
  #work: Work | undefined
  #steps: Step[] = []
  #sent = 0
  #answered = 0
  #accepted: number[] = []
  /** What the peer said to recipients whose sender asked to hear of success (RFC 3464 §2.3.6). */
  readonly #welcomes = new Map<number, Reply>()
  #mailAccepted = false
  #finals = 0
  /** A transaction that must be reset before the next one. */
  #dirty = false

  constructor(options: ClientOptions) {
    this.#options = options
    this.#hello = options.lmtp ? "LHLO" : "EHLO"
  }

  /** Whether the message's octets have begun to go out: from here on a loss leaves open whether it arrived. */
  get underWay(): boolean {
    return this.#phase === "content" || this.#phase === "final"
  }

  /** The end of the message has been sent and not been answered: the peer may have taken it. */
  get inDoubt(): boolean {
    return this.#phase === "final"
  }

  /** Begins a transaction; the session must be ready. */
  start(work: Work): Next {
    if (this.#phase !== "idle") throw new Error(`a transaction was begun in phase ${this.#phase}`)
    this.#work = work
    this.#accepted = []
    this.#welcomes.clear()
    this.#mailAccepted = false
    const no = unfit(work, this.offers, this.#trusted)
    this.fates = work.recipients.map((_, n) => no ?? unspoken(work, n, this.offers))
    this.#steps = this.#dirty ? ["rset", "mail"] : ["mail"]
    for (let n = 0; n < this.fates.length; n++) if (this.fates[n] === undefined) this.#steps.push(n)
    if (this.#steps.at(-1) === "mail") return ready
    if (work.envelope.body !== "binarymime") this.#steps.push("data")
    this.#sent = 0
    this.#answered = 0
    this.#phase = "envelope"
    return this.#sendSteps()
  }

  /** Octets from the peer. */
  feed(chunk: Buffer): Next {
    this.#reader.feed(chunk)
    return this.#advance()
  }

  /** The message and its end have been handed to the network. */
  contentSent(): Next {
    if (this.#phase !== "content") return this.#stopped() ?? { kind: "wait", step: "datafinal" }
    this.#phase = "final"
    this.#finals = 0
    return this.#advance()
  }

  /** The session ended from outside: closed, timed out, given up. `says` is the whole sentence. */
  lost(says: string): Next {
    return this.#break({ says, status: "4.4.2", reply: undefined, permanent: false })
  }

  #advance(): Next {
    let granted = false
    for (;;) {
      const stopped = this.#stopped()
      if (stopped !== undefined) return stopped
      const reply = this.#reader.next()
      if (reply === undefined) return granted ? this.#tooEarly() : { kind: "wait", step: this.#awaited() }
      const next = "nonsense" in reply ? this.#nonsense(reply) : this.#reply(reply)
      if (next === undefined) continue
      if (next.kind === "broken" || next.kind === "wait" || !this.#reader.hasMore) return next
      // A reply that is here before the message went out may be a no to it; all others answer nothing that was asked.
      if (next.kind !== "content") return this.#tooEarly()
      granted = true
    }
  }

  #tooEarly(): Next {
    return this.#nonsense({ nonsense: "spoke before it was asked" })
  }

  #stopped(): Next | undefined {
    return this.broken === undefined ? undefined : { kind: "broken", broken: this.broken }
  }

  #awaited(): Awaited {
    switch (this.#phase) {
      case "initial":
      case "helo":
      case "starttls":
      case "auth":
        return this.#phase
      case "envelope":
        return awaitedStep(this.#steps[this.#answered])
      default:
        return "datafinal"
    }
  }

  /** One reply; undefined when the next one is due. */
  #reply(reply: Reply): Next | undefined {
    this.replies++
    if (reply.code === 421) return this.#closing(reply)
    switch (this.#phase) {
      case "initial":
        return this.#greeting(reply)
      case "helo":
        return this.#helloReply(reply)
      case "starttls":
        return this.#startTlsReply(reply)
      case "auth":
        return this.#authReply(reply)
      case "envelope":
        return this.#stepReply(reply)
      case "content":
        return this.#early(reply)
      case "final":
        return this.#finalReply(reply)
      case "discard":
        return this.#finish()
      case "idle":
      case "broken":
        return this.#tooEarly()
    }
  }

  // RFC 5321 §3.8: 421 may come at any time and ends the session.
  #closing(reply: Reply): Next {
    const says = `the peer closed the session: "${replyLine(reply)}"`
    return this.#break({ says, status: statusOf(reply), reply, permanent: false })
  }

  #greeting(reply: Reply): Next {
    if (reply.code !== 220) return this.#turnedAway(reply, "the connection")
    this.#phase = "helo"
    return { kind: "send", text: `${this.#hello} ${this.#options.hello}\r\n`, step: "helo" }
  }

  #helloReply(reply: Reply): Next {
    if (reply.code >= 200 && reply.code < 300) {
      this.offers = this.#hello === "HELO" ? noOffers : readOffers(reply)
      if (this.#options.startTls === true && this.offers.startTls && !this.secure) {
        this.#phase = "starttls"
        return { kind: "send", text: "STARTTLS\r\n", step: "starttls" }
      }
      this.#phase = "idle"
      return ready
    }
    // RFC 5321 §3.2: a peer that does not know EHLO is asked with HELO.
    if (this.#hello === "EHLO" && reply.code >= 500) {
      this.#hello = "HELO"
      return { kind: "send", text: `HELO ${this.#options.hello}\r\n`, step: "helo" }
    }
    return this.#turnedAway(reply, this.#hello)
  }

  /** A peer that will not after all is spoken to in clear text; whether that is enough is asked before any message is given. */
  #startTlsReply(reply: Reply): Next {
    this.#phase = "idle"
    if (reply.code !== 220) return ready
    this.#reader.drop()
    return { kind: "start tls" }
  }

  /** TLS is on: what was offered in clear text counts no more (RFC 3207 §4.2). `trusted`: the certificate is the host's own. */
  secured(trusted: boolean): Next {
    this.secure = true
    this.#trusted = trusted
    this.offers = noOffers
    this.#phase = "helo"
    return { kind: "send", text: `${this.#hello} ${this.#options.hello}\r\n`, step: "helo" }
  }

  /** The session has been within TLS from its beginning. */
  begunSecure(trusted: boolean): void {
    this.secure = true
    this.#trusted = trusted
  }

  /** Logs in (RFC 4954); the session must be ready, and is again afterwards, whatever the peer says. */
  authenticate(exchange: ClientExchange): Next {
    if (this.#phase !== "idle") throw new Error(`AUTH was begun in phase ${this.#phase}`)
    this.#exchange = exchange
    this.#phase = "auth"
    const { mechanism, initial } = exchange
    const word = initial === undefined ? "" : ` ${initial === "" ? "=" : encoded(initial)}`
    return { kind: "send", text: `AUTH ${mechanism}${word}\r\n`, step: "auth" }
  }

  #authReply(reply: Reply): Next {
    if (reply.code === 334) return this.#challenge(reply)
    this.#phase = "idle"
    this.#exchange = undefined
    this.login ??= { ok: reply.code === 235, says: replyLine(reply) }
    return ready
  }

  #challenge({ text: [challenge = ""] }: Reply): Next {
    const said = this.#exchange?.respond(Buffer.from(challenge, "base64").toString("utf8"))
    if (said !== undefined && "say" in said)
      return { kind: "send", text: `${encoded(said.say)}\r\n`, step: "auth" }
    this.login = { ok: false, says: said?.why ?? "nothing was to be said" }
    return { kind: "send", text: "*\r\n", step: "auth" } // §4: and it answers 501
  }

  #turnedAway(reply: Reply, to: string): Next {
    const { says, status, action } = refused(reply, to)
    return this.#break({ says, status, reply, permanent: action === "failed" })
  }

  /** All that may be sent now: with PIPELINING everything, else one command (RFC 2920 §3.1). */
  #sendSteps(): Next {
    const until = this.offers.pipelining ? this.#steps.length : this.#sent + 1
    let text = ""
    for (; this.#sent < until; this.#sent++) text += `${this.#command(this.#steps[this.#sent])}\r\n`
    return { kind: "send", text, step: awaitedStep(this.#steps[this.#answered]) }
  }

  #command(step: Step | undefined): string {
    const work = this.#work
    if (step === "rset" || work === undefined) return "RSET"
    if (step === "mail") return mailCommand(work, this.offers)
    return typeof step === "number" ? rcptCommand(work, step, this.offers) : "DATA"
  }

  #stepReply(reply: Reply): Next | undefined {
    const step = this.#steps[this.#answered++]
    const positive = reply.code >= 200 && reply.code < 300
    if (step === "rset") this.#dirty = !positive
    else if (step === "mail") this.#mailReply(reply, positive)
    else if (typeof step === "number") this.#rcptReply(step, reply, positive)
    else return this.#dataReply(reply)
    if (step === "rset" && !positive) return this.#turnedAway(reply, "RSET")
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
      if (this.#work?.recipients[n]?.notify.includes("success") === true) this.#welcomes.set(n, reply)
    } else if (this.#accepted.length === 0 || !tooMany(reply)) {
      this.fates[n] = refused(reply, `RCPT TO:${this.#work === undefined ? "" : forwardPath(this.#work, n)}`)
    }
  }

  #dataReply(reply: Reply): Next {
    if (reply.code === 354) return this.#content()
    if (reply.code < 400) return this.#nonsense({ nonsense: `said "${replyLine(reply)}" to DATA` })
    this.#decideAccepted(refused(reply, "DATA"))
    return this.#finish()
  }

  /** Every command of the envelope was answered and no DATA among them. */
  #afterEnvelope(): Next {
    return this.#accepted.length > 0 ? this.#content() : this.#finish()
  }

  #content(): Next {
    if (this.#accepted.length === 0) {
      // RFC 2920 §3.1: pipelined DATA may be granted with no recipient accepted; a dot alone ends it.
      if (this.#options.lmtp) return this.#nonsense({ nonsense: "granted DATA without a recipient" })
      this.#phase = "discard"
      return { kind: "send", text: ".\r\n", step: "datafinal" }
    }
    this.#phase = "content"
    if (this.#work?.envelope.body !== "binarymime") return { kind: "content", form: "dots" }
    return { kind: "content", form: "chunk", prefix: `BDAT ${this.#work.size} LAST\r\n` } // RFC 3030 §2
  }

  /** A reply before the message has gone out whole: a no counts, a yes cannot be meant. */
  #early(reply: Reply): Next {
    if (reply.code < 400) return this.#nonsense({ nonsense: "took the message before it had it" })
    this.#decideAccepted(refused(reply, "the message"))
    return this.#turnedAway(reply, "the message")
  }

  #finalReply(reply: Reply): Next | undefined {
    if (reply.code >= 300 && reply.code < 400)
      return this.#nonsense({ nonsense: `said "${replyLine(reply)}" to the message` })
    const fate = reply.code < 300 ? relayed(reply, this.offers.dsn) : refused(reply, "the message")
    if (!this.#options.lmtp) {
      this.#decideAccepted(fate)
      return this.#finish(fate)
    }
    const n = this.#accepted[this.#finals++] // RFC 2033 §4.2: one reply for each recipient that was accepted, in order
    if (n !== undefined) this.fates[n] = this.#welcomed(n, fate)
    return this.#finals < this.#accepted.length ? undefined : this.#finish(fate)
  }

  /** After BDAT that failed the transaction must be reset (RFC 3030 §2); after DATA it is over in any case. */
  #finish(last?: Fate): Next {
    if (this.#phase === "final") {
      this.#dirty = this.#work?.envelope.body === "binarymime" && last?.action !== "relayed"
    } else if (this.#phase === "discard") {
      this.#dirty = false
    }
    this.#phase = "idle"
    this.#work = undefined
    return ready
  }

  #nonsense({ nonsense }: Nonsense): Next {
    return this.#break({ says: `the peer ${nonsense}`, status: "4.5.0", reply: undefined, permanent: false })
  }

  #break(broken: Broken): Next {
    this.broken ??= broken
    // RFC 5321 §4.5.4.1: without the reply to the final dot the message stays ours, and is sent again.
    if (this.underWay) this.#decideAccepted(delayedBy({ ...this.broken, permanent: false }))
    this.#phase = "broken"
    return { kind: "broken", broken: this.broken }
  }

  #decide(fate: Fate): void {
    for (let n = 0; n < this.fates.length; n++) this.fates[n] ??= fate
  }

  #decideAccepted(fate: Fate): void {
    for (const n of this.#accepted) this.fates[n] ??= this.#welcomed(n, fate)
  }

  #welcomed(n: number, fate: Fate): Fate {
    const recipientReply = this.#welcomes.get(n)
    return fate.action !== "relayed" || recipientReply === undefined ? fate : { ...fate, recipientReply }
  }
}

function encoded(text: string): string {
  return Buffer.from(text, "utf8").toString("base64")
}

function awaitedStep(step: Step | undefined): Awaited {
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
