// The open sessions of all peers: kept for the next message, never more than so many for one peer, and a short memory of peers that
// did not answer, so that not every message waits for a dead host.
import type { Leaving } from "../host/leaving.ts"
import type { Soon } from "../mail/soon.ts"
import type { Broken } from "../smtp/client-fate.ts"
import { type NotOpened, openSession } from "./esmtp-opening.ts"
import type { Peer, Session, SessionTerms } from "./esmtp-session.ts"

export type PoolLimits = {
  /** Sessions open with one peer at a time. */
  readonly sessions: number
  /** Transactions of one session. */
  readonly transactions: number
  /** Milliseconds a session lives at most. */
  readonly ageMs: number
  /** Milliseconds a silent peer is left alone the first time; each failed probe doubles it, up to the most (Timeout.hoststatus). */
  readonly downMs: number
  readonly downMostMs: number
}

/** A session to use, and whether it had been used before: then its loss says nothing about the host. */
export type Lease = { readonly session: Session; readonly reused: boolean }

/** Gets a session that can take one more; nothing: it is time to look again. */
type Waiter = (session?: Session) => void

type Book = { open: number; readonly resting: Session[]; readonly waiting: Waiter[] }

type Trouble = NotOpened & {
  until: number
  /** How long it was left alone, for the next time. */
  readonly waitedMs: number
  /** Resolves when the one attempt that is under way has told whether it lives again. */
  probe: Promise<void> | undefined
}

const mostTroubles = 10_000

/** Owns every session of the mailer. */
export class Pool {
  readonly #terms: SessionTerms
  readonly #limits: PoolLimits
  readonly #books = new Map<string, Book>()
  readonly #troubles = new Map<string, Trouble>()
  /** How many use each: a message may be begun behind another. */
  readonly #sessions = new Map<Session, number>()
  #closing = false
  #emptied: (() => void)[] = []

  constructor(terms: SessionTerms, limits: PoolLimits) {
    this.#terms = terms
    this.#limits = limits
  }

  /** A session with this peer: one that rests, or a new one, or the next that becomes free. */
  lease(peer: Peer, leaving: Leaving | undefined): Soon<Lease | { readonly broken: Broken }> {
    const rested = this.#refusal(peer.key, leaving) === undefined ? this.#rested(peer.key) : undefined
    return rested ?? this.#leaseLater(peer, leaving)
  }

