// The letters that IMAP keywords have in the names of a Maildir's files: Dovecot's convention, a to z by the lines of the Maildir's
// dovecot-keywords (`0 $Work`). Where Dovecot writes that file at the same time its locks are respected.
import { closeSync, constants, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { withRights } from "../host/posix.ts"
import { type DotLock, releaseDotLock, takeDotLock } from "./dotlock.ts"
import type { Owner } from "./owner.ts"

/** How many keywords a Maildir can have letters for. */
const mostLetters = 26

/** IMAP's atoms (RFC 3501 §9): what else is asked for is no keyword. */
const keyword = /^[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]{1,100}$/

/** Whether it can be kept as a keyword. */
export function isKeyword(text: string): boolean {
  return keyword.test(text)
}

/**
 * The letters for these keywords, those that are new to the Maildir written down. One for which no letter is left, and all new
 * ones when the file stays locked, have none: a mark is not worth a message.
 */
export async function keywordLetters(
  maildir: string,
  owner: Owner,
  keywords: readonly string[],
  waitMilliseconds = 5000,
): Promise<string> {
  const wanted = keywords.filter(isKeyword)
  if (wanted.length === 0) return ""
  const known = withRights(owner.rights, () => readKeywords(maildir))
  if (wanted.every((one) => known.has(one.toLowerCase()))) return lettersOf(known, wanted)
  const lock = await lockList(maildir, owner, waitMilliseconds)
  if (lock === undefined) return lettersOf(known, wanted)
  return withRights(owner.rights, () => {
    try {
      return lettersOf(addKeywords(maildir, wanted), wanted)
    } finally {
      releaseDotLock(lock)
    }
  })
}

/** By the keyword in lower case: IMAP does not tell letters' case apart. */
type Keywords = Map<string, { readonly name: string; readonly number: number }>

function readKeywords(maildir: string): Keywords {
  const found: Keywords = new Map()
  for (const line of linesOf(join(maildir, fileName))) {
    const [number = "", name = ""] = line.split(" ")
    if (/^\d{1,2}$/.test(number) && name !== "" && Number(number) < mostLetters)
      found.set(name.toLowerCase(), { name, number: Number(number) })
  }
  return found
}

const fileName = "dovecot-keywords"

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, { encoding: "utf8", flag: constants.O_RDONLY | constants.O_NOFOLLOW }).split(
      "\n",
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw error
  }
}

function lettersOf(known: Keywords, wanted: readonly string[]): string {
  const letters = wanted.flatMap((one) => {
    const number = known.get(one.toLowerCase())?.number
    return number === undefined ? [] : String.fromCharCode(0x61 + number)
  })
  return [...new Set(letters)].toSorted().join("")
}

/** Dovecot changes its list of keywords under the lock of its list of messages. */
async function lockList(
  maildir: string,
  { rights }: Owner,
  waitMilliseconds: number,
): Promise<DotLock | undefined> {
  const deadline = Date.now() + waitMilliseconds
  for (;;) {
    const lock = withRights(rights, () => takeDotLock(join(maildir, "dovecot-uidlist"), Date.now()))
    if (lock !== undefined || Date.now() > deadline) return lock
    await sleep(50)
  }
}

/** The list with these added, written aside and renamed as Dovecot does it. Under the lock. */
function addKeywords(maildir: string, wanted: readonly string[]): Keywords {
  const known = readKeywords(maildir)
  const before = known.size
  for (const name of wanted) {
    const number = 1 + Math.max(-1, ...[...known.values()].map((one) => one.number))
    if (!known.has(name.toLowerCase()) && number < mostLetters)
      known.set(name.toLowerCase(), { name, number })
  }
  if (known.size > before) writeKeywords(maildir, known)
  return known
}

function writeKeywords(maildir: string, known: Keywords): void {
  const aside = join(maildir, `${fileName}.lock`)
  rmSync(aside, { force: true }) // left by a crash: whoever holds the list's lock alone writes it
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  const fd = openSync(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    const rows = [...known.values()].toSorted((one, other) => one.number - other.number)
    writeSync(fd, rows.map(({ name, number }) => `${number} ${name}\n`).join(""))
  } finally {
    closeSync(fd)
  }
  renameSync(aside, join(maildir, fileName))
}
