// Reads the dates that mail really carries: RFC 5322 §3.3, its obsolete forms (§4.3), ctime's, ISO's and Go's. It tells what
// stands there and makes no judgement: whether a weekday fits or a zone can be is for the reader of the result.

/** A date as it stands: its parts, and the moment they name when they name one. */
export type ReadDate = {
  /** The weekday's name, 0 = Sunday. */
  readonly weekday: number | undefined
  readonly year: number
  /** 0 = January. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** Minutes east of Greenwich, from the offset, else from a zone name that has only one meaning. */
  readonly offset: number | undefined
  /** `+0100` as written. */
  readonly offsetText: string | undefined
  /** Names of zones beside it, in brackets or not. */
  readonly zoneNames: readonly string[]
  /** Milliseconds since 1970 (UTC); with no zone at all, read as UTC; undefined when there is no such moment. */
  readonly at: number | undefined
  /** Words that are no part of a date. */
  readonly strange: readonly string[]
}

/** Octets of a date that are looked at. */
const longest = 256

const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

type Parts = {
  weekday: number | undefined
  year: number | undefined
  month: number | undefined
  day: number | undefined
  time: readonly [number, number, number] | undefined
  afternoon: "AM" | "PM" | undefined
  offsetText: string | undefined
  zoneNames: string[]
  strange: string[]
}

/** The date in this text, or undefined when there is no day, month and year in it. */
export function readDate(text: string): ReadDate | undefined {
  const parts: Parts = {
    weekday: undefined,
    year: undefined,
    month: undefined,
    day: undefined,
    time: undefined,
    afternoon: undefined,
    offsetText: undefined,
    zoneNames: [],
    strange: [],
  }
  for (const { word, comment } of wordsOf(text.slice(0, longest))) takeWord(parts, word, comment)
  return finish(parts)
}

type Word = { readonly word: string; readonly comment: boolean }

/** Words parted by blanks, commas and brackets; what stands in brackets is a comment. */
function wordsOf(text: string): readonly Word[] {
  const found: Word[] = []
  let depth = 0
  let word = ""
  const end = () => {
    if (word !== "") found.push({ word, comment: depth > 0 })
    word = ""
  }
  for (const c of text) {
    if (c !== "(" && c !== ")" && c !== "," && c > " ") {
      word += c
      continue
    }
    end()
    if (c === "(") depth++
    if (c === ")" && depth > 0) depth--
  }
  end()
  return found
}

function takeWord(parts: Parts, word: string, comment: boolean): void {
  if (comment) {
    if (isZoneName(word)) parts.zoneNames.push(word)
    return
  }
  const lower = word.toLowerCase()
  const time = timeIn(word)
  if (time !== undefined) parts.time ??= time
  else if (/^[+-]\d{4}$/.test(word)) parts.offsetText ??= word
  else if (/^\d{1,4}$/.test(word)) takeNumber(parts, word)
  else if (takeWhole(parts, lower)) return
  else if (parts.weekday === undefined && isIn(days, lower)) parts.weekday = placeIn(days, lower)
  else if (parts.month === undefined && isIn(months, lower)) parts.month = placeIn(months, lower)
  else if (lower === "am" || lower === "pm") parts.afternoon = lower === "am" ? "AM" : "PM"
  else if (isZoneName(word)) parts.zoneNames.push(word)
  else parts.strange.push(word)
}

/** `hh:mm`, `hh:mm:ss`, and a fraction that is passed over; obsolete dots count as colons. */
function timeIn(word: string): readonly [number, number, number] | undefined {
  const found = /^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,]\d{1,9})?)?$/.exec(word)
  return found === null ? undefined : [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)]
}

function takeNumber(parts: Parts, word: string): void {
  const value = Number(word)
  if (parts.day === undefined && word.length <= 2) parts.day = value
  else if (parts.year === undefined) parts.year = fullYear(value, word.length)
  else parts.strange.push(word)
}

// RFC 5322 §4.3: two digits below 50 are of this century, other two and three digits count from 1900.
function fullYear(value: number, digits: number): number {
  if (digits >= 4) return value
  return digits === 2 && value < 50 ? 2000 + value : 1900 + value
}

/** `22-Aug-2002` and `2016-03-02`, `2016-03-02T15:04:05Z`. */
function takeWhole(parts: Parts, lower: string): boolean {
  const iso =
    /^(\d{4})-(\d{2})-(\d{2})(?:t(\d{2}:\d{2}(?::\d{2})?)(?:\.\d{1,9})?(z|[+-]\d{2}:?\d{2})?)?$/.exec(lower)
  if (iso !== null) {
    parts.year = Number(iso[1])
    parts.month = Number(iso[2]) - 1
    parts.day = Number(iso[3])
    parts.time = timeIn(iso[4] ?? "") ?? parts.time
    if (iso[5] !== undefined) parts.offsetText = iso[5] === "z" ? "+0000" : iso[5].replace(":", "")
    return true
  }
  const dashed = /^(\d{1,2})-([a-z]{3})-(\d{2,4})$/.exec(lower)
  if (dashed === null || !months.includes(dashed[2] ?? "")) return false
  parts.day = Number(dashed[1])
  parts.month = months.indexOf(dashed[2] ?? "")
  parts.year = fullYear(Number(dashed[3]), dashed[3]?.length ?? 4)
  return true
}

