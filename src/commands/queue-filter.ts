// Which messages a `waypost queue` command means: ids, and filters that all must hold.
import type { Limit, Selection } from "../queue/select.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Arguments, Option } from "./arguments.ts"

/** The filters that every `waypost queue` command has. */
export const filterOptions: Readonly<Record<string, Option>> = {
  to: { value: "PART", says: "a recipient's address has this part (@example.org)" },
  from: { value: "PART", says: "the sender's address has this part" },
  destination: { value: "HOST", says: "it goes there: as waypost queue summary names it" },
  older: { value: "AGE", says: "accepted longer ago: 45s, 30m, 4h, 2d, 1w" },
  reason: { value: "PART", says: "the words it is put off or held with have this part" },
  group: { value: "NAME", says: "a recipient is of this queue group (QUEUE_GROUP)" },
  held: { says: "only messages that are held" },
  all: { says: "every message" },
}

/** What the control socket is asked for. */
export type Asked = {
  readonly ids?: readonly string[]
  readonly to?: string
  readonly from?: string
  readonly destination?: string
  readonly olderThan?: number
  readonly all?: true
  readonly selection: Selection
}

/** Reads ids and filters; the error says what to write. `needed`: something must be named, at least --all. */
export function askedFor(
  given: Arguments,
  ids: readonly string[],
  now: number,
  needed: boolean,
): Result<Asked> {
  const older = given.text("older")
  const seconds = older === undefined ? undefined : ageInSeconds(older)
  if (older !== undefined && seconds === undefined) return fail("--older is an age: 45s, 30m, 4h, 2d, 1w")
  const reason = given.text("reason")
  const group = given.text("group")
  const limits: readonly Limit[] = [
    ...(reason === undefined ? [] : [{ field: "reason", part: reason, not: false } as const]),
    ...(group === undefined ? [] : [{ field: "group", part: group, not: false } as const]),
  ]
  const [to, from, destination] = [given.text("to"), given.text("from"), given.text("destination")]
  const asked: Asked = {
    ...(ids.length === 0 ? {} : { ids }),
    ...(to === undefined ? {} : { to }),
    ...(from === undefined ? {} : { from }),
    ...(destination === undefined ? {} : { destination }),
    ...(seconds === undefined ? {} : { olderThan: now - seconds * 1000 }),
    selection: { limits, held: given.has("held") ? "only" : "any" },
  }
  const narrow = Object.keys(asked).length > 1 || limits.length > 0 || given.has("held")
  if (narrow && given.has("all"))
    return fail("--all is everything: leave it out, or leave out the ids and filters")
  if (narrow) return ok(given.has("held") ? { ...asked, all: true } : asked)
  if (given.has("all") || !needed) return ok({ ...asked, all: true })
  return fail(
    "name messages by id, or by --to, --from, --destination, --older, --reason, --group, --held, or say --all",
  )
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** "2d", "1h30m"; a number alone is of days, as sendmail's options have it for long times. */
export function ageInSeconds(text: string): number | undefined {
  if (!/^(?:\d{1,6}[smhdw]?)+$/.test(text)) return undefined
  let seconds = 0
  for (const [, count = "", unit] of text.matchAll(/(\d+)([smhdw]?)/g))
    seconds += Number(count) * (units[unit === "" || unit === undefined ? "d" : unit] ?? 0)
  return seconds
}
