// praliases: the aliases as the mail system has them, from the compiled files, as `name:value`.
import { readFileSync } from "node:fs"
import { type TableSpec, tablesNamed } from "../config/settings.ts"
import { cdbOf } from "../host/table-source.ts"
import { reasonOf } from "../host/replace.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { type Cdb, cdbInMemory, cdbRecords, findInCdb } from "../maps/cdb.ts"
import { foldKey } from "../maps/keys.ts"
import { loadConfiguration } from "./configuration.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningConfiguration, runningState } from "./state.ts"

const usage = `Usage: praliases [-C FILE] [-f ALIASFILE] [KEY…]
Prints the compiled aliases, or those of the keys.

  -C FILE       the sendmail.mc that names the alias files (else /etc/mail/sendmail.mc as root, else the built-in default)
  -f ALIASFILE  this file's aliases
`

export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes("--help")) {
    io.stdout.write(usage)
    return exits.ok
  }
  const wish = readWish(argv)
  if (typeof wish === "string") return refuse(io, `praliases: ${wish}; see praliases --help`, exits.usage)
  const specs = filesOf(wish, io)
  if (!specs.ok) return refuse(io, `praliases: ${specs.error}`, exits.config)
  for (const { file } of specs.value) {
    const cdb = open(file)
    if (!cdb.ok) return refuse(io, `praliases: ${cdb.error}`, exits.noInput)
    print(cdb.value, wish.keys, io)
  }
  return exits.ok
}

type Wish = {
  readonly config: string | undefined
  readonly file: string | undefined
  readonly keys: readonly string[]
}

function readWish(argv: readonly string[]): Wish | string {
  const values = new Map<string, string>()
  let n = 0
  for (; n < argv.length; n++) {
    const word = argv[n] ?? ""
    if (!word.startsWith("-") || word === "-") break
    const letter = word.charAt(1)
    if (letter !== "C" && letter !== "f") return `unknown option ${word}`
    values.set(letter, word.length > 2 ? word.slice(2) : (argv[++n] ?? ""))
    if (values.get(letter) === "") return `-${letter} needs a value`
  }
  return { config: values.get("C"), file: values.get("f"), keys: argv.slice(n) }
}

function filesOf({ config, file }: Wish, io: Io): Result<readonly Pick<TableSpec, "file">[]> {
  if (file !== undefined) return ok([{ file: file.replace(/\.(?:db|cdb)$/, "") }])
  const state = runningState(undefined, io)
  const configured = loadConfiguration(config ?? runningConfiguration(state), state)
  return configured.ok ? ok(tablesNamed(configured.value.settings, "aliases")) : configured
}

function open(file: string): Result<Cdb> {
  const path = cdbOf({ file })
  try {
    const cdb = cdbInMemory(readFileSync(path))
    return cdb.ok ? cdb : fail(`${path}: ${cdb.error}`)
  } catch (error) {
    return fail(`${path}: ${reasonOf(error)}; newaliases makes it`)
  }
}

function print(cdb: Cdb, keys: readonly string[], io: Io): void {
  if (keys.length === 0) {
    for (const { key, value } of cdbRecords(cdb))
      io.stdout.write(`${nameOf(key.toString())}:${value.toString()}\n`)
    return
  }
  for (const key of keys) {
    const found = findInCdb(cdb, Buffer.from(foldKey(key)))
    io.stdout.write(found === undefined ? `${key}: No such key\n` : `${key}:${found.value.toString()}\n`)
  }
}

/** A name with blanks or colons in it is written as the alias file has it. */
function nameOf(key: string): string {
  return /[\s:"]/.test(key) ? `"${key.replaceAll(/["\\]/g, "\\$&")}"` : key
}
