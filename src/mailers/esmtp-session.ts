// One open SMTP session with a peer: moves octets between the socket and smtp/client.ts, and keeps the limits of time. What to say
// and what it means is decided there; who gets a session is decided in esmtp-pool.ts.
import type { Socket } from "node:net"
import type { Content } from "../mail/content.ts"
import { Deadline } from "../host/deadline.ts"
import { lossWords, type Place } from "../host/net.ts"
import type { Work } from "../smtp/client-commands.ts"
import type { Broken, Fate, TlsFailure } from "../smtp/client-fate.ts"
import { DotStuffer, stuffed } from "../smtp/client-content.ts"
import { type Awaited, Client, type Next } from "../smtp/client.ts"
import type { TlsFacts } from "../mail/arrival.ts"
import type { SecuredSocket } from "../trust/tls-client.ts"
import { type NamedPeer, type PeerSecurity, shown, tlsLine } from "./esmtp-security.ts"
import type { Demand } from "./esmtp-demand.ts"
import type { ClientTimeouts } from "./esmtp-terms.ts"
import type { Proof } from "../trust/dane-verify.ts"

/** A peer and how to speak to it. */
export type Peer = {
  /** Equal for peers whose sessions can stand in for each other. */
  readonly key: string
  readonly place: Place
  readonly lmtp: boolean
  /** Its name, for its certificate and for what access says of it; undefined on a unix socket. */
  readonly host?: string
  /** How long its connection may take, where that is another time than usual (Timeout.iconnect). */
  readonly connectMs?: number
  /** TLS comes before its greeting (RFC 8314 §3.3). */
  readonly implicitTls?: true
  /** TLS has failed with it: it is spoken to in clear text. */
  readonly clear?: true
  /** What it has to prove before it is given mail. */
  readonly demand?: Demand
  /** What is wrong with TLS does not matter: a report of that is what it is given (RFC 8460 §3). */
  readonly despiteTls?: true
}

export type SessionTerms = {
  readonly hello: string
  readonly timeouts: ClientTimeouts
  readonly idleMs: number
  /** TLS and logins; absent: neither. */
  readonly security?: PeerSecurity | undefined
  readonly log?: (line: string) => void
}

/** Hears each line of a transaction; `>>>` is ours. */
export type Listener = (direction: ">>>" | "<<<", line: string) => void

/** A message, and who waits for what becomes of it. */
type Turn = {
  readonly work: Work
  readonly content: Content
  readonly listener: Listener | undefined
  readonly resolve: (fates: readonly (Fate | undefined)[]) => void
  /** Whether it is the one that the client's fates are about. */
  current: boolean
}

/** Milliseconds in which a peer that is quick has taken a message. */
const quickly = 20

type Waiting = Awaited | "datablock"

const stepWords: Readonly<Record<Waiting, string>> = {
  initial: "greet",
  helo: "answer our greeting",
  starttls: "begin TLS",
  auth: "answer AUTH",
  rset: "answer RSET",
  mail: "answer MAIL",
  rcpt: "answer RCPT",
  datainit: "answer DATA",
  datablock: "take the message",
  datafinal: "say whether it took the message",
}

type Secured = Pick<SecuredSocket, "facts" | "proof" | "channel">

/** Owns a socket from its connection to its end. */
export class Session {
  readonly peer: Peer
  readonly client: Client
  /** Transactions begun here. */
  used = 0
  /** When it was opened, by performance.now(). */
  readonly openedAt = performance.now()
  #socket: Socket
  #tls: Secured | undefined
  #tlsFailure: TlsFailure | undefined
  readonly #terms: SessionTerms
  readonly #deadline = new Deadline(() => this.#expire())
  #step: Waiting | undefined
  #replies = 0
  #timedOut = false
  /** Messages that are to be given: the first is being given, the second may have been begun behind it. */
  readonly #turns: Turn[] = []
  /** When the last message had been handed to the network, and whether the peer took its last one within a moment. */
  #saidAt = 0
  #quick = false
  #settle: (() => void) | undefined
  #spare: ((session: Session) => boolean) | undefined
  /** Why it ends after the message that is being given. */
  #leaving: string | undefined
  #gone: ((session: Session) => void) | undefined

