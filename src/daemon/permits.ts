// What the supervisor permits the delivery agent to do, read from the configuration: only the supervisor has read it as root.
import type { Permits } from "../agent/permits.ts"
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import type { Layout } from "./layout.ts"

/** The places of mailboxes, and whose ids are lent beside those of accounts. */
export function permitsOf(
  settings: Settings,
  { usersFile }: Layout,
  mailUser: { readonly uid: number; readonly gid: number },
): Permits {
  const mailboxes = [...settings.mailers.values()].flatMap(({ path, args }) =>
    path === "mbox" || path === "maildir" ? [{ format: path, template: args } as const] : [],
  )
  return {
    mailboxes,
    folders: option(settings, "LocalFolderDirectory"),
    directory: option(settings, "LocalMailboxDirectory"),
    defaultUser: option(settings, "DefaultUser"),
    usersFile,
    mailUser: { uid: mailUser.uid, gid: mailUser.gid },
  }
}
