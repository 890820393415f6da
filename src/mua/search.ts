// Finding messages: words, and words with a place (`from:ann subject:"two words" is:unread larger:100k after:2026-11-01`).
// The whole question is asked of a list's rows, as quickly as one types; what `body:` asks needs the messages themselves.
import type { Listed } from "./summary.ts"

/** One demand; all must be met. */
export type Demand = { readonly not: boolean; readonly met: (listed: Listed) => boolean }

export type Query = {
  readonly demands: readonly Demand[]
  /** What must stand in the text of the message, in lower case. */
  readonly body: readonly { readonly not: boolean; readonly text: string }[]
}

/** Reads what was typed; a word with an unknown place is just a word, since people type while we read. */
export function parseQuery(typed: string, now: number): Query {
  const demands: Demand[] = []
  const body: { not: boolean; text: string }[] = []
  for (const [, minus, place = "", quoted, bare] of typed.matchAll(
    /(-)?(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))/gi,
  )) {
    const text = (quoted ?? bare ?? "").toLowerCase()
    const not = minus !== undefined
    if (place.toLowerCase() === "body") body.push({ not, text })
    else demands.push({ not, met: demandOf(place.toLowerCase(), text, now) })
  }
  return { demands, body }
}

/** Whether a list's row meets what can be asked of it. */
export function matches(listed: Listed, { demands }: Query): boolean {
  return demands.every(({ not, met }) => met(listed) !== not)
}

function demandOf(place: string, text: string, now: number): (listed: Listed) => boolean {
  switch (place) {
    case "from":
    case "f":
      return ({ summary: { from } }) => has(from.name, text) || has(from.address, text)
    case "to":
    case "t":
      return ({ summary: { to } }) => to.some(({ name, address }) => has(name, text) || has(address, text))
    case "subject":
    case "s":
      return ({ summary }) => has(summary.subject, text)
    case "id":
      return ({ summary }) => has(summary.messageId, text)
    case "is":
      return stateDemand(text)
    case "larger":
      return ({ size }) => size > octetsOf(text)
    case "smaller":
      return ({ size }) => size < octetsOf(text)
    case "after":
      return since(timeOf(text, now))
    case "before": {
      const after = since(timeOf(text, now))
      return (listed) => !after(listed)
    }
    default:
      return anywhere(place === "" ? text : `${place}:${text}`)
  }
}

function has(text: string, part: string): boolean {
  return text.toLowerCase().includes(part)
}

function anywhere(text: string): (listed: Listed) => boolean {
  return ({ summary: { from, to, subject } }) =>
    has(subject, text) ||
    has(from.name, text) ||
    has(from.address, text) ||
    to.some(({ name, address }) => has(name, text) || has(address, text))
}

function stateDemand(state: string): (listed: Listed) => boolean {
  switch (state) {
    case "read":
    case "seen":
      return ({ flags }) => flags.seen
    case "unread":
    case "unseen":
      return ({ flags }) => !flags.seen
    case "new":
      return ({ flags }) => flags.recent
    case "flagged":
      return ({ flags }) => flags.flagged
    case "answered":
      return ({ flags }) => flags.answered
    case "deleted":
      return ({ flags }) => flags.deleted
    case "list":
      return ({ summary }) => summary.list
    default:
      return () => false // still being typed
  }
}

function octetsOf(text: string): number {
  const found = /^(\d+)([kmg]?)/.exec(text)
  if (found === null) return 0
  return (
    Number(found[1]) *
    { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(found[2] ?? "") as "" | "k" | "m" | "g"]
  )
}

function since(time: number | undefined): (listed: Listed) => boolean {
  return ({ received }) => time === undefined || received >= time
}

/** `2026-11-24`, `2026-11`, or `3d`, `2w`: so long ago. */
function timeOf(text: string, now: number): number | undefined {
  const ago = /^(\d+)([hdw])$/.exec(text)
  if (ago !== null) {
    const unit = { h: 3_600_000, d: 86_400_000, w: 604_800_000 }[ago[2] as "h" | "d" | "w"]
    return now - Number(ago[1]) * unit
  }
  const at = /^\d{4}-\d{2}(-\d{2})?$/.test(text)
    ? Date.parse(`${text}${text.length === 7 ? "-01" : ""}T00:00:00`)
    : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
