// The state of an m4 run and the few operations on it that builtins need. The loop itself is in m4.ts.
import type { Origin } from "../mail/decision.ts"
import type { ReadText } from "../mail/world.ts"
import { error, type IssueCode, warning } from "./issues.ts"
import { within } from "./m4-input.ts"
import type { Call, Definition, Limits, Machine, Piece } from "./m4-types.ts"

/** Far above what any configuration needs, and soon reached by a loop. */
export const usualLimits: Limits = {
  expansions: 500_000,
  expanded: 64 * 1024 * 1024,
  output: 16 * 1024 * 1024,
  nesting: 500,
  includes: 50,
}

/** A machine that has read nothing yet. */
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
    expanded: 0,
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