  /** One that rests and still lives. */
  #rested(key: string): Lease | undefined {
    const { resting } = this.#book(key)
    for (let rested = resting.pop(); rested !== undefined; rested = resting.pop()) {
      if (rested.wake()) return this.#reused(rested)
      this.#ended(rested)
    }
    return undefined
  }

  async #leaseLater(peer: Peer, leaving: Leaving | undefined): Promise<Lease | { readonly broken: Broken }> {
    for (;;) {
      const book = this.#book(peer.key)
      const no = this.#refusal(peer.key, leaving)
      if (no !== undefined) {
        book.waiting.shift()?.() // the turn that was ours
        this.#forget(peer.key, book)
        return no
      }
      const rested = this.#rested(peer.key)
      if (rested !== undefined) return rested
      const probe = this.#troubles.get(peer.key)?.probe
      if (probe !== undefined) {
        await probe // one message finds out for all
        const standing = this.standing(peer.key)
        if (standing.state !== "up") return { broken: standing.broken }
        continue
      }
      if (book.open < this.#limits.sessions) return this.#open(peer, book, leaving)
      const given = await new Promise<Session | undefined>((resolve) => book.waiting.push(resolve))
      if (given === undefined) continue
      if (this.#refusal(peer.key, leaving) === undefined) return { session: given, reused: true }
      this.release(given)
    }
  }

  #reused(session: Session): Lease {
    this.#sessions.set(session, 1)
    return { session, reused: true }
  }

  #refusal(key: string, leaving: Leaving | undefined): { readonly broken: Broken } | undefined {
    if (this.#closing || leaving?.begun === true) return { broken: shutDown }
    const standing = this.standing(key)
    return standing.state === "down" ? { broken: standing.broken } : undefined
  }

  /** A new session, whatever rests: for the message that a rested one lost. */
  async fresh(peer: Peer, leaving: Leaving | undefined): Promise<Lease | { readonly broken: Broken }> {
    if (this.#closing || leaving?.begun === true) return { broken: shutDown }
    return this.#open(peer, this.#book(peer.key), leaving)
  }

  /** Back from use: it goes to who waits, rests for the next message, or ends. */
  release(session: Session): void {
    const others = (this.#sessions.get(session) ?? 1) - 1
    this.#sessions.set(session, others)
    if (others > 0) return
    if (this.#isWorn(session) || this.#closing) session.quit()
    const book = this.#book(session.peer.key)
    const next = book.waiting.shift()
    if (session.client.broken !== undefined) {
      this.#ended(session)
      next?.()
    } else if (next !== undefined) {
      this.#sessions.set(session, 1)
      next(session)
    } else {
      book.resting.push(session)
      session.rest(this.#gone)
    }
  }

  /** A session whose message is on its way takes another one along, if somebody waits. */
  readonly #spare = (session: Session): boolean => {
    const { waiting } = this.#book(session.peer.key)
    const next = this.#isWorn(session) || this.#closing ? undefined : waiting.shift()
    if (next === undefined) return false
    this.#sessions.set(session, (this.#sessions.get(session) ?? 0) + 1)
    next(session)
    return true
  }

  #isWorn({ used, openedAt }: Session): boolean {
    const { transactions, ageMs } = this.#limits
    return used >= transactions || performance.now() - openedAt >= ageMs
  }

  /** What is remembered against a peer: `down` is left alone for a while, `avoid` is tried after the others. */
  standing(
    key: string,
  ): { readonly state: "up" } | { readonly state: "avoid" | "down"; readonly broken: Broken } {
    const trouble = this.#troubles.get(key)
    if (trouble === undefined) return up
    if (trouble.until > performance.now())
      return { state: trouble.silent ? "down" : "avoid", broken: trouble.broken }
    // Its time is over: the next that asks is the probe; whoever comes while it is under way goes by what was known.
    return trouble.probe !== undefined && trouble.silent ? { state: "down", broken: trouble.broken } : up
  }

  /** Somebody says that it is worth a try: the next message asks each silent peer again, and the others wait for what it finds out. */
  askAgain(): void {
    const now = performance.now()
    for (const trouble of this.#troubles.values()) trouble.until = Math.min(trouble.until, now)
  }

  /** What is remembered of peers is no more, and sessions that rest end: each peer is met anew. */
  forget(): void {
    this.#troubles.clear()
    this.#endResting()
  }

  #endResting(): void {
    for (const book of [...this.#books.values()]) {
      for (const rested of book.resting.splice(0)) {
        if (rested.wake()) rested.quit()
        this.#ended(rested)
      }
    }
  }

  /** Ends what rests now and what is in use after its transaction; resolves when nothing is open. */
  async close(): Promise<void> {
    this.#closing = true
    this.#endResting()
    for (const book of this.#books.values()) {
      for (const waiter of book.waiting.splice(0)) waiter()
    }
    if (this.#sessions.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve))
  }

  async #open(
    peer: Peer,
    book: Book,
    leaving: Leaving | undefined,
  ): Promise<Lease | { readonly broken: Broken }> {
    book.open++
    const opened = await this.#probing(peer.key, openSession(peer, this.#terms, leaving))
    if ("broken" in opened) {
      book.open--
      if (leaving?.begun !== true) this.#remember(peer.key, opened)
      book.waiting.shift()?.()
      this.#forget(peer.key, book)
      return { broken: opened.broken }
    }
    this.#troubles.delete(peer.key)
    this.#sessions.set(opened.session, 1)
    opened.session.offer(this.#spare)
    return { session: opened.session, reused: false }
  }

  /** An attempt at a peer with a record is its probe until it has ended. */
  async #probing<T>(key: string, attempt: Promise<T>): Promise<T> {
    const trouble = this.#troubles.get(key)
    if (trouble === undefined || trouble.probe !== undefined) return await attempt
    const probe = attempt.then(
      () => {},
      () => {},
    )
    trouble.probe = probe
    try {
      return await attempt
    } finally {
      trouble.probe = undefined
    }
  }

  #remember(key: string, opened: NotOpened): void {
    if (this.#troubles.size >= mostTroubles) {
      const oldest = this.#troubles.keys().next().value
      if (oldest !== undefined) this.#troubles.delete(oldest)
    }
    const before = this.#troubles.get(key)
    this.#troubles.delete(key)
    const now = performance.now()
    const { downMs, downMostMs } = this.#limits
    // A probe that failed after its time doubles the wait; what fails beside it, or before, changes nothing.
    const again = before === undefined ? downMs : before.until <= now ? before.waitedMs * 2 : before.waitedMs
    const waitedMs = Math.min(again, Math.max(downMs, downMostMs))
    const { broken, silent } = opened
    this.#troubles.set(key, { broken, silent, until: now + waitedMs, waitedMs, probe: undefined })
  }

  #book(key: string): Book {
    const known = this.#books.get(key)
    if (known !== undefined) return known
    const book: Book = { open: 0, resting: [], waiting: [] }
    this.#books.set(key, book)
    return book
  }

  readonly #gone = (session: Session): void => {
    const { resting } = this.#book(session.peer.key)
    const at = resting.indexOf(session)
    if (at < 0) return
    resting.splice(at, 1)
    this.#ended(session)
  }

  #ended(session: Session): void {
    if (!this.#sessions.delete(session)) return
    const book = this.#book(session.peer.key)
    book.open--
    this.#forget(session.peer.key, book)
    if (this.#sessions.size > 0) return
    for (const resolve of this.#emptied.splice(0)) resolve()
  }

  #forget(key: string, book: Book): void {
    if (book.open === 0 && book.resting.length === 0 && book.waiting.length === 0) this.#books.delete(key)
  }
}

const up = { state: "up" } as const

const shutDown: Broken = { says: "Shutting down", status: "4.3.2", reply: undefined, permanent: false }
