// Where the state directory and the configuration are: the same answer for the daemon that is started and for the commands that
// look for it.
import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { layoutOf } from "../daemon/layout.ts"
import type { Io } from "./io.ts"

/** Where a daemon of root keeps its state. */
export const systemState = "/var/lib/waypost"

/** sendmail's own place. Only root's system reads it: an ordinary user cannot bind the ports it names. */
export const systemConfiguration = "/etc/mail/sendmail.mc"

/** What the machine's own system runs on, for the commands of users who are not root; undefined: as loadConfiguration chooses. */
export function runningConfiguration(state: string): string | undefined {
  return state === systemState && existsSync(systemConfiguration) ? systemConfiguration : undefined
}

/** The checkout this program was built in: two folders above its entry, in src/commands as in dist/STAMP. */
export function checkoutOf(entry: string): string {
  return dirname(dirname(dirname(entry)))
}

/** Where `start` keeps its state. */
export function ownState(option: string | undefined, io: Io): string {
  const named = option ?? io.env["WAYPOST_STATE"]
  if (named !== undefined && named !== "") return resolve(io.cwd, named)
  return process.getuid?.() === 0 ? systemState : join(checkoutOf(io.entry), "var")
}

/**
 * Where a command looks for a running daemon. An ordinary user's mailq finds the machine's own daemon, unless one runs on
 * ./var: nobody should have to say where the mail system is.
 */
export function runningState(option: string | undefined, io: Io): string {
  const own = ownState(option, io)
  if (option !== undefined || io.env["WAYPOST_STATE"] !== undefined) return own
  return !existsSync(layoutOf(own).control) && existsSync(layoutOf(systemState).control) ? systemState : own
}
