// Finds what a table is read from: its `.cdb`, in memory or by position, or its text. Reads files and decides nothing.
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs"
import type { TableSpec } from "../config/settings.ts"
import { type Cdb, cdbInMemory, openCdb } from "../maps/cdb.ts"
import { compileAliases, compileColumns, compileMap, type Compiled } from "../maps/compile.ts"
import type { MapFlags } from "../maps/flags.ts"
import type { Result } from "../mail/result.ts"
import { reasonOf, statOf } from "./replace.ts"

export type Source =
  | { readonly kind: "cdb"; readonly cdb: Cdb; readonly path: string; readonly close: () => void }
  | { readonly kind: "missing" }
  | { readonly kind: "broken"; readonly why: string }

export type LoadedTable = { readonly source: Source; readonly notices: readonly string[] }

/** Above this size a cdb is read by position. */
const inMemoryUpTo = 32 * 1024 * 1024

/** A string that changes when one of the table's files does. */
export function stateOfFiles(spec: TableSpec): string {
  return [cdbOf(spec), spec.file].map((path) => stateOf(path)).join(" ")
}

function stateOf(path: string): string {
  const found = statOf(path)
  return found === undefined ? "none" : `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}`
}

/** Where the compiled form of a table lies. */
export function cdbOf(spec: Pick<TableSpec, "file">): string {
  return `${spec.file}.cdb`
}

/** Reads a table: the cdb where there is one, even an old one, as sendmail does; else the text. */
export function loadTable(spec: TableSpec, flags: MapFlags): LoadedTable {
  if (spec.kind === "null") return { source: { kind: "missing" }, notices: [] }
  const compiled = spec.kind === "text" || spec.fromText ? undefined : openFile(cdbOf(spec))
  if (compiled === undefined) return readText(spec, flags)
  return { source: compiled, notices: compiled.kind === "cdb" ? staleness(spec) : [] }
}

function staleness(spec: TableSpec): readonly string[] {
  const text = statOf(spec.file)
  const compiled = statOf(cdbOf(spec))
  if (text === undefined || compiled === undefined || text.mtimeMs <= compiled.mtimeMs) return []
  const command = spec.name === "aliases" ? "newaliases" : `makemap ${spec.kind} ${spec.file} < ${spec.file}`
  return [`${spec.file} is newer than ${cdbOf(spec)}, which decides until you run: ${command}`]
}

/** The cdb at a path, or undefined when there is none. */
function openFile(path: string): Source | undefined {
  let file: number
  try {
    file = openSync(path, "r")
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === "ENOENT" || code === "ENOTDIR"
      ? undefined
      : { kind: "broken", why: `${path}: ${reasonOf(error)}` }
  }
  try {
    const { size } = fstatSync(file)
    return size <= inMemoryUpTo ? whole(path, file) : byPosition(path, file, size)
  } catch (error) {
    closeSync(file)
    return { kind: "broken", why: `${path}: ${reasonOf(error)}` }
  }
}

function whole(path: string, file: number): Source {
  const octets = readFileSync(file)
  closeSync(file)
  return sourceOf(path, cdbInMemory(octets), nothing)
}

function nothing(): void {
  // a table in memory holds no file open
}

function byPosition(path: string, file: number, size: number): Source {
  const readAt = (position: number, length: number) => {
    const octets = Buffer.allocUnsafe(length)
    return octets.subarray(0, readSync(file, octets, 0, length, position))
  }
  const opened = openCdb(readAt, size)
  if (!opened.ok) closeSync(file)
  return sourceOf(path, opened, () => closeSync(file))
}

function sourceOf(path: string, opened: Result<Cdb>, close: () => void): Source {
  if (!opened.ok) return { kind: "broken", why: `${path}: ${opened.error}` }
  return { kind: "cdb", cdb: opened.value, path, close }
}

function readText(spec: TableSpec, flags: MapFlags): LoadedTable {
  let text: string
  try {
    text = readFileSync(spec.file, "utf8")
  } catch (error) {
    return withoutText(spec, flags, error)
  }
  const compiled = compile(spec, flags, text)
  if (!compiled.ok) return { source: { kind: "broken", why: `${spec.file}: ${compiled.error}` }, notices: [] }
  const { pieces, entries, problems } = compiled.value
  const source = sourceOf(spec.file, cdbInMemory(Buffer.concat(pieces)), nothing)
  const notices = problems.map(({ line, says }) => `${spec.file}: line ${line}: ${says}`)
  if (spec.kind !== "text" && !spec.fromText)
    notices.push(`${spec.file}: ${entries} entries read from the text: there is no ${cdbOf(spec)}`)
  return { source, notices }
}

// sendmail: a map without -o whose file is missing makes lookups fail for now; one with -o is empty.
function withoutText(spec: TableSpec, flags: MapFlags, error: unknown): LoadedTable {
  const why = `${spec.file}: ${reasonOf(error)}`
  const missing = (error as NodeJS.ErrnoException).code === "ENOENT"
  if (missing && (flags.optional || spec.name === "aliases"))
    return { source: { kind: "missing" }, notices: [] }
  return { source: { kind: "broken", why }, notices: [`the table ${spec.name} cannot be read: ${why}`] }
}

function compile(spec: TableSpec, flags: MapFlags, text: string): Result<Compiled> {
  if (spec.name === "aliases") return compileAliases(text)
  if (spec.kind !== "text") return compileMap(text, { keepCase: flags.keepCase })
  const { keyColumn, valueColumn, separator, keepCase } = flags
  return compileColumns(text, { key: keyColumn, value: valueColumn, separator, keepCase })
}
