// The contract of the console: what each address of its HTTP API is asked and what it answers, as types, and one function that
// calls it. The pages, the server and the tests share this file; it runs in browsers, so it imports types only.
import type { Entry, Pending } from "../queue/entry.ts"
import type { Event, Remembered } from "../spool/spool.ts"
import type { Explained } from "../routing/explain-address.ts"

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

/** As a line of `waypost queue list --json`. */
export type QueueLine = {
  readonly id: string
  readonly size: number
  readonly acceptedAt: string
  readonly sender: string
  readonly messageId: string
  readonly subject: string
  readonly from: string
  readonly held: string | false
  readonly recipients: readonly {
    readonly address: string
    readonly from?: string | undefined
    readonly attempts: number
    readonly nextAttempt?: string | undefined
    readonly status?: string | undefined
    readonly text?: string | undefined
    readonly remote?: string | undefined
  }[]
}

/** Which messages are meant; all that is given must hold. `older` is an age: 45s, 30m, 4h, 2d. */
export type QueueFilter = {
  readonly ids?: readonly string[]
  readonly to?: string
  readonly from?: string
  readonly reason?: string
  readonly older?: string
  readonly state?: "any" | "held" | "waiting"
}

export type QueuePage = {
  readonly messages: readonly QueueLine[]
  /** Give it as `cursor` for the next page; absent on the last one. */
  readonly cursor?: string
  /** All messages of the queue, whatever the filter. */
  readonly total: number
}

export type QueueVerb = "hold" | "release" | "remove" | "retry"

/** `all: true` must be said when the filter is empty. `preview` counts and lists, and changes nothing. */
export type QueueChange = QueueFilter & {
  readonly preview?: boolean
  readonly all?: boolean
  readonly because?: string
}

/** How many are meant, or were done; the first hundred of them by name. */
export type QueueChanged = {
  readonly count: number
  readonly messages: readonly QueueLine[]
  readonly done: boolean
}

/** An address, with whoever sends and connects; or a session; or a whole message. All is asked of the running system. */
export type ExplainAsked =
  | { readonly kind: "address"; readonly address: string; readonly from?: string; readonly client?: string }
  | {
      readonly kind: "session"
      readonly client: string
      readonly helo?: string
      readonly from: string
      readonly to: readonly string[]
    }
  | {
      readonly kind: "message"
      readonly client?: string
      readonly helo?: string
      /** Envelope; without them Return-Path/From and To/Cc of the message. */
      readonly from?: string
      readonly to?: readonly string[]
      readonly message: string
    }

/** A step of a rehearsed session: what a client would say and hear, and why. */
export type RehearsedStep = {
  readonly says: string
  readonly outcome: "yes" | "no" | "later" | "pass"
  readonly reply: string
  /** Lines with file:line. */
  readonly reasons: readonly string[]
}

/** A node of the tree of aliases and .forward files. */
export type ExplainTree = {
  readonly address: string
  readonly says: string
  readonly at?: string
  readonly fate: "expanded" | "delivered" | "refused" | "later" | "loop"
  readonly under: readonly ExplainTree[]
}

export type ExplainAnswer = {
  /** `waypost explain ADDRESS --json`, for each recipient. */
  readonly explained: readonly (Explained & { readonly tree?: ExplainTree })[]
  /** For a session or a message. */
  readonly session: readonly RehearsedStep[]
  /** Header fields before and after rewriting (masquerading, genericstable), for a message. */
  readonly header: readonly {
    readonly name: string
    readonly before: string
    readonly after: string
    readonly why?: string
  }[]
}

/** A line of a configuration file and what it does. */
export type ConfigLine = { readonly line: number; readonly text: string; readonly does: string }

export type ConfigIssue = {
  readonly severity: "error" | "warning"
  readonly message: string
  readonly at?: string
  readonly line?: number
  readonly column?: number
  readonly hint?: string
}

export type ConfigFile = {
  readonly file: string
  /** "mc": the configuration; "map": the source of a table; "class": names of a class. */
  readonly kind: "mc" | "map" | "class"
  /** The table's name (access, virtusertable), or the class. */
  readonly name: string
  readonly text: string
  readonly lines: readonly ConfigLine[]
  readonly issues: readonly ConfigIssue[]
  readonly writable: boolean
  /** Why not. */
  readonly locked?: string
  /** Goes back with a write: a file that has changed meanwhile is not overwritten. */
  readonly version: string
}

export type Config = {
  readonly source: string
  readonly files: readonly ConfigFile[]
  /** As `waypost config --diff --json`. */
  readonly settings: unknown
}

