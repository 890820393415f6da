// The load average of the last minute, as sendmail counts it: a whole number, asked for at most as often as the kernel makes a new one.
import { loadavg } from "node:os"

/** The kernel's own interval (LOAD_FREQ), in milliseconds. */
const every = 5000

/** Tells the load average; asking costs nothing. */
export type LoadAverage = () => number

/** The machine's. */
export function loadAverage(
  read: () => readonly number[] = loadavg,
  now: () => number = () => performance.now(),
): LoadAverage {
  let known = 0
  let until = Number.NEGATIVE_INFINITY
  return () => {
    const time = now()
    if (time >= until) {
      known = Math.round(read()[0] ?? 0)
      until = time + every
    }
    return known
  }
}
