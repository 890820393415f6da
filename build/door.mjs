// What ./waypost runs: builds when the sources have changed since, then becomes the built program.
// Plain JavaScript for the reason given in stamp.mjs.
// @ts-check
import { readlinkSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { stampOf } from "./stamp.mjs"

const root = join(import.meta.dirname, "..")
const [program = "waypost", ...args] = process.argv.slice(2)
const stamp = stampOf(root)
const asked = program === "waypost" && args[0] === "build"

if (asked || built() !== stamp) {
  const { build } = await import("./build.ts")
  process.exitCode = await build(root, stamp)
}
if (process.exitCode === undefined || process.exitCode === 0) {
  const entry = join(root, "dist", stamp, "waypost.cjs")
  process.argv = [process.execPath, entry, program, ...args]
  if (!asked) createRequire(import.meta.url)(entry)
}

function built() {
  try {
    return readlinkSync(join(root, "dist", "current"))
  } catch {
    return undefined // never built
  }
}
