// Test files run by node:test, and what they found; a file that did not tell all its tests has failed.
import { join, relative, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { root, run } from "./program.ts"
import { type Counts, countsMark, type Told } from "./reporter.ts"

/** Test files in one process (quick, for those that touch nothing but themselves) or in one process each. */
export async function runFiles(
  files: readonly string[],
  together: boolean,
  say: (line: string) => void,
): Promise<Counts> {
  let told: Told | undefined
  const { code } = await run(process.execPath, [...flags(together), ...files], (line) => {
    if (line.startsWith(countsMark)) told = JSON.parse(line.slice(countsMark.length)) as Told
    else say(line)
  })
  if (told === undefined) {
    say(`  the test runner ended (exit ${code}) before it had counted`)
    return { passed: 0, failed: 1, skipped: 0 }
  }
  const { passed, failed, skipped } = told
  const cut = together ? [] : untold(files, told)
  if (files.length > 5 && !together) say(`   longest: ${longest(told)}`)
  for (const file of cut) say(`\nFAILED: ${file}\n  its process ended before it had told of all its tests\n`)
  const all = failed + cut.length
  return { passed, failed: code !== 0 && all === 0 ? 1 : all, skipped }
}

/** The five files one waits for the longest. */
function longest({ whole }: Told): string {
  const files = Object.entries(whole).toSorted(([, a], [, b]) => b - a)
  return files
    .slice(0, 5)
    .map(([file, milliseconds]) => `${relative(root, file)} ${(milliseconds / 1000).toFixed(0)} s`)
    .join(", ")
}

function flags(together: boolean): readonly string[] {
  // What a failed test leaves open must not keep the run for ever.
  const before = ["whole-report.ts", "compiled.ts"].map(
    (name) => `--import=${pathToFileURL(join(root, "test/kit", name)).href}`,
  )
  const alone = ["--test-force-exit", "--test-concurrency=2", ...before]
  return [
    "--disable-warning=ExperimentalWarning",
    "--test",
    "--test-timeout=120000",
    ...(together ? ["--test-isolation=none"] : alone),
    `--test-reporter=${join(root, "test/reporter.ts")}`,
    "--test-reporter-destination=stdout",
  ]
}

/**
 * The files whose processes ended in the middle without an error, by a process.exit or with a report lost: what a whole one
 * says last is how many tests it had. One that failed as a whole is among the failed tests already.
 */
function untold(files: readonly string[], { whole, broken }: Told): readonly string[] {
  const told = new Set([...Object.keys(whole), ...broken])
  return files.filter((file) => !told.has(resolve(root, file)))
}
