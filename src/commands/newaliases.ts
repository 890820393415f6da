// newaliases (and sendmail -bi): compiles the alias files of the configuration; what it says is what sendmail says.
import { readFileSync } from "node:fs"
import { hostname } from "node:os"
import { option } from "../config/options.ts"
import type { Settings, TableSpec } from "../config/settings.ts"
import { tablesNamed } from "../config/settings.ts"
import { reasonOf, replaceFile } from "../host/replace.ts"
import { cdbOf } from "../host/table-source.ts"
import { type AliasFile, parseAliases } from "../maps/aliases.ts"
import { addToCdb, finishCdb, newCdb } from "../maps/cdb-write.ts"
import type { Result } from "../mail/result.ts"
import { loadConfiguration } from "./configuration.ts"
import { exits, type Io, print, refuse } from "./io.ts"
import { runningConfiguration, runningState } from "./state.ts"

const usage = `Usage: newaliases [-v] [-C FILE] [--state DIR]
Compiles the alias files of the configuration; a running system uses the new ones within a second.

  -C FILE      the sendmail.mc that names them (else /etc/mail/sendmail.mc as root, else the built-in default)
  --state DIR  the state directory (else $WAYPOST_STATE, ./var of the checkout, /var/lib/waypost)
`

/** Runs newaliases; 70 when a line was bad, though all others count. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes("--help")) {
    print(io, usage)
    return exits.ok
  }
  const wish = readWish(argv)
  if (typeof wish === "string") return refuse(io, `newaliases: ${wish}; see newaliases --help`, exits.usage)
  const state = runningState(wish.state, io)
  const host = { hostname: hostname(), addresses: [] } // where the aliases are does not hang on it, and Node is slow to tell the rest
  const configured = loadConfiguration(wish.config ?? runningConfiguration(state), state, host)
  if (!configured.ok) return refuse(io, `newaliases: ${configured.error}`, exits.config)
  const { settings } = configured.value
  let code: number = exits.ok
  for (const spec of tablesNamed(settings, "aliases"))
    code = Math.max(code, await rebuild(spec, settings, io))
  return code
}

type Wish = { readonly config: string | undefined; readonly state: string | undefined }

function readWish(argv: readonly string[]): Wish | string {
  let config: string | undefined
  let state: string | undefined
  for (let next = 0; next < argv.length; next++) {
    const word = argv[next] ?? ""
    if (word === "-C" || word === "--config") config = argv[++next] ?? ""
    else if (word.startsWith("-C")) config = word.slice(2)
    else if (word.startsWith("--config=")) config = word.slice(9)
    else if (word === "--state") state = argv[++next] ?? ""
    else if (word.startsWith("--state=")) state = word.slice(8)
    else if (!/^-(?:v|bi|o[A-Za-z]\S*|O\S+|d\S*)$/.test(word)) return `"${word}" cannot be understood`
    if (config === "" || state === "") return `${word} needs a value`
  }
  return { config, state }
}

async function rebuild(spec: TableSpec, settings: Settings, io: Io): Promise<number> {
  const text = readAliases(spec, io)
  if (typeof text === "number") return text
  const file = parseAliases(text)
  const problems = option(settings, "CheckAliases")
    ? [...file.problems, ...(await import("../maps/alias-addresses.ts")).badAddresses(file)]
    : file.problems
  for (const { line, says } of problems) print(io, `${spec.file}: line ${line}: ${says}\n`)
  const written = write(spec, file)
  if (!written.ok) return notWritten(written.error, io)
  const { count, longest, octets } = file
  print(io, `${spec.file}: ${count} aliases, longest ${longest} bytes, ${octets} bytes total\n`)
  return file.problems.some(({ severity }) => severity === "error") ? exits.software : exits.ok
}

function readAliases(spec: TableSpec, io: Io): string | number {
  try {
    return readFileSync(spec.file, "utf8")
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOENT" && /(?:^|\s)-o/.test(spec.flags)) return exits.ok
    return refuse(io, `newaliases: cannot open ${spec.file}: ${reasonOf(error)}`, exits.noInput)
  }
}

function write(spec: TableSpec, file: AliasFile): Result<void> {
  const maker = newCdb()
  for (const { key, value, line } of file.aliases) addToCdb(maker, key, value, line, "utf8")
  const made = finishCdb(maker)
  return made.ok ? replaceFile(cdbOf(spec), made.value, spec.file) : made
}

// sendmail's words, for scripts: only its administrators may rebuild aliases.
function notWritten(why: string, io: Io): number {
  if (!why.endsWith("Permission denied")) return refuse(io, `newaliases: ${why}`, exits.cannotCreate)
  print(io, "Permission denied (real uid not trusted)\n")
  io.stderr.write(`newaliases: ${why}\n`)
  return exits.usage
}