export type ConfigTry = {
  readonly file: string
  readonly text: string
  /** Addresses for the what-if, beside those that mail came for lately. */
  readonly addresses?: readonly string[]
}

export type DiffLine = {
  readonly kind: "same" | "removed" | "added"
  readonly text: string
  readonly before?: number
  readonly after?: number
}

/** What would be decided otherwise. */
export type WhatIf = {
  readonly address: string
  readonly before: string
  readonly after: string
  readonly beforeReasons: readonly string[]
  readonly afterReasons: readonly string[]
}

export type ConfigTried = {
  readonly file: string
  readonly diff: readonly DiffLine[]
  readonly issues: readonly ConfigIssue[]
  /** Undefined when the text cannot be used. */
  readonly whatif?: { readonly asked: number; readonly changed: readonly WhatIf[] }
  readonly version: string
}

export type ConfigWrite = {
  readonly file: string
  readonly text: string
  /** Of the file that the text was made from. */
  readonly version: string
  /** Said by the person, not by the page. */
  readonly confirm: true
}

export type ConfigWritten = { readonly file: string; readonly version: string; readonly reloaded: boolean }

export type ForensicsAsked = ({ readonly text: string } | { readonly id: string }) & {
  readonly receiver?: string
  readonly trusted?: readonly string[]
}

export type ForensicHop = {
  readonly hop: number
  readonly by: string | null
  readonly helo: string | null
  readonly reverse: string | null
  readonly address: string | null
  readonly protocol: string | null
  readonly id: string | null
  readonly maker: string
  readonly believed: boolean
  readonly at: string | null
  readonly stepSeconds: number | null
}

export type ForensicFinding = {
  readonly check: string
  readonly kind: string
  readonly hop: number | null
  readonly header: string | null
  readonly severity: "info" | "low" | "medium" | "high" | "critical"
  readonly explanation: string
  readonly evidence: readonly { readonly start: number; readonly end: number }[]
  readonly why: string
  readonly honest: string | null
  readonly settle: string
}

/** As `waypost forensics --json`, and the drawing of --svg, and the header that the spans are of (one character each octet). */
export type Forensics = {
  readonly verdict: "genuine" | "suspicious" | "forged"
  readonly sentence: string
  readonly receiver: string | null
  readonly boundary: number
  readonly hops: readonly ForensicHop[]
  readonly findings: readonly ForensicFinding[]
  readonly header: string
  readonly svg: string
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

/** What an answer was when it was no success. */
export class ApiFailure extends Error {
  readonly code: number
  readonly hint: string | undefined

  constructor(code: number, { error, hint }: ApiError) {
    super(error)
    this.code = code
    this.hint = hint
  }
}

export type CallOptions = {
  /** Of the session; needed for everything but GET. */
  readonly csrf?: string
  /** For `:id`. */
  readonly id?: string
  readonly signal?: AbortSignal
}

/** Calls one; throws an ApiFailure when the answer is no success. The live events are `new EventSource("/api/events")`. */
export async function call<Name extends CallName>(
  name: Name,
  asked: Calls[Name]["in"],
  { csrf, id, signal }: CallOptions = {},
): Promise<Calls[Name]["out"]> {
  const [method = "GET", path = ""] = name.split(" ")
  const where = path.replace(":id", encodeURIComponent(id ?? ""))
  const reads = method === "GET"
  const response = await fetch(reads ? where + queryOf(asked) : where, {
    method,
    headers: {
      accept: "application/json",
      ...(reads ? {} : { "content-type": "application/json" }),
      ...(csrf === undefined ? {} : { "x-csrf-token": csrf }),
    },
    ...(reads ? {} : { body: JSON.stringify(asked) }),
    ...(signal === undefined ? {} : { signal }),
  })
  const answer: unknown = await response.json()
  if (!response.ok) throw new ApiFailure(response.status, errorOf(answer))
  return answer as Calls[Name]["out"] // our own server of our own version: its tests hold it to these types
}

function queryOf(asked: object | undefined): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(asked ?? {}))
    if (value !== undefined) query.set(key, String(value))
  return query.size === 0 ? "" : `?${query}`
}

function errorOf(answer: unknown): ApiError {
  if (typeof answer === "object" && answer !== null && "error" in answer && typeof answer.error === "string")
    return {
      error: answer.error,
      ...("hint" in answer && typeof answer.hint === "string" ? { hint: answer.hint } : {}),
    }
  return { error: "the console answered something that is not understood" }
}
