// The log as a start finds it: what was accepted after the mark and is not done yet.
import { type Folders, setAsideOctets } from "./bodies.ts"
import { block, readRecords } from "./log-records.ts"
import { readSegment, segmentNumbers } from "./log-segments.ts"
import type { PendingRow, SettledRow } from "./requests.ts"

type Found = Omit<SettledRow, "pending"> & { readonly open: Map<number, PendingRow> }

/** Rows for all that the log has from the mark on. Whoever reads what is there twice finds the same. */
export function replay(
  folders: Folders,
  mark: { readonly segment: number; readonly at: number },
  log: (line: string) => void,
): readonly SettledRow[] {
  const found = new Map<string, Found>()
  for (const number of segmentNumbers(folders.log)) {
    if (number < mark.segment) continue
    const segment = readSegment(folders.log, number)
    if (segment === undefined) continue // never begun
    const { records, gaps } = readRecords(
      segment.octets,
      segment.key,
      Math.max(block, number === mark.segment ? mark.at : 0),
    )
    for (const { from, to } of gaps) {
      const name = `${number}.${from}`
      setAsideOctets(folders, name, ".log", segment.octets.subarray(from, to))
      log(
        `octets ${from} to ${to} of log/${number} are no records, as a power cut or a damaged disk leaves them: they are in damaged/${name}.log`,
      )
    }
    for (const record of records) {
      if (record.kind === "accept") {
        const { pending, ...rest } = record
        const open = new Map(pending.map((row) => [row.number, row]))
        found.set(record.id, { ...rest, segment: number, stays: false, open })
      } else if (record.kind === "record") strikeOff(found, record)
    }
  }
  return [...found.values()].map(({ open, ...row }) => ({ ...row, pending: [...open.values()] }))
}

function strikeOff(
  found: Map<string, Found>,
  {
    id,
    done,
    update,
    add,
  }: { id: string; done: readonly number[]; update: readonly PendingRow[]; add: readonly PendingRow[] },
): void {
  const one = found.get(id)
  if (one === undefined) return
  for (const number of done) one.open.delete(number)
  for (const row of update) if (one.open.has(row.number)) one.open.set(row.number, row)
  for (const row of add) one.open.set(row.number, row)
  if (one.open.size === 0) found.delete(id)
}
