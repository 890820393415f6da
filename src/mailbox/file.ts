// Delivery at the end of a file that an alias names (`/var/log/tickets`), in mbox form and with sendmail's rules of safety.
import { closeSync, openSync, type Stats, unlinkSync } from "node:fs"
import { withRights } from "../host/posix.ts"
import type { LockTarget } from "./mbox-lock.ts"
import { appendTo, forAll, type MboxDelivery, type MboxWorld } from "./mbox.ts"
import { done, failed, type MailboxOutcome, outcomeOf, Refused, wordsFor } from "./outcome.ts"
import type { Owner } from "./owner.ts"
import { unsafePath, unsafeToAppend } from "./safe.ts"

/** Appends as the owner; the file is made with mode 0600 when there is none. Never with more than the owner's rights. */
export async function appendToFile(
  delivery: MboxDelivery,
  world: MboxWorld,
): Promise<readonly MailboxOutcome[]> {
  const { path, owner, messages } = delivery
  if (path === "/dev/null") return forAll(messages, done("thrown away, as /dev/null does"))
  if (!path.startsWith("/")) return forAll(messages, failed("5.3.5", `${path}: not an absolute path`))
  try {
    const unsafe = withRights(owner.rights, () => unsafePath(path, owner.uid))
    if (unsafe !== undefined) return forAll(messages, failed("5.2.0", `${path}: ${unsafe}`))
    return await appendTo(delivery, "file", targetOf(delivery, world.lockWaitMilliseconds), world)
  } catch (error) {
    const isFinal = refusedForGood(error)
    return forAll(messages, isFinal ? failed("5.2.0", `${path}: ${wordsFor(error)}`) : outcomeOf(error, path))
  }
}

// The place of a mailbox is the administrator's word, and its directory may come back; this path is a user's, and what he may
// not write he will not be able to write tomorrow (sendmail: EX_CANTCREAT).
function refusedForGood(error: unknown): boolean {
  return ["EACCES", "EPERM", "ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")
}

function targetOf({ path, owner }: MboxDelivery, waitMilliseconds: number): LockTarget {
  const place = { rights: owner.rights, asRoot: false }
  return {
    path,
    owner,
    place,
    dotLock: mayMakeDotLock(path, owner) ? "needed" : "none",
    check,
    waitMilliseconds,
  }

  function check(file: Stats): void {
    const unsafe = unsafeToAppend(file, owner.uid)
    if (unsafe !== undefined) throw new Refused(failed("5.2.0", `${path}: ${unsafe}`))
  }
}

/** A file in a directory that its owner cannot write has only the kernel's lock: he could make no dot lock there either. */
function mayMakeDotLock(path: string, { rights }: Owner): boolean {
  return withRights(rights, () => {
    try {
      const probe = `${path}.${process.pid}.probe`
      closeSync(openSync(probe, "wx", 0o600))
      unlinkSync(probe)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EACCES") return false
      throw error
    }
  })
}
