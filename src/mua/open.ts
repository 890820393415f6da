// Which mailbox a path is: a folder with cur/ and new/ is a Maildir, a file an mbox.
import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { openMaildir } from "./maildir-mailbox.ts"
import { type Mailbox, MailboxError } from "./mailbox.ts"
import { openMbox } from "./mbox-mailbox.ts"

/** Opens what lies there; nothing there is an empty mbox. */
export async function openMailbox(path: string): Promise<Mailbox> {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined || found.isFile()) return await openMbox(path)
  if (found.isDirectory() && existsSync(join(path, "cur")) && existsSync(join(path, "new")))
    return await openMaildir(path)
  throw new MailboxError(`${path}: neither an mbox file nor a Maildir (a folder with cur/ and new/)`)
}
