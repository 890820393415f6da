import assert from "node:assert/strict"
import { test } from "node:test"
import { openCase } from "./case.ts"
import { judge } from "./judgement.ts"
import { printReport } from "./report.ts"

const hop =
  "Received: from a.b.c (d.e.f [1.2.3.4]) by g.h.i (Postfix) with ESMTP id 12345678; Mon, 1 Jan 2024 00:00:00 +0000\n"

/** Headers that are made to be slow to read; each is given the octets it may have. */
const hostile: Readonly<Record<string, (octets: number) => string>> = {
  "one field of many words": (n) => `Received: ${"a ".repeat(n / 2)}\n`,
  "comments in comments": (n) => `Received: from a ${"(".repeat(n)}\n`,
  "brackets left open": (n) => `Received: from a ${"[".repeat(n)}\n`,
  "quotes and angles": (n) => `Received: from a ${'" <'.repeat(n / 3)}\n`,
  semicolons: (n) => `Received: from a ${"; Mon ".repeat(n / 6)}\n`,
  "many hops": (n) => hop.repeat(n / hop.length),
  "tiny fields": (n) => "a:\n".repeat(n / 3),
  "many authors": (n) => `From: ${"a@b,".repeat(n / 4)}\n`,
  "many From fields": (n) => 'From: "x@y" <a@b.c>\n'.repeat(n / 20),
  "many results": (n) => "Authentication-Results: x; spf=pass smtp.mailfrom=a;\n".repeat(n / 53),
  "many folds": (n) => `Received: from a\n${" b\n".repeat(n / 3)}`,
  "clauses again and again": (n) => `Received: ${"from a by b ".repeat(n / 12)}\n`,
  "encoded words left open": (n) => `From: =?utf-8?q?${"=?".repeat(n / 2)}\n`,
}

function milliseconds(text: string): number {
  const bytes = Buffer.from(`${text}\nHi\n`, "latin1")
  let best = Number.POSITIVE_INFINITY
  for (let n = 0; n < 3; n++) {
    const start = performance.now()
    printReport(judge(openCase(bytes)))
    best = Math.min(best, performance.now() - start)
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

test("5,000 hops are read within a second", () => assert.ok(milliseconds(hop.repeat(5000)) < 1000))

test("more hops than are read are said to be so", () => {
  const { findings } = judge(openCase(Buffer.from(`${hop.repeat(5001)}\n`)))
  assert.match(
    findings.find(({ check }) => check === "unread")?.explanation ?? "",
    /5001 Received fields; the last 1 /,
  )
})
