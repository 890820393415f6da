// Maps of class program: a program is started for each key, its first line is the answer (sendmail: prog_map_lookup).
import { execFile } from "node:child_process"
import { foundValue, type MapAnswer, nothingFound } from "../config/rule-maps.ts"

/** A program that takes longer has no answer. */
const longestMilliseconds = 30_000
/** More than this is not the answer to a lookup. */
const mostOctets = 64 * 1024

// EX_NOHOST of sysexits(3), which sendmail calls EX_NOTFOUND here, and EX_TEMPFAIL.
const notFound = 68
const tryAgain = 75

/** Runs it without a shell and with next to no environment; it has this process's rights, never more. */
export function askProgram(program: string, args: readonly string[]): Promise<MapAnswer> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {
        cwd: "/",
        env: { PATH: "/usr/bin:/bin", AGENT: "sendmail" },
        timeout: longestMilliseconds,
        maxBuffer: mostOctets,
        encoding: "utf8",
      },
      (error, stdout) => {
        const code = error === null ? 0 : error.code
        if (code === 0) resolve(foundValue(stdout.split("\n", 1)[0] ?? ""))
        else if (code === tryAgain) resolve({ found: "unavailable", why: `${program} says to try again` })
        else if (code === notFound || typeof code === "number") resolve(nothingFound)
        else resolve({ found: "unavailable", why: `${program}: ${error?.message ?? "failed"}` })
      },
    )
    child.stdin?.end()
  })
}
