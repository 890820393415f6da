import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { test } from "node:test"
import { printCtime, printDate, printDuration, printMinute, printQueueTime, printStamp } from "./date.ts"

// 24 November 2026, 07:10:42 UTC; 3 January 2027, 23:59:59 UTC
const november = Date.UTC(2026, 10, 24, 7, 10, 42)
const january = Date.UTC(2027, 0, 3, 23, 59, 59)

/** What the module prints where the clocks of this zone hang. */
function inZone(zone: string, call: string): string {
  const module = new URL("./date.ts", import.meta.url).href
  return execFileSync(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import * as date from ${JSON.stringify(module)}; process.stdout.write(${call})`,
    ],
    { env: { ...process.env, TZ: zone }, encoding: "utf8" },
  )
}

for (const [zone, at, expected] of [
  ["UTC", november, "Tue, 24 Nov 2026 07:10:42 GMT"],
  ["Europe/London", november, "Tue, 24 Nov 2026 07:10:42 GMT"],
  ["Europe/Berlin", november, "Tue, 24 Nov 2026 08:10:42 +0100"],
  ["America/St_Johns", november, "Tue, 24 Nov 2026 03:40:42 -0330"],
  ["Asia/Kathmandu", january, "Mon, 4 Jan 2027 05:44:59 +0545"],
  ["Pacific/Honolulu", january, "Sun, 3 Jan 2027 13:59:59 -1000"],
] as const) {
  test(`a date in ${zone} is printed with the zone's own hours`, () => {
    assert.equal(inZone(zone, `date.printDate(${at})`), expected)
  })
}

test("ctime, syslog and mailq pad the day with a space", () => {
  const printed = inZone(
    "UTC",
    `[date.printCtime(${january}), date.printStamp(${january}), date.printQueueTime(${january})].join("|")`,
  )
  assert.equal(printed, "Sun Jan  3 23:59:59 2027|Jan  3 23:59:59|Sun Jan  3 23:59")
})

test("the text kept from one second is never given for another", () => {
  for (const print of [printDate, printCtime, printStamp]) {
    const first = print(november)
    assert.equal(print(november + 400), first)
    assert.notEqual(print(november + 1000), first)
    assert.equal(print(november), first)
  }
  assert.notEqual(printQueueTime(november), printQueueTime(november + 60_000))
})

test("a minute is twelve digits of UTC", () => {
  assert.equal(printMinute(november), "202611240710")
})

for (const [milliseconds, expected] of [
  [-5, "00:00:00"],
  [999, "00:00:00"],
  [61_000, "00:01:01"],
  [86_399_000, "23:59:59"],
  [86_400_000, "1+00:00:00"],
  [2 * 86_400_000 + 3_600_000 + 5_000, "2+01:00:05"],
] as const) {
  test(`${milliseconds} ms is a delay of ${expected}`, () => {
    assert.equal(printDuration(milliseconds), expected)
  })
}
