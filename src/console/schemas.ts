// The contract of the API for programs: the schema of everything that goes in and comes out, by the names of its types.
import type { Entry, Pending } from "../queue/entry.ts"
import type { AskedOf, Remembered } from "../spool/spool.ts"
import type { Reason } from "../mail/decision.ts"
import type { ApiError, Live, Login, Message, Messages, Now, Session, Tokens, Waited } from "./api.ts"
import type { QueueChange, QueueChanged, QueuePage } from "./api-queue.ts"
import {
  either,
  exactly,
  flag,
  inside,
  type JsonSchema,
  listOf,
  number,
  object,
  only,
  text,
  words,
} from "./schema.ts"
import { askingSchemas } from "./schemas-asking.ts"

const time = number("milliseconds since 1970")
const what = words(
  "accepted",
  "delivered",
  "relayed",
  "expanded",
  "deferred",
  "failed",
  "bounced",
  "refused",
  "held",
  "released",
  "removed",
  "retried",
)

const told = object({
  at: time,
  id: text(),
  what,
  address: text(),
  status: text(),
  detail: text(),
  "remote?": text(),
  "reason?": inside<Reason>("why, as a tree"),
  "message?": inside<Remembered>("the message as it was accepted"),
  "asked?": inside<AskedOf>("what the refused question was about"),
  reasons: listOf(text("a line of why, with file:line")),
})

const messageLine = object({
  id: text(),
  at: time,
  what,
  "sender?": text(),
  recipients: listOf(text()),
  subject: text("as it was written: encoded words stay"),
  status: text(),
  detail: text(),
  "remote?": text(),
  session: flag("a refused session, no message"),
})

const queueLine = object({
  id: text(),
  size: number("octets"),
  acceptedAt: text("ISO 8601"),
  sender: text(),
  messageId: text(),
  subject: text(),
  from: text(),
  held: either(text("why"), only(false)),
  recipients: listOf(
    object({
      address: text(),
      "from?": text("the address that was expanded into it"),
      attempts: number(),
      "nextAttempt?": text("ISO 8601"),
      "status?": text(),
      "text?": text("the last words about it"),
      "remote?": text(),
      "queueGroup?": text(),
    }),
  ),
})

const filter = {
  "ids?": listOf(text("a queue id")),
  "to?": text("part of a recipient's address"),
  "from?": text("part of the sender's address"),
  "destination?": text("where it goes, as GET /api/now names it"),
  "reason?": text("part of the words it waits or is held with"),
  "older?": text("accepted longer ago: 45s, 30m, 4h, 2d"),
  "state?": words("any", "held", "waiting"),
} as const

/** By the names of the types in the api files. */
export const schemas: Readonly<Record<string, JsonSchema>> = {
  ...askingSchemas,
  ApiError: exactly<ApiError>()(object({ error: text(), "hint?": text("what to do") })),
  Session: exactly<Session>()(
    object({ user: text(), csrf: text("for X-CSRF-Token"), version: text(), host: text() }),
  ),
  Login: exactly<Login>()(object({ name: text(), password: text(), "totp?": text("six digits") })),
  Live: exactly<Live>()(
    object({
      at: time,
      id: text(),
      what,
      address: text(),
      status: text(),
      detail: text(),
      "sender?": text(),
      "subject?": text(),
    }),
  ),
  Now: exactly<Now>()(
    object({
      at: time,
      host: text(),
      version: text(),
      accepted: number("messages since the start"),
      delivered: number("recipients"),
      deferred: number(),
      failed: number(),
      refused: number("questions of clients"),
      minutes: listOf(object({ at: time, in: number(), out: number(), refused: number() })),
      queue: object({ messages: number(), recipients: number(), held: number(), octets: number() }),
      ages: listOf(number("the upper end of an age column, in minutes")),
      destinations: listOf(
        object({
          destination: text(),
          total: number(),
          counts: listOf(number("of an age; the last is older")),
        }),
      ),
      counting: flag("the destinations are of the count before"),
      refusals: listOf(object({ reason: text(), question: text(), count: number() })),
      health: listOf(
        object({
          name: text(),
          state: words("ok", "warning", "bad", "unknown"),
          says: text(),
          "todo?": text("what to do"),
          "records?": listOf(text("a line for the zone file")),
        }),
      ),
    }),
  ),
  Messages: exactly<Messages>()(object({ messages: listOf(messageLine), more: flag() })),
  Message: exactly<Message>()(
    object({
      id: text(),
      "queued?": inside<{ readonly entry: Entry; readonly pending: readonly Pending[] }>(
        "the entry and its recipients, as waypost show --json has them",
      ),
      "remembered?": inside<Remembered>("the message as it was accepted"),
      "headerText?": text("one character each octet"),
      "damaged?": text("what is wrong with its octets"),
      events: listOf(told),
      envelope: listOf(text("in the words of SMTP")),
      fields: listOf(object({ name: text(), value: text() })),
    }),
  ),
  QueuePage: exactly<QueuePage>()(
    object({
      messages: listOf(queueLine),
      "cursor?": text("of the next page"),
      total: number("of the whole queue"),
    }),
  ),
  QueueChange: exactly<QueueChange>()(
    object({
      ...filter,
      "preview?": flag("only count and list"),
      "all?": flag("must be said where nothing else is named"),
      "because?": text("why, for the timeline"),
    }),
  ),
  QueueChanged: exactly<QueueChanged>()(
    object({ count: number(), messages: listOf(queueLine), done: flag() }, "the first hundred by name"),
  ),
  Waited: exactly<Waited>()(object({ found: flag(), "message?": messageLine })),
  Tokens: exactly<Tokens>()(
    object({ tokens: listOf(object({ name: text(), createdAt: text(), rights: words("read", "write") })) }),
  ),
  Done: object({ ok: only(true) }).json,
  Nothing: object({}).json,
}
