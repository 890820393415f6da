// Which configuration a system runs on, read from the disk into Settings. Used at start, at each reload, and by `waypost config`.
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { defaultMc, defaultSource } from "../config/default.ts"
import { printIssue } from "../config/issues.ts"
import { loadSettings } from "../config/load.ts"
import { classMembers, type Settings } from "../config/settings.ts"
import { submissionHop } from "../config/submission.ts"
import { type HostFacts, hostFacts } from "../host/facts.ts"
import { systemConfiguration } from "./state.ts"
import { fail, ok, type Result } from "../mail/result.ts"

export type Configured = {
  readonly settings: Settings
  /** What the operator should know and nothing depends on, each ready to be printed. */
  readonly warnings: readonly string[]
}

/** Reads `file`; undefined: the machine's own as root, else the built-in one. The error is ready to be printed. */
export function loadConfiguration(
  file: string | undefined,
  state: string,
  host: HostFacts = hostFacts(),
): Result<Configured> {
  const asRoot = process.getuid?.() === 0
  const chosen = file ?? (asRoot && existsSync(systemConfiguration) ? systemConfiguration : undefined)
  const text = chosen === undefined ? ok(defaultMc) : readText(chosen)
  if (!text.ok) return text
  const source = { file: chosen ?? defaultSource, text: text.value }
  const { settings, issues } = loadSettings({
    source,
    read: readText,
    place: { ...host, state, root: asRoot },
  })
  if (settings === undefined) {
    const errors = issues.filter((issue) => issue.severity === "error")
    return fail(`${source.file} cannot be used:\n${errors.map(printIssue).join("\n")}`)
  }
  const submit = chosen === undefined ? undefined : join(dirname(chosen), "submit.mc")
  const bySubmission = submit === undefined || !existsSync(submit) ? {} : submissionSettings(submit, state)
  return ok({ settings: { ...settings, ...bySubmission }, warnings: issues.map(printIssue) })
}

/**
 * What the daemon has to know of the submission program's configuration: who may name another sender, and where that program sends
 * mail. A submit.mc that cannot be understood trusts nobody beyond those whom sendmail always does.
 */
function submissionSettings(file: string, state: string): Pick<Settings, "submitTrusted" | "submission"> {
  const loaded = loadSubmission(file, state)
  if (!loaded.ok) return { submitTrusted: new Map() }
  const submission = submissionHop(loaded.value)
  const submitTrusted = classMembers(loaded.value, "t")
  return submission === undefined ? { submitTrusted } : { submitTrusted, submission }
}

/** Reads a submit.mc. The error is ready to be printed. */
export function loadSubmission(file: string, state: string): Result<Settings> {
  const text = readText(file)
  if (!text.ok) return text
  const place = { ...hostFacts(), state, root: process.getuid?.() === 0 }
  const { settings, issues } = loadSettings({ source: { file, text: text.value }, read: readText, place })
  if (settings !== undefined) return ok(settings)
  const errors = issues.filter((issue) => issue.severity === "error")
  return fail(`${file} cannot be used:\n${errors.map(printIssue).join("\n")}`)
}

/** Reads a file of the configuration; the error is one line. */
export function readText(path: string): Result<string> {
  try {
    return ok(readFileSync(path, "utf8"))
  } catch (error) {
    return fail(`${path}: ${wordsFor(error as NodeJS.ErrnoException)}`)
  }
}

function wordsFor(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ENOENT":
    case "ENOTDIR":
      return "there is no such file"
    case "EACCES":
    case "EPERM":
      return "permission denied"
    case "EISDIR":
      return "that is a directory"
    default:
      return error.message
  }
}
