// The words m4 is described in: pieces of text that know their place, macros, calls, and the machine that reads.
import type { Origin } from "../mail/decision.ts"
import type { ReadText } from "../mail/world.ts"
import type { Issue } from "./issues.ts"

/** A text and where its first character stands. */
export type Piece = { readonly text: string; readonly at: Origin; readonly builtin?: Builtin }

/** A piece being read: `pos` is next; lines are counted lazily. */
export type Frame = {
  readonly text: string
  readonly file: string
  readonly via: Origin | undefined
  readonly builtin: Builtin | undefined
  pos: number
  /** Where the line that `line` counts ends; undefined when nobody has asked yet. */
  lineEnd: number | undefined
  line: number
  /** Index of the first character of the line; negative when the line began before the piece. */
  lineStart: number
}

/** A stack of frames; the last one is read. */
export type Input = Frame[]

export type Call = {
  readonly name: string
  readonly args: readonly Piece[]
  readonly at: Origin
  /** False when no parenthesis followed the name. */
  readonly parenthesis: boolean
}

/** What a builtin wants read again: nothing, a text of its own, or pieces that keep their places. */
export type Expansion = string | readonly Piece[]

export type Builtin = {
  readonly name: string
  /** Without a parenthesis after it, the word is plain text (GNU m4: "recognized only with parameters"). */
  readonly needsArguments: boolean
  readonly run: (machine: Machine, call: Call) => Expansion
}

/** A macro's meaning, and the call of define that gave it. */
export type Definition = {
  readonly text: Piece
  readonly at: Origin
}

/** How far a run may go before it is taken for a loop. */
export type Limits = {
  readonly expansions: number
  /** Characters that macros may become in all, read again or not. */
  readonly expanded: number
  readonly output: number
  readonly nesting: number
  readonly includes: number
}

/** The state of a run. */
export type Machine = {
  readonly input: Input
  /** Innermost last: pushdef adds, popdef takes away. */
  readonly macros: Map<string, Definition[]>
  readonly diversions: Map<number, Piece[]>
  /** Pieces of m4wrap, read at the end. */
  readonly wrapped: Piece[]
  readonly issues: Issue[]
  /** What errprint said. */
  readonly said: Piece[]
  readonly read: ReadText
  readonly limits: Limits
  /** Every file read, for pictures of its lines. */
  readonly sources: Map<string, string>
  /** Names that were looked up as macros at least once. */
  readonly used: Set<string>
  divert: number
  openQuote: string
  closeQuote: string
  openComment: string
  closeComment: string
  expansions: number
  expanded: number
  written: number
  nesting: number
  stopped: boolean
}
