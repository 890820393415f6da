// A user's own files come before his mailbox: beside a .forward that nobody has read yet nothing is delivered.
import { lstatSync } from "node:fs"
import { type MailboxOutcome, Refused } from "./outcome.ts"

/** What a delivery ends with then: nothing has been done, and who asked for it reads the file first. */
export const forwards: MailboxOutcome = {
  outcome: "later",
  status: "4.2.0",
  text: "a .forward has to be read first",
  forwards: true,
}

/** Whether none of these files is there, for certain. Called with the owner's rights. */
export function areMissing(files: readonly string[]): boolean {
  try {
    return files.every((path) => lstatSync(path, { throwIfNoEntry: false }) === undefined)
  } catch {
    return false // why it cannot be told is found out when it is read
  }
}

/** Ends the delivery where one of them is there. Called with the owner's rights. */
export function refuseBeside(files: readonly string[] | undefined): void {
  if (files !== undefined && !areMissing(files)) throw new Refused(forwards)
}
