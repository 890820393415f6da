// Which messages of the queue somebody means: sendmail's -qI -qR -qS -qQ -qG with and without `!`, and the filters of `waypost queue`.
import { mainGroup } from "../config/queue-groups.ts"
import { printPath } from "../mail/address.ts"
import type { Queued } from "./entry.ts"

/** What a part is looked for in: queue id, recipients, sender, the words a message is held or put off with, queue group. */
export type LimitField = "id" | "recipient" | "sender" | "reason" | "group"

/** One -qXpart: the field has the part (in any case), or with `not` it has not. A queue group is meant by its whole name. */
export type Limit = { readonly field: LimitField; readonly part: string; readonly not: boolean }

export type Selection = {
  /** Several of one field: one must hold. Of different fields: each must (sendmail: queue_limit). */
  readonly limits: readonly Limit[]
  /** Messages that are held: none of them, only they, or as the others. */
  readonly held: "no" | "only" | "any"
}

/** Whether a message is meant. */
export function selects({ limits, held }: Selection, queued: Queued): boolean {
  const isHeld = queued.entry.held !== undefined
  if (held === "no" && isHeld) return false
  if (held === "only" && !isHeld) return false
  return fields.every((field) => {
    const own = limits.filter((limit) => limit.field === field)
    return own.length === 0 || own.some(({ part, not }) => has(queued, field, part) !== not)
  })
}

const fields: readonly LimitField[] = ["id", "recipient", "sender", "reason", "group"]

function has({ entry, pending }: Queued, field: LimitField, part: string): boolean {
  const wanted = part.toLowerCase()
  const holds = (text: string) => text.toLowerCase().includes(wanted)
  switch (field) {
    case "id":
      return entry.id.includes(part) // ids differ in case
    case "sender":
      return holds(printPath(entry.envelope.reversePath))
    case "recipient":
      return pending.some(({ recipient }) => holds(printPath(recipient.path)))
    case "group":
      return pending.some(({ group = mainGroup }) => group === part)
    case "reason":
      return (
        (entry.held !== undefined && holds(entry.held.reason)) ||
        pending.some(({ lastStatus }) => lastStatus !== undefined && holds(lastStatus.text))
      )
  }
}

/** Reads what a command sent over the control socket; what is no selection is an error, never everything. */
export function readSelection(value: unknown): Selection | undefined {
  if (value === undefined) return { limits: [], held: "any" }
  if (typeof value !== "object" || value === null || !("limits" in value) || !("held" in value))
    return undefined
  const { limits, held } = value
  if (!Array.isArray(limits) || !limits.every(isLimit)) return undefined
  return held === "no" || held === "only" || held === "any" ? { limits, held } : undefined
}

function isLimit(value: unknown): value is Limit {
  if (typeof value !== "object" || value === null || !("field" in value)) return false
  if (!("part" in value) || !("not" in value)) return false
  return (
    fields.some((field) => field === value.field) &&
    typeof value.part === "string" &&
    typeof value.not === "boolean"
  )
}
