import assert from "node:assert/strict"
import { test } from "node:test"
import { hostile } from "../../test/kit/hostile-headers.ts"
import { openCase } from "./case.ts"
import { judge } from "./judgement.ts"
import { printReport } from "./report.ts"

/** The least of our own processor time in some runs: the machine's other work only ever adds to it. */
class Stopwatch {
  readonly #bytes: Buffer
  least = Number.POSITIVE_INFINITY

  constructor(text: string) {
    this.#bytes = Buffer.from(`${text}\nHi\n`, "latin1")
  }

  run(): void {
    const began = process.cpuUsage()
    printReport(judge(openCase(this.#bytes)))
    const { user, system } = process.cpuUsage(began)
    this.least = Math.min(this.least, (user + system) / 1000)
  }
}

/** What grows faster than its input is slower each time; what a busy machine made slow is quick once in so many times. */
const mostRuns = 20

for (const [name, make] of Object.entries(hostile)) {
  test(`${name}: 10 MB are read in less than a second, in time in proportion`, () => {
    const half = new Stopwatch(make(5e6))
    const whole = new Stopwatch(make(1e7))
    // A few milliseconds are the clock's own steps.
    const proportional = () => whole.least < 1000 && whole.least < 2.3 * half.least + 10
    for (let run = 0; run < mostRuns && (run < 2 || !proportional()); run++) {
      half.run()
      whole.run()
    }
    assert.ok(proportional(), `${half.least} ms, then ${whole.least} ms`)
  })
}

test("more hops than are read are said to be so", () => {
  const hop = "Received: from a.hello.com by b.hello.com; Mon, 1 Jan 2024 00:00:00 +0000\n"
  const { findings } = judge(openCase(Buffer.from(`${hop.repeat(5001)}\n`)))
  assert.match(
    findings.find(({ check }) => check === "unread")?.explanation ?? "",
    /5001 Received fields: only the newest 1000 were read/,
  )
})
