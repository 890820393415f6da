// Finds the messages of an mbox file: where each begins and ends, and what its header says. Reads by piece, so that a mailbox of
// gigabytes costs only its index.
import { readSync } from "node:fs"
import { setImmediate as breathe } from "node:timers/promises"
import { first, scanHeader } from "../message/header.ts"
import { type Flags, type Listed, summarize } from "./summary.ts"

/** A message as it lies in the file, from its From_ line up to the next one's. */
export type Lying = Listed & {
  readonly start: number
  /** After the From_ line. */
  readonly headerStart: number
  readonly end: number
  /** Finds it again after another program has rewritten the file. */
  readonly identity: string
}

const piece = 1 << 20
/** Longer ones are no From_ lines, and no header's summary needs more. */
const longestFromLine = 512
const longestHeader = 1 << 18

const lineFrom = Buffer.from("\nFrom ")
const lf = 0x0a

/** All messages from `from` on, which is where a From_ line must stand, up to `size`. */
export async function scanMbox(
  fd: number,
  from: number,
  size: number,
  nextKey: () => string,
): Promise<Lying[]> {
  const starts = await findStarts(fd, from, size)
  const found: Lying[] = []
  const window = Buffer.allocUnsafe(piece)
  let windowAt = 0
  let filled = 0
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? size
    const wanted = Math.min(end - start, longestHeader)
    if (start < windowAt || start + wanted > windowAt + filled) {
      windowAt = start
      filled = readFully(fd, window, Math.min(piece, size - start), start)
      if (i % 64 === 0) await breathe()
    }
    const octets = window.subarray(start - windowAt, Math.min(start - windowAt + wanted, filled))
    found.push(lyingAt(octets, start, end, nextKey()))
  }
  return found
}

async function findStarts(fd: number, from: number, size: number): Promise<number[]> {
  const starts: number[] = []
  const buffer = Buffer.allocUnsafe(piece + longestFromLine)
  for (let at = from; at < size; at += piece) {
    // One octet before the piece, so that a From_ line at its very beginning has its line end.
    const lead = at === 0 ? 0 : 1
    const filled = readFully(fd, buffer, Math.min(buffer.length, size - at + lead), at - lead)
    const octets = buffer.subarray(0, filled)
    if (at === from && isFromLine(octets, lead)) starts.push(at)
    for (let hit = octets.indexOf(lineFrom); hit >= 0; hit = octets.indexOf(lineFrom, hit + 1)) {
      const start = at - lead + hit + 1
      if (start >= at + piece) break // the next piece finds it
      if (start > from && isFromLine(octets, hit + 1)) starts.push(start)
    }
    await breathe()
  }
  return starts
}

/** `From sender date`: with a time and a year, so that an unquoted "From here on…" of a careless writer stays in its message. */
function isFromLine(octets: Buffer, at: number): boolean {
  if (octets.toString("latin1", at, at + 5) !== "From ") return false
  const end = octets.indexOf(lf, at)
  const line = octets.toString("latin1", at, end < 0 ? octets.length : Math.min(end, at + longestFromLine))
  return /^From .*\d:\d\d.* \d{4}\b/.test(line)
}

function lyingAt(octets: Buffer, start: number, end: number, key: string): Lying {
  const lineEnd = octets.indexOf(lf) + 1 || octets.length
  const fromLine = octets.toString("latin1", 0, lineEnd).trimEnd()
  const header = scanHeader(octets.subarray(lineEnd))
  const summary = summarize(header)
  const flags = flagsOf(first(header, "status") ?? "", first(header, "x-status") ?? "")
  return {
    key,
    start,
    headerStart: start + lineEnd,
    end,
    received: dateOf(fromLine) ?? summary.date ?? 0,
    size: end - start - lineEnd,
    flags,
    summary,
    identity: `${fromLine}\n${summary.messageId}\n${summary.subject}`,
  }
}

/** The date of a From_ line, whatever stands between it and the sender (mutt, procmail and sendmail differ in blanks and zones). */
function dateOf(fromLine: string): number | undefined {
  const found =
    /(?:[A-Z][a-z]{2},? )?([A-Z][a-z]{2}) +(\d{1,2}) +(\d{1,2}:\d\d(?::\d\d)?)(?: [A-Z]{3,4})?((?: [+-]\d{4})?) (\d{4})/.exec(
      fromLine,
    )
  if (found === null) return undefined
  const [, month, day, time, zone, year] = found
  const at = Date.parse(`${month} ${day} ${year} ${time}${zone ?? ""}`) // local time: so do all who write it
  return Number.isNaN(at) ? undefined : at
}

/** Status: and X-Status: as mailx, mutt, alpine and Dovecot write them. */
export function flagsOf(status: string, more: string): Flags {
  return sharedFlags({
    seen: status.includes("R"),
    recent: !/[RO]/.test(status),
    answered: more.includes("A"),
    flagged: more.includes("F"),
    draft: more.includes("T"),
    deleted: more.includes("D"),
  })
}

const known = new Map<string, Flags>()

/** The one object that all messages with these flags have: there are few, and messages many. */
export function sharedFlags(flags: Flags): Flags {
  const fields = statusFields(flags, "\n")
  const found = known.get(fields)
  if (found !== undefined) return found
  known.set(fields, flags)
  return flags
}

/** The two fields for these flags, with line ends; empty where there is nothing to say. */
export function statusFields(flags: Flags, lineEnd: string): string {
  const status = `${flags.seen ? "R" : ""}${flags.recent ? "" : "O"}`
  const more = `${flags.answered ? "A" : ""}${flags.flagged ? "F" : ""}${flags.draft ? "T" : ""}${flags.deleted ? "D" : ""}`
  return `${status === "" ? "" : `Status: ${status}${lineEnd}`}${more === "" ? "" : `X-Status: ${more}${lineEnd}`}`
}

/** Room for so many octets: in what was given, else new. */
export function roomFor(length: number, room: Buffer | undefined): Buffer {
  return room !== undefined && room.length >= length ? room.subarray(0, length) : Buffer.allocUnsafe(length)
}

/** Reads as much as there is, up to `length`. */
export function readFully(fd: number, into: Buffer, length: number, at: number): number {
  let done = 0
  while (done < length) {
    const got = readSync(fd, into, done, length - done, at + done)
    if (got === 0) break
    done += got
  }
  return done
}
