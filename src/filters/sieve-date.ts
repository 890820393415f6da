// The parts of dates that Sieve's date and currentdate tests ask for (RFC 5260 §4).
import { readDate } from "../message/date-read.ts"

/** A moment, and the zone in which it is looked at, in minutes east of Greenwich. */
export type Moment = { readonly at: number; readonly zone: number }

/** The date in a field's value: behind the last `;` of a Received, else all of it. */
export function momentOf(value: string): Moment | undefined {
  const text = value.includes(";") ? value.slice(value.lastIndexOf(";") + 1) : value
  const date = readDate(text)
  return date?.at === undefined ? undefined : { at: date.at, zone: date.offset ?? 0 }
}

/** `+0100` in minutes. */
export function zoneOf(text: string): number | undefined {
  const found = /^([-+])(\d\d)(\d\d)$/.exec(text)
  if (found === null) return undefined
  const minutes = Number(found[2]) * 60 + Number(found[3])
  return found[1] === "-" ? -minutes : minutes
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** One part of it; undefined when there is no part of that name. */
export function datePart({ at, zone }: Moment, name: string): string | undefined {
  const local = new Date(at + zone * 60_000)
  if (Number.isNaN(local.getTime())) return undefined
  const iso = local.toISOString()
  switch (name.toLowerCase()) {
    case "year":
      return iso.slice(0, 4)
    case "month":
      return iso.slice(5, 7)
    case "day":
      return iso.slice(8, 10)
    case "date":
      return iso.slice(0, 10)
    case "julian":
      return String(Math.floor((at + zone * 60_000) / 86_400_000) + 40_587)
    case "hour":
      return iso.slice(11, 13)
    case "minute":
      return iso.slice(14, 16)
    case "second":
      return iso.slice(17, 19)
    case "time":
      return iso.slice(11, 19)
    case "iso8601":
      return `${iso.slice(0, 19)}${colon(zoneText(zone))}`
    case "std11":
      return `${days[local.getUTCDay()]}, ${iso.slice(8, 10)} ${months[local.getUTCMonth()]} ${iso.slice(0, 4)} ${iso.slice(11, 19)} ${zoneText(zone)}`
    case "zone":
      return zoneText(zone)
    case "weekday":
      return String(local.getUTCDay())
  }
  return undefined
}

function zoneText(minutes: number): string {
  const far = Math.abs(minutes)
  const two = (n: number) => String(n).padStart(2, "0")
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(far / 60))}${two(far % 60)}`
}

function colon(zone: string): string {
  return `${zone.slice(0, 3)}:${zone.slice(3)}`
}
