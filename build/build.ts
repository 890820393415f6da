// Bundles src/ into dist/<stamp>/, where dist/current points. Each build has its own folder, so that a daemon that runs from
// an older one still finds the pieces it loads late; old folders are removed after a while.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs"
import { join } from "node:path"
import type { Plugin } from "rolldown"
import { buildConsole } from "./console.ts"
import { late, pieces, plainExports } from "./pieces.ts"
import { writeEntry } from "./warm.ts"
import { workers } from "./workers.ts"

/** Builds and switches to the new build; the result is an exit code. */
export async function build(root: string, stamp: string): Promise<number> {
  const began = performance.now()
  const dist = join(root, "dist")
  try {
    mkdirSync(dist, { recursive: true })
    await bundle(root, join(dist, stamp))
    pointTo(dist, stamp)
    removeOld(dist)
  } catch (error) {
    return explain(dist, error)
  }
  say(`built in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return 0
}

/** Written aside and renamed: a build that was interrupted is never taken for one. */
async function bundle(root: string, target: string): Promise<void> {
  const aside = `${target}.${process.pid}`
  mkdirSync(aside) // here, for rolldown's own error has no code
  try {
    const halves = await Promise.allSettled([write(root, aside), buildConsole(root, aside)]) // a half that still writes cannot be removed
    for (const half of halves) if (half.status === "rejected") throw half.reason
    putInPlace(aside, target)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

/** An older build of the same sources makes room: it may be in use, so it is gone for two renames and no longer. */
function putInPlace(made: string, target: string): void {
  const old = `${made}.old`
  if (existsSync(target)) renameSync(target, old)
  renameSync(made, target)
  rmSync(old, { recursive: true, force: true })
}

async function write(root: string, folder: string): Promise<void> {
  const { rolldown } = await import("rolldown") // loaded only when there is something to build
  const made = await rolldown({
    input: { main: join(root, "src/commands/main.ts") },
    platform: "node",
    preserveEntrySignatures: "allow-extension",
    plugins: [workers(), late(), plainExports(), ascii()],
    onLog: (level, log) => level === "warn" && log.code !== ours && say(log.message),
  })
  await made.write({
    dir: folder,
    format: "cjs", // starts 1.5 ms sooner than ESM
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name]-[hash].cjs",
    codeSplitting: { groups: pieces.map((one) => ({ ...one, includeDependenciesRecursively: false })) },
    sourcemap: true,
    minify: false,
    keepNames: true,
  })
  await made.close()
  mkdirSync(join(folder, "cache"))
  const why = await writeEntry(join(root, "build"), folder)
  if (why !== undefined)
    say(`its commands start slower than they could, for they could not be run once: ${why}`)
}

/** What is loaded late stands in a file of those above all the same: its code runs late, and that is what costs. */
const ours = "INEFFECTIVE_DYNAMIC_IMPORT"

/** Other letters than ASCII's by their numbers: such a file is read the quickest way. No text of ours is taken raw. */
function ascii(): Plugin {
  const number = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
  return {
    name: "ascii",
    renderChunk: (code) => ({ code: code.replaceAll(/[^\x00-\x7f]/g, number), map: null }),
  }
}

function pointTo(dist: string, stamp: string): void {
  const aside = join(dist, `current.${process.pid}`)
  symlinkSync(stamp, aside)
  renameSync(aside, join(dist, "current"))
}

const kept = { builds: 3, hours: 24 }

function removeOld(dist: string): void {
  const current = readlinkSync(join(dist, "current"))
  const oldest = Date.now() - kept.hours * 3_600_000
  const builds = readdirSync(dist, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== current)
    .map((entry) => ({ path: join(dist, entry.name), at: statSync(join(dist, entry.name)).mtimeMs }))
    .toSorted((a, b) => b.at - a.at)
  for (const { path, at } of builds.slice(kept.builds - 1)) {
    if (at < oldest) rmSync(path, { recursive: true, force: true })
  }
}

function explain(dist: string, error: unknown): number {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    say(`the sources have changed, and you may not write ${dist}: run ./waypost build as its owner`)
    return 77
  }
  if (code === "ENOSPC" || /os error 28\b/.test(message)) {
    say(`no space left to build in ${dist}`)
    return 73
  }
  say(`the sources do not build:\n${message}`)
  return 70
}

function say(line: string): void {
  process.stderr.write(`waypost: ${line}\n`)
}
