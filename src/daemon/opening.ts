// What the mail process opens first, as the configuration says: its log and its spool.
import { option } from "../config/options.ts"
import { type Log, makeLog } from "../host/log.ts"
import { machineLog } from "../host/syslog.ts"
import type { SpoolOptions } from "../spool/sqlite.ts"
import type { Configuration } from "./messages.ts"
import { historyLimits, leastFree } from "./spool-limits.ts"

/** The log; a system of root's writes into the machine's own as well. */
export function logOf({ logFormat, asRoot, settings }: Configuration): Log {
  return makeLog({
    format: logFormat,
    write: (lines) => process.stderr.write(lines),
    syslog: asRoot ? machineLog() : undefined,
    level: option(settings, "LogLevel"),
  })
}

/** Where the spool lies, and how much of the disk it may take. */
export function spoolPlace({
  layout,
  settings,
}: Configuration): Pick<
  SpoolOptions,
  "directory" | "reserveBytes" | "historyOctets" | "historyMilliseconds"
> {
  const { queue: directory } = layout
  return { directory, reserveBytes: leastFree(settings, directory), ...historyLimits(settings) }
}
