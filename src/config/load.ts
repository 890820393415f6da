// From a sendmail.mc to Settings, in one call: m4, words, defaults, class files. Every mistake is told, with its line.
import type { ReadText } from "../mail/world.ts"
import type { Place } from "./draft.ts"
import { hasErrors, type Issue, withSource } from "./issues.ts"
import { readMc } from "./mc.ts"
import { withoutEffect } from "./no-effect.ts"
import type { Settings } from "./settings.ts"
import { settle } from "./settle.ts"

export type { Place } from "./draft.ts"

export type Load = {
  readonly source: { readonly file: string; readonly text: string }
  /** Reads includes and class files. */
  readonly read: ReadText
  /** The host's name and addresses, the state directory, and whether we are root. */
  readonly place: Place
}

export type Loaded = {
  /** undefined when an issue is an error. */
  readonly settings: Settings | undefined
  readonly issues: readonly Issue[]
}

/** Reads a configuration. It is usable when no issue is an error; warnings are for the operator. */
export function loadSettings({ source, read, place }: Load): Loaded {
  const mc = readMc(source.file, source.text, read, { WAYPOST_STATE: place.state })
  const settled = settle(mc, source.file, place, read)
  const idle = withoutEffect(settled.settings)
  const issues = [...mc.issues, ...settled.issues, ...idle].map((issue) => withSource(issue, mc.sources))
  return { settings: hasErrors(issues) ? undefined : settled.settings, issues: issues.toSorted(byPlace) }
}

/** Errors in the order of the file, so that the first one is the one to look at first. */
function byPlace(a: Issue, b: Issue): number {
  if (a.at?.file !== b.at?.file) return 0
  return (a.at?.line ?? 0) - (b.at?.line ?? 0)
}
