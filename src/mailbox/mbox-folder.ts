// Folders of a user whose mailbox is an mbox: files beneath the directory of his folders, made with his own rights and no others.
import { mkdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { withRights } from "../host/posix.ts"
import { appendTo, forAll, type MboxDelivery, type MboxWorld } from "./mbox.ts"
import { checkMailbox } from "./mbox-lock.ts"
import { failed, type MailboxOutcome, outcomeOf, wordsFor } from "./outcome.ts"

export type MboxFolder = {
  /** Where all folders of this user are. */
  readonly directory: string
  /** Beneath it: `Lists/mutt`. */
  readonly name: string
}

/** The file of a folder; undefined when its name would lead elsewhere. */
export function mboxFolderPath({ directory, name }: MboxFolder): string | undefined {
  const isInside = name
    .split("/")
    .every((level) => /^[\x20-\x7e]+$/.test(level) && !/^\.|\.lock$/i.test(level))
  return isInside && directory.startsWith("/") ? join(directory, name) : undefined
}

/** Appends to the folder's file; it and the directories above it are made when they are missing. */
export async function deliverToMboxFolder(
  delivery: Omit<MboxDelivery, "path">,
  folder: MboxFolder,
  world: MboxWorld,
): Promise<readonly MailboxOutcome[]> {
  const path = mboxFolderPath(folder)
  const { owner, messages } = delivery
  if (path === undefined) return forAll(messages, failed("5.3.5", `"${folder.name}" cannot be a folder`))
  try {
    withRights(owner.rights, () => mkdirSync(dirname(path), { recursive: true, mode: 0o700 }))
    const place = { rights: owner.rights, asRoot: false }
    const check = checkMailbox(owner)
    const waitMilliseconds = world.lockWaitMilliseconds
    const target = { path, owner, place, dotLock: "needed", check, waitMilliseconds } as const
    return await appendTo({ ...delivery, path }, "mailbox", target, world)
  } catch (error) {
    const isFinal = isHisOwnDoing(error)
    return forAll(messages, isFinal ? failed("5.2.0", `${path}: ${wordsFor(error)}`) : outcomeOf(error, path))
  }
}

/** What he may not write in his own home he will not be able to write tomorrow. */
function isHisOwnDoing(error: unknown): boolean {
  return ["EACCES", "EPERM", "EEXIST", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")
}
