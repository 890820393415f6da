// The moments between which a crash leaves something different behind. docs/spool.md has a row for each; the kill tests stop a
// process after each and look at what is left. In a running system step() is one comparison.

/** Every step, in the words of docs/spool.md. */
export const steps = [
  "body.created",
  "body.written",
  "body.synced",
  "body.linked",
  "body.aborted",
  "accept.received",
  "accept.written",
  "accept.committed",
  "accept.answered",
  "record.asked",
  "record.written",
  "record.committed",
  "record.answered",
  "remove.written",
  "remove.committed",
  "remove.unlinked",
  "change.written",
  "change.committed",
  "damaged.copied",
  "checkpoint.begun",
  "checkpoint.done",
  "open.locked",
  "open.recovered",
  "open.migrated",
  "open.replayed",
  "open.swept",
  "log.made",
  "log.begun",
  "log.freed",
  "settle.written",
  "settle.committed",
  "settle.parted",
  "settle.sliced",
  "settle.gathered",
  "salvage.ready",
  "salvage.done",
  "reopen.closed",
  "history.written",
  "history.committed",
] as const

export type Step = (typeof steps)[number]

const [stopAfter, times] = (process.env["WAYPOST_STOP_AFTER"] ?? "").split("#")
let left = Number(times ?? 1)

/** A step is done. The process that a kill test started with WAYPOST_STOP_AFTER=step or step#times ends here, at once. */
export function step(name: Step): void {
  if (name !== stopAfter) return
  if (--left <= 0) process.kill(process.pid, "SIGKILL")
}
