// What an outcome does to the recipients of a message: one rule, for what is told now and for what a start reads in the log.
import type { PendingRow, RecordChange } from "./requests.ts"

/** Recipients that are still to be served, by number. */
export type OpenRows = Map<number, PendingRow>

export function openRows(pending: readonly PendingRow[]): OpenRows {
  const open: OpenRows = new Map()
  for (const row of pending) open.set(row.number, row)
  return open
}

/** Those who are done go, the others are what the outcome says. By how many letters the rows grow. */
export function strikeOff(
  open: OpenRows,
  { done, update, add }: Pick<RecordChange, "done" | "update" | "add">,
): number {
  let letters = 0
  for (const number of done) {
    letters -= open.get(number)?.json.length ?? 0
    open.delete(number)
  }
  for (const row of update) if (open.has(row.number)) letters += put(open, row)
  for (const row of add) letters += put(open, row)
  return letters
}

function put(open: OpenRows, row: PendingRow): number {
  const before = open.get(row.number)?.json.length ?? 0
  open.set(row.number, row)
  return row.json.length - before
}
