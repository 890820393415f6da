// The contract of the configuration's files: what they say and do, a change that is tried, a change that is written.

/** A line of a configuration file and what it does. */
export type ConfigLine = { readonly line: number; readonly text: string; readonly does: string }

export type ConfigIssue = {
  readonly severity: "error" | "warning"
  readonly message: string
  readonly at?: string
  readonly line?: number
  readonly column?: number
  readonly hint?: string
}

export type ConfigFile = {
  readonly file: string
  /** "mc": the configuration; "map": the source of a table; "class": names of a class. */
  readonly kind: "mc" | "map" | "class"
  /** The table's name (access, virtusertable), or the class. */
  readonly name: string
  readonly text: string
  readonly lines: readonly ConfigLine[]
  readonly issues: readonly ConfigIssue[]
  readonly writable: boolean
  /** Why not. */
  readonly locked?: string
  /** Goes back with a write: a file that has changed meanwhile is not overwritten. */
  readonly version: string
}

export type Config = {
  readonly source: string
  readonly files: readonly ConfigFile[]
  /** As `waypost config --diff --json`. */
  readonly settings: unknown
}

export type ConfigTry = {
  readonly file: string
  readonly text: string
  /** Addresses for the what-if, beside those that mail came for lately. */
  readonly addresses?: readonly string[]
}

export type DiffLine = {
  readonly kind: "same" | "removed" | "added"
  readonly text: string
  readonly before?: number
  readonly after?: number
}

/** What would be decided otherwise. */
export type WhatIf = {
  readonly address: string
  readonly before: string
  readonly after: string
  readonly beforeReasons: readonly string[]
  readonly afterReasons: readonly string[]
}

export type ConfigTried = {
  readonly file: string
  readonly diff: readonly DiffLine[]
  readonly issues: readonly ConfigIssue[]
  /** Undefined when the text cannot be used. */
  readonly whatif?: { readonly asked: number; readonly changed: readonly WhatIf[] }
  readonly version: string
}

export type ConfigWrite = {
  readonly file: string
  readonly text: string
  /** Of the file that the text was made from. */
  readonly version: string
  /** Said by the person, not by the page. */
  readonly confirm: true
}

export type ConfigWritten = { readonly file: string; readonly version: string; readonly reloaded: boolean }
