// Time for what waits. A machine's clock can be set, by a year if its battery was empty; how long mail has waited must not follow
// it. Pure: the machine's clocks are read elsewhere (host/steady-clock.ts); here is decided what they mean.
import type { Queued } from "./entry.ts"

/** What a machine's clocks say at one moment, in milliseconds. */
export type Readings = {
  /** Since 1970. It may be set at any time, by anybody. */
  readonly wall: number
  /** Since this process began. Nobody sets it; it stands while the machine sleeps. */
  readonly running: number
  /** Since the machine was booted, its sleep included. */
  readonly uptime: number
  /** Differs from boot to boot; empty where the system has no name for it. */
  readonly boot: string
}

/** What the spool remembers of time, so that a restart can tell how much of it has passed. */
export type TimeMark = {
  /** The queue's own time, milliseconds since 1970. */
  readonly at: number
  /** How far the machine's clock is ahead of it: 0 unless the clock was set. */
  readonly ahead: number
  /** Nobody could say how long the machine was off. */
  readonly unsure: boolean
  readonly uptime: number
  readonly boot: string
}

/** How far ahead the machine's clock is, and a line for the operator when that is news. */
export type Standing = { readonly ahead: number; readonly unsure: boolean; readonly says: string | undefined }

const minute = 60_000
const day = 86_400_000

/** A clock that is set by less is followed: no age and no schedule is as exact as that. */
export const tolerance = 2 * minute

/** After a boot, a clock this far beyond the last sign of life may well be right: a long weekend. */
export const longestAbsence = 3 * day

/** By how much the clock was set between two readings; 0 when it only went on, or the machine slept. */
export function setBetween(before: Readings, now: Readings): number {
  const passed = now.wall - before.wall
  const slept = Math.max(0, now.uptime - before.uptime - (now.running - before.running))
  const beyond = passed - (now.running - before.running) - slept
  return Math.abs(beyond) <= tolerance ? 0 : beyond
}

/** The clock of a running system was set by so much. */
export function afterSetting(by: number, { ahead, unsure }: Omit<Standing, "says">): Standing {
  const now = ahead + by
  const how = `the clock was set ${by > 0 ? "forward" : "back"} by ${span(by)}`
  if (Math.abs(now) <= tolerance || (unsure && now > 0 && now <= longestAbsence)) {
    const says = `${how}: it agrees with the queue again`
    return { ahead: 0, unsure: false, says }
  }
  const says = `${how}: mail that waits keeps its age and its times; if the clock is wrong now, set it right, nothing else is to be done`
  return { ahead: now, unsure, says }
}

/** A system begins on what an earlier one left; without a mark there is nothing that could have waited. */
export function afterStart(mark: TimeMark | undefined, now: Readings): Standing {
  if (mark === undefined) return { ahead: 0, unsure: false, says: undefined }
  return sinceBoot(mark, now) ?? acrossBoots(mark, now)
}

/** In the same boot the machine knows how long we were away, whatever its clock says. */
function sinceBoot(mark: TimeMark, now: Readings): Standing | undefined {
  if (mark.boot === "" || mark.boot !== now.boot || now.uptime < mark.uptime) return undefined
  const ahead = now.wall - (mark.at + now.uptime - mark.uptime)
  const by = ahead - mark.ahead
  if (Math.abs(by) > tolerance) return afterSetting(by, mark)
  return { ahead: Math.abs(ahead) <= tolerance ? 0 : ahead, unsure: mark.unsure, says: undefined }
}

/** Else the clock is believed as long as it is not before the last sign of life, nor too long after it. */
function acrossBoots(mark: TimeMark, now: Readings): Standing {
  for (const ahead of [0, mark.ahead]) {
    const away = now.wall - ahead - mark.at
    if (away >= -tolerance && away <= longestAbsence) return { ahead, unsure: false, says: undefined }
  }
  const ahead = now.wall - mark.at
  const says =
    ahead < 0
      ? `the clock says ${stamp(now.wall)}, ${span(ahead)} before the newest there is in the queue: mail that waits keeps its age and its times; set the clock right, nothing else is to be done`
      : `the clock says ${stamp(now.wall)}, ${span(ahead)} after the newest there is in the queue: if it is wrong, set it right; mail that waits keeps its age, so nothing is given up for the time this machine was off`
  return { ahead, unsure: true, says }
}

/** A message with the times of the machine's clock, for people and other hosts: inside, all times are the queue's own. */
export function asDated(queued: Queued, ahead: number): Queued {
  if (ahead === 0) return queued
  const { entry, pending } = queued
  return {
    entry: { ...entry, acceptedAt: entry.acceptedAt + ahead },
    pending: pending.map((one) => ({
      ...one,
      nextAttempt: one.nextAttempt === 0 ? 0 : one.nextAttempt + ahead,
      lastStatus: one.lastStatus && { ...one.lastStatus, at: one.lastStatus.at + ahead },
    })),
  }
}

function stamp(at: number): string {
  return new Date(at).toISOString().replace(/:\d\d\.\d+Z$/, "Z")
}

/** "365 days", "26 hours", "5 minutes". */
function span(milliseconds: number): string {
  const amount = Math.abs(milliseconds)
  if (amount >= 2 * day) return `${Math.round(amount / day)} days`
  const minutes = Math.round(amount / minute)
  return minutes >= 120 ? `${Math.round(minutes / 60)} hours` : `${minutes} minutes`
}
