// Which configuration a system runs on, read from the disk into Settings. Used at start, at each reload, and by `waypost config`.
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { defaultMc, defaultSource } from "../config/default.ts"
import { printIssue } from "../config/issues.ts"
import { loadSettings } from "../config/load.ts"
import { type ClassMembers, classMembers, type Settings } from "../config/settings.ts"
import { hostFacts } from "../host/facts.ts"
import { systemState } from "./state.ts"
import { fail, ok, type Result } from "../mail/result.ts"

/** sendmail's own place. Only root's system reads it: an ordinary user cannot bind the ports it names. */
export const systemConfiguration = "/etc/mail/sendmail.mc"

export type Configured = {
  readonly settings: Settings
  /** What the operator should know and nothing depends on, each ready to be printed. */
  readonly warnings: readonly string[]
}

/** Reads `file`; undefined: the machine's own as root, else the built-in one. The error is ready to be printed. */
export function loadConfiguration(file: string | undefined, state: string): Result<Configured> {
  const asRoot = process.getuid?.() === 0
  const chosen = file ?? (asRoot && existsSync(systemConfiguration) ? systemConfiguration : undefined)
  const text = chosen === undefined ? ok(defaultMc) : readText(chosen)
  if (!text.ok) return text
  const source = { file: chosen ?? defaultSource, text: text.value }
  const { settings, issues } = loadSettings({
    source,
    read: readText,
    place: { ...hostFacts(), state, root: asRoot },
  })
  if (settings === undefined) {
    const errors = issues.filter((issue) => issue.severity === "error")
    return fail(`${source.file} cannot be used:\n${errors.map(printIssue).join("\n")}`)
  }
  const submit = chosen === undefined ? undefined : join(dirname(chosen), "submit.mc")
  const submitTrusted =
    submit === undefined || !existsSync(submit) ? undefined : trustedBySubmission(submit, state)
  return ok({
    settings: submitTrusted === undefined ? settings : { ...settings, submitTrusted },
    warnings: issues.map(printIssue),
  })
}

/**
 * sendmail's submission program has a configuration of its own, and of that only this matters here: who may name another sender.
 * A submit.mc that cannot be understood trusts nobody beyond those whom sendmail always does.
 */
function trustedBySubmission(file: string, state: string): ClassMembers {
  const text = readText(file)
  const place = { ...hostFacts(), state, root: process.getuid?.() === 0 }
  const loaded = text.ok
    ? loadSettings({ source: { file, text: text.value }, read: readText, place }).settings
    : undefined
  return loaded === undefined ? new Map() : classMembers(loaded, "t")
}

/** What the machine's own system runs on, for the commands of users who are not root; undefined: as loadConfiguration chooses. */
export function runningConfiguration(state: string): string | undefined {
  return state === systemState && existsSync(systemConfiguration) ? systemConfiguration : undefined
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
