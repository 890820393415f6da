// A clock that a test sets: libfaketime in front of the mail system's own. Between two starts it moves as over a boot, so that what
// waits grows older; under a running system it is a clock that somebody has set.
import { globSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { without } from "./debian.ts"

const library = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1")[0]

/** For a test's `skip` option. */
export const noClock: false | string =
  without("faketime") || (library === undefined ? "needs libfaketimeMT.so.1 (faketime)" : false)

/** Sets the clock that the mail system of this folder sees: `+365d`, `-365d`, `+0`. */
export function setClock(directory: string, to: string): void {
  writeFileSync(join(directory, "clock"), `${to}\n`, { mode: 0o644 })
}

/** The environment of a mail system whose clock is set so. */
export function clockEnv(directory: string, to: string): Readonly<Record<string, string>> {
  setClock(directory, to)
  return {
    LD_PRELOAD: library ?? "",
    FAKETIME_TIMESTAMP_FILE: join(directory, "clock"),
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  }
}

/** The system that has ended in this folder sees another boot when it starts again. */
export function reboot(directory: string, name: string): void {
  const database = new DatabaseSync(join(directory, "state", "queue", "queue.db"))
  database.prepare("UPDATE clock SET boot = ?, ahead = 0").run(name)
  database.close()
}
