// The state of an m4 run and the few operations on it that builtins need. The loop itself is in m4.ts.
import type { Origin } from "../mail/decision.ts"
import type { ReadText } from "../mail/world.ts"
import { error, type Issue, type IssueCode, warning } from "./issues.ts"
import { type Input, type Piece, within } from "./m4-input.ts"

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
  readonly output: number
  readonly nesting: number
  readonly includes: number
}

export const usualLimits: Limits = {
  expansions: 500_000,
  output: 16 * 1024 * 1024,
  nesting: 500,
  includes: 50,
}

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
  written: number
  nesting: number
  stopped: boolean
}

export function newMachine(read: ReadText, limits: Limits): Machine {
  return {
    input: [],
    macros: new Map(),
    diversions: new Map(),
    wrapped: [],
    issues: [],
    said: [],
    read,
    limits,
    sources: new Map(),
    used: new Set(),
    divert: 0,
    openQuote: "`",
    closeQuote: "'",
    openComment: "#",
    closeComment: "\n",
    expansions: 0,
    written: 0,
    nesting: 0,
    stopped: false,
  }
}

/** Tells an error at a call. */
export function complain(machine: Machine, call: Call, message: string, code: IssueCode = "m4"): void {
  machine.issues.push({ ...error(code, message, call.at), width: call.name.length })
}

/** Tells a warning at a call. */
export function caution(machine: Machine, call: Call, message: string, code: IssueCode = "m4"): void {
  machine.issues.push({ ...warning(code, message, call.at), width: call.name.length })
}

/** Stops the run: what is left is not read, and the error says why. */
export function stop(machine: Machine, message: string, at: Origin | undefined): void {
  if (machine.stopped) return
  machine.stopped = true
  machine.issues.push(error("limit", message, at))
}

/** The text of an argument, "" when it is absent; counted from 0. */
export function argument(call: Call, index: number): string {
  return call.args[index]?.text ?? ""
}

/** The meaning a name has now. */
export function meaning(machine: Machine, name: string): Definition | undefined {
  machine.used.add(name)
  return machine.macros.get(name)?.at(-1)
}

/** define: replaces the innermost meaning. */
export function define(machine: Machine, name: string, definition: Definition): void {
  const stack = machine.macros.get(name)
  if (stack === undefined) machine.macros.set(name, [definition])
  else stack[Math.max(0, stack.length - 1)] = definition
}

/** Puts text into the current diversion; a negative one swallows it. */
export function write(machine: Machine, piece: Piece): void {
  if (machine.divert < 0 || piece.text === "") return
  machine.written += piece.text.length
  if (machine.written > machine.limits.output) {
    stop(
      machine,
      `the text grew beyond ${machine.limits.output} characters: a macro that calls itself?`,
      piece.at,
    )
    return
  }
  const pieces = machine.diversions.get(machine.divert)
  if (pieces === undefined) machine.diversions.set(machine.divert, [piece])
  else pieces.push(piece)
}

/** A text in the current quotes, so that it is not expanded once more. */
export function quoted(machine: Machine, text: string): string {
  return machine.openQuote + text + machine.closeQuote
}

/** Part of a piece, with its own place. */
export function part(piece: Piece, start: number, end: number): Piece {
  return { text: piece.text.slice(start, end), at: within(piece, start) }
}
