// The client's side of SMTP and LMTP without a socket: octets of replies in, what is to be sent or awaited out. One Client is one
// session with a peer and carries any number of transactions (client-transaction.ts), one after the other (RFC 5321 §3.3, RFC 2033).
// Which host, how long to wait, and what to do with a fate is the mailer's.
import type { ClientExchange } from "../auth/sasl-client.ts"
import { type Reply, replyLine } from "../mail/reply.ts"
import type { Work } from "./client-commands.ts"
import { type Broken, type Fate, refused, statusOf } from "./client-fate.ts"
import { noOffers, type PeerOffers, readOffers } from "./client-offers.ts"
import { type Nonsense, ReplyReader } from "./client-reply.ts"
import { type AwaitedInMail, type MailStep, Transaction } from "./client-transaction.ts"

/** What a reply is awaited to; each has its own limit of time (RFC 5321 §4.5.3.2). */
export type Awaited = "initial" | "helo" | "starttls" | "auth" | AwaitedInMail

export type Next =
  | { readonly kind: "wait"; readonly step: Awaited }
  | { readonly kind: "send"; readonly text: string; readonly step: Awaited }
  /** The peer is ready for TLS: begin it, then call secured(). */
  | { readonly kind: "start tls" }
  /** Greeted, or the transaction is over: the session takes another. */
  | MailStep
  /** The transaction is over, and the one that was said behind it is the next: take the fates, then call goOn(). */
  | { readonly kind: "followed" }
  /** The session is over. Recipients without a fate were not decided. */
  | { readonly kind: "broken"; readonly broken: Broken }

type Phase = "initial" | "helo" | "starttls" | "auth" | "idle" | "mail" | "broken"

export type ClientOptions = {
  /** What we call ourselves: $j. */
  readonly hello: string
  readonly lmtp: boolean
  /** TLS is begun where the peer offers it. */
  readonly startTls?: boolean
}

const ready: Next = { kind: "ready" }
const none: readonly (Fate | undefined)[] = []

/** One session with one peer. */
export class Client {
  offers: PeerOffers = noOffers
  /** Why the session is over, once it is. */
  broken: Broken | undefined
  /** Replies read so far: each gives the peer its time anew. */
  replies = 0
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
  #current: Transaction | undefined
  /** Said behind the current one; its replies follow. */
  #following: Transaction | undefined

  constructor(options: ClientOptions) {
    this.#options = options
    this.#hello = options.lmtp ? "LHLO" : "EHLO"
  }

  /** Whether the message's octets have begun to go out: from here on a loss leaves open whether it arrived. */
  get underWay(): boolean {
    return this.#phase === "mail" && this.#current?.underWay === true
  }

  /** One for each recipient of the transaction; undefined: not decided (452 too many recipients, or the session broke before). */
  get fates(): readonly (Fate | undefined)[] {
    return this.#current?.fates ?? none
  }

  /** The end of the message has been sent and not been answered: the peer may have taken it. */
  get inDoubt(): boolean {
    return this.#phase === "mail" && this.#current?.inDoubt === true
  }

  /** Begins a transaction; the session must be ready. */
  start(work: Work): Next {
    if (this.#phase !== "idle") throw new Error(`a transaction was begun in phase ${this.#phase}`)
    this.#current = this.#transaction(work, this.#current?.dirty ?? false)
    const next = this.#current.begin()
    if (next.kind === "send") this.#phase = "mail"
    return next
  }

  #transaction(work: Work, dirty: boolean): Transaction {
    const { lmtp } = this.#options
    return new Transaction(work, { offers: this.offers, trusted: this.#trusted, lmtp, dirty })
  }

  /**
   * Says the envelope of another message behind the one that has been sent and is not answered (RFC 2920 §3.1: the transfer of a
   * message may be the first of a group); undefined where that is not possible, or nothing of it can be said to this peer.
   */
  follow(work: Work): string | undefined {
    const may = this.#phase === "mail" && this.#current?.isSaid === true && this.offers.pipelining
    if (!may || this.#following !== undefined) return undefined
    const following = this.#transaction(work, false)
    const next = following.begin()
    if (next.kind !== "send") return undefined
    this.#following = following
    return next.text
  }

  /** The transaction that was said behind the last one is the current one now. */
  goOn(): Next {
    this.#current = this.#following
    this.#following = undefined
    return this.#advance()
  }

  /** Octets from the peer. */
  feed(chunk: Buffer): Next {
    this.#reader.feed(chunk)
    return this.#advance()
  }

  /** The message and its end have been handed to the network. */
  contentSent(): Next {
    this.#current?.contentSent()
    return this.#stopped() ?? this.#advance()
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
      if (next.kind === "broken" || next.kind === "followed" || !this.#reader.hasMore) return next
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
      default:
        return this.#current?.awaited ?? "datafinal"
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
      case "mail":
        return this.#mailReply(reply)
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

  #mailReply(reply: Reply): Next | undefined {
    const next = this.#current?.reply(reply)
    if (next === undefined) return undefined
    if ("nonsense" in next) return this.#nonsense(next)
    if ("turnedAway" in next) return this.#turnedAway(next.turnedAway, next.to)
    if (next.kind !== "ready") return next
    if (this.#following !== undefined) return { kind: "followed" }
    this.#phase = "idle"
    return next
  }

  #nonsense({ nonsense }: Nonsense): Next {
    return this.#break({ says: `the peer ${nonsense}`, status: "4.5.0", reply: undefined, permanent: false })
  }

  #break(broken: Broken): Next {
    this.broken ??= broken
    if (this.#phase === "mail") this.#current?.lost(this.broken)
    this.#phase = "broken"
    return { kind: "broken", broken: this.broken }
  }
}

function encoded(text: string): string {
  return Buffer.from(text, "utf8").toString("base64")
}
