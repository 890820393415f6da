// Times, sizes and status codes in plain words.

const steps: readonly (readonly [number, string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
]

/** A span in its largest unit: "3 min", "2 h". */
export function span(milliseconds: number): string {
  const size = Math.abs(milliseconds)
  for (const [unit, name] of steps) if (size >= unit) return `${Math.floor(size / unit)} ${name}`
  return "0 s"
}

/** "3 min ago", "in 2 h", "now". */
export function relative(at: number, now: number): string {
  const away = at - now
  if (Math.abs(away) < 1000) return "now"
  return away < 0 ? `${span(away)} ago` : `in ${span(away)}`
}

/** The reader's own clock, to the second: 2026-11-24 13:37:02. */
export function clockTime(at: number): string {
  const date = new Date(at)
  const two = (n: number): string => String(n).padStart(2, "0")
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** 812 octets, 12.4 KiB, 3.0 MiB. */
export function sizeOf(octets: number): string {
  if (octets < 1024) return `${octets} octets`
  return octets < 1 << 20 ? `${(octets / 1024).toFixed(1)} KiB` : `${(octets / (1 << 20)).toFixed(1)} MiB`
}

/** A number with its thousands apart. */
export function count(n: number): string {
  return n.toLocaleString("en")
}

/** "1 message", "3 messages". */
export function many(n: number, one: string, more = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : more}`
}

/** An age in minutes as the head of a column: 5 → "5 min", 240 → "4 h". */
export function minutesWord(minutes: number): string {
  return span(minutes * 60_000)
}

// RFC 3463 §3: the second and third number say what it is about.
const subjects: Readonly<Record<string, string>> = {
  "1.1": "there is no such user",
  "1.2": "there is no such host",
  "1.8": "the sender's domain does not exist",
  "2.1": "the mailbox does not take mail",
  "2.2": "the mailbox is full",
  "2.3": "the message is too large for the mailbox",
  "3.1": "the other system has no room left",
  "3.2": "the other system takes no mail now",
  "3.4": "the message is too large for the other system",
  "4.1": "the host did not answer",
  "4.2": "the connection broke",
  "4.3": "DNS did not answer",
  "4.4": "no way leads to the host",
  "4.5": "the other system is too busy",
  "4.6": "the mail goes round in a circle",
  "4.7": "the message waited too long",
  "5.0": "the other system did not understand",
  "7.0": "the other system's policy does not allow it now",
  "7.1": "the other system asks to wait, or does not want this mail",
  "7.5": "the encryption that is asked for could not be had",
}

/** What a status means: `4.4.1` → "the host did not answer"; undefined when the code says nothing of use. */
export function statusWords(status: string): string | undefined {
  const code = /\b[245]\.(\d{1,3}\.\d{1,3})\b/.exec(status)?.[1]
  return code === undefined ? undefined : subjects[code]
}

/** A peer as `host [address]`; one that is named by its address is named once. */
export function peerWords(remote: string): string {
  return [...new Set(remote.split(" "))].join(" ")
}
