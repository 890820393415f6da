// Whose mailbox it is, and with whose rights its directory is written. Only a directory that nobody but root can write is
// touched as root; everywhere else the owner's own rights decide, so that no trick of a user gains more than he had.
import { statSync } from "node:fs"
import { type Rights, withRights } from "../host/posix.ts"

export type Owner = {
  readonly uid: number
  readonly gid: number
  /** What to take before touching the file system; undefined: we are the owner ourselves, or not root. */
  readonly rights: Rights | undefined
}

/** The owner when we have no other rights than our own. */
export function ourselves(): Owner {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, rights: undefined }
}

/** With whose rights an entry of this directory is made or removed. `asRoot`: what is made must be given to the owner. */
export type DirectoryRights = { readonly rights: Rights | undefined; readonly asRoot: boolean }

const groupMayWrite = 0o020
const othersMayWrite = 0o002

/**
 * Three kinds of directory hold mailboxes: root's own (0755), the mail group's (/var/mail of Debian, root:mail 2775, where
 * mutt_dotlock is setgid mail for the same reason), and those that users may write (their home, or 1777).
 */
export function directoryRights(directory: string, owner: Owner): DirectoryRights {
  const { rights } = owner
  if (rights === undefined) return { rights, asRoot: false }
  const { uid, gid, mode } = withRights(rights, () => statSync(directory))
  if (uid !== 0 || (mode & othersMayWrite) !== 0) return { rights, asRoot: false }
  if ((mode & groupMayWrite) !== 0) return { rights: { ...rights, gid }, asRoot: false }
  return { rights: undefined, asRoot: true }
}
