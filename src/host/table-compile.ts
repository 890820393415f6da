// Compiles a table's text into the cdb beside it, and tells what is otherwise than before.
import { readFileSync } from "node:fs"
import type { TableSpec } from "../config/settings.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { type Cdb, cdbInMemory, cdbRecords } from "../maps/cdb.ts"
import { compileAliases, compileMap, type Compiled } from "../maps/compile.ts"
import { readMapFlags } from "../maps/flags.ts"
import { reasonOf, replaceFile } from "./replace.ts"
import { cdbOf } from "./table-source.ts"

export type TableChange = {
  readonly entries: number
  /** The keys that differ from what was compiled before; undefined when nothing was. */
  readonly before:
    | {
        readonly new: readonly string[]
        readonly changed: readonly string[]
        readonly gone: readonly string[]
      }
    | undefined
}

/** Writes the cdb; the error is one line. */
export function compileTable(
  spec: TableSpec,
): Result<{ readonly problems: Compiled["problems"]; readonly change: TableChange }> {
  let text: string
  try {
    text = readFileSync(spec.file, "utf8")
  } catch (error) {
    return fail(`${spec.file}: ${reasonOf(error)}`)
  }
  const { keepCase } = readMapFlags(spec.flags)
  const compiled = spec.name === "aliases" ? compileAliases(text) : compileMap(text, { keepCase })
  if (!compiled.ok) return fail(`${spec.file}: ${compiled.error}`)
  const { pieces, entries, problems } = compiled.value
  const before = recordsAt(cdbOf(spec))
  const written = replaceFile(cdbOf(spec), pieces, spec.file)
  if (!written.ok) return written
  const change = { entries, before: before && difference(before, recordsOf(Buffer.concat(pieces))) }
  return ok({ problems, change })
}

type Records = ReadonlyMap<string, string>

/** What is compiled now; nothing when it is missing or no cdb of ours. */
function recordsAt(path: string): Records | undefined {
  try {
    return recordsOf(readFileSync(path))
  } catch {
    return undefined // there is none to compare with
  }
}

function recordsOf(octets: Buffer): Records | undefined {
  const cdb = cdbInMemory(octets)
  return cdb.ok ? recordsIn(cdb.value) : undefined
}

function recordsIn(cdb: Cdb): Records {
  const records = new Map<string, string>()
  for (const { key, value } of cdbRecords(cdb)) records.set(key.toString("utf8"), value.toString("utf8"))
  return records
}

function difference(before: Records, after: Records | undefined): TableChange["before"] {
  const made = { new: [] as string[], changed: [] as string[], gone: [] as string[] }
  if (after === undefined) return made
  for (const [key, value] of after) {
    const old = before.get(key)
    if (old === undefined) made.new.push(key)
    else if (old !== value) made.changed.push(key)
  }
  for (const key of before.keys()) if (!after.has(key)) made.gone.push(key)
  return made
}
