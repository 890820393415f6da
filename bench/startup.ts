// How long our commands take to start, beside the same launcher running `node -e 0`: `node bench/startup.ts [ROUNDS]`.
// Taken in turns, so that a machine that wanders wanders for all of them.
import { spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const rounds = Number(process.argv[2] ?? 40)
const folder = mkdtempSync(join(tmpdir(), "waypost-startup-"))

/** bin/mailq and build/launch.sh as they are, but Node gets an empty program. */
function launcherOfNothing(): string {
  const launch = join(folder, "launch.sh")
  const script = readFileSync(join(root, "build/launch.sh"), "utf8")
  writeFileSync(
    launch,
    script.replace('"$entry" "$program" "$@"', "-e 0").replace("root=${self%/*}/..", `root=${root}`),
  )
  const command = join(folder, "nothing")
  const own = readFileSync(join(root, "bin/mailq"), "utf8").replace(/^\. .*$/m, `. ${launch}`)
  writeFileSync(command, own)
  chmodSync(command, 0o755)
  return command
}

function milliseconds(command: string, args: readonly string[]): number {
  const began = performance.now()
  spawnSync(command, args, { stdio: "ignore", env: { ...process.env, WAYPOST_STATE: folder } })
  return performance.now() - began
}

const commands: readonly (readonly [string, ...string[]])[] = [
  [launcherOfNothing()],
  [join(root, "bin/mailq"), "--version"],
  [join(root, "bin/mailq")],
  [join(root, "bin/sendmail"), "-bp"],
  [join(root, "bin/waypost"), "ready"],
  [join(root, "bin/waypost"), "help"],
]
const times = commands.map(() => [] as number[])
for (let round = 0; round < rounds; round++) {
  for (const [n, [command, ...args]] of commands.entries()) times[n]?.push(milliseconds(command, args))
}
const medians = times.map((some) => some.toSorted((a, b) => a - b)[Math.floor(some.length / 2)] ?? Number.NaN)
const [nothing = Number.NaN] = medians
for (const [n, [command, ...args]] of commands.entries()) {
  const name = n === 0 ? "the launcher with node -e 0" : [command.slice(root.length + 1), ...args].join(" ")
  const median = medians[n] ?? Number.NaN
  process.stdout.write(`${median.toFixed(1).padStart(7)} ms  ${(median / nothing).toFixed(2)} ×  ${name}\n`)
}
rmSync(folder, { recursive: true })
