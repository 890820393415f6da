// sendmail's rules of safety for files that steer or receive mail: .forward, :include: lists, and files that aliases name
// (safefile(9) in sendmail's sources). A file that others may write is not its owner's word.
import { lstatSync, type Stats } from "node:fs"
import { dirname } from "node:path"
import type { BornRule } from "../mail/world.ts"

const groupMayWrite = 0o020
const othersMayWrite = 0o002
const sticky = 0o1000
const executable = 0o111
const setId = 0o6000

/** A rule that is broken, in words; `rule` where a configuration may bear it. */
export type Unsafe = { readonly says: string; readonly rule?: BornRule }

/** Which rule the directories above a file break; undefined when none. Call it with the owner's rights; without owner, anybody's will do. */
export function unsafePath(path: string, owner: number | undefined): string | undefined {
  return unsafeDirectories(path, owner)[0]?.says
}

/** All the rules that the directories above a file break. */
export function unsafeDirectories(path: string, owner: number | undefined): readonly Unsafe[] {
  const found: Unsafe[] = []
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const unsafe = unsafeDirectory(directory, lstatSync(directory), owner)
    if (unsafe !== undefined) found.push(unsafe)
    if (directory === dirname(directory)) return found
  }
}

// In a sticky directory (/tmp) nobody can take another's file away.
function unsafeDirectory(path: string, { mode, uid }: Stats, owner: number | undefined): Unsafe | undefined {
  if ((mode & sticky) !== 0) return undefined
  if ((mode & othersMayWrite) !== 0)
    return { says: `${path} is a world writable directory`, rule: "world writable directory" }
  if ((mode & groupMayWrite) !== 0)
    return { says: `${path} is a group writable directory`, rule: "group writable directory" }
  return owner === undefined ||
    uid === 0 ||
    uid === owner ||
    uid === process.geteuid?.() ||
    dirname(path) === path
    ? undefined
    : { says: `${path} is another user's directory`, rule: "directory of another" }
}

/** The rules that a .forward or :include: file breaks. */
export function unsafeToRead(file: Stats, owner: number | undefined): readonly Unsafe[] {
  if (!file.isFile()) return [{ says: "not a regular file" }]
  const found: Unsafe[] = []
  if (owner !== undefined && file.uid !== owner && file.uid !== 0)
    found.push({ says: `belongs to uid ${file.uid}, not to its user` })
  if ((file.mode & othersMayWrite) !== 0) found.push({ says: "world writable", rule: "world writable file" })
  if ((file.mode & groupMayWrite) !== 0) found.push({ says: "group writable", rule: "group writable file" })
  if (file.nlink !== 1) found.push({ says: "has more than one name (hard links)" })
  return found
}

/** Which rule a file that mail is to be appended to breaks; undefined when none. */
export function unsafeToAppend(file: Stats, owner: number): string | undefined {
  if (!file.isFile()) return "not a regular file"
  if (file.nlink !== 1) return "has more than one name (hard links)"
  if (file.uid !== owner && file.uid !== 0) return `belongs to uid ${file.uid}, not to its user`
  if ((file.mode & setId) !== 0) return "a set-uid or set-gid file"
  return (file.mode & executable) === 0 ? undefined : "an executable file"
}
