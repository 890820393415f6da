// Makes package-lock.json anew: `node build/lock.mjs`, with Node 26 first on PATH (npm under an older one picks old majors).
// What packages say about Node is taken out: all of them only ever run under the Node that comes with them, and npm would
// leave out the optional ones for the Node that happens to install them.
// @ts-check
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
if (Number.parseInt(process.versions.node, 10) < 26)
  throw new Error("make the lock with Node 26 first on PATH")
execFileSync(
  "npm",
  ["install", "--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved"],
  {
    cwd: root,
    stdio: "inherit",
  },
)
const path = join(root, "package-lock.json")
const lock = JSON.parse(readFileSync(path, "utf8"))
for (const [name, entry] of Object.entries(lock.packages)) if (name !== "") delete entry.engines
writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`)
