// How the log's records look: a head of fixed size, a text of lines, a message's octets. A record that was not written whole, that
// changed, that an earlier use of the file left behind, or that somebody put into the octets of his message is known by its
// checksum: each segment has a key of its own, which nobody outside can know.
import { crc32 } from "node:zlib"
import type { BodyFileFacts, PendingRow, RecordChange } from "./requests.ts"

/** Records that are written together begin at a multiple of this, so that no sector with older ones is written again. */
export const block = 4096

/** What is accepted, as its record has it; the octets are apart. */
export type AcceptText = {
  readonly id: string
  readonly acceptedAt: number
  readonly held: string | undefined
  readonly json: string
  readonly pending: readonly PendingRow[]
  readonly file: BodyFileFacts | undefined
}

export type LogRecord =
  | ({
      readonly kind: "accept"
      /** Where its octets lie in the segment, how many, and their checksum. */
      readonly at: number
      readonly length: number
      readonly crc: number
    } & AcceptText)
  | RecordChange

const kinds = { accept: 0x41795770, record: 0x52795770 } as const
/** Kind, mark, octets of the text, octets of the message, checksum of the message, checksum of all before and the text. */
const head = 24
const guarded = 20

/** What the records of one segment are marked with; two random numbers of 32 bits. */
export type SegmentKey = { readonly mark: number; readonly seed: number }

/** Octets that a record may need at most. */
export function roomFor(text: string, octets: number): number {
  return head + text.length * 3 + octets
}

/** Writes a record into `into` at `at`; where its octets begin, where it ends, and their checksum. */
export function putRecord(
  into: Buffer,
  at: number,
  { mark, seed }: SegmentKey,
  kind: keyof typeof kinds,
  text: string,
  octets: Uint8Array,
): { readonly start: number; readonly end: number; readonly crc: number } {
  const length = into.write(text, at + head, "utf8")
  const crc = crc32(octets)
  into.writeUInt32LE(kinds[kind], at)
  into.writeUInt32LE(mark, at + 4)
  into.writeUInt32LE(length, at + 8)
  into.writeUInt32LE(octets.length, at + 12)
  into.writeUInt32LE(crc, at + 16)
  const start = at + head + length
  into.writeUInt32LE(
    crc32(into.subarray(at + head, start), crc32(into.subarray(at, at + guarded), seed)),
    at + 20,
  )
  into.set(octets, start)
  return { start, end: start + octets.length, crc }
}

/** The records of a segment from `from` on, and where octets between them are none. */
export function readRecords(
  octets: Buffer,
  key: SegmentKey,
  from: number,
): {
  readonly records: readonly LogRecord[]
  readonly gaps: readonly { readonly from: number; readonly to: number }[]
} {
  const records: LogRecord[] = []
  const gaps: { from: number; to: number }[] = []
  let gap = from
  // A group may be torn, and the ones after it were then never acknowledged: they are read where they are whole all the same.
  for (let at = from; at + head <= octets.length; ) {
    const found = readRecord(octets, at, key)
    if (found === undefined) {
      at = nextBlock(at + 1)
      continue
    }
    if (at > gap) gaps.push({ from: gap, to: at })
    records.push(found.record)
    at = found.end
    gap = nextBlock(at)
  }
  return { records, gaps }
}

/** The first multiple of a block that is not before `at`. */
function nextBlock(at: number): number {
  return Math.ceil(at / block) * block
}

function readRecord(
  octets: Buffer,
  at: number,
  { mark, seed }: SegmentKey,
): { readonly record: LogRecord; readonly end: number } | undefined {
  const kind = octets.readUInt32LE(at)
  if ((kind !== kinds.accept && kind !== kinds.record) || octets.readUInt32LE(at + 4) !== mark)
    return undefined
  const start = at + head + octets.readUInt32LE(at + 8)
  const length = octets.readUInt32LE(at + 12)
  const end = start + length
  if (end > octets.length) return undefined
  const text = octets.subarray(at + head, start)
  if (crc32(text, crc32(octets.subarray(at, at + guarded), seed)) !== octets.readUInt32LE(at + 20))
    return undefined
  const crc = octets.readUInt32LE(at + 16)
  if (crc32(octets.subarray(start, end)) !== crc) return undefined
  const lines = text.toString("utf8").split("\n")
  const record =
    kind === kinds.accept
      ? { kind: "accept" as const, at: start, length, crc, ...readAccept(lines) }
      : readOutcome(lines)
  return { record, end }
}

/** JSON has no line ends of its own, so a line for each part is enough. */
export function printAccept({ id, acceptedAt, held, json, pending, file }: AcceptText): string {
  const facts = file === undefined ? "" : ` ${file.size} ${file.crc}`
  const [first] = pending
  const rows =
    pending.length === 1 && first !== undefined ? printRow(first) : pending.map(printRow).join("\n")
  return `${id} ${acceptedAt}${facts}\n${json}\n${held ?? ""}\n${rows}`
}

function readAccept([first = "", json = "", held = "", ...rows]: readonly string[]): AcceptText {
  const [id = "", acceptedAt, size, crc] = first.split(" ")
  return {
    id,
    acceptedAt: Number(acceptedAt),
    held: held === "" ? undefined : held,
    json,
    pending: rows.map(readRow),
    file: size === undefined ? undefined : { size: Number(size), crc: Number(crc) },
  }
}

export function printOutcome({ id, done, update, add }: RecordChange): string {
  const rows = [...update, ...add].map((row) => `\n${printRow(row)}`).join("")
  return `${id} ${update.length}\n${done.join(" ")}${rows}`
}

function readOutcome([first = "", done = "", ...rest]: readonly string[]): RecordChange {
  const [id = "", updates] = first.split(" ")
  const rows = rest.map(readRow)
  return {
    kind: "record",
    id,
    done: done === "" ? [] : done.split(" ").map(Number),
    update: rows.slice(0, Number(updates)),
    add: rows.slice(Number(updates)),
  }
}

function printRow({ number, next, lane, json }: PendingRow): string {
  return `${number} ${next} ${lane} ${json}`
}

function readRow(line: string): PendingRow {
  const [number = "", next = "", lane = ""] = line.split(" ", 3)
  const json = line.slice(number.length + next.length + lane.length + 3)
  return { number: Number(number), next: Number(next), lane: Number(lane), json }
}