function isIn(names: readonly string[], lower: string): boolean {
  return placeIn(names, lower) >= 0
}

/** "Sun", "Sunday", "Sept."; not "Sunset". */
function placeIn(names: readonly string[], lower: string): number {
  if (lower.length > 10) return -1
  const place = names.indexOf(lower.slice(0, 3))
  return place >= 0 && (lower.length === 3 || longForms.has(lower)) ? place : -1
}

const longForms: ReadonlySet<string> = new Set(
  (
    "sunday monday tuesday wednesday thursday friday saturday sun. mon. tue. tues wed. thu. thur thurs fri. sat. " +
    "january february march april june july august september sept sept. october november december " +
    "jan. feb. mar. apr. jun. jul. aug. sep. oct. nov. dec."
  ).split(" "),
)

function isZoneName(word: string): boolean {
  return /^[A-Z]{1,6}$/.test(word) || Object.hasOwn(zones, word.toUpperCase())
}

/**
 * Minutes east of Greenwich that a zone's name can mean: several where the world disagrees (IST is Irish, Indian and
 * Israeli time), so that only what no place means is a contradiction.
 */
export const zones: Readonly<Record<string, readonly number[]>> = {
  UT: [0], UTC: [0], GMT: [0], Z: [0], WET: [0], WEST: [60],
  EST: [-300, 600, 660], EDT: [-240, 660], CST: [-360, 480, 570, 630, -300], CDT: [-300, 630, -240],
  MST: [-420, 480, 390], MDT: [-360], PST: [-480, 480], PDT: [-420, 480], AKST: [-540], AKDT: [-480],
  HST: [-600], AST: [-240, 180], ADT: [-180, 240], NST: [-210], NDT: [-150],
  BST: [60, 360, -660], IST: [60, 330, 120], IDT: [180],
  CET: [60], CEST: [120], MET: [60, 120], MEST: [120], MEZ: [60], MESZ: [120],
  EET: [120], EEST: [180], MSK: [180, 240], MSD: [240], SAST: [120],
  JST: [540], KST: [540], HKT: [480], SGT: [480], AEST: [600], AEDT: [660], ACST: [570], ACDT: [630],
  AWST: [480], NZST: [720], NZDT: [780], BRT: [-180], BRST: [-120], ART: [-180],
} // biome-ignore format: a table

function finish(parts: Parts): ReadDate | undefined {
  const { year, month, day, time, weekday, offsetText, zoneNames, strange } = parts
  if (year === undefined || month === undefined || day === undefined) return undefined
  const [rawHour, minute, second] = time ?? [0, 0, 0]
  const hour = halfDay(rawHour, parts.afternoon)
  const offset = offsetText === undefined ? offsetOfNames(zoneNames) : minutesOf(offsetText)
  const read = { weekday, year, month, day, hour, minute, second, offset, offsetText, zoneNames, strange }
  const at = time === undefined ? undefined : moment(read)
  return { ...read, at }
}

function halfDay(hour: number, half: "AM" | "PM" | undefined): number {
  if (half === "PM" && hour < 12) return hour + 12
  return half === "AM" && hour === 12 ? 0 : hour
}

/** `-0330` in minutes, whatever its digits are. */
function minutesOf(text: string): number {
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(3, 5))
  return text.startsWith("-") ? -minutes : minutes
}

function offsetOfNames(names: readonly string[]): number | undefined {
  for (const name of names) {
    const known = Object.hasOwn(zones, name.toUpperCase()) ? zones[name.toUpperCase()] : undefined
    if (known !== undefined) return known[0]
  }
  return undefined
}

type Moment = Pick<ReadDate, "year" | "month" | "day" | "hour" | "minute" | "second" | "offset">

function moment({ year, month, day, hour, minute, second, offset }: Moment): number | undefined {
  // RFC 5322 §3.3: a second of 60 is a leap second.
  if (hour > 24 || minute > 59 || second > 60 || month > 11 || day < 1 || day > daysIn(year, month))
    return undefined
  const at = Date.UTC(year, month, day, hour, minute, second) - (offset ?? 0) * 60_000
  return Number.isNaN(at) ? undefined : at
}

const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** How many days this month has (0 = January). */
export function daysIn(year: number, month: number): number {
  const leap = month === 1 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return leap ? 29 : (lengths[month] ?? 0)
}

/** The weekday of this day, 0 = Sunday. */
export function weekdayOf(year: number, month: number, day: number): number {
  // 1 January 1970 was a Thursday. Date.UTC takes years below 100 for the 1900s.
  const sinceThen = Math.floor(Date.UTC(year, month, day) / 86_400_000)
  return (((sinceThen + 4) % 7) + 7) % 7
}
