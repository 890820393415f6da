// Rewriting the end of an mbox in place without ever being able to lose it. In place, because programs that wait for a lock on the
// file they have open would append to a file that is no more; with a journal, because a crash in the middle must not cost mail.
//
// The journal holds everything that is to stand from `first` on. It is synced before the mailbox is touched, and its one status
// octet says how far we came; whoever opens the mailbox next ends what was begun. What others appended after a crash lies behind
// the place where the file ended then, and is kept.
//
// | status | the mailbox | what was appended since begins at |
// | P | as it was; perhaps lengthened with NUL | `after`, or `before` when the octet there is not NUL |
// | E | partly overwritten | the greater of `before` and `after` |
// | W | whole; if it became shorter, NUL stands at `after` until it is cut | `before` when NUL is there, else `after` |
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs"
import { dirname } from "node:path"
import { readFully } from "./mbox-scan.ts"

/** What the journal is for, in its first line. */
type Plan = {
  readonly mailbox: string
  readonly inode: number
  /** From where the mailbox is written anew. */
  readonly first: number
  /** Where it ended before. */
  readonly before: number
  /** Where it ends afterwards. */
  readonly after: number
}

type Status = "P" | "E" | "W"

/** A part of what is to be written: octets, or a range of the mailbox as it is now. */
export type Part = Buffer | { readonly from: number; readonly to: number }

const planLength = 4096
const chunk = 1 << 20

/** Writes `parts` from `first` on, and cuts the mailbox behind them. The mailbox must be locked; `fd` must not be in append mode. */
export function rewrite(
  journal: string,
  mailbox: string,
  fd: number,
  first: number,
  parts: readonly Part[],
): void {
  const { ino, size } = fstatSync(fd)
  const length = parts.reduce((sum, part) => sum + lengthOf(part), 0)
  const plan: Plan = { mailbox, inode: ino, first, before: size, after: first + length }
  prepare(journal, plan, (out) => {
    let at = planLength
    for (const part of parts) at = copyPart(fd, part, out, at)
  })
  carryOut(journal, plan, fd)
}

/** Ends what a crash left undone. `none`: nothing was; `stale`: the mailbox is another by now, the journal was put aside as named. */
export function recover(
  journal: string,
  fd: number,
): { readonly found: "none" | "ended" } | { readonly found: "stale"; readonly kept: string } {
  if (!existsSync(journal)) return { found: "none" }
  const { plan, status } = readPlan(journal)
  const { ino, size } = fstatSync(fd)
  if (plan === undefined || plan.inode !== ino || size < shortest(plan, status)) {
    const kept = `${journal}.${ino}`
    renameSync(journal, kept)
    return { found: "stale", kept }
  }
  const appendedAt = whereAppended(plan, status, fd)
  const now: Plan = { ...plan, before: size, after: plan.after + size - appendedAt }
  const old = openSync(journal, "r")
  try {
    prepare(journal, now, (out) => {
      const at = copy(old, planLength, plan.after - plan.first, out, planLength)
      copy(fd, appendedAt, size - appendedAt, out, at)
    })
  } finally {
    closeSync(old)
  }
  carryOut(journal, now, fd)
  return { found: "ended" }
}

function whereAppended({ before, after }: Plan, status: Status, fd: number): number {
  switch (status) {
    case "P":
      return after > before && octetAt(fd, before) === 0 ? after : before
    case "E":
      return Math.max(before, after)
    case "W":
      return after < before && octetAt(fd, after) === 0 ? before : after
  }
}

/** How long the mailbox must at least be, if nobody else cut it. */
function shortest({ before, after }: Plan, status: Status): number {
  switch (status) {
    case "P":
      return before
    case "E":
      return Math.max(before, after)
    case "W":
      return after
  }
}

function octetAt(fd: number, at: number): number | undefined {
  const one = Buffer.alloc(1)
  return readSync(fd, one, 0, 1, at) === 1 ? one[0] : undefined
}

/** Writes a journal whole and synced under its name. */
function prepare(journal: string, plan: Plan, fill: (out: number) => void): void {
  mkdirSync(dirname(journal), { recursive: true, mode: 0o700 })
  const fresh = `${journal}.new`
  const out = openSync(fresh, "w", 0o600)
  try {
    writeSync(out, planText(plan, "P"), 0)
    fill(out)
    fsyncSync(out)
  } finally {
    closeSync(out)
  }
  renameSync(fresh, journal)
  syncDirectory(dirname(journal))
}

function planText(plan: Plan, status: Status): string {
  return `${status}${JSON.stringify(plan)}`.padEnd(planLength - 1).concat("\n")
}

function readPlan(journal: string): { readonly plan: Plan | undefined; readonly status: Status } {
  const fd = openSync(journal, "r")
  try {
    const octets = Buffer.alloc(planLength)
    const text = octets.toString("utf8", 0, readFully(fd, octets, planLength, 0))
    const status = text[0]
    if (status !== "P" && status !== "E" && status !== "W") return { plan: undefined, status: "P" }
    return { plan: JSON.parse(text.slice(1)) as Plan, status }
  } finally {
    closeSync(fd)
  }
}

function carryOut(journal: string, { first, before, after }: Plan, fd: number): void {
  const from = openSync(journal, "r+")
  try {
    if (after > before) ftruncateSync(fd, after)
    fsyncSync(fd)
    mark(from, "E")
    copy(from, planLength, after - first, fd, first)
    fsyncSync(fd)
    if (after < before) {
      // In this order: the octet that tells "not yet cut" must be there before the status asks for it.
      writeSync(fd, Buffer.of(0), 0, 1, after)
      fsyncSync(fd)
    }
    mark(from, "W")
    if (after < before) ftruncateSync(fd, after)
    fsyncSync(fd)
  } finally {
    closeSync(from)
  }
  rmSync(journal)
  syncDirectory(dirname(journal))
}

function mark(journal: number, status: Status): void {
  writeSync(journal, Buffer.from(status), 0, 1, 0)
  fsyncSync(journal)
}

function lengthOf(part: Part): number {
  return Buffer.isBuffer(part) ? part.length : part.to - part.from
}

function copyPart(mailbox: number, part: Part, out: number, at: number): number {
  if (!Buffer.isBuffer(part)) return copy(mailbox, part.from, part.to - part.from, out, at)
  writeAt(out, part, at)
  return at + part.length
}

/** Copies a range by piece; gives where the copy ends. */
function copy(from: number, start: number, length: number, to: number, at: number): number {
  const buffer = Buffer.allocUnsafe(Math.min(chunk, Math.max(length, 1)))
  for (let done = 0; done < length; ) {
    const got = readSync(from, buffer, 0, Math.min(buffer.length, length - done), start + done)
    if (got === 0) throw new Error("the file became shorter while it was locked")
    writeAt(to, buffer.subarray(0, got), at + done)
    done += got
  }
  return at + length
}

function writeAt(fd: number, octets: Buffer, at: number): void {
  for (let done = 0; done < octets.length; )
    done += writeSync(fd, octets, done, octets.length - done, at + done)
}

function syncDirectory(path: string): void {
  const fd = openSync(path, "r")
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
