// Where a user's own files of ours lie (XDG Base Directory): an index can be made again, a journal can not.
import { createHash } from "node:crypto"
import { homedir } from "node:os"
import { join, resolve } from "node:path"

/** The index cache of a mailbox. */
export function indexPath(mailbox: string, env: NodeJS.ProcessEnv = process.env): string {
  const cache = env["XDG_CACHE_HOME"] || join(env["HOME"] || homedir(), ".cache")
  return join(cache, "waypost/mail", `${digest(mailbox)}.index`)
}

/** The journal of a mailbox that is being rewritten. */
export function journalPath(mailbox: string, env: NodeJS.ProcessEnv = process.env): string {
  return join(stateFolder(env), `${digest(mailbox)}.journal`)
}

/** What must survive: journals and drafts. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env["XDG_STATE_HOME"] || join(env["HOME"] || homedir(), ".local/state"), "waypost/mail")
}

function digest(mailbox: string): string {
  return createHash("sha256").update(resolve(mailbox)).digest("hex").slice(0, 24)
}
