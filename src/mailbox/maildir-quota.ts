// Maildir++'s quota: the file maildirsize says how much a Maildir may hold and keeps account of what is in it, as Courier, Dovecot and
// Exim keep it. Everything here is done with the owner's rights, on files that he may have made to trick us.
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs"
import { join } from "node:path"

/** How much a Maildir may hold; undefined: as much as there is. */
export type Quota = { readonly octets: number | undefined; readonly messages: number | undefined }

/** Reads `10485760S,1000C`. Undefined when it is no quota. */
export function parseQuota(text: string): Quota | undefined {
  let quota: Quota = { octets: undefined, messages: undefined }
  for (const word of text.trim().split(",")) {
    const [, digits, kind] = /^(\d{1,15})([SC])$/.exec(word) ?? []
    if (digits === undefined) return undefined
    const most = Number(digits) === 0 ? undefined : Number(digits)
    quota = kind === "S" ? { ...quota, octets: most } : { ...quota, messages: most }
  }
  return quota
}

/** Keeps account of one message that came in. */
export type Account = { readonly add: (octets: number) => void }

/** What is known of a Maildir's quota before a delivery. */
export type Room =
  /** No quota is kept there. */
  | { readonly kind: "unlimited" }
  | { readonly kind: "room"; readonly account: Account }
  | { readonly kind: "full"; readonly says: string }

const unlimited: Room = { kind: "unlimited" }

/** An account that is longer is made anew. */
const longestAccount = 5120
/** A Maildir that seems full is counted anew, unless that was done so recently. */
const countAgainMilliseconds = 900_000

type Sum = { readonly octets: number; readonly messages: number }

/**
 * Whether a message of this size has room in the Maildir. `wanted` is the configuration's quota (`10485760S`): an account that says
 * another is made anew; without it the quota is the one that the account itself says, if there is one.
 */
export function roomFor(maildir: string, octets: number, wanted: string | undefined, now: number): Room {
  const path = join(maildir, "maildirsize")
  const written = readAccount(path)
  const text = wanted ?? written?.quota
  const quota = text === undefined ? undefined : parseQuota(text)
  if (text === undefined || quota === undefined) return unlimited
  if (quota.octets === undefined && quota.messages === undefined) return unlimited
  const believed = written !== undefined && written.quota === text && written.size <= longestAccount
  const sum = believed ? written.sum : countAnew(maildir, path, text)
  if (fits(sum, octets, quota)) return { kind: "room", account: accountAt(path) }
  // Readers that delete mail do not all keep account of it.
  if (believed && now - written.changedAt > countAgainMilliseconds) {
    if (fits(countAnew(maildir, path, text), octets, quota)) return { kind: "room", account: accountAt(path) }
  }
  return { kind: "full", says: `the mailbox is full (its quota is ${text})` }
}

function fits(sum: Sum, octets: number, quota: Quota): boolean {
  return (
    (quota.octets === undefined || sum.octets + octets <= quota.octets) &&
    (quota.messages === undefined || sum.messages + 1 <= quota.messages)
  )
}

type Written = {
  readonly quota: string
  readonly sum: Sum
  readonly size: number
  readonly changedAt: number
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** The account as it stands; undefined when there is none that can be believed. */
function readAccount(path: string): Written | undefined {
  // Most have none, and an open that fails costs more than the question.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined
  const fd = opened(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  if (fd === undefined) return undefined
  try {
    const { size, mtimeMs } = fstatSync(fd)
    if (!fstatSync(fd).isFile() || size > 16 * longestAccount) return undefined
    const [quota = "", ...lines] = readFileSync(fd, "latin1").split("\n")
    if (parseQuota(quota) === undefined) return undefined
    const sum = added(lines)
    return sum === undefined ? undefined : { quota: quota.trim(), sum, size, changedAt: mtimeMs }
  } finally {
    closeSync(fd)
  }
}

/** `SIZE COUNT` each; what was deleted is below zero. */
function added(lines: readonly string[]): Sum | undefined {
  let [octets, messages] = [0, 0]
  for (const line of lines) {
    if (line.trim() === "") continue
    const [, size, count] = /^\s*(-?\d{1,15})\s+(-?\d{1,10})\s*$/.exec(line) ?? []
    if (size === undefined || count === undefined) return undefined
    octets += Number(size)
    messages += Number(count)
  }
  return octets < 0 || messages < 0 ? undefined : { octets, messages }
}

function opened(path: string, flags: number): number | undefined {
  try {
    return openSync(path, flags, 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO" || code === "EISDIR") return undefined
    throw error
  }
}

/** Adds to the account in one write, so that others who add at the same time are not overwritten. */
function accountAt(path: string): Account {
  return {
    add(octets) {
      const fd = opened(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK)
      if (fd === undefined) return // gone: whoever looks next counts anew
      try {
        if (fstatSync(fd).isFile()) writeSync(fd, `${octets} 1\n`)
      } finally {
        closeSync(fd)
      }
    },
  }
}

let count = 0

/** Counts the Maildir and its folders, and writes the account anew: aside, then renamed. */
function countAnew(maildir: string, path: string, quota: string): Sum {
  const sum = countAll(maildir)
  const aside = join(maildir, "tmp", `maildirsize.${process.pid}.${count++}`)
  const fd = opened(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
  if (fd === undefined) return sum // no Maildir yet: its first delivery makes it, the second an account
  try {
    writeSync(fd, `${quota}\n${sum.octets} ${sum.messages}\n`)
  } finally {
    closeSync(fd)
  }
  renameSync(aside, path)
  return sum
}

function countAll(maildir: string): Sum {
  const folders = entriesOf(maildir).filter(
    (entry) => entry.isDirectory() && /^\.[^.]/.test(entry.name) && entry.name !== ".Trash",
  )
  const sums = ["", ...folders.map(({ name }) => name)].flatMap((folder) =>
    ["new", "cur"].map((part) => countMessages(join(maildir, folder, part))),
  )
  return {
    octets: sums.reduce((all, { octets }) => all + octets, 0),
    messages: sums.reduce((all, { messages }) => all + messages, 0),
  }
}

/** What is marked as trash does not count. A name with `,S=` says the size itself. */
function countMessages(directory: string): Sum {
  let [octets, messages] = [0, 0]
  for (const entry of entriesOf(directory)) {
    if (!entry.isFile() || entry.name.startsWith(".") || /:2,[A-Za-z]*T/.test(entry.name)) continue
    const [, said] = /,S=(\d{1,15})(?=[,:]|$)/.exec(entry.name) ?? []
    octets +=
      said === undefined
        ? (lstatSync(join(directory, entry.name), { throwIfNoEntry: false })?.size ?? 0)
        : Number(said)
    messages++
  }
  return { octets, messages }
}

function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw error
  }
}
