// Reading an rcfile, if it is its user's own word: procmail's rules for who may be able to write it.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs"
import { dirname } from "node:path"
import { wordsFor } from "../mailbox/outcome.ts"

export type RcfileRead =
  | { readonly answer: "text"; readonly text: string }
  | { readonly answer: "refused"; readonly why: string }

/** Larger rcfiles are not rcfiles. */
const mostOctets = 1024 * 1024

/** The text, or why it is not read: it is not there, not ours to read, or not the user's own word. */
export function readRcfile(path: string, strict: boolean): RcfileRead {
  if (path === "/dev/null") return { answer: "text", text: "" } // procmail: no recipes at all
  let fd: number
  try {
    // O_NONBLOCK: a FIFO must not stop us.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const missing = code === "ENOENT" || code === "ENOTDIR"
    return { answer: "refused", why: missing ? "no such file" : wordsFor(error) }
  }
  try {
    const file = fstatSync(fd)
    const why = suspicious(path, file, strict)
    if (why !== undefined) return { answer: "refused", why }
    return { answer: "text", text: contents(fd, file.size) }
  } catch (error) {
    return { answer: "refused", why: wordsFor(error) }
  } finally {
    closeSync(fd)
  }
}

const groupMayWrite = 0o020
const othersMayWrite = 0o002
const sticky = 0o1000

/**
 * Whose word it is: what others can write is not the user's. Without `strict` (INCLUDERC, rcfiles of the command line) procmail
 * looks at nothing; we still want the file itself out of strangers' hands.
 */
function suspicious(path: string, file: Stats, strict: boolean): string | undefined {
  if (!file.isFile()) return "not a regular file"
  if (file.size > mostOctets) return `${file.size} octets, more than the ${mostOctets} that are read`
  if ((file.mode & othersMayWrite) !== 0) return "others may write it"
  if (!strict) return undefined
  const uid = process.geteuid?.() ?? 0
  const gid = process.getegid?.() ?? 0
  if (file.uid !== uid && file.uid !== 0) return `it belongs to uid ${file.uid}`
  if ((file.mode & groupMayWrite) !== 0 && file.gid !== gid) return "a group may write it"
  const directory = statSync(dirname(path))
  if ((directory.mode & sticky) !== 0) return undefined
  if ((directory.mode & othersMayWrite) !== 0) return "others may write its directory"
  return (directory.mode & groupMayWrite) !== 0 && directory.gid !== gid
    ? "a group may write its directory"
    : undefined
}

function contents(fd: number, size: number): string {
  const octets = Buffer.alloc(size)
  let have = 0
  while (have < size) {
    const got = readSync(fd, octets, have, size - have, have)
    if (got === 0) break
    have += got
  }
  return octets.toString("latin1", 0, have)
}
