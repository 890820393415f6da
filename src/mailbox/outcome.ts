// What came of a delivery into a mailbox or file, in the words of mail.local(8) where it has some.
import type { EnhancedCode } from "../mail/reply.ts"

export type MailboxOutcome = {
  readonly outcome: "done" | "later" | "failed"
  readonly status: EnhancedCode
  readonly text: string
  /** Nothing was done: a file of its owner may say where the mail goes (unless.ts). */
  readonly forwards?: true
}

/** The message is in the mailbox and will survive a crash. */
export function done(text: string): MailboxOutcome {
  return { outcome: "done", status: "2.0.0", text }
}

/** To be tried again. */
export function later(status: EnhancedCode, text: string): MailboxOutcome {
  return { outcome: "later", status, text }
}

/** Failed for good. */
export function failed(status: EnhancedCode, text: string): MailboxOutcome {
  return { outcome: "failed", status, text }
}

/** Thrown inside a delivery to end it with this outcome; caught where the delivery began. */
export class Refused extends Error {
  readonly result: MailboxOutcome

  constructor(result: MailboxOutcome) {
    super(result.text)
    this.result = result
  }
}

const noSpace: Readonly<Record<string, EnhancedCode>> = { EDQUOT: "4.2.2", ENOSPC: "4.3.1", EFBIG: "4.2.2" }

const wordings: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOENT: "no such directory",
  ENOTDIR: "a part of the path is not a directory",
  ENOSPC: "no space left on device",
  EDQUOT: "disk quota exceeded",
  EFBIG: "file too large",
  EROFS: "read-only file system",
  EEXIST: "there already, and no directory",
  EIO: "input/output error",
  ELOOP: "a symbolic link",
  EISDIR: "a directory",
  ENAMETOOLONG: "name too long",
}

/** A failing system call in words, without Node's path and call. */
export function wordsFor(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return (code === undefined ? undefined : wordings[code]) ?? code ?? message
}

/**
 * What a failing system call means for the mail. A disk or a directory that is not there may come back, so all is tried
 * again (mail.local answers 450 too); only what the path itself is can be wrong for good.
 */
export function outcomeOf(error: unknown, path: string): MailboxOutcome {
  if (error instanceof Refused) return error.result
  const code = (error as NodeJS.ErrnoException).code ?? ""
  if (code === "ELOOP" || code === "ENXIO" || code === "EISDIR")
    return failed("5.2.0", `${path}: irregular file`)
  return later(noSpace[code] ?? "4.2.0", `${path}: ${wordsFor(error)}`)
}
