// Queue ids in sendmail's form: the second they were made in base 60 (year, month, day, hour, minute, second), two letters
// that count within the second, six digits that tell one run of the daemon from the next.
import type { Clock, NewId } from "../mail/world.ts"

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
const perSecond = 60 * 60

/** `run` is any number that differs between runs; the ids of one maker are all different, even when the clock steps back. */
export function makeIds(clock: Clock, run: number): NewId {
  let second = 0
  let count = 0
  let prefix = ""
  return () => {
    const now = Math.floor(clock() / 1000)
    if (now > second) {
      second = now
      count = 0
      prefix = timeLetters(second)
    }
    const place = count++
    const tail = (run + Math.floor(place / perSecond)) % 1_000_000
    return prefix + letter(Math.floor(place / 60)) + letter(place) + String(tail).padStart(6, "0")
  }
}

function timeLetters(second: number): string {
  const t = new Date(second * 1000)
  return [
    t.getUTCFullYear() - 1900,
    t.getUTCMonth(),
    t.getUTCDate(),
    t.getUTCHours(),
    t.getUTCMinutes(),
    t.getUTCSeconds(),
  ]
    .map(letter)
    .join("")
}

function letter(n: number): string {
  return digits.charAt(n % 60)
}

/** A run for a command that makes one id and ends: no secret, and node:crypto takes longer to load than the rest of such a command. */
export function someRun(): number {
  return Math.floor(Math.random() * 1_000_000)
}
