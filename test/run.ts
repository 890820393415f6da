// What `./waypost test` runs: everything that must be true before a change is done, in stages, the quick ones first.
// `./waypost test PATTERN…` runs the test files whose path contains one of the patterns.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { build } from "../build/build.ts"
import { stampOf } from "../build/stamp.mjs"
import { runFiles } from "./files.ts"
import { installTools } from "./kit/debian.ts"
import { installPeers } from "./kit/peers.ts"
import { root, run } from "./program.ts"
import type { Counts } from "./reporter.ts"

/** What a stage found; a check without tests of its own counts as one. */
type Stage = { readonly name: string; readonly run: () => Promise<Counts> }

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A check by a program that is quiet when all is well. */
function check(name: string, command: string, ...args: readonly string[]): Stage {
  return {
    name,
    run: async () => {
      const { code, output } = await run(join(root, "node_modules/.bin", command), args, () => {})
      if (code !== 0) say(output.trimEnd())
      return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }
    },
  }
}

const buildStage: Stage = {
  name: "build",
  run: async () => {
    const code = await build(root, stampOf(root))
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }
  },
}

function tests(name: string, files: readonly string[], together: boolean): Stage {
  return {
    name: `${name} (${files.length} file${files.length === 1 ? "" : "s"})`,
    run: () => runFiles(files, together, say),
  }
}

function testFiles(): string[] {
  return ["src", "test", "build", "bench"]
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) =>
        join(folder, path),
      ),
    )
    .filter((path) => path.endsWith(".test.ts"))
    .toSorted()
}

/**
 * Tests beside the code of the core share one process: they touch no disk and no network. Those of shell and faces, which
 * change directories, users and descriptors, and those that start whole systems, have one each.
 */
const kinds: readonly { readonly name: string; readonly pattern: RegExp; readonly together: boolean }[] = [
  { name: "house rules", pattern: /^test\/(?:imports|sizes)\.test\.ts$/, together: true },
  {
    name: "units: core",
    pattern: /^src\/(?:mail|message|maps|config|auth|routing|policy|queue|filters|smtp|forensics)\//,
    together: true,
  },
  { name: "units: shell and faces", pattern: /^(?:src|build|bench)\//, together: false },
  { name: "transcripts", pattern: /^test\/transcripts/, together: true },
  { name: "end to end", pattern: /^test\//, together: false },
]

function testStages(files: readonly string[]): Stage[] {
  const kindOf = (file: string) => kinds.find(({ pattern }) => pattern.test(file))
  return kinds.flatMap((kind) => {
    const some = files.filter((file) => kindOf(file) === kind)
    return some.length === 0 ? [] : [tests(kind.name, some, kind.together)]
  })
}

const checks: readonly Stage[] = [
  check("types", "tsc", "--noEmit"),
  check("types of the pages", "tsc", "--noEmit", "--project", "src/console/pages"),
  check("lint", "oxlint", "--deny-warnings", "build", "src", "test", "bench"),
  check("format", "biome", "format", "."),
]

function stages(patterns: readonly string[]): readonly Stage[] {
  if (patterns.length === 0) return [...checks, buildStage, ...testStages(testFiles())]
  const files = testFiles().filter((file) => patterns.some((pattern) => file.includes(pattern)))
  return files.length === 0 ? [] : [buildStage, ...testStages(files)]
}

async function runAll(chosen: readonly Stage[]): Promise<Counts> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { name, run: runStage } of chosen) {
    say(`== ${name}`)
    const began = performance.now()
    const { passed, failed, skipped } = await runStage()
    total.passed += passed
    total.failed += failed
    total.skipped += skipped
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    say(
      `   ${failed > 0 ? `${failed} FAILED, ` : ""}${passed} passed${skipped > 0 ? `, ${skipped} skipped` : ""} in ${seconds} s`,
    )
  }
  return total
}

async function main(patterns: readonly string[]): Promise<number> {
  const chosen = stages(patterns)
  if (chosen.length === 0) {
    say(`no test file has ${patterns.map((one) => `"${one}"`).join(" or ")} in its path`)
    return 64
  }
  const began = performance.now()
  installTools((line) => say(`   ${line}`))
  if (patterns.length === 0) installPeers((line) => say(`   ${line}`))
  const { passed, failed, skipped } = await runAll(chosen)
  say(`\n${((performance.now() - began) / 1000).toFixed(0)} s in all; each skipped test says above why`)
  say(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  return failed > 0 ? 1 : 0
}

process.exitCode = await main(process.argv.slice(2))
