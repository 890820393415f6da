// A date of RFC 5322 §3.3 in any zone, for messages that are made up.
import { dayNames } from "./words.ts"

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** `Tue, 24 Nov 2026 07:10:42 +0100` of this moment in a zone so many minutes east of Greenwich. */
export function printDate(at: number, zone: number): string {
  const local = new Date(at + zone * 60_000)
  const far = Math.abs(zone)
  const two = (n: number) => String(n).padStart(2, "0")
  const day = `${dayNames[local.getUTCDay()]?.slice(0, 3)}, ${local.getUTCDate()} ${months[local.getUTCMonth()]} ${local.getUTCFullYear()}`
  const time = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}`
  return `${day} ${time} ${zone < 0 ? "-" : "+"}${two(Math.floor(far / 60))}${two(far % 60)}`
}
