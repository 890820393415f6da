// m4, the macro processor sendmail.mc is written for, as a pure function: files are read by the `read` that is handed in,
// and every character that comes out still knows the file, line and column it was written at. Follows GNU m4 1.4.19.
import type { Origin } from "../mail/decision.ts"
import type { ReadText } from "../mail/world.ts"
import type { Issue } from "./issues.ts"
import { builtins } from "./m4-builtins.ts"
import { current, peek, position, push, skip, startsWith } from "./m4-input.ts"
import { meaning, newMachine, stop, usualLimits, write } from "./m4-machine.ts"
import { substitute } from "./m4-substitute.ts"
import type { Builtin, Call, Definition, Frame, Limits, Machine, Piece } from "./m4-types.ts"

export type M4Input = {
  readonly file: string
  readonly text: string
  readonly read: ReadText
  /** More words: those of sendmail.mc. */
  readonly words?: Iterable<Builtin>
  /** Macros that are defined beforehand. */
  readonly predefined?: Iterable<readonly [string, string]>
  readonly limits?: Partial<Limits>
  /** Macros whose values are wanted at the end, expanded as if they were read there. */
  readonly wanted?: (name: string) => boolean
}

export type M4Result = {
  /** By number of diversion; 0 is the output proper. */
  readonly diversions: ReadonlyMap<number, readonly Piece[]>
  /** What each macro means at the end. */
  readonly macros: ReadonlyMap<string, readonly Definition[]>
  readonly issues: readonly Issue[]
  readonly said: readonly Piece[]
  readonly sources: ReadonlyMap<string, string>
  readonly used: ReadonlySet<string>
  /** The wanted macros: what each comes to, and the define() that said so. */
  readonly values: ReadonlyMap<string, Piece>
}

/** Runs m4 over a text. Mistakes are issues; what could be expanded is there all the same. */
export function expandM4(source: M4Input): M4Result {
  const machine = newMachine(source.read, { ...usualLimits, ...source.limits })
  const start: Origin = { file: source.file, line: 1, column: 1 }
  const known = (name: string, text: string, builtin?: Builtin) => {
    const piece: Piece = builtin === undefined ? { text, at: start } : { text, at: start, builtin }
    machine.macros.set(name, [{ text: piece, at: start }])
  }
  for (const builtin of builtins) known(builtin.name, "", builtin)
  for (const builtin of source.words ?? []) known(builtin.name, "", builtin)
  for (const name of ["__gnu__", "__unix__"]) known(name, "")
  for (const [name, text] of source.predefined ?? []) known(name, text)
  machine.sources.set(source.file, source.text)
  push(machine.input, { text: source.text, at: start })
  run(machine)
  const used = new Set(machine.used)
  const values = valuesOf(machine, source.wanted ?? (() => false))
  const { diversions, macros, issues, said, sources } = machine
  return { diversions, macros, issues, said, sources, used, values }
}

/** A text expanded by itself, as it would be where sendmail's files use it. */
export function expandPiece(machine: Machine, piece: Piece): string {
  if (piece.text === "") return ""
  const apart: Machine = { ...machine, input: [], diversions: new Map(), wrapped: [], divert: 0 }
  push(apart.input, piece)
  run(apart)
  machine.expansions = apart.expansions
  machine.stopped ||= apart.stopped
  return (apart.diversions.get(0) ?? []).map(({ text }) => text).join("")
}

/** sendmail's own files use a conf value by naming it, after all the rest was read; so do we. */
function valuesOf(machine: Machine, wanted: (name: string) => boolean): Map<string, Piece> {
  const values = new Map<string, Piece>()
  for (const [name, meanings] of machine.macros) {
    const found = meanings.at(-1)
    if (found === undefined || found.text.builtin !== undefined || machine.stopped || !wanted(name)) continue
    const text = expandPiece(machine, { text: name, at: found.at })
    values.set(name, { text, at: found.at })
  }
  return values
}

/** The output as text: diversion 0, then all others in order, as m4 prints it at the end. */
export function printM4(result: M4Result): string {
  const numbers = [...result.diversions.keys()].filter((number) => number >= 0).toSorted((a, b) => a - b)
  return numbers
    .flatMap((number) => result.diversions.get(number) ?? [])
    .map((piece) => piece.text)
    .join("")
}

