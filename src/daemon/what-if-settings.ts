// The settings that a what-if asks about: those of another sendmail.mc, or those in force, with other files in the place of some
// tables. Files are read with the rights of the mail process, as they would be in earnest.
import { accessSync, constants, readFileSync } from "node:fs"
import { isAbsolute } from "node:path"
import { printIssue } from "../config/issues.ts"
import { loadSettings } from "../config/load.ts"
import type { Settings } from "../config/settings.ts"
import { hostFacts } from "../host/facts.ts"
import { reasonOf } from "../host/replace.ts"
import { fail, ok, type Result } from "../mail/result.ts"

export type WhatIf = {
  /** A sendmail.mc; undefined: the settings in force. */
  readonly config: string | undefined
  /** What would stand in that file; undefined: what stands there. */
  readonly text?: string | undefined
  /** Tables by their name, each with the text that takes its place. */
  readonly maps: Readonly<Record<string, string>>
  /** Files that the configuration reads (members of classes), each with the file that takes its place. */
  readonly files?: Readonly<Record<string, string>>
}

export type Base = { readonly settings: Settings; readonly state: string; readonly asRoot: boolean }

/** Those settings, or why there are none, ready to be printed. */
export function settingsOf(wish: WhatIf, base: Base): Result<Settings> {
  const config = wish.config ?? (wish.files === undefined ? undefined : base.settings.source)
  const settings = config === undefined ? ok(base.settings) : readSettings(config, wish, base)
  return settings.ok ? withMaps(settings.value, wish.maps) : settings
}

function readSettings(
  file: string,
  { text: draft, files = {} }: Pick<WhatIf, "text" | "files">,
  { settings: running, state, asRoot }: Base,
): Result<Settings> {
  const text = draft === undefined ? readText(file) : ok(draft)
  if (!text.ok) return text
  const read = (path: string) => readText(files[path] ?? path)
  const place = { ...hostFacts(), state, root: asRoot }
  const { settings, issues } = loadSettings({
    source: { file, text: text.value },
    read,
    place,
  })
  if (settings === undefined) {
    const errors = issues.filter(({ severity }) => severity === "error")
    return fail(`${file} cannot be used:\n${errors.map(printIssue).join("\n")}`)
  }
  const { submitTrusted, submission } = running
  return ok({
    ...settings,
    ...(submitTrusted === undefined ? {} : { submitTrusted }),
    ...(submission === undefined ? {} : { submission }),
  })
}

function withMaps(settings: Settings, maps: WhatIf["maps"]): Result<Settings> {
  let { tables } = settings
  for (const [name, file] of Object.entries(maps)) {
    const old = tables.filter((table) => table.name === name)
    if (old.length === 0)
      return fail(`${settings.source} has no table "${name}" that ${file} could stand for`)
    const readable = mayRead(file)
    if (!readable.ok) return readable
    // Several files of one name (aliases) are one question: the new text stands for all of them.
    tables = tables.flatMap((table) => {
      if (table.name !== name) return [table]
      return table === old[0] ? [{ ...table, file, fromText: true }] : []
    })
  }
  return ok({ ...settings, tables })
}

function mayRead(file: string): Result<void> {
  if (!isAbsolute(file)) return fail(`${file}: a path from / is needed`)
  try {
    accessSync(file, constants.R_OK)
    return ok(undefined)
  } catch (error) {
    return fail(`${file}: ${reasonOf(error)}`)
  }
}

function readText(path: string): Result<string> {
  try {
    return ok(readFileSync(path, "utf8"))
  } catch (error) {
    return fail(`${path}: ${reasonOf(error)}`)
  }
}
