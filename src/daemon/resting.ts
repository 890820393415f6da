// Memory at rest: after many clients have come, what their greetings and handshakes needed is garbage that V8 collects when it next
// needs room, which with idle clients may be never. When there is nothing to do, it is collected, and given back to the kernel.
import { performance } from "node:perf_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** How often we look whether there is nothing to do, in milliseconds. */
const lookEvery = 2000
/** The part of that time which may have been work. */
const idle = 0.05
/** Octets that must have come since the last time for it to be worth the work. */
const worthwhile = 8 * 1024 * 1024

/** Tidies whenever it is worthwhile, with what gives memory back meanwhile; the function that comes back ends it. */
export function tidyAtRest(trim: () => Promise<void>): () => void {
  let kept = process.memoryUsage().rss
  let before = performance.eventLoopUtilization()
  const tidy = async () => {
    collect()
    await trim()
    kept = process.memoryUsage.rss()
    before = performance.eventLoopUtilization()
  }
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (utilization > idle || process.memoryUsage.rss() - kept < worthwhile) return
    tidy().catch(() => {}) // the spool is in trouble, and says so: at the next look
  }, lookEvery)
  timer.unref()
  return () => clearInterval(timer)
}

let collector: (() => void) | undefined

function collect(): void {
  if (collector === undefined) {
    setFlagsFromString("--expose-gc")
    collector = runInNewContext("gc") as () => void
  }
  collector()
}
