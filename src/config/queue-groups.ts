// QUEUE_GROUP(`name', `equates'): which mail is run together, how often and by how many. What an equate means here stands in
// docs/queue.md; there is one queue on disk, so a group has no directory of its own.
import type { Origin } from "../mail/decision.ts"
import { error, type Issue, suggestion, warning } from "./issues.ts"
import type { QueueGroup } from "./settings.ts"
import { parseSeconds } from "./values.ts"

/** The group of whatever no line puts into another (sendmail's name for it). */
export const mainGroup = "mqueue"

type Draft = { -readonly [K in "interval" | "runners" | "jobs" | "recipients"]: number | undefined }

/** Reads the equates; what is wrong with them or comes to nothing is told with the line. */
export function readQueueGroup(
  name: string,
  equates: string,
  at: Origin,
): { readonly group: QueueGroup; readonly issues: readonly Issue[] } {
  const issues: Issue[] = []
  const draft: Draft = { interval: undefined, runners: undefined, jobs: undefined, recipients: undefined }
  const complain = (says: string) => issues.push(error("bad-value", `QUEUE_GROUP(\`${name}'): ${says}`, at))
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) complain("a name has letters, digits, - and _")
  for (const part of equates.split(",").map((one) => one.trim())) {
    if (part === "") continue
    const [, word = "", value = ""] = /^([A-Za-z][^=]*)=(.*)$/s.exec(part) ?? []
    if (word === "") complain(`"=" expected in "${part}"`)
    else readEquate({ word, value: value.trim(), name, at }, draft, issues, complain)
  }
  return { group: { name, equates, at, ...draft }, issues }
}

type Equate = { readonly word: string; readonly value: string; readonly name: string; readonly at: Origin }

function readEquate(
  { word, value, name, at }: Equate,
  draft: Draft,
  issues: Issue[],
  complain: (says: string) => void,
): void {
  const count = (set: (value: number) => void) => {
    if (/^\d{1,9}$/.test(value)) set(Number(value))
    else complain(`${word}= is a number, which "${value}" is not`)
  }
  switch (word[0]) {
    case "P": // a directory: there is one queue on disk
    case "F": // f: several runners, which need no leave here
      return
    case "N":
      issues.push(
        warning(
          "not-supported",
          `QUEUE_GROUP(\`${name}'): ${word}= has no effect: one process runs all groups`,
          at,
        ),
      )
      return
    case "I": {
      const seconds = parseSeconds(value, "m")
      if (!seconds.ok) complain(`${word}=: ${seconds.error}`)
      else if (seconds.value === 0) complain(`${word}= is a time above 0`)
      else draft.interval = seconds.value
      return
    }
    case "R":
      return count((most) => (draft.runners = most === 0 ? undefined : most))
    case "J":
      return count((most) => (draft.jobs = most === 0 ? undefined : most))
    case "r":
      return count((most) => (draft.recipients = most === 0 ? undefined : most))
    default:
      complain(`${word}= is none of Flags, Interval, Jobs, Nice, Path, Runners, recipients`)
  }
}

/** A group that is named and that no line defines. */
export function unknownGroup(
  name: string,
  groups: ReadonlyMap<string, QueueGroup>,
  by: string,
  at: Origin | undefined,
): Issue | undefined {
  if (name === mainGroup || groups.has(name)) return undefined
  return error(
    "bad-value",
    `${by} names the queue group ${name}, which no QUEUE_GROUP defines`,
    at,
    suggestion(name, groups.keys()),
  )
}
