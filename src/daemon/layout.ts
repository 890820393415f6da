// Where things lie under the state directory, and the making of it. Everything here is private to the mail system but the
// sockets that users' commands speak to.
import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { fail, ok, type Result } from "../mail/result.ts"

export type Layout = {
  readonly state: string
  /** The spool's databases and bodies. */
  readonly queue: string
  /** Sockets and locks. */
  readonly run: string
  /** Mailboxes of a configuration that keeps them here. */
  readonly mail: string
  readonly usersFile: string
  /** Passwords of saslpasswd2. */
  readonly saslFile: string
  /** Certificates of our own making, and those of ACME. */
  readonly tls: string
  readonly control: string
  readonly submit: string
  readonly agent: string
  readonly lock: string
  /** What users' Sieve scripts have seen: vacation, duplicate. */
  readonly sieve: string
  /** Counts for mailstats. */
  readonly statistics: string
  /** Where the sendmail command leaves mail for a system that is not running, or not to be sent yet. */
  readonly clientQueue: string
  /** Who asks the console itself: `waypost console link`. */
  readonly console: string
  /** Administrators of the console, and its API's tokens. */
  readonly admins: string
  readonly tokens: string
}

/** The longest path a unix socket may have (sun_path, with its final NUL). */
const longestSocketPath = 107

export function layoutOf(state: string): Layout {
  const run = join(state, "run")
  return {
    state,
    queue: join(state, "queue"),
    run,
    mail: join(state, "mail"),
    usersFile: join(state, "users"),
    saslFile: join(state, "sasldb"),
    tls: join(state, "tls"),
    control: join(run, "control.sock"),
    submit: join(run, "submit.sock"),
    agent: join(run, "agent", "agent.sock"),
    lock: join(state, "waypost.lock"),
    sieve: join(state, "queue", "sieve.db"),
    statistics: join(state, "queue", "statistics"),
    clientQueue: join(state, "clientqueue"),
    console: join(run, "console.sock"),
    admins: join(state, "admins"),
    tokens: join(state, "tokens"),
  }
}

/** Makes what is missing. `owner` is the user of the mail process when we are root. */
export function makeLayout(layout: Layout, owner: { uid: number; gid: number } | undefined): Result<void> {
  if (Buffer.byteLength(layout.agent) > longestSocketPath) {
    return fail(
      `${layout.state}: this path is too long for the sockets in it; choose a shorter one with --state`,
    )
  }
  try {
    // Root's own, with the lock and the program's copy: root acts on them, so the mail process may not replace them.
    makeDirectory(layout.state, 0o755, undefined)
    makeDirectory(layout.queue, 0o700, owner)
    makeDirectory(layout.run, 0o755, owner)
    makeDirectory(join(layout.run, "agent"), 0o700, owner)
    // Anybody may leave mail, nobody but the mail system may see what is there; the group lets it read what users write.
    makeDirectory(layout.clientQueue, owner === undefined ? 0o700 : 0o3733, owner)
    makeDirectory(layout.mail, owner === undefined ? 0o700 : 0o755, undefined)
    return ok(undefined)
  } catch (error) {
    return fail(oneLine(layout.state, error))
  }
}

/** The state directory alone, for what must be there before the layout is made. */
export function makeState(state: string): Result<void> {
  try {
    makeDirectory(state, 0o755, undefined)
    return ok(undefined)
  } catch (error) {
    return fail(oneLine(state, error))
  }
}

function makeDirectory(path: string, mode: number, owner: { uid: number; gid: number } | undefined): void {
  if (isDirectory(path)) return
  // Step by step: Node's own `recursive` never comes back from where nothing can be made (/proc).
  const parent = dirname(path)
  if (!existsSync(parent)) makeDirectory(parent, 0o755, undefined)
  mkdirSync(path, { mode })
  chmodSync(path, mode)
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

function oneLine(state: string, error: unknown): string {
  const { code, path } = error as NodeJS.ErrnoException
  const where = path ?? state
  if (code === "EACCES" || code === "EPERM")
    return `${where}: no right to write there; choose another place with --state DIR`
  if (code === "ENOTDIR" || code === "EEXIST") return `${where}: there is a file where a directory is needed`
  if (code === "EROFS") return `${where}: read-only file system; choose another place with --state DIR`
  if (code === "ENOENT") return `${where}: nothing can be made there; choose another place with --state DIR`
  if (code === "ENOSPC") return `${where}: no space left on the device`
  return error instanceof Error ? error.message : String(error)
}
