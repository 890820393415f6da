// The forms of queue ids by maker, and the clock that many of them hide: a forger has to know it, honest mail never gets it wrong.
import type { MakerName } from "../message/received-maker.ts"

export type IdReading = {
  /** Whether this maker can have made it; undefined where a maker's ids have no form that is known. */
  readonly formed: boolean | undefined
  /** The moment it was made, in milliseconds since 1970; undefined where it hides none. */
  readonly clock: number | undefined
  /** The local hour, of sendmail before 8.10. */
  readonly hour: number | undefined
  /** The form in words. */
  readonly form: string
}

export type IdQuestion = {
  readonly maker: MakerName
  readonly version: string | undefined
  readonly id: string
  /** The field's own date: some clocks wrap around, and the turn next to it is meant. */
  readonly near: number | undefined
}

/** What this id tells, read as one of this maker's. */
export function readId({ maker, version, id, near }: IdQuestion): IdReading | undefined {
  switch (maker) {
    case "sendmail":
      return isOldSendmail(version) ? oldSendmail(id) : sendmail(id, near)
    case "Waypost":
      return sendmail(id, near)
    case "Postfix":
      return postfix(id)
    case "Exim":
      return exim(id)
    case "Gmail":
      return gmail(id)
    default:
      return undefined
  }
}

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

function isOldSendmail(version: string | undefined): boolean {
  const minor = /^8\.(\d{1,2})/.exec(version ?? "")?.[1]
  return version?.startsWith("5.") === true || (minor !== undefined && Number(minor) < 10)
}

// sendmail 8.10 and later: year since 1900 (modulo 60), month from 0, day, hour, minute, second, in GMT; a sequence; the process id.
const sendmailForm = /^[0-9A-Za-x][0-9AB][1-9A-V][0-9A-N][0-9A-Za-x][0-9A-Za-x][0-9A-Za-x]{1,2}\d{4,10}$/

function sendmail(id: string, near: number | undefined): IdReading {
  const form =
    "year, month, day, hour, minute and second in one character each, then a sequence and a process number"
  if (!sendmailForm.test(id)) return { formed: false, clock: undefined, hour: undefined, form }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = [...id.slice(0, 6)].map((c) =>
    digits.indexOf(c),
  )
  const turns = [1900, 1960, 2020, 2080].map((base) =>
    Date.UTC(base + year, month, day, hour, minute, second),
  )
  return { formed: true, clock: nearest(turns, near), hour: undefined, form }
}

function nearest(moments: readonly number[], near: number | undefined): number | undefined {
  if (near === undefined) return undefined
  return moments.toSorted((a, b) => Math.abs(a - near) - Math.abs(b - near))[0]
}

function oldSendmail(id: string): IdReading {
  const form = "three letters, the first for the hour of the day, then a process number"
  const formed = /^[A-X][A-Z]{2}\d{2,10}$/.test(id)
  return { formed, clock: undefined, hour: formed ? id.charCodeAt(0) - 65 : undefined, form }
}

const base52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"

/** Short: microseconds and a file number in capital hexadecimal. Long: seconds, microseconds, "z", file number, without vowels. */
function postfix(id: string): IdReading {
  const form =
    "capital hexadecimal digits, six or more; or consonants and digits with a z before the last group"
  if (/^[0-9A-F]{6,20}$/.test(id)) return { formed: true, clock: undefined, hour: undefined, form }
  const z = id.lastIndexOf("z")
  const formed = z >= 10 && id.length <= 32 && [...id].every((c) => base52.includes(c))
  return {
    formed,
    clock: formed ? valueIn(id.slice(0, z - 4), base52) * 1000 : undefined,
    hour: undefined,
    form,
  }
}

/** 6-6-2 characters, since 4.97 6-11-4: the first group is seconds since 1970 in base 62. */
function exim(id: string): IdReading {
  const form = "three groups of 6, 6 and 2 (or 6, 11 and 4) letters and digits"
  const found = /^([0-9A-Za-z]{6})-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})$/.exec(id)
  const clock = found === null ? undefined : valueIn(found[1] ?? "", digits) * 1000
  return { formed: found !== null, clock, hour: undefined, form }
}

/** Gmail's end in a date and time, Pacific, winter or summer: read as winter, good to an hour. */
function gmail(id: string): IdReading {
  const form = "letters and digits, often with year, month, day, hour, minute and second at the end"
  const found = /\.(\d{4})\.(\d{2})\.(\d{2})\.(\d{2})\.(\d{2})\.(\d{2})$/.exec(id)
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found?.slice(1).map(Number) ?? []
  const clock = found === null ? undefined : Date.UTC(year, month - 1, day, hour + 8, minute, second)
  return { formed: /^[\w.-]{8,120}$/.test(id), clock, hour: undefined, form }
}

function valueIn(text: string, alphabet: string): number {
  let value = 0
  for (const c of text) value = value * alphabet.length + alphabet.indexOf(c)
  return value
}

/** The makers whose form this id has: so that a wrong id can be said to be another's. */
export function makersOf(id: string): readonly MakerName[] {
  const found: MakerName[] = []
  if (sendmailForm.test(id) && !/^\d+$/.test(id)) found.push("sendmail")
  if (postfix(id).formed === true) found.push("Postfix")
  if (exim(id).formed === true) found.push("Exim")
  return found
}
