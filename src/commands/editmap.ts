// editmap: one entry of a compiled map asked, changed or removed; sendmail's flags and words. The map's text is not touched, so a
// later makemap of the text undoes what was done here.
import { readFileSync } from "node:fs"
import { cdbOf } from "../host/table-source.ts"
import { reasonOf, replaceFile, statOf } from "../host/replace.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { cdbInMemory, cdbRecords, findInCdb } from "../maps/cdb.ts"
import { addToCdb, finishCdb, newCdb } from "../maps/cdb-write.ts"
import { foldKey } from "../maps/keys.ts"
import { exits, type Io, refuse } from "./io.ts"

const usage = 'Usage: editmap [-C cffile] [-N] [-f] [-q|-u|-x] maptype mapname key [ "value ..." ]'

const types: ReadonlySet<string> = new Set(["hash", "btree", "dbm", "cdb"])

type Wish = {
  readonly does: "q" | "u" | "x"
  readonly type: string
  readonly map: string
  readonly key: string
  readonly value: string
}

/** Runs editmap: 0 when it was done, 69 when a key that was asked for is not there. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes("--help")) {
    io.stdout.write(`${usage}\n`)
    return exits.ok
  }
  const wish = readWish(argv)
  if (!wish.ok) return refuse(io, `${wish.error}${usage}`, exits.usage)
  const { does, type, map } = wish.value
  if (!types.has(type))
    return refuse(
      io,
      `editmap: error opening type ${type} map ${map}: Unknown database type`,
      exits.cannotCreate,
    )
  const entries = readMap(wish.value)
  if (!entries.ok)
    return refuse(io, `editmap: error opening type ${type} map ${map}: ${entries.error}`, exits.cannotCreate)
  return does === "q" ? query(entries.value, wish.value, io) : change(entries.value, wish.value, io)
}

function readWish(argv: readonly string[]): Result<Wish> {
  const flags = new Set<string>()
  let n = 0
  for (; n < argv.length; n++) {
    const word = argv[n] ?? ""
    if (!word.startsWith("-") || word === "-") break
    for (let at = 1; at < word.length; at++) {
      const letter = word.charAt(at)
      if (!"CNfqux".includes(letter)) return fail(`editmap: invalid option -- '${letter}'\n`)
      flags.add(letter)
      if (letter !== "C") continue
      if (at === word.length - 1) n++ // its value is the next word
      break
    }
  }
  const asked = (["q", "u", "x"] as const).filter((letter) => flags.has(letter))
  const [does] = asked
  const [type, map, key, value, extra] = argv.slice(n)
  if (does === undefined || asked.length > 1 || type === undefined || map === undefined || key === undefined)
    return fail("")
  if ((does === "u") !== (value !== undefined) || extra !== undefined) return fail("")
  const folded = flags.has("f") ? key : foldKey(key)
  return ok({
    does,
    type,
    map: map.replace(/\.(?:db|cdb)$/, ""),
    key: flags.has("N") ? `${folded}\0` : folded,
    value: value ?? "",
  })
}

/** The file's octets; none where the map is new and something is to be put into it. */
function readMap({ map, does }: Wish): Result<Buffer | undefined> {
  const path = cdbOf({ file: map })
  if (does === "u" && statOf(path) === undefined) return ok(undefined)
  try {
    return ok(readFileSync(path))
  } catch (error) {
    return fail(reasonOf(error))
  }
}

function query(file: Buffer | undefined, { map, type, key }: Wish, io: Io): number {
  const cdb = cdbInMemory(file ?? Buffer.alloc(0))
  if (!cdb.ok)
    return refuse(io, `editmap: error opening type ${type} map ${map}: ${cdb.error}`, exits.cannotCreate)
  const found = findInCdb(cdb.value, Buffer.from(key))
  if (found === undefined)
    return refuse(io, `editmap: couldn't find key ${key.replace(/\0$/, "")} in map ${map}`, exits.unavailable)
  io.stdout.write(Buffer.concat([found.value, Buffer.from("\n")]))
  return exits.ok
}

/** All entries but the key's, and with -u the new one in its place. Lines of the text stay known for those that were not touched. */
function change(file: Buffer | undefined, wish: Wish, io: Io): number {
  const { map, type, key, value, does } = wish
  const maker = newCdb()
  let there = false
  if (file !== undefined) {
    const cdb = cdbInMemory(file)
    if (!cdb.ok)
      return refuse(io, `editmap: error opening type ${type} map ${map}: ${cdb.error}`, exits.cannotCreate)
    for (const record of cdbRecords(cdb.value)) {
      if (record.key.toString() === key) there = true
      else {
        const line = findInCdb(cdb.value, record.key)?.line ?? 0
        addToCdb(maker, record.key.toString("latin1"), record.value.toString("latin1"), line, "latin1")
      }
    }
  }
  if (does === "x" && !there)
    return refuse(io, `editmap: error removing key ${key} in map ${map}: Key not found`, exits.unavailable)
  if (does === "u") addToCdb(maker, key, value, 0, "utf8")
  const made = finishCdb(maker)
  const written = made.ok ? replaceFile(cdbOf({ file: map }), made.value, map) : made
  if (written.ok) return exits.ok
  return refuse(
    io,
    `editmap: error updating (${key}, ${value}) in map ${map}: ${written.error}`,
    exits.cannotCreate,
  )
}
