// What a busy minute has left is given back when nobody wants anything, without a long pause: in a process with the mail process's flags.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { test } from "node:test"
import { text } from "node:stream/consumers"
import { nodeFlags } from "./children.ts"

const busyThenIdle = `
import { PerformanceObserver } from "node:perf_hooks"
import { tidyAtRest } from "${new URL("./resting.ts", import.meta.url).href}"

const forced = [] // what was collected in one piece: 4 is NODE_PERFORMANCE_GC_FLAGS_FORCED and NODE_PERFORMANCE_GC_MAJOR
new PerformanceObserver((list) => {
  for (const { detail, duration } of list.getEntries())
    if (detail.kind === 4 && detail.flags & 4) forced.push(duration)
}).observe({ entryTypes: ["gc"] })

const megabytes = () => Math.round(process.memoryUsage.rss() / 1024 / 1024)
let trims = 0
const before = megabytes()
const end = tidyAtRest(() => Promise.resolve(void trims++))
let letters = Array.from({ length: 200_000 }, (_, number) => ({ number, line: "Subject: letter " + number }))
const most = megabytes()
letters = undefined
const look = setInterval(() => {
  if (megabytes() - before > (most - before) / 3 || trims === 0) return
  clearInterval(look)
  end()
  console.log(JSON.stringify({ before, most, after: megabytes(), trims, forced }))
}, 200)
`

test("memory of a busy minute is given back at rest, and not all in one piece", async () => {
  const args = [...nodeFlags("mail"), "--input-type=module", "--eval", busyThenIdle]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], timeout: 60_000 })
  const said = await text(child.stdout)
  assert.notEqual(said, "", "it held what it had for a minute")
  const told = JSON.parse(said) as { before: number; most: number; after: number; trims: number; forced: [] }
  assert.ok(told.most - told.before > 20, `the busy minute took too little to tell: ${said}`)
  assert.deepEqual(told.forced, [], said)
})
