// The contract of the console: what each address of its HTTP API is asked and what it answers, as types. The pages, the server and
// the tests share it; schemas.ts holds the same for programs.
import type { Entry, Pending } from "../queue/entry.ts"
import type { Event, Remembered } from "../spool/spool.ts"
import type { Config, ConfigTried, ConfigTry, ConfigWrite, ConfigWritten } from "./api-config.ts"
import type { ExplainAnswer, ExplainAsked } from "./api-explain.ts"
import type { Forensics, ForensicsAsked } from "./api-forensics.ts"
import type { QueueChange, QueueChanged, QueueFilter, QueuePage } from "./api-queue.ts"

/** Every failure. `hint` says what to do. */
export type ApiError = { readonly error: string; readonly hint?: string }

/** Who is logged in. `csrf` goes into the header X-CSRF-Token of each request that changes something. */
export type Session = {
  /** "link": came by the one-time link; else a name of the users file. */
  readonly user: string
  readonly csrf: string
  readonly version: string
  readonly host: string
}

export type Login = { readonly name: string; readonly password: string; readonly totp?: string }

/** An event with its reasons printed: what `waypost show` and `waypost trace` tell. */
export type Told = Event & { readonly reasons: readonly string[] }

/** What `GET /api/events` sends, one JSON object for each SSE message; `subject` where it is known. */
export type Live = {
  readonly at: number
  readonly id: string
  readonly what: Event["what"]
  readonly address: string
  readonly status: string
  readonly detail: string
  readonly sender?: string
  readonly subject?: string
}

/** One destination of `waypost queue summary --json`; counts are of the ages in `Now.ages`, the last one is older. */
export type Destination = {
  readonly destination: string
  readonly total: number
  readonly counts: readonly number[]
}

/** One thing that is looked at; `todo` says what to do when it is not well. */
export type Health = {
  readonly name: string
  readonly state: "ok" | "warning" | "bad" | "unknown"
  readonly says: string
  readonly todo?: string
  /** Lines to copy: DNS records as a zone file has them. */
  readonly records?: readonly string[]
}

export type Refusals = { readonly reason: string; readonly question: string; readonly count: number }

export type Now = {
  readonly at: number
  readonly host: string
  readonly version: string
  /** Since the mail process began. */
  readonly accepted: number
  readonly delivered: number
  readonly deferred: number
  readonly failed: number
  readonly refused: number
  /** Events a minute of the last hour, the oldest first. */
  readonly minutes: readonly {
    readonly at: number
    readonly in: number
    readonly out: number
    readonly refused: number
  }[]
  readonly queue: {
    readonly messages: number
    readonly recipients: number
    readonly held: number
    readonly octets: number
  }
  /** Upper ends of the age columns, in minutes. */
  readonly ages: readonly number[]
  readonly destinations: readonly Destination[]
  /** The queue is long and still being counted: `destinations` are those of the count before, or none yet. */
  readonly counting: boolean
  readonly refusals: readonly Refusals[]
  readonly health: readonly Health[]
}

/** A line of the list of messages and refused sessions. */
export type MessageLine = {
  readonly id: string
  readonly at: number
  /** The newest event. */
  readonly what: Event["what"]
  readonly sender: string | undefined
  readonly recipients: readonly string[]
  readonly subject: string
  readonly status: string
  readonly detail: string
  readonly remote: string | undefined
  readonly session: boolean
}

export type Messages = { readonly messages: readonly MessageLine[]; readonly more: boolean }

/** As `waypost show ID --json`, and the header's fields one by one. */
export type Message = {
  readonly id: string
  readonly queued?: { readonly entry: Entry; readonly pending: readonly Pending[] }
  readonly remembered?: Remembered
  readonly headerText?: string
  readonly damaged?: string
  readonly events: readonly Told[]
  /** The envelope in the words of SMTP: `MAIL FROM:<…>`. */
  readonly envelope: readonly string[]
  readonly fields: readonly { readonly name: string; readonly value: string }[]
}

export type Waited = { readonly found: boolean; readonly message?: MessageLine }

export type Tokens = {
  readonly tokens: readonly {
    readonly name: string
    readonly createdAt: string
    readonly rights: "read" | "write"
  }[]
}

/** Method and path of each call: what goes in and what comes out. */
export type Calls = {
  "GET /api/session": { in: undefined; out: Session }
  "POST /api/login": { in: Login; out: Session }
  "POST /api/logout": { in: Record<string, never>; out: { readonly ok: true } }
  "GET /api/now": { in: undefined; out: Now }
  "GET /api/messages": { in: { readonly q?: string; readonly limit?: number }; out: Messages }
  "GET /api/messages/:id": { in: undefined; out: Message }
  "GET /api/queue": {
    in: Omit<QueueFilter, "ids"> & { readonly cursor?: string; readonly limit?: number }
    out: QueuePage
  }
  "POST /api/queue/hold": { in: QueueChange; out: QueueChanged }
  "POST /api/queue/release": { in: QueueChange; out: QueueChanged }
  "POST /api/queue/remove": { in: QueueChange; out: QueueChanged }
  "POST /api/queue/retry": { in: QueueChange; out: QueueChanged }
  "POST /api/explain": { in: ExplainAsked; out: ExplainAnswer }
  "GET /api/config": { in: undefined; out: Config }
  "POST /api/config/try": { in: ConfigTry; out: ConfigTried }
  "PUT /api/config/file": { in: ConfigWrite; out: ConfigWritten }
  "POST /api/forensics": { in: ForensicsAsked; out: Forensics }
  "GET /api/wait": {
    in: { readonly to?: string; readonly subject?: string; readonly from?: string; readonly timeout?: string }
    out: Waited
  }
  "GET /api/tokens": { in: undefined; out: Tokens }
}

/** A call's name: its method and its path. */
export type CallName = keyof Calls
