// makemap: makes the compiled form of a table from its text on standard input; sendmail's flags and words. Every type is
// kept as cdb beside the text: `makemap hash /etc/mail/access < /etc/mail/access` writes /etc/mail/access.cdb.
import { readFileSync } from "node:fs"
import { cdbOf } from "../host/table-source.ts"
import { reasonOf, replaceFile, statOf } from "../host/replace.ts"
import { cdbInMemory, cdbRecords, openCdb } from "../maps/cdb.ts"
import { addToCdb, finishCdb, newCdb } from "../maps/cdb-write.ts"
import { type BadLine, readMapText, type TextForm } from "../maps/text.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { exits, inputOf, type Io, print, refuse } from "./io.ts"

const types = ["hash", "btree", "dbm", "cdb"]
const usage =
  "Usage: makemap [-C cffile] [-c cachesize] [-D commentchar] [-d] [-e] [-f] [-l] [-N] [-o] [-r] [-s] [-t delimiter] [-u] [-v] type mapname"
const dataError = 65

type Wish = {
  readonly flags: ReadonlySet<string>
  readonly form: TextForm
  readonly type: string
  readonly map: string
}

/** Runs makemap; the result is its exit code: 65 when a line was bad, though all others are in the map. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes("--help")) {
    print(io, `${usage}\n`)
    return exits.ok
  }
  const wish = readWish(argv)
  if (!wish.ok) return refuse(io, `${wish.error}${usage}`, exits.usage)
  if (wish.value.flags.has("l")) {
    print(io, `${types.join("\n")}\n`)
    return exits.ok
  }
  const { type, map } = wish.value
  if (!types.includes(type)) {
    return refuse(
      io,
      `makemap: error opening type ${type} map ${map}: Unknown database type`,
      exits.cannotCreate,
    )
  }
  return wish.value.flags.has("u") ? printMap(wish.value, io) : await make(wish.value, io)
}

/** getopt(3) with makemap's letters; a letter of "CDct" takes a value. The error ends with a line end, or is empty. */
function readWish(argv: readonly string[]): Result<Wish> {
  const flags = new Map<string, string>()
  let next = 0
  for (; next < argv.length; next++) {
    const word = argv[next] ?? ""
    if (word === "--") {
      next++
      break
    }
    if (!word.startsWith("-") || word === "-") break
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] ?? ""
      if ("NdeflorsuvI".includes(letter)) flags.set(letter, "")
      else if ("CDct".includes(letter)) {
        const value = word.slice(at + 1) || argv[++next]
        if (value === undefined) return fail(`makemap: option requires an argument -- '${letter}'\n`)
        flags.set(letter, value)
        break
      } else return fail(`makemap: invalid option -- '${letter}'\n`)
    }
  }
  const [type, map, extra] = argv.slice(next)
  if (!flags.has("l") && (type === undefined || map === undefined || extra !== undefined)) return fail("")
  return wishOf(flags, type ?? "", map ?? "")
}

function wishOf(flags: ReadonlyMap<string, string>, type: string, map: string): Result<Wish> {
  const separator = flags.get("t")
  if (separator !== undefined && separator.length !== 1) return fail("makemap: -t takes one character\n")
  const comment = flags.get("D") ?? "#"
  if (comment.length !== 1) return fail("makemap: -D takes one character\n")
  const form = { separator, comment, emptyValues: flags.has("e"), keepCase: flags.has("f") }
  return ok({ flags: new Set(flags.keys()), form, type, map: map.replace(/\.(?:db|cdb)$/, "") })
}

/** The entries of a map by their octets (as latin1), in order; a key may have several with -d. */
type Entries = Map<string, { readonly value: string; readonly line: number } | DoubleEntry>
type DoubleEntry = readonly { readonly value: string; readonly line: number }[]

