// Times as people read them: moments in UTC and local, and how long something took.

export const dayNames = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
] as const

/** `2008-11-15 11:12:20 UTC`. */
export function inUtc(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? "no time" : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`
}

/** `12:12:20 +0100`. */
export function inLocal(at: number, offset: number): string {
  const local = new Date(at + offset * 60_000)
  if (Number.isNaN(local.getTime())) return "no time"
  const far = Math.abs(offset)
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(far / 60))}${two(far % 60)}`
  return `${local.toISOString().slice(11, 19)} ${zone}`
}

/** `4 s`, `25 min`, `3 h 20 min`, `11 days`. */
export function inWords(milliseconds: number): string {
  const seconds = Math.round(Math.abs(milliseconds) / 1000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.round(hours / 24)} days`
}

function two(n: number): string {
  return n < 10 ? `0${n}` : `${n}`
}