  constructor(peer: Peer, socket: Socket, terms: SessionTerms, startTls: boolean) {
    this.peer = peer
    this.#socket = socket
    this.#terms = terms
    this.client = new Client({ hello: terms.hello, lmtp: peer.lmtp, startTls })
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    socket.on("data", (chunk: Buffer) => {
      const listener = this.#turns[0]?.listener
      if (listener !== undefined) hear(listener, "<<<", chunk.toString("latin1"))
      this.#perform(this.client.feed(chunk))
    })
    socket.on("error", (error) => this.#lost(lossWords(error)))
    socket.on("end", () => this.#lost("Connection closed by the peer"))
    socket.on("close", () => this.#closed())
  }

  /** Nobody waits for the peer while we ask ourselves. */
  hold(): void {
    this.#deadline.lift()
  }

  /** Whether it ended because the peer kept silent. */
  get timedOut(): boolean {
    return this.#timedOut
  }

  /** It has been within TLS from its beginning. */
  begunSecure(secured: SecuredSocket): void {
    this.#tls = secured
    this.client.begunSecure(isCertain(secured.facts, secured.proof))
  }

  #tell(line: string): void {
    this.#terms.log?.(line)
  }

  /** Ends it politely: this peer is not to be given mail. */
  breakOff(broken: Broken): void {
    this.client.broken ??= broken
    this.#deadline.lift()
    this.#socket.end("QUIT\r\n")
    this.#socket.destroySoon()
  }

  /** The peer said 220 to STARTTLS. */
  async #startTls(): Promise<void> {
    const { security, timeouts } = this.#terms
    const plain = this.#socket
    this.#deadline.lift()
    plain.removeAllListeners()
    const { localAddress: from } = plain
    const peer = namedPeer(this.peer)
    const begun = peer && (await security?.secure(plain, peer, timeouts.starttls, this.peer.demand?.dane))
    if (begun === undefined || !begun.ok) {
      const why = begun?.error ?? "no TLS"
      if (peer !== undefined) this.#tell(`STARTTLS=client, relay=${shown(peer)}, error: ${why}`)
      plain.on("error", () => {})
      plain.destroy()
      const says = `TLS handshake failed: ${why}`
      const failure = { result: "validation-failure", reason: why, from } as const
      this.client.broken ??= { says, status: "4.7.0", reply: undefined, permanent: false, tls: true, failure }
      return this.#done()
    }
    this.#socket = begun.value.socket
    this.#tls = begun.value
    this.#listen(this.#socket)
    if (peer !== undefined) this.#tell(tlsLine(peer, begun.value.facts))
    this.#perform(this.client.secured(isCertain(begun.value.facts, begun.value.proof)))
  }

  /** What is wrong with TLS, for reports of that: the first thing counts. */
  notes(failure: Omit<TlsFailure, "from">): void {
    this.#tlsFailure ??= { ...failure, from: this.#socket.localAddress }
  }

  /** What was wrong with it; undefined: nothing was. */
  get tlsFailure(): TlsFailure | undefined {
    return this.#tlsFailure
  }

  /** What TLS came to here; undefined in clear text. */
  get tls(): TlsFacts | undefined {
    return this.#tls?.facts
  }

  /** The same with what the peer proved, and with what a login may be bound to. */
  get secured(): Secured | undefined {
    return this.#tls
  }

  /**
   * Gives the message to the peer, after those that it is to be given already; a fate for each recipient, undefined where none was
   * decided.
   */
  transact(work: Work, content: Content, listener?: Listener): Promise<readonly (Fate | undefined)[]> {
    if (this.client.broken !== undefined) return Promise.resolve([])
    this.used++
    return new Promise((resolve) => {
      const turn = { work, content, listener, resolve, current: false }
      this.#turns.push(turn)
      if (this.#turns.length === 1) this.#begin(turn)
      else if (this.#turns.length === 2) this.#beginBehind(turn)
    })
  }

  /** Said behind the message that waits for its answer, it costs neither a write nor a wait of its own. */
  #beginBehind({ work, listener }: Turn): void {
    if (listener !== undefined || this.#turns[0]?.listener !== undefined) return // who looks on sees one after the other
    const envelope = this.client.follow(work)
    if (envelope !== undefined) this.#socket.write(envelope, "utf8")
  }

  #begin(turn: Turn): void {
    turn.current = true
    this.#perform(this.client.start(turn.work))
  }

  /** The first one is over. The next one begins, or goes on where it was said behind it. */
  #over(said: boolean): void {
    this.#quick = performance.now() - this.#saidAt < quickly
    this.#turns.shift()?.resolve(this.client.fates)
    const [next] = this.#turns
    if (this.#leaving !== undefined) return this.#lost(this.#leaving)
    if (next === undefined) return this.#deadline.lift()
    if (!said) return this.#begin(next)
    next.current = true
    this.#perform(this.client.goOn())
  }

  /** `spare` is asked for another message whenever one has been handed to a peer that is quick; false: there is none. */
  offer(spare: (session: Session) => boolean): void {
    this.#spare = spare
  }

  /** Rests until it is used again; `gone` is called if it ends before that. */
  rest(gone: (session: Session) => void): void {
    this.#gone = gone
    this.#deadline.set(this.#terms.idleMs)
    this.#socket.unref()
  }

  /** Back from resting; false when it has ended. */
  wake(): boolean {
    this.#gone = undefined
    this.#deadline.lift()
    this.#socket.ref()
    return this.client.broken === undefined
  }

  /** Ends it now, whatever is going on. */
  abort(says: string): void {
    this.#lost(says)
  }

  /** Ends it now; but a message that the peer may have taken is answered first, and nothing goes on behind it. */
  leave(says: string): void {
    if (this.client.inDoubt) this.#leaving = says
    else this.abort(says)
  }

  /** Says goodbye and closes; the socket waits for the peer's own goodbye for a moment, nobody waits for the socket. */
  quit(): void {
    if (this.client.broken !== undefined) return
    this.client.lost("we said QUIT")
    this.#socket.end("QUIT\r\n") // RFC 5321 §4.1.1.10
    this.#socket.resume()
    this.#deadline.set(this.#terms.timeouts.quit)
  }

  /** Waits for the client to be ready or broken, beginning with `next`. */
  until(next: Next): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve
      this.#perform(next)
    })
  }

  #perform(next: Next): void {
    switch (next.kind) {
      case "wait":
        // Octets that are no whole reply yet win the peer no time.
        if (next.step !== this.#step || this.client.replies !== this.#replies) this.#await(next.step)
        return
      case "send":
        this.#tellListener(next.text)
        this.#socket.write(next.text, "utf8")
        return this.#await(next.step)
      case "start tls":
        void this.#startTls()
        return
      case "content":
        return this.#sendContent(next)
      case "ready":
        return this.#turns.length > 0 ? this.#over(false) : this.#done()
      case "followed":
        return this.#over(true)
      case "broken":
        this.#socket.destroy()
        for (const { resolve, current } of this.#turns.splice(0)) resolve(current ? this.client.fates : [])
        return this.#done()
    }
  }

  #tellListener(text: string): void {
    const listener = this.#turns[0]?.listener
    if (listener !== undefined) hear(listener, ">>>", text)
  }

  #done(): void {
    this.#deadline.lift()
    const settle = this.#settle
    this.#settle = undefined
    settle?.()
  }

  #sendContent(next: Next & { kind: "content" }): void {
    const content = this.#turns[0]?.content
    const bytes = content?.bytes
    if (bytes === undefined) {
      void this.#sendPieces(next, content)
      return
    }
    this.#socket.cork()
    if (next.form === "chunk") {
      this.#socket.write(next.prefix, "latin1")
      this.#socket.write(bytes)
    } else {
      for (const piece of stuffed(bytes)) this.#socket.write(piece)
    }
    this.#perform(this.client.contentSent())
    this.#saidAt = performance.now()
    if (this.#takesAlong()) setImmediate(() => this.#socket.uncork())
    else this.#socket.uncork()
  }

  /** Whether another message comes along: it is there within this turn of the event loop, and its envelope leaves with this message. */
  #takesAlong(): boolean {
    const [, next] = this.#turns
    if (next !== undefined) this.#beginBehind(next)
    return next === undefined && this.#quick && this.#spare?.(this) === true
  }

  /** A message that is not in memory goes out piece by piece, each when the one before has left. */
  async #sendPieces(next: Next & { kind: "content" }, content: Content | undefined): Promise<void> {
    try {
      const stuffer = new DotStuffer()
      if (next.form === "chunk") this.#socket.write(next.prefix, "latin1")
      for await (const piece of content?.chunks() ?? []) {
        if (this.client.broken !== undefined) return
        const out: Buffer[] = []
        if (next.form === "chunk") out.push(piece)
        else stuffer.stuff(piece, out)
        await this.#writeAll(out)
      }
      if (this.client.broken !== undefined) return
      if (next.form === "dots") this.#socket.write(stuffer.end())
      this.#perform(this.client.contentSent())
    } catch (error) {
      // Half a message must never end with a dot: the session ends instead.
      const why = error instanceof Error ? error.message : String(error)
      this.#lost(`The message could not be read from the spool: ${why}`)
    }
  }

  /** Resolves when the pieces have left, or never will: their memory is used again for the next ones. */
  #writeAll(pieces: readonly Buffer[]): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.cork()
      for (const [n, piece] of pieces.entries()) {
        this.#socket.write(piece, n === pieces.length - 1 ? () => resolve() : undefined)
      }
      this.#socket.uncork()
      this.#await("datablock")
    })
  }

  #await(step: Waiting): void {
    this.#step = step
    this.#replies = this.client.replies
    this.#deadline.set(this.#terms.timeouts[step])
  }

  #expire(): void {
    if (this.client.broken !== undefined) return void this.#socket.destroy() // no goodbye of the peer's
    if (this.#gone !== undefined) return this.#retire()
    this.#timedOut = true
    this.#lost(`Timed out: the peer did not ${stepWords[this.#step ?? "initial"]}`)
  }

  /** Rested long enough. */
  #retire(): void {
    const gone = this.#gone
    this.#gone = undefined
    this.quit()
    gone?.(this)
  }

  #lost(says: string): void {
    this.#perform(this.client.lost(says))
  }

  #closed(): void {
    this.#deadline.end()
    if (this.client.broken === undefined) this.#lost("Connection closed by the peer")
    const gone = this.#gone
    this.#gone = undefined
    gone?.(this)
  }
}

/** RFC 8689 §4.2.1: the peer is who it is meant to be, by an authority or by DANE. */
function isCertain(facts: TlsFacts, proof: Proof | undefined): boolean {
  return (facts.verify === "OK" && facts.named === true) || proof?.kept === true
}

/** A host that has a name and an address; a unix socket is this machine's own. */
export function namedPeer({ host, place }: Peer): NamedPeer | undefined {
  return "path" in place || host === undefined ? undefined : { host, address: place.address }
}

/** Line by line; replies of a peer seldom come in pieces, and then a line is heard in two. */
function hear(listener: Listener, direction: ">>>" | "<<<", text: string): void {
  for (const line of text.split("\r\n")) if (line !== "") listener(direction, line)
}
