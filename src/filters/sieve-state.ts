// The state of a Sieve script while it runs: variables, flags, what was decided so far; what it may ask the world, and what comes
// out in the end.
import type { Origin } from "../mail/decision.ts"
import type { Value } from "./sieve-checks.ts"
import type { Call, Script } from "./sieve-compile.ts"
import type { SieveMessage } from "./sieve-message.ts"

export type SieveEnvelope = {
  /** "" for the null sender. */
  readonly from: string
  readonly to: string
}

export type Vacation = {
  readonly reason: string
  readonly seconds: number
  readonly subject: string | undefined
  readonly from: string | undefined
  readonly addresses: readonly string[]
  readonly mime: boolean
  /** Replies with the same handle are one (RFC 5230 §4.7). */
  readonly handle: string
}

export type Action =
  | {
      readonly kind: "store"
      /** undefined: the user's own mailbox. */
      readonly folder: string | undefined
      readonly flags: readonly string[]
      readonly create: boolean
      readonly at: Origin | undefined
    }
  | { readonly kind: "redirect"; readonly address: string; readonly at: Origin }
  | { readonly kind: "reject"; readonly reason: string; readonly at: Origin }
  | { readonly kind: "discard"; readonly at: Origin }
  | { readonly kind: "vacation"; readonly vacation: Vacation; readonly at: Origin }

export type SieveAsk =
  | { readonly ask: "script"; readonly name: string; readonly where: "personal" | "global" }
  | { readonly ask: "mailbox"; readonly name: string }
  | { readonly ask: "duplicate"; readonly handle: string; readonly seconds: number; readonly last: boolean }

export type SieveAnswer =
  | { readonly answer: "script"; readonly script: Script }
  | { readonly answer: "nothing"; readonly why: string }
  | { readonly answer: "yes" | "no" }

export type SieveSteps<T> = Generator<SieveAsk, T, SieveAnswer>

export type SieveTold = {
  readonly at: Origin
  readonly says: string
  /** For tests. */
  readonly matches?: boolean
}

export type SieveWorld = {
  readonly message: SieveMessage
  readonly envelope: SieveEnvelope
  /** Milliseconds since 1970, and the local zone. */
  readonly now: number
  readonly zone: number
  /** Each test is told of, for dry runs; else only what was done. */
  readonly tellAll: boolean
}

export type SieveResult = {
  readonly actions: readonly Action[]
  readonly told: readonly SieveTold[]
  /** The script could not be run to its end: the message is kept as if there were none. */
  readonly failed: string | undefined
}

/** Bounds of one run. */
export const most = { actions: 32, redirects: 4, includes: 100, depth: 10, octetsOfVariable: 4000 }

/** Thrown where a script cannot go on, caught where it began. */
export class SieveFailure extends Error {}

/** The state of a run. */
export class Run {
  readonly world: SieveWorld
  readonly actions: Action[] = []
  readonly told: SieveTold[] = []
  readonly included = new Set<string>()
  script: Script
  variables = new Map<string, string>()
  globals = new Map<string, string>()
  globalNames = new Set<string>()
  groups: readonly string[] = []
  flags: readonly string[] = []
  keeps = true
  includes = 0
  depth = 0

  constructor(script: Script, world: SieveWorld) {
    this.script = script
    this.world = world
  }

  origin({ at }: Pick<Call, "at">): Origin {
    return { file: this.script.file, ...at }
  }

  tell(call: Pick<Call, "at">, says: string, matches?: boolean): void {
    if (this.told.length >= 2000) return
    this.told.push({ at: this.origin(call), says, ...(matches === undefined ? {} : { matches }) })
  }

  /** A string with its variables put in (RFC 5229 §3). */
  text(value: Value | undefined): string {
    const text = typeof value === "string" ? value : ""
    if (!text.includes("${") || !this.script.required.has("variables")) return text
    return text.replaceAll(/\$\{([a-z_]\w*(?:\.[a-z_]\w*)*|\d+)\}/gi, (whole, name: string) =>
      /^\d/.test(name)
        ? (this.groups[Number(name)] ?? "")
        : (this.variable(name) ?? (name.includes(".") ? whole : "")),
    )
  }

  list(value: Value | undefined): readonly string[] {
    return Array.isArray(value) ? (value as readonly string[]).map((item) => this.text(item)) : []
  }

  variable(name: string): string | undefined {
    const lower = name.toLowerCase()
    if (lower.startsWith("global.")) return this.globals.get(lower.slice(7)) ?? ""
    return (this.globalNames.has(lower) ? this.globals : this.variables).get(lower)
  }

  setVariable(name: string, value: string): void {
    const lower = name.toLowerCase()
    const cut = value.length > most.octetsOfVariable ? value.slice(0, most.octetsOfVariable) : value
    ;(this.globalNames.has(lower) ? this.globals : this.variables).set(lower, cut)
  }

  add(action: Action): void {
    // RFC 5429 §2.5: who hears that his message was refused must not be wrong about it.
    if (action.kind !== "discard" && this.actions.some(({ kind }) => kind === "reject"))
      throw new SieveFailure(
        `${action.kind === "store" ? "stored" : action.kind} after a reject (RFC 5429 §2.5)`,
      )
    if (this.actions.length >= most.actions) throw new SieveFailure(`more than ${most.actions} actions`)
    this.actions.push(action)
  }
}

/** Flags as IMAP has them: one word each, none twice (RFC 5232 §2). */
export function flagsOf(texts: readonly string[]): readonly string[] {
  const found = new Map<string, string>()
  for (const word of texts.flatMap((text) => text.split(/\s+/)))
    if (word !== "" && !found.has(word.toLowerCase())) found.set(word.toLowerCase(), word)
  return [...found.values()]
}
