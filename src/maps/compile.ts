// A table's source text as a cdb file, in memory: what makemap and newaliases write, and what is used where nobody ran them.
import type { Result } from "../mail/result.ts"
import { ok } from "../mail/result.ts"
import { parseAliases } from "./aliases.ts"
import { addToCdb, type CdbMaker, finishCdb, newCdb } from "./cdb-write.ts"
import { type Columns, readColumns, readMapText, type TextForm } from "./text.ts"

export type Compiled = {
  readonly pieces: readonly Buffer[]
  readonly entries: number
  /** What the operator should know: "line 3: no RHS for LHS example.org". */
  readonly problems: readonly { readonly line: number; readonly says: string }[]
}

function finish(maker: CdbMaker, problems: Compiled["problems"]): Result<Compiled> {
  const made = finishCdb(maker)
  return made.ok ? ok({ pieces: made.value, entries: maker.count, problems }) : made
}

/** Compiles an alias file. */
export function compileAliases(text: string): Result<Compiled> {
  const maker = newCdb()
  const { aliases, problems } = parseAliases(text)
  for (const { key, value, line } of aliases) addToCdb(maker, key, value, line, "utf8")
  return finish(maker, problems)
}

/** Compiles the source of a map; of two lines with the same key the first counts, as makemap has it. */
export function compileMap(text: string, form: TextForm): Result<Compiled> {
  const maker = newCdb()
  const seen = new Set<string>()
  const doubles: { line: number; says: string }[] = []
  const bad = readMapText(text, form, (key, value, line) => {
    if (seen.has(key)) doubles.push({ line, says: `key ${key}: duplicate key` })
    else addToCdb(maker, key, value, line, "utf8")
    seen.add(key)
  })
  return finish(
    maker,
    [...bad, ...doubles].toSorted((a, b) => a.line - b.line),
  )
}

/** Compiles a map of class text; of two lines with the same key the first counts. */
export function compileColumns(text: string, columns: Columns): Result<Compiled> {
  const maker = newCdb()
  const seen = new Set<string>()
  readColumns(text, columns, (key, value, line) => {
    if (!seen.has(key)) addToCdb(maker, key, value, line, "utf8")
    seen.add(key)
  })
  return finish(maker, [])
}
