// sendmail's rules of safety for files that steer or receive mail: .forward, :include: lists, and files that aliases name
// (safefile(9) in sendmail's sources). A file that others may write is not its owner's word.
import { lstatSync, type Stats } from "node:fs"
import { dirname } from "node:path"

const groupMayWrite = 0o020
const othersMayWrite = 0o002
const sticky = 0o1000
const executable = 0o111
const setId = 0o6000

/** Which rule the directories above a file break; undefined when none. Call it with the owner's rights; without owner, anybody's will do. */
export function unsafePath(path: string, owner: number | undefined): string | undefined {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const unsafe = unsafeDirectory(directory, lstatSync(directory), owner)
    if (unsafe !== undefined) return unsafe
    if (directory === dirname(directory)) return undefined
  }
}

// In a sticky directory (/tmp) nobody can take another's file away.
function unsafeDirectory(path: string, { mode, uid }: Stats, owner: number | undefined): string | undefined {
  if ((mode & sticky) !== 0) return undefined
  if ((mode & othersMayWrite) !== 0) return `${path} is a world writable directory`
  if ((mode & groupMayWrite) !== 0) return `${path} is a group writable directory`
  return owner === undefined ||
    uid === 0 ||
    uid === owner ||
    uid === process.geteuid?.() ||
    dirname(path) === path
    ? undefined
    : `${path} is another user's directory`
}

/** Which rule a .forward or :include: file breaks; undefined when none. */
export function unsafeToRead(file: Stats, owner: number | undefined): string | undefined {
  if (!file.isFile()) return "not a regular file"
  if (owner !== undefined && file.uid !== owner && file.uid !== 0)
    return `belongs to uid ${file.uid}, not to its user`
  if ((file.mode & othersMayWrite) !== 0) return "world writable"
  if ((file.mode & groupMayWrite) !== 0) return "group writable"
  return file.nlink === 1 ? undefined : "has more than one name (hard links)"
}

/** Which rule a file that mail is to be appended to breaks; undefined when none. */
export function unsafeToAppend(file: Stats, owner: number): string | undefined {
  if (!file.isFile()) return "not a regular file"
  if (file.nlink !== 1) return "has more than one name (hard links)"
  if (file.uid !== owner && file.uid !== 0) return `belongs to uid ${file.uid}, not to its user`
  if ((file.mode & setId) !== 0) return "a set-uid or set-gid file"
  return (file.mode & executable) === 0 ? undefined : "an executable file"
}
