// The memory of FEATURE(greylist): a file of lines that only grows, read and tidied when it is opened. What a crash of the machine
// takes from its end only makes somebody wait once more.
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs"
import type { Clock } from "../mail/world.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { GreylistMemory, Tried } from "../policy/greylist.ts"
import { replaceFile } from "./replace.ts"

export type GreylistFile = GreylistMemory & { close(): void }

/** More is forgotten, oldest first. */
const mostKept = 100_000
/** Nobody is remembered longer (milliseconds), whatever the FEATURE says. */
const longest = 90 * 86_400_000

/** Opens the file, or makes it. The error is one line. */
export function openGreylist(path: string, clock: Clock, say: (line: string) => void): Result<GreylistFile> {
  try {
    const { kept, lines } = readKept(path, clock() - longest)
    if (lines > 2 * kept.size + 1000) {
      const tidied = tidy(path, kept)
      if (!tidied.ok) return tidied
    }
    const file = openSync(path, "a", 0o600)
    return ok({
      get: (key) => kept.get(key),
      set(key, tried) {
        kept.delete(key)
        kept.set(key, tried)
        forgetOldest(kept)
        write(file, lineOf(key, tried), () => say(`${path}: cannot be written; who waits now may wait again`))
      },
      close: () => closeSync(file),
    })
  } catch (error) {
    return fail(`${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A full disk refuses no mail: what cannot be written is remembered as long as we run. */
function write(file: number, line: string, failed: () => void): void {
  try {
    writeSync(file, line)
  } catch {
    failed()
  }
}

function lineOf(key: string, { first, last, passed }: Tried): string {
  return `${first} ${last} ${passed ? "+" : "-"} ${key.replaceAll("\n", " ")}\n`
}

/** The last line of a key counts; lines that are broken, as the last one after a crash may be, are not looked at. */
function readKept(
  path: string,
  oldest: number,
): { readonly kept: Map<string, Tried>; readonly lines: number } {
  const kept = new Map<string, Tried>()
  if (!existsSync(path)) return { kept, lines: 0 }
  const lines = readFileSync(path, "utf8").split("\n")
  lines.pop()
  for (const line of lines) {
    const found = /^(\d{1,15}) (\d{1,15}) ([+-]) (.+)$/.exec(line)
    const [, first, last, sign, key = ""] = found ?? []
    if (found === null || Number(last) < oldest) continue
    kept.delete(key)
    kept.set(key, { first: Number(first), last: Number(last), passed: sign === "+" })
    forgetOldest(kept)
  }
  return { kept, lines: lines.length }
}

function forgetOldest(kept: Map<string, Tried>): void {
  if (kept.size <= mostKept) return
  const [oldest] = kept.keys()
  if (oldest !== undefined) kept.delete(oldest)
}

function tidy(path: string, kept: ReadonlyMap<string, Tried>): Result<void> {
  return replaceFile(
    path,
    [...kept].map(([key, tried]) => Buffer.from(lineOf(key, tried))),
  )
}