type Token =
  | { readonly kind: "word" | "string" | "comment" | "simple"; readonly text: string; readonly at: Origin }
  | { readonly kind: "builtin"; readonly text: string; readonly at: Origin; readonly builtin: Builtin }
  | { readonly kind: "end"; readonly text: ""; readonly at: Origin | undefined }

function run(machine: Machine): void {
  for (;;) {
    for (let token = nextToken(machine); token.kind !== "end"; token = nextToken(machine)) {
      if (token.kind === "word") expandWord(machine, token.text, token.at)
      else write(machine, token)
      if (machine.stopped) return
    }
    const wrapped = machine.wrapped.shift()
    if (wrapped === undefined) return
    push(machine.input, wrapped)
  }
}

const wordStart = /[A-Za-z_]/
const word = /[A-Za-z0-9_]*/y

function nextToken(machine: Machine): Token {
  const { input } = machine
  const frame = current(input)
  if (frame === undefined || machine.stopped) return { kind: "end", text: "", at: undefined }
  const at = position(frame)
  if (frame.builtin !== undefined) {
    input.pop()
    return { kind: "builtin", text: "", at, builtin: frame.builtin }
  }
  if (startsWith(input, machine.openComment)) return { kind: "comment", text: takeComment(machine), at }
  if (wordStart.test(frame.text[frame.pos] ?? "")) return { kind: "word", text: takeWord(machine), at }
  if (startsWith(input, machine.openQuote)) return takeString(machine, frame, at)
  return { kind: "simple", text: takeSimple(machine, frame), at }
}

function takeWord(machine: Machine): string {
  let text = ""
  for (;;) {
    const frame = current(machine.input)
    if (frame === undefined || frame.builtin !== undefined) return text
    word.lastIndex = frame.pos
    const more = word.exec(frame.text)?.[0] ?? ""
    if (more === "") return text
    text += more
    frame.pos += more.length
    if (frame.pos < frame.text.length) return text
  }
}

/** Characters that mean nothing to m4, up to one that might. */
function takeSimple(machine: Machine, frame: Frame): string {
  const start = frame.pos
  const quote = machine.openQuote[0]
  const comment = machine.openComment[0]
  let end = start + 1
  const first = frame.text[start] ?? ""
  if (!"(),".includes(first)) {
    while (end < frame.text.length) {
      const next = frame.text[end] ?? ""
      if (next === quote || next === comment || "(),".includes(next) || wordStart.test(next)) break
      end++
    }
  }
  frame.pos = end
  return frame.text.slice(start, end)
}

function takeComment(machine: Machine): string {
  let text = machine.openComment
  skip(machine.input, machine.openComment.length)
  for (;;) {
    const frame = current(machine.input)
    if (frame === undefined || frame.builtin !== undefined) return text
    if (startsWith(machine.input, machine.closeComment)) {
      skip(machine.input, machine.closeComment.length)
      return text + machine.closeComment
    }
    text += takeUntil(frame, machine.closeComment)
  }
}

/** The text inside the quotes; inner quotes stay. */
function takeString(machine: Machine, opened: Frame, at: Origin): Token {
  const { input, openQuote, closeQuote } = machine
  skip(input, openQuote.length)
  const inner = current(input)
  const start = inner === opened ? position(opened) : at
  let text = ""
  for (let depth = 1; ; ) {
    const frame = current(input)
    if (frame === undefined || frame.builtin !== undefined) {
      stop(machine, "a quoted string is not closed before the end of the file", at)
      return { kind: "end", text: "", at }
    }
    if (startsWith(input, closeQuote)) {
      skip(input, closeQuote.length)
      if (--depth === 0) return { kind: "string", text, at: start }
      text += closeQuote
    } else if (startsWith(input, openQuote)) {
      skip(input, openQuote.length)
      depth++
      text += openQuote
    } else text += takeUntil(frame, closeQuote, openQuote)
  }
}

/** At least one character, up to where one of the marks may begin. */
function takeUntil(frame: Frame, ...marks: readonly string[]): string {
  let end = frame.text.length
  for (const mark of marks) {
    const found = mark === "" ? -1 : frame.text.indexOf(mark[0] ?? "", frame.pos + 1)
    if (found >= 0 && found < end) end = found
  }
  const text = frame.text.slice(frame.pos, end)
  frame.pos = end
  return text
}

