// What `waypost start` prints when it has started: where it listens, where mail goes, what it read, and what to try next.
import { existsSync } from "node:fs"
import { relative } from "node:path"
import type { DaemonOptions } from "../config/settings.ts"
import type { StartReport } from "../daemon/supervisor.ts"

export type Report = StartReport & {
  readonly seconds: number
  readonly checkout: string
  readonly cwd: string
}

/** The text, without the line `ready`, which is printed with --quiet too. */
export function printReport(report: Report): string {
  const { settings, layout, listeners } = report
  const rows: readonly (readonly [string, string])[] = [
    ...listeners.map(
      (listener) => [isSubmission(listener) ? "submission" : "listening", printListener(listener)] as const,
    ),
    ["mail to", mailboxes(report)],
    ["queue", layout.queue],
    [
      "read",
      settings.source === "built-in default"
        ? `${settings.source} (waypost config --default prints it)`
        : settings.source,
    ],
    ...(report.consoleLink === undefined ? [] : [["console", report.consoleLink] as const]),
    ["try", tryNext(report)],
  ]
  const width = Math.max(...rows.map(([left]) => left.length))
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`)
  return `Waypost is running (started in ${report.seconds.toFixed(1)} s)\n${lines.join("")}`
}

function printListener({ name, address, family, port }: DaemonOptions): string {
  const everywhere = family === "inet6" ? "all IPv6 addresses" : "all addresses"
  const place =
    address === undefined
      ? `${everywhere}, port ${port}`
      : `${address.includes(":") ? `[${address}]` : address}:${port}`
  return `${place} (${name})`
}

/** sendmail's M=E or a port for submission make the door for users' own mail (RFC 6409). */
function isSubmission({ modify, port, name }: DaemonOptions): boolean {
  return modify.includes("E") || port === 587 || name === "MSA"
}

function mailboxes({ settings }: Report): string {
  const local = settings.mailers.get("local")
  const path = local?.args.replaceAll("%u", "USER").replaceAll("%h", "HOME")
  switch (local?.path) {
    case "mbox":
      return `${path}`
    case "maildir":
      return `${path} (Maildir)`
    case undefined:
      return "nowhere: the configuration has no MAILER(local)"
    default:
      return `the program ${local?.path}`
  }
}

/**
 * A folder of mailboxes that is not there, in one line. It is not made: it may be a disk that is still to be mounted, and
 * mail waits for it.
 */
export function missingFolder({ settings }: Pick<StartReport, "settings">): string | undefined {
  const local = settings.mailers.get("local")
  if (local?.path !== "mbox" && local?.path !== "maildir") return undefined
  const [fixed = ""] = local.args.split("%")
  const folder = fixed.slice(0, fixed.lastIndexOf("/"))
  if (folder === "" || existsSync(folder)) return undefined
  return `${folder}: no such directory; mail for users here waits until you make it`
}

function tryNext({ checkout, cwd }: Report): string {
  const path = relative(cwd, checkout)
  return `${path === "" ? "./waypost" : `${path.startsWith("..") ? checkout : `./${path}`}/waypost`} talk`
}
