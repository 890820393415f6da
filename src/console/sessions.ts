// Who is in: one-time links, and the sessions that begin with them or with a password. Kept in memory alone: a restart of the console
// logs everybody out. Secrets are kept as hashes, so that looking one up tells nothing by its time.
import { createHash, randomBytes } from "node:crypto"
import type { Clock } from "../mail/world.ts"

export type Person = {
  /** A name of the users file, `link`, or `token NAME`. */
  readonly user: string
  readonly rights: "read" | "write"
  /** Undefined for tokens: nothing but the program itself sends them. */
  readonly csrf: string | undefined
}

export type Opened = { readonly cookie: string; readonly person: Person }

const minute = 60_000
const linkFor = 10 * minute
const idleFor = 12 * 60 * minute
const longest = 7 * 24 * 60 * minute
/** More sessions than this are not kept: the one that was idle longest goes. */
const mostSessions = 500
const mostLinks = 20

type Kept = { readonly person: Person; readonly since: number; seen: number }

export class Sessions {
  readonly #clock: Clock
  readonly #links = new Map<string, number>()
  readonly #sessions = new Map<string, Kept>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A fresh link's secret, good once, for ten minutes. */
  newLink(): string {
    const secret = randomBytes(24).toString("base64url")
    this.addLink(secret)
    return secret
  }

  addLink(secret: string): void {
    this.#links.set(hashed(secret), this.#clock() + linkFor)
    for (const key of this.#links.keys()) if (this.#links.size > mostLinks) this.#links.delete(key)
  }

  /** The session that a link opens; undefined when it was used, is too old, or never was. */
  useLink(secret: string): Opened | undefined {
    const key = hashed(secret)
    const until = this.#links.get(key)
    this.#links.delete(key)
    return until === undefined || until < this.#clock() ? undefined : this.open("link")
  }

  open(user: string): Opened {
    const cookie = randomBytes(32).toString("base64url")
    const person: Person = { user, rights: "write", csrf: randomBytes(24).toString("base64url") }
    const now = this.#clock()
    this.#sessions.set(hashed(cookie), { person, since: now, seen: now })
    for (const key of this.#sessions.keys())
      if (this.#sessions.size > mostSessions) this.#sessions.delete(key)
    return { cookie, person }
  }

  find(cookie: string): Person | undefined {
    const key = hashed(cookie)
    const kept = this.#sessions.get(key)
    if (kept === undefined) return undefined
    const now = this.#clock()
    this.#sessions.delete(key)
    if (now - kept.seen > idleFor || now - kept.since > longest) return undefined
    kept.seen = now
    this.#sessions.set(key, kept) // the last in order is the last seen
    return kept.person
  }

  close(cookie: string): void {
    this.#sessions.delete(hashed(cookie))
  }
}

/** What is kept of a secret. */
export function hashed(secret: string): string {
  return createHash("sha256").update(secret).digest("hex")
}
