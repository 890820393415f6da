// `waypost make`, and what `make` in the configuration directory runs: checks the sendmail.mc, compiles every table whose text is
// newer than what was compiled of it, and says what changed. A running system takes the new tables up by itself.
import { dirname, join, resolve } from "node:path"
import { existsSync } from "node:fs"
import { readRuleMapFlags } from "../config/rule-maps.ts"
import type { Settings, TableSpec } from "../config/settings.ts"
import { cdbOf } from "../host/table-source.ts"
import { statOf } from "../host/replace.ts"
import { compileTable, type TableChange } from "../host/table-compile.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { loadConfiguration } from "./configuration.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningConfiguration, runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost make",
  operands: "[TABLE…]",
  mostOperands: 1000,
  about:
    "Checks the configuration and compiles each table whose text is newer than its .cdb; says what changed. With names (access, " +
    "aliases …) only those. Ends with 65 when a line of a text was bad, though all others count, and with 78 when the " +
    "configuration cannot be used.",
  options: {
    config: { value: "FILE", says: "a sendmail.mc or its directory (else the one of the running system)" },
    state: stateOption,
    all: { says: "also those that are up to date" },
  },
}

const dataError = 65

/** Runs make. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const state = runningState(given.text("state"), io)
  const configured = loadConfiguration(configurationOf(given.text("config"), state, io), state)
  if (!configured.ok) return refuse(io, `waypost make: ${configured.error}`, exits.config)
  const { settings, warnings } = configured.value
  for (const warning of warnings) io.stderr.write(`${warning}\n`)
  const specs = compiledTables(settings)
  const unknown = given.operands.find((name) => specs.every((spec) => !isCalled(spec, name)))
  if (unknown !== undefined)
    return refuse(io, `waypost make: the configuration has no table "${unknown}"`, exits.usage)
  const chosen = specs.filter(
    (spec) => given.operands.length === 0 || given.operands.some((name) => isCalled(spec, name)),
  )
  return make(chosen, given.has("all"), io)
}

function configurationOf(named: string | undefined, state: string, io: Io): string | undefined {
  if (named === undefined) return runningConfiguration(state)
  const path = resolve(io.cwd, named)
  const inside = join(path, "sendmail.mc")
  return existsSync(inside) ? inside : path
}

/** The tables that are kept compiled: those of features, and those that K lines declare; a file is one, however often it is named. */
function compiledTables(settings: Settings): readonly TableSpec[] {
  const declared = [...settings.maps.values()].map(({ name, kind, args, at }): TableSpec => {
    const flags = readRuleMapFlags(args)
    return { name, kind, file: flags.rest.split(/\s+/, 1)[0] ?? "", flags: args, at }
  })
  const specs = new Map<string, TableSpec>()
  for (const spec of [...settings.tables, ...declared])
    if (compiledKinds.has(spec.kind) && spec.file.startsWith("/") && !specs.has(spec.file))
      specs.set(spec.file, spec)
  return [...specs.values()]
}

const compiledKinds: ReadonlySet<string> = new Set(["hash", "btree", "dbm", "cdb", "implicit"])

function isCalled({ name, file }: TableSpec, asked: string): boolean {
  return name === asked || file === asked || file === join(dirname(file), asked.replace(/\.(?:db|cdb)$/, ""))
}

function make(specs: readonly TableSpec[], all: boolean, io: Io): number {
  let code: number = exits.ok
  let made = 0
  for (const spec of specs) {
    if (statOf(spec.file) === undefined || (!all && isUpToDate(spec))) continue
    made++
    code = Math.max(code, makeOne(spec, io))
  }
  if (made === 0) io.stdout.write("All tables are up to date.\n")
  return code
}

function isUpToDate(spec: TableSpec): boolean {
  const text = statOf(spec.file)
  const compiled = statOf(cdbOf(spec))
  return text === undefined || (compiled !== undefined && compiled.mtimeMs >= text.mtimeMs)
}

function makeOne(spec: TableSpec, io: Io): number {
  const made = compileTable(spec)
  if (!made.ok) return refuse(io, `waypost make: ${made.error}`, exits.cannotCreate)
  const { problems, change } = made.value
  for (const { line, says } of problems) io.stderr.write(`${spec.file}: line ${line}: ${says}\n`)
  io.stdout.write(`${cdbOf(spec)}: ${wordsOf(change)}\n`)
  return problems.length > 0 ? dataError : exits.ok
}

/** `3 entries: 1 new, 1 changed, 2 gone`. */
function wordsOf({ entries, before }: TableChange): string {
  const count = `${entries} ${entries === 1 ? "entry" : "entries"}`
  if (before === undefined) return `${count}, made for the first time`
  const parts = (["new", "changed", "gone"] as const).flatMap((word) =>
    before[word].length === 0 ? [] : [`${before[word].length} ${word}${examples(before[word])}`],
  )
  return parts.length === 0 ? `${count}, none changed` : `${count}: ${parts.join(", ")}`
}

/** Keys that are named one by one; of more their number is enough. */
const mostNamed = 5

function examples(keys: readonly string[]): string {
  return keys.length > mostNamed ? "" : ` (${keys.join(", ")})`
}
