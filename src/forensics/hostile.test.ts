import assert from "node:assert/strict"
import { test } from "node:test"
import { hostile } from "../../test/kit/hostile-headers.ts"
import { openCase } from "./case.ts"
import { judge } from "./judgement.ts"
import { printReport } from "./report.ts"

/** Our own time, not the machine's: others work on it too. The least of some runs. */
function milliseconds(text: string): number {
  const bytes = Buffer.from(`${text}\nHi\n`, "latin1")
  let best = Number.POSITIVE_INFINITY
  for (let n = 0; n < 4; n++) {
    const began = process.cpuUsage()
    printReport(judge(openCase(bytes)))
    const { user, system } = process.cpuUsage(began)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

for (const [name, make] of Object.entries(hostile)) {
  test(`${name}: 10 MB are read in less than a second, in time in proportion`, () => {
    const half = milliseconds(make(5e6))
    const whole = milliseconds(make(1e7))
    assert.ok(whole < 1000, `${whole} ms`)
    // A few milliseconds are noise.
    assert.ok(whole < 2.3 * half + 25, `${half} ms, then ${whole} ms`)
  })
}

test("more hops than are read are said to be so", () => {
  const hop = "Received: from a.hello.com by b.hello.com; Mon, 1 Jan 2024 00:00:00 +0000\n"
  const { findings } = judge(openCase(Buffer.from(`${hop.repeat(5001)}\n`)))
  assert.match(
    findings.find(({ check }) => check === "unread")?.explanation ?? "",
    /5001 Received fields; the last 1 /,
  )
})
