// Where a user's system mailbox is: $MAIL, the state directory of a Waypost that keeps mail there, else /var/mail.
import { existsSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import type { Io } from "../../commands/io.ts"
import { runningState } from "../../commands/state.ts"
import { layoutOf } from "../../daemon/layout.ts"
import type { Wanted } from "./variables.ts"

/** The person's own wishes: $MAILRC, else ~/.mailrc. */
export function ownRc(io: Io): string {
  return io.env["MAILRC"] ?? join(io.env["HOME"] ?? homedir(), ".mailrc")
}

/** The path; nothing need be there. */
export function systemMailbox(io: Io, user: string, { variables }: Wanted): string {
  const named = variables.get("MAIL") ?? io.env["MAIL"]
  if (named !== undefined && named !== "" && variables.get("user") === user) return named
  const ours = join(layoutOf(runningState(undefined, io)).mail, user)
  return existsSync(ours) ? ours : join("/var/mail", user)
}
