// POSIX regular expressions (regex(7)), extended and basic, for maps of class regex: the leftmost longest match, found in time that
// grows with the text and not with the ways to match it, so that no sender's address can make it slow. No back-references.
import { fail, ok, type Result } from "../mail/result.ts"
import { type Node, parseRegex } from "./posix-parse.ts"

export type PosixRegex = {
  /** The whole match and each group, as pairs of places; undefined when there is no match. */
  readonly match: (text: string) => readonly (readonly [start: number, end: number] | undefined)[] | undefined
}

export type RegexForm = { readonly syntax: "extended" | "basic"; readonly ignoreCase: boolean }

/** Reads an expression. The error says what is wrong with it. */
export function posixRegex(expression: string, form: RegexForm): Result<PosixRegex> {
  const parsed = parseRegex(expression, form)
  if (!parsed.ok) return parsed
  const program: Step[] = []
  compile(parsed.value.node, program)
  program.push({ do: "accept" })
  if (program.length > longestProgram) return fail("the expression is too large")
  const slots = (parsed.value.groups + 1) * 2
  return ok({ match: (text) => run(program, slots, form.ignoreCase ? foldText(text) : text) })
}

/** Bounds what {m,n} within {m,n} may grow to. */
const longestProgram = 20_000

function foldText(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

type Step =
  | { readonly do: "take"; readonly takes: (c: string) => boolean }
  /** Goes on at both places, `first` preferred. */
  | { readonly do: "fork"; first: number; second: number }
  | { readonly do: "jump"; to: number }
  | { readonly do: "save"; readonly slot: number }
  | { readonly do: "at"; readonly place: "begin" | "end" | "word begin" | "word end" }
  | { readonly do: "accept" }

function compile(node: Node, program: Step[]): void {
  if (program.length > longestProgram) return
  switch (node.kind) {
    case "character":
      program.push({ do: "take", takes: node.takes })
      return
    case "place":
      program.push({ do: "at", place: node.place })
      return
    case "sequence":
      for (const one of node.nodes) compile(one, program)
      return
    case "group":
      program.push({ do: "save", slot: node.number * 2 })
      compile(node.node, program)
      program.push({ do: "save", slot: node.number * 2 + 1 })
      return
    case "either":
      compileEither(node.nodes, program)
      return
    case "repeat":
      compileRepeat(node.node, node.least, node.most, program)
  }
}

function compileEither(nodes: readonly Node[], program: Step[]): void {
  const ends: { do: "jump"; to: number }[] = []
  for (const [n, one] of nodes.entries()) {
    if (n === nodes.length - 1) compile(one, program)
    else {
      const fork = { do: "fork" as const, first: program.length + 1, second: 0 }
      program.push(fork)
      compile(one, program)
      const end = { do: "jump" as const, to: 0 }
      program.push(end)
      ends.push(end)
      fork.second = program.length
    }
  }
  for (const end of ends) end.to = program.length
}

function compileRepeat(node: Node, least: number, most: number, program: Step[]): void {
  for (let n = 0; n < least; n++) compile(node, program)
  if (most === Number.POSITIVE_INFINITY) {
    const fork = { do: "fork" as const, first: program.length + 1, second: 0 }
    const start = program.length
    program.push(fork)
    compile(node, program)
    program.push({ do: "jump", to: start })
    fork.second = program.length
    return
  }
  const forks: { second: number }[] = []
  for (let n = least; n < most && program.length <= longestProgram; n++) {
    const fork = { do: "fork" as const, first: program.length + 1, second: 0 }
    program.push(fork)
    forks.push(fork)
    compile(node, program)
  }
  for (const fork of forks) fork.second = program.length
}

type Places = readonly number[]
type Thread = { readonly at: number; readonly saved: Places }

/** All ways are followed at once, each place of the program at most once for each character. */
function run(program: readonly Step[], slots: number, text: string) {
  const none: Places = Array.from({ length: slots }, () => -1)
  let threads: Thread[] = []
  let best: Places | undefined
  for (let i = 0; i <= text.length; i++) {
    const seen = new Set<number>()
    const here: Thread[] = []
    for (const thread of threads) follow(program, thread.at, thread.saved, text, i, seen, here)
    if (best === undefined) follow(program, 0, none.with(0, i), text, i, seen, here)
    const next: Thread[] = []
    for (const { at, saved } of here) {
      const step = program[at]
      if (step?.do === "accept") best = better(best, saved.with(1, i))
      else if (step?.do === "take" && i < text.length && step.takes(text.charAt(i))) {
        next.push({ at: at + 1, saved })
      }
    }
    if (next.length === 0 && best !== undefined) break
    threads = next
  }
  return best === undefined ? undefined : pairs(best)
}

/** Leftmost first, then longest. */
function better(best: Places | undefined, found: Places): Places {
  if (best === undefined) return found
  const [start = 0, end = 0] = best
  const [otherStart = 0, otherEnd = 0] = found
  return otherStart < start || (otherStart === start && otherEnd > end) ? found : best
}

function pairs(saved: Places): (readonly [number, number] | undefined)[] {
  const out: (readonly [number, number] | undefined)[] = []
  for (let slot = 0; slot < saved.length; slot += 2) {
    const start = saved[slot] ?? -1
    const end = saved[slot + 1] ?? -1
    out.push(start < 0 || end < 0 ? undefined : [start, end])
  }
  return out
}

/** Adds the places that can be reached without a character. An own stack: programs are longer than calls may nest. */
function follow(
  program: readonly Step[],
  start: number,
  saved: Places,
  text: string,
  i: number,
  seen: Set<number>,
  out: Thread[],
): void {
  const stack: Thread[] = [{ at: start, saved }]
  for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
    const { at, saved: places } = thread
    const step = program[at]
    if (step === undefined || seen.has(at)) continue
    seen.add(at)
    switch (step.do) {
      case "jump":
        stack.push({ at: step.to, saved: places })
        break
      case "fork":
        stack.push({ at: step.second, saved: places }, { at: step.first, saved: places })
        break
      case "save":
        stack.push({ at: at + 1, saved: places.with(step.slot, i) })
        break
      case "at":
        if (isAt(step.place, text, i)) stack.push({ at: at + 1, saved: places })
        break
      case "take":
      case "accept":
        out.push(thread)
    }
  }
}

function isAt(place: "begin" | "end" | "word begin" | "word end", text: string, i: number): boolean {
  if (place === "begin") return i === 0
  if (place === "end") return i === text.length
  const before = /\w/.test(text.charAt(i - 1))
  const after = /\w/.test(text.charAt(i))
  return place === "word begin" ? !before && after : before && !after
}