async function make(wish: Wish, io: Io): Promise<number> {
  const { flags, map, type } = wish
  const before = flags.has("o") ? readEntries(wish) : ok<Entries>(new Map())
  if (!before.ok)
    return refuse(io, `makemap: error opening type ${type} map ${map}: ${before.error}`, exits.cannotCreate)
  const text = await readAll(inputOf(io))
  const entries = before.value
  const doubles: BadLine[] = []
  const bad = readMapText(text, wish.form, (key, value, line) => {
    if (flags.has("v")) print(io, `key=\`${shown(key)}', val=\`${shown(value)}'\n`)
    const says = put(entries, flags.has("N") ? `${key}\0` : key, { value, line }, flags)
    if (says) doubles.push({ line, says: `key ${key}: duplicate key` })
  })
  const written = write(wish, entries)
  if (!written.ok)
    return refuse(io, `makemap: error opening type ${type} map ${map}: ${written.error}`, exits.cannotCreate)
  const complaints = [...bad, ...doubles].toSorted((a, b) => a.line - b.line)
  for (const { line, says } of complaints) io.stderr.write(`makemap: ${map}: line ${line}: ${shown(says)}\n`)
  return complaints.length > 0 ? dataError : exits.ok
}

/** Keeps an entry; true when the key is there already and may be neither doubled nor replaced. */
function put(
  entries: Entries,
  key: string,
  entry: { value: string; line: number },
  flags: ReadonlySet<string>,
): boolean {
  const there = entries.get(key)
  if (there !== undefined && flags.has("d"))
    entries.set(key, [...("value" in there ? [there] : there), entry])
  else if (there !== undefined && !flags.has("r")) return true
  else entries.set(key, entry)
  return false
}

function write(wish: Wish, entries: Entries): Result<void> {
  const maker = newCdb()
  for (const [key, found] of entries) {
    for (const { value, line } of "value" in found ? [found] : found)
      addToCdb(maker, key, value, line, "latin1")
  }
  const made = finishCdb(maker)
  return made.ok ? replaceFile(cdbOf({ file: wish.map }), made.value, wish.map) : made
}

/** What the map holds already, for -o and -u. Lines of the source it came from are kept only by a new run over all of it. */
function readEntries(wish: Wish): Result<Entries> {
  const path = cdbOf({ file: wish.map })
  const entries: Entries = new Map()
  try {
    if (statOf(path) === undefined) return ok(entries)
    const cdb = cdbInMemory(readFileSync(path))
    if (!cdb.ok) return cdb
    for (const { key, value } of cdbRecords(cdb.value)) {
      put(entries, key.toString("latin1"), { value: value.toString("latin1"), line: 0 }, new Set("d"))
    }
    return ok(entries)
  } catch (error) {
    return fail(reasonOf(error))
  }
}

/** -u: the entries as text again. */
function printMap(wish: Wish, io: Io): number {
  const path = cdbOf({ file: wish.map })
  const refused = (why: string) =>
    refuse(io, `makemap: error opening type ${wish.type} map ${wish.map}: ${why}`, exits.cannotCreate)
  try {
    const file = readFileSync(path)
    const cdb = openCdb((position, length) => file.subarray(position, position + length), file.length)
    if (!cdb.ok) return refused(cdb.error)
    printRecords(cdbRecords(cdb.value), wish, io)
    return exits.ok
  } catch (error) {
    return refused(reasonOf(error))
  }
}

function printRecords(
  records: Iterable<{ readonly key: Buffer; readonly value: Buffer }>,
  wish: Wish,
  io: Io,
): void {
  const separator = Buffer.from(wish.form.separator ?? "\t", "latin1")
  const newline = Buffer.from("\n")
  let batch: Buffer[] = []
  for (const { key, value } of records) {
    const end = wish.flags.has("N") && key.at(-1) === 0 ? key.length - 1 : key.length
    batch.push(key.subarray(0, end), separator, value, newline)
    if (batch.length < 4096) continue
    print(io, Buffer.concat(batch))
    batch = []
  }
  print(io, Buffer.concat(batch))
}

async function readAll(input: AsyncIterable<Buffer | string>): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of input) pieces.push(Buffer.from(piece))
  // Octets, whatever their charset: one character each.
  return Buffer.concat(pieces).toString("latin1")
}

/** Octets as the terminal's text. */
function shown(octets: string): string {
  return Buffer.from(octets, "latin1").toString("utf8")
}
