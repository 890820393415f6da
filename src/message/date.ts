// Dates as mail prints them: of RFC 5322 §3.3 in the local zone, of ctime(3) for From_ lines, and sendmail's short one for queue lists.
// Each is asked for by every message, so the last second's text is kept.

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** `Tue, 24 Nov 2026 07:10:42 GMT`, or `+0100` where the local zone is not that. */
export const printDate = oncePerSecond(arpaDate)

/** `Tue Nov 24 07:10:42 2026`, of an mbox's From_ line. */
export const printCtime = oncePerSecond((at) => `${dayAndMonth(at)} ${timeOfDay(at)} ${at.getFullYear()}`)

/** `Nov 24 07:10:42`, of syslog. */
export const printStamp = oncePerSecond((at) => `${monthAndDate(at)} ${timeOfDay(at)}`)

/** `Tue Nov 24 07:10`, of mailq. */
export function printQueueTime(milliseconds: number): string {
  const at = new Date(milliseconds)
  return `${dayAndMonth(at)} ${timeOfDay(at).slice(0, 5)}`
}

/** `202611240710`, of sendmail's message-ids. */
export function printMinute(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 16).replaceAll(/[-T:]/g, "")
}

/** `00:10:42`, `2+01:00:00`: how long something took (the log's delay= and xdelay=). */
export function printDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const clock = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return seconds < 86_400 ? clock : `${Math.floor(seconds / 86_400)}+${clock}`
}

function arpaDate(at: Date): string {
  const date = `${days[at.getDay()]}, ${at.getDate()} ${months[at.getMonth()]} ${at.getFullYear()}`
  return `${date} ${timeOfDay(at)} ${zone(-at.getTimezoneOffset())}`
}

// sendmail differs: arpadate.c writes GMT where RFC 5322 §3.3 would have +0000; every reader knows both (§4.3).
function zone(minutes: number): string {
  if (minutes === 0) return "GMT"
  const far = Math.abs(minutes)
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(far / 60))}${two(far % 60)}`
}

function dayAndMonth(at: Date): string {
  return `${days[at.getDay()]} ${monthAndDate(at)}`
}

function monthAndDate(at: Date): string {
  return `${months[at.getMonth()]} ${String(at.getDate()).padStart(2)}`
}

function timeOfDay(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

function two(n: number): string {
  return n < 10 ? `0${n}` : `${n}`
}

/** Keeps the text of the second that was asked for last. */
function oncePerSecond(print: (at: Date) => string): (milliseconds: number) => string {
  let second = Number.NaN
  let text = ""
  return (milliseconds) => {
    const asked = Math.floor(milliseconds / 1000)
    if (asked !== second) {
      second = asked
      text = print(new Date(milliseconds))
    }
    return text
  }
}
