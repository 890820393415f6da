// Whether a folder of a mailbox is there, asked with its owner's rights (Sieve's mailboxexists).
import { type Stats, statSync } from "node:fs"
import { join } from "node:path"
import { withRights } from "../host/posix.ts"
import { type MboxFolder, mboxFolderPath } from "./mbox-folder.ts"
import type { Owner } from "./owner.ts"

export type FolderPlace =
  | { readonly format: "mbox"; readonly path: string; readonly folder?: MboxFolder }
  | { readonly format: "maildir"; readonly path: string; readonly folder?: { readonly name: string } }

/** Whether mail can be found in it; without a folder the mailbox itself is meant, which is made when it is missing. Throws what cannot be told. */
export function isFolderThere(place: FolderPlace, { rights }: Owner): boolean {
  const { folder } = place
  if (folder === undefined) return true
  return withRights(rights, () => {
    if (place.format === "maildir")
      return found(join(place.path, `.${folder.name}`))?.isDirectory() === true && !folder.name.includes("/")
    const path = place.folder === undefined ? undefined : mboxFolderPath(place.folder)
    return path !== undefined && found(path)?.isFile() === true
  })
}

/** What its owner himself may not look at is none of his folders. */
function found(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return undefined
    throw error
  }
}
