// How node:test's events are told by ./waypost test: failures whole, skipped tests with their reason, the rest in numbers.
// The last line is for test/run.ts: the counts as JSON.
import { relative } from "node:path"
import type { TestEvent } from "node:test/reporters"
import { inspect } from "node:util"

export type Counts = { passed: number; failed: number; skipped: number }

/** What the line with the counts begins with. */
export const countsMark = "\u0001counts "

type Told = Extract<TestEvent, { type: "test:pass" | "test:fail" }>["data"]

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const path: string[] = []
  for await (const event of source) {
    switch (event.type) {
      case "test:start":
        path[event.data.nesting] = event.data.name
        break
      case "test:pass":
        yield passed(event.data, counts)
        break
      case "test:fail":
        yield failed(event.data, path.slice(0, event.data.nesting), counts)
        break
      case "test:diagnostic":
        if (event.data.message.includes("\n")) yield `${indent(event.data.message)}\n`
        break
      case "test:stdout":
      case "test:stderr":
        yield event.data.message
        break
      default: // the rest is bookkeeping
    }
  }
  yield `${countsMark}${JSON.stringify(counts)}\n`
}

/** A suite is no test: what is in it counts. */
function isSuite(test: Told): boolean {
  return test.details.type === "suite"
}

function passed(test: Told, counts: Counts): string {
  if (test.skip !== undefined && test.skip !== false) {
    counts.skipped++
    const why = typeof test.skip === "string" && test.skip !== "" ? test.skip : "NO REASON GIVEN"
    return `  skipped: ${test.name} (${where(test)}): ${why}\n`
  }
  if (!isSuite(test)) counts.passed++
  return ""
}

function failed(test: Told, parents: readonly string[], counts: Counts): string {
  const error = "error" in test.details ? (test.details.error as Error & { failureType?: string }) : undefined
  if (isSuite(test) && error?.failureType === "subtestsFailed") return "" // told where it happened
  counts.failed++
  const name = [...parents, test.name].join(" › ")
  return `\nFAILED: ${name}\n  ${where(test)}\n${indent(inspect(error?.cause ?? error, { depth: 4 }))}\n\n`
}

function where(test: Told): string {
  return test.file === undefined ? "?" : `${relative(process.cwd(), test.file)}:${test.line ?? 0}`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ")
}
