// How node:test's events are told by ./waypost test: failures whole, skipped tests with their reason, the rest in numbers.
// The last line is for test/files.ts: what was told, as JSON.
import { relative, resolve } from "node:path"
import type { TestEvent } from "node:test/reporters"
import { inspect } from "node:util"

export type Counts = { passed: number; failed: number; skipped: number }

/** Also which files told all their tests, and in how many milliseconds, and which failed as a whole (a syntax error, a signal). */
export type Told = Counts & { readonly whole: Record<string, number>; readonly broken: string[] }

/** What the line with the counts begins with. */
export const countsMark = "\u0001counts "

/** node:test counts too, in notes like those of tests. */
const ofTheRunner = /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/

type Test = Extract<TestEvent, { type: "test:pass" | "test:fail" }>["data"]

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  const told: Told = { passed: 0, failed: 0, skipped: 0, whole: {}, broken: [] }
  const path: string[] = []
  for await (const event of source) {
    switch (event.type) {
      case "test:start":
        path[event.data.nesting] = event.data.name
        break
      case "test:pass":
        yield passed(event.data, told)
        break
      case "test:fail":
        yield failed(event.data, path.slice(0, event.data.nesting), told)
        break
      case "test:summary":
        if (event.data.file !== undefined) told.whole[event.data.file] = event.data.duration_ms
        break
      case "test:diagnostic":
        if (!ofTheRunner.test(event.data.message)) yield `${indent(event.data.message)}\n`
        break
      case "test:stdout":
      case "test:stderr":
        yield event.data.message
        break
      default: // the rest is bookkeeping
    }
  }
  yield `${countsMark}${JSON.stringify(told)}\n`
}

/** A suite is no test: what is in it counts. */
function isSuite(test: Test): boolean {
  return test.details.type === "suite"
}

/** Stands for a file that told of no test of its own. */
function isFile(test: Test): boolean {
  return resolve(test.name) === test.file
}

function passed(test: Test, counts: Counts): string {
  if (test.skip !== undefined && test.skip !== false) {
    counts.skipped++
    const why = typeof test.skip === "string" && test.skip !== "" ? test.skip : "NO REASON GIVEN"
    return `  skipped: ${test.name} (${where(test)}): ${why}\n`
  }
  if (!isSuite(test) && !isFile(test)) counts.passed++
  return ""
}

function failed(test: Test, parents: readonly string[], told: Told): string {
  const error = "error" in test.details ? (test.details.error as Error & { failureType?: string }) : undefined
  if (isSuite(test) && error?.failureType === "subtestsFailed") return "" // told where it happened
  told.failed++
  if (isFile(test)) told.broken.push(resolve(test.name))
  const name = [...parents, test.name].join(" › ")
  return `\nFAILED: ${name}\n  ${where(test)}\n${indent(inspect(error?.cause ?? error, { depth: 4 }))}\n\n`
}

function where(test: Test): string {
  return test.file === undefined ? "?" : `${relative(process.cwd(), test.file)}:${test.line ?? 0}`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ")
}
