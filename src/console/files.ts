// The configuration as it is on disk: sendmail.mc, the sources of its tables, the files of its classes. They stay the truth; the
// console shows them, tries a change, and writes only what somebody confirms and the file's rights allow.
import { createHash } from "node:crypto"
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { defaultMc, defaultSource } from "../config/default.ts"
import type { Issue } from "../config/issues.ts"
import { loadSettings } from "../config/load.ts"
import { settingsAsJson } from "../config/print.ts"
import type { Settings, TableSpec } from "../config/settings.ts"
import { hostFacts } from "../host/facts.ts"
import { reasonOf, replaceFile } from "../host/replace.ts"
import { compileTable } from "../host/table-compile.ts"
import { cdbOf } from "../host/table-source.ts"
import { mapIssues } from "./map-issues.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { printOrigin } from "../mail/decision.ts"
import type { Config, ConfigFile, ConfigIssue, ConfigWrite, ConfigWritten } from "./api-config.ts"
import { Refused } from "./asking.ts"
import { linesOfClass, linesOfMap, linesOfMc } from "./does.ts"

export type Place = { readonly source: string; readonly state: string; readonly asRoot: boolean }

export type Loaded = { readonly settings: Settings | undefined; readonly issues: readonly Issue[] }

/** Reads the configuration as a reload would; `instead` stands for the text of one of its files. */
export function loadAt({ source, state, asRoot }: Place, instead?: { file: string; text: string }): Loaded {
  const read = (file: string): Result<string> => (instead?.file === file ? ok(instead.text) : readText(file))
  const text = source === defaultSource ? ok(defaultMc) : read(source)
  if (!text.ok)
    return {
      settings: undefined,
      issues: [{ severity: "error", code: "unreadable", message: text.error, at: undefined }],
    }
  return loadSettings({
    source: { file: source, text: text.value },
    read,
    place: { ...hostFacts(), state, root: asRoot },
  })
}

function readText(file: string): Result<string> {
  try {
    return ok(readFileSync(file, "utf8"))
  } catch (error) {
    return fail(`${file}: ${reasonOf(error)}`)
  }
}

/** What is read and can be shown: path, kind, name. */
export type Known = Pick<ConfigFile, "file" | "kind" | "name">

/** The files of a configuration that exist, the sendmail.mc first. */
export function knownFiles({ source }: Place, settings: Settings | undefined): readonly Known[] {
  const files = new Map<string, Known>([[source, { file: source, kind: "mc", name: "sendmail.mc" }]])
  for (const { name, file, kind } of settings?.tables ?? [])
    if (kind !== "regex" && kind !== "program" && isFile(file) && !files.has(file))
      files.set(file, { file, kind: "map", name })
  for (const [name, members] of settings?.classes ?? [])
    for (const at of members.values())
      if (at !== undefined && !files.has(at.file) && isFile(at.file))
        files.set(at.file, { file: at.file, kind: "class", name })
  return [...files.values()]
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true
}

/** Octets of a file that is shown. */
const longestShown = 4 << 20

export function configuration(place: Place): Config {
  const { settings, issues } = loadAt(place)
  const files = knownFiles(place, settings).map((known) => shown(known, settings, issues))
  return {
    source: place.source,
    files,
    settings: settings === undefined ? {} : settingsAsJson(settings, "set"),
  }
}

function shown(known: Known, settings: Settings | undefined, issues: readonly Issue[]): ConfigFile {
  const { file, kind, name } = known
  const text = textOf(file)
  if (!text.ok)
    return {
      ...known,
      text: "",
      lines: [],
      issues: [{ severity: "error", message: text.error }],
      writable: false,
      locked: text.error,
      version: "",
    }
  const locked = whyLocked(file)
  return {
    ...known,
    text: text.value,
    lines:
      kind === "map"
        ? linesOfMap({ name }, text.value)
        : kind === "class"
          ? linesOfClass(name, text.value)
          : linesOfMc(file, text.value, settings),
    issues: [...issuesIn(file, issues), ...(kind === "map" ? mapIssues(known, text.value) : [])],
    writable: locked === undefined,
    ...(locked === undefined ? {} : { locked }),
    version: versionOf(text.value),
  }
}

/** The text of a file, if it is not too long to be shown. */
export function textOf(file: string): Result<string> {
  if (file === defaultSource) return ok(defaultMc)
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  return size > longestShown
    ? fail(`${file} is longer than 4 MiB: look at it with an editor`)
    : readText(file)
}

/** Issues as the API tells them, of this file. */
export function issuesIn(file: string, issues: readonly Issue[]): readonly ConfigIssue[] {
  return issues.filter(({ at }) => at === undefined || at.file === file).map(issueOf)
}

export function issueOf({ severity, message, at, hint }: Issue): ConfigIssue {
  return {
    severity,
    message,
    ...(at === undefined ? {} : { at: printOrigin(at), line: at.line, column: at.column }),
    ...(hint === undefined ? {} : { hint }),
  }
}

/** Written aside and renamed, so both the file and its folder count; undefined: it may be written. */
function whyLocked(file: string): string | undefined {
  if (file === defaultSource)
    return "it is built in: start the system with --config FILE to have one of your own"
  try {
    accessSync(file, constants.W_OK)
    accessSync(dirname(file), constants.W_OK)
    return undefined
  } catch {
    return `the console runs without root's rights and may not write ${file}: change it there, then waypost reload`
  }
}

/** Changes when the text does. */
export function versionOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32)
}

/** Writes one of the known files, when nobody has changed it meanwhile. Reloading is left to the caller. */
export function writeFile(
  place: Place,
  { file, text, version }: ConfigWrite,
): Omit<ConfigWritten, "reloaded"> {
  const { settings } = loadAt(place)
  if (!knownFiles(place, settings).some((known) => known.file === file))
    throw new Refused(404, `${file} is no file of this configuration`)
  const locked = whyLocked(file)
  if (locked !== undefined) throw new Refused(403, locked)
  const old = textOf(file)
  if (!old.ok) throw new Refused(403, old.error)
  if (versionOf(old.value) !== version)
    throw new Refused(409, `${file} has changed meanwhile`, "look at it again, and make your change anew")
  const written = replaceFile(file, [Buffer.from(text)])
  if (!written.ok) throw new Refused(403, written.error)
  for (const table of settings?.tables ?? []) if (table.file === file) compileAnew(table)
  return { file, version: versionOf(text) }
}

/** Where a compiled form stands beside the text, it decides, so it is made anew. */
function compileAnew(table: TableSpec): void {
  if (!existsSync(cdbOf(table))) return
  const compiled = compileTable(table)
  if (!compiled.ok)
    throw new Refused(
      403,
      `${table.file} is written, but not compiled: ${compiled.error}`,
      "run waypost make as root",
    )
}
