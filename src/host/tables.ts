// Lookup tables on disk: the compiled `.cdb` beside a text where there is one, else the text, compiled in memory. A table
// that is replaced under a running daemon is noticed within a second, said, and used.
import type { TableSpec } from "../config/settings.ts"
import { readMapFlags, type MapFlags } from "../maps/flags.ts"
import { foldKey } from "../maps/keys.ts"
import { type Cdb, type CdbValue, findInCdb } from "../maps/cdb.ts"
import type { Entry, LookupTable } from "../maps/table.ts"
import type { Origin } from "../mail/decision.ts"
import { ok, type Result } from "../mail/result.ts"
import type { Found } from "../mail/world.ts"
import { loadTable, type Source, stateOfFiles } from "./table-source.ts"

/** Told what the operator should know: "/etc/mail/access.cdb was replaced and is in use". */
export type Say = (line: string) => void

export type OpenTables = {
  /** By their name in the settings, in the order in which they are asked. */
  readonly byName: ReadonlyMap<string, readonly LookupTable[]>
  close(): void
}

/** Opens all tables of a configuration. One that cannot be read answers "unavailable", which is never no. */
export function makeTables(specs: readonly TableSpec[], say: Say): Result<OpenTables> {
  const byName = new Map<string, Table[]>()
  for (const spec of specs) {
    const named = byName.get(spec.name) ?? []
    named.push(new Table(spec, say))
    byName.set(spec.name, named)
  }
  const close = () => {
    for (const tables of byName.values()) for (const table of tables) table.close()
  }
  return ok({ byName, close })
}

const checkEvery = 1000
/** Answers kept in memory: the keys of one message are asked for several times, and the next message asks for most of them again. */
const mostKept = 500

const nothing = { found: "nothing" } as const

/** One table: owned by whoever opened it, closed once. */
export class Table implements LookupTable {
  readonly name: string
  readonly via: Origin | undefined
  readonly #spec: TableSpec
  readonly #flags: MapFlags
  readonly #say: Say
  readonly #clock: () => number
  #source: Source = { kind: "missing" }
  #state = ""
  #failed = false
  #said = ""
  #checkedAt = Number.NEGATIVE_INFINITY
  readonly #answers = new Map<string, Found<Entry>>()

  constructor(spec: TableSpec, say: Say, clock: () => number = () => performance.now()) {
    this.name = spec.name
    this.via = spec.at
    this.#spec = spec
    this.#flags = readMapFlags(spec.flags)
    this.#say = say
    this.#clock = clock
    this.#refresh()
  }

  lookup(key: string): Found<Entry> {
    if (this.#clock() - this.#checkedAt >= checkEvery) this.#refresh()
    const source = this.#source
    if (source.kind === "broken") return { found: "unavailable", why: source.why }
    if (source.kind === "missing") return nothing
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const answer = this.#find(source.cdb, key)
    if (answer.found === "unavailable") return answer
    if (this.#answers.size >= mostKept) this.#answers.clear()
    this.#answers.set(key, answer)
    return answer
  }

  #find(cdb: Cdb, key: string): Found<Entry> {
    const wanted = this.#flags.keepCase ? key : foldKey(key)
    try {
      const found = findInCdb(cdb, Buffer.from(this.#flags.nullKeys ? `${wanted}\0` : wanted))
      return found === undefined ? nothing : { found: "entry", entry: this.#entry(wanted, found) }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return { found: "unavailable", why: `${this.#spec.file}.cdb: ${why}` }
    }
  }

  #entry(key: string, { value, line }: CdbValue): Entry {
    const { file } = this.#spec
    const { matchOnly, append } = this.#flags
    const at: Origin = line > 0 ? { file, line, column: 1 } : { file: `${file}.cdb`, line: 0, column: 1 }
    return { key, value: (matchOnly ? key : value.toString("utf8").trimEnd()) + append, at }
  }

  /** Looks whether the files are still those in use; what cannot be read now leaves the old one in use, and is tried again. */
  #refresh(): void {
    this.#checkedAt = this.#clock()
    const state = stateOfFiles(this.#spec)
    if (state === this.#state && !this.#failed) return
    const first = this.#state === ""
    this.#state = state
    const { source, notices } = loadTable(this.#spec, this.#flags)
    this.#failed = source.kind === "broken"
    const old = this.#source
    if (source.kind === "broken" && old.kind === "cdb") {
      return this.#sayOnce([`${this.#spec.file}: ${source.why}; what was read before stays in use`])
    }
    this.#sayOnce(notices)
    if (!first) for (const line of this.#news(source)) this.#say(line)
    this.#source = source
    this.#answers.clear()
    if (old.kind === "cdb") old.close()
  }

  #news(source: Source): string[] {
    if (source.kind === "cdb") return [`${source.path} was replaced and is in use now`]
    return source.kind === "missing" ? [`${this.#spec.file} is gone: the table is empty now`] : []
  }

  /** What is found again each second is said once. */
  #sayOnce(lines: readonly string[]): void {
    const all = lines.join("\n")
    if (all !== this.#said) for (const line of lines) this.#say(line)
    this.#said = all
  }

  close(): void {
    if (this.#source.kind === "cdb") this.#source.close()
    this.#source = { kind: "broken", why: "the table is closed" }
    this.#checkedAt = Number.POSITIVE_INFINITY
  }
}
