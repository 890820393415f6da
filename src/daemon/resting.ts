// Memory at rest: after many clients have come, what their greetings and handshakes needed is garbage that V8 collects when it next
// needs room, which with idle clients may be never. When there is nothing to do, it is collected, and given back to the kernel, in
// pieces: a client that comes meanwhile must not wait for all of it. V8's own way at rest (its memory reducer, which the mail process
// starts without) gives back dozens of megabytes in one piece, 50–130 ms.
import { performance } from "node:perf_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** How often we look whether there is nothing to do, in milliseconds. */
const lookEvery = 2000
/** The part of that time which may have been work. */
const idle = 0.05
/** Octets that must have come since the last time for it to be worth the work. */
const worthwhile = 8 * 1024 * 1024
/** Looks without work until the young generation is tidied: V8 lets go of its room when little was asked of it for five seconds. */
const restful = 4
/** More octets outside of the heap than V8 (64 MiB) goes on with without marking what is wanted. Nobody writes there: it is not memory. */
const pressing = 65 * 1024 * 1024

/** Tidies whenever it is worthwhile, with what gives memory back meanwhile; the function that comes back ends it. */
export function tidyAtRest(trim: () => Promise<void>): () => void {
  let kept = process.memoryUsage.rss()
  let before = performance.eventLoopUtilization()
  let quiet = 0
  let pretext: ArrayBuffer | undefined
  const look = async () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    quiet = utilization > idle ? 0 : quiet + 1
    if (quiet === 0) return
    const held = process.memoryUsage.rss()
    kept = Math.min(kept, held)
    if (pretext === undefined) {
      if (held - kept >= worthwhile) pretext = new ArrayBuffer(pressing)
    } else if (quiet >= restful) {
      pretext = undefined
      collectYoung()
      await trim()
      kept = process.memoryUsage.rss()
    }
  }
  const timer = setInterval(() => {
    look().catch(() => {}) // the spool is in trouble, and says so: at the next look
  }, lookEvery)
  timer.unref()
  return () => clearInterval(timer)
}

let collector: ((how: { readonly type: "minor" }) => void) | undefined

function collectYoung(): void {
  if (collector === undefined) {
    setFlagsFromString("--expose-gc")
    collector = runInNewContext("gc") as NonNullable<typeof collector>
  }
  collector({ type: "minor" })
}
