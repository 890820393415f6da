// The log as a start finds it: what was accepted after the mark and is not done yet.
import { type Folders, setAsideOctets } from "./bodies.ts"
import type { Mark } from "./journal.ts"
import { block, readRecords } from "./log-records.ts"
import { readSegment, segmentNumbers } from "./log-segments.ts"
import { type OpenRows, openRows, strikeOff } from "./open-rows.ts"
import type { SettledRow } from "./requests.ts"

type Found = Omit<SettledRow, "pending" | "stays"> & { readonly open: OpenRows }

/** What the log has from the mark on. Whoever reads what is there twice finds the same. */
export function replay(folders: Folders, mark: Mark, log: (line: string) => void): readonly Found[] {
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
        found.set(record.id, { ...rest, segment: number, open: openRows(pending) })
        continue
      }
      const one = found.get(record.id)
      if (one === undefined) continue // it was settled, or is over
      strikeOff(one.open, record)
      if (one.open.size === 0) found.delete(record.id)
    }
  }
  return [...found.values()]
}