function expandWord(machine: Machine, name: string, at: Origin): void {
  const found = meaning(machine, name)
  const parenthesis = found !== undefined && peek(machine.input) === "("
  if (found === undefined || (found.text.builtin?.needsArguments === true && !parenthesis)) {
    write(machine, { text: name, at })
    return
  }
  callMacro(machine, name, found, parenthesis, at)
}

function callMacro(
  machine: Machine,
  name: string,
  found: Definition,
  parenthesis: boolean,
  at: Origin,
): void {
  if (++machine.expansions > machine.limits.expansions) {
    stop(
      machine,
      `more than ${machine.limits.expansions} macro calls: ${name} seems to call itself without end`,
      at,
    )
    return
  }
  const args = parenthesis ? takeArguments(machine, name, at) : []
  if (machine.stopped) return
  const call: Call = { name, args, at, parenthesis }
  if (found.text.builtin === undefined) pushAll(machine, substitute(machine, found, call))
  else {
    const expansion = found.text.builtin.run(machine, call)
    pushAll(machine, typeof expansion === "string" ? [{ text: expansion, at }] : expansion)
  }
  if (machine.expanded > machine.limits.expanded) stop(machine, `${name} grows without end`, at)
}

function pushAll(machine: Machine, pieces: readonly Piece[]): void {
  for (let index = pieces.length - 1; index >= 0; index--) {
    const piece = pieces[index]
    if (piece === undefined) continue
    machine.expanded += piece.text.length
    if (machine.expanded > machine.limits.expanded) return
    push(machine.input, piece)
  }
  if (machine.input.length > 100_000) stop(machine, "expansions are nested too deeply", pieces[0]?.at)
}

function takeArguments(machine: Machine, name: string, at: Origin): Piece[] {
  const args: Piece[] = []
  if (++machine.nesting > machine.limits.nesting) {
    stop(machine, `macro calls are nested more than ${machine.limits.nesting} deep`, at)
    return args
  }
  skip(machine.input, 1)
  for (let more = true; more && !machine.stopped; ) {
    const taken = takeArgument(machine, name, at)
    args.push(taken.piece)
    more = taken.more
  }
  machine.nesting--
  return args
}

/** One argument, up to its comma or the closing parenthesis. */
function takeArgument(machine: Machine, name: string, call: Origin): { piece: Piece; more: boolean } {
  skipBlanks(machine)
  let text = ""
  let at: Origin | undefined
  let builtin: Builtin | undefined
  for (let depth = 0; ; ) {
    const token = nextToken(machine)
    if (token.kind === "end") {
      stop(machine, `the arguments of ${name} are not closed before the end of the file`, call)
      return { piece: { text, at: at ?? call }, more: false }
    }
    if (token.kind === "simple") {
      if (token.text === "(") depth++
      if (depth === 0 && (token.text === "," || token.text === ")")) {
        const piece = { text, at: at ?? token.at }
        return {
          piece: builtin === undefined || text !== "" ? piece : { ...piece, builtin },
          more: token.text === ",",
        }
      }
      if (token.text === ")") depth--
    }
    if (token.kind === "builtin") builtin = token.builtin
    else if (token.kind === "word") {
      const collected = expandInArgument(machine, token.text, token.at)
      if (collected !== "") at ??= token.at
      text += collected
    } else {
      at ??= token.at
      text += token.text
    }
  }
}

/** A word inside an argument: expanded in place, or itself. */
function expandInArgument(machine: Machine, name: string, at: Origin): string {
  const found = meaning(machine, name)
  const parenthesis = found !== undefined && peek(machine.input) === "("
  if (found === undefined || (found.text.builtin?.needsArguments === true && !parenthesis)) return name
  callMacro(machine, name, found, parenthesis, at)
  return ""
}

/** Blanks before an argument are not part of it, unless quoted. */
function skipBlanks(machine: Machine): void {
  for (
    let next = peek(machine.input);
    next !== "" && " \t\n\r\v\f".includes(next);
    next = peek(machine.input)
  ) {
    skip(machine.input, 1)
  }
}
