// m4's own words, except arithmetic (m4-eval.ts) and text (m4-text.ts). Each takes its call and says what is to be read next.
import type { Origin } from "../mail/decision.ts"
import { evaluate, printInteger } from "./m4-eval.ts"
import { argument, caution, complain, define, meaning, quoted, stop } from "./m4-machine.ts"
import { substitute } from "./m4-substitute.ts"
import { formatText, translit } from "./m4-text.ts"
import type { Builtin, Call, Expansion, Machine, Piece } from "./m4-types.ts"

type Run = Builtin["run"]

/** Recognized only when a parenthesis follows. */
function withArguments(name: string, run: Run): Builtin {
  return { name, needsArguments: true, run }
}

function bare(name: string, run: Run): Builtin {
  return { name, needsArguments: false, run }
}

/** An argument as it is, keeping its place; nothing when it is absent. */
function give(call: Call, index: number): Expansion {
  const piece = call.args[index]
  return piece === undefined ? "" : [piece]
}

function integer(machine: Machine, call: Call, index: number, byDefault: number): number {
  const text = argument(call, index).trim()
  if (text === "") return byDefault
  if (/^[+-]?[0-9]+$/.test(text)) return Number(text) | 0
  complain(machine, call, `${call.name}: "${text}" is not a number`)
  return byDefault
}

function defineMacro(machine: Machine, call: Call): Expansion {
  const name = argument(call, 0)
  if (name === "") caution(machine, call, `${call.name} without a name`)
  else define(machine, name, { text: call.args[1] ?? { text: "", at: call.at }, at: call.at })
  return ""
}

function pushMacro(machine: Machine, call: Call): Expansion {
  const stack = machine.macros.get(argument(call, 0)) ?? []
  stack.push({ text: call.args[1] ?? { text: "", at: call.at }, at: call.at })
  machine.macros.set(argument(call, 0), stack)
  return ""
}

function popMacro(machine: Machine, call: Call): Expansion {
  for (const { text: name } of call.args) {
    const stack = machine.macros.get(name)
    stack?.pop()
    if (stack?.length === 0) machine.macros.delete(name)
  }
  return ""
}

function undefineMacro(machine: Machine, call: Call): Expansion {
  for (const { text: name } of call.args) machine.macros.delete(name)
  return ""
}

function definitionOf(machine: Machine, call: Call): Expansion {
  return call.args.flatMap(({ text: name }): Piece[] => {
    const found = meaning(machine, name)?.text
    if (found === undefined) return []
    return [found.builtin === undefined ? { text: quoted(machine, found.text), at: found.at } : found]
  })
}

function ifDefined(machine: Machine, call: Call): Expansion {
  return give(call, meaning(machine, argument(call, 0)) === undefined ? 2 : 1)
}

function ifElse(machine: Machine, call: Call): Expansion {
  const { args } = call
  if (args.length < 3) {
    if (args.length === 2) caution(machine, call, "ifelse needs a text for when both are equal")
    return ""
  }
  for (let index = 0; ; index += 3) {
    if (argument(call, index) === argument(call, index + 1)) return give(call, index + 2)
    if (args.length - index === 4) return give(call, index + 3)
    if (args.length - index < 6) return ""
  }
}

function shift(machine: Machine, call: Call): Expansion {
  return call.args
    .slice(1)
    .flatMap((piece, index) => [
      { text: (index === 0 ? "" : ",") + machine.openQuote, at: piece.at },
      piece,
      { text: machine.closeQuote, at: piece.at },
    ])
}

function substr(machine: Machine, call: Call): Expansion {
  const text = argument(call, 0)
  const from = integer(machine, call, 1, 0)
  const length = integer(machine, call, 2, text.length)
  if (from < 0 || from >= text.length || length <= 0) return call.args.length < 2 ? text : ""
  return text.slice(from, from + length)
}

function evalCall(machine: Machine, call: Call): Expansion {
  const radix = integer(machine, call, 1, 10)
  const width = integer(machine, call, 2, 1)
  if (radix < 1 || radix > 36) {
    complain(machine, call, `eval: radix ${radix} is not between 1 and 36`)
    return ""
  }
  const result = evaluate(argument(call, 0))
  if (result.ok) return printInteger(result.value, radix, width)
  complain(machine, call, `eval: ${result.error}: ${argument(call, 0)}`)
  return ""
}

function include(machine: Machine, call: Call, required: boolean): Expansion {
  const path = argument(call, 0)
  if (depthOf(call.at) >= machine.limits.includes) {
    stop(machine, `files include each other more than ${machine.limits.includes} deep: ${path}`, call.at)
    return ""
  }
  const text = machine.read(path)
  if (!text.ok) {
    if (required) complain(machine, call, `cannot include: ${text.error}`, "unreadable")
    return ""
  }
  machine.sources.set(path, text.value)
  return [{ text: text.value, at: { file: path, line: 1, column: 1, via: call.at } }]
}

function depthOf(at: Origin): number {
  let depth = 0
  for (let via = at.via; via !== undefined; via = via.via) depth++
  return depth
}

function divert(machine: Machine, call: Call): Expansion {
  machine.divert = integer(machine, call, 0, 0)
  return ""
}

function undivert(machine: Machine, call: Call): Expansion {
  const named = call.args.map(({ text }) => text).filter((text) => text !== "")
  const numbers = machine.diversions.keys().filter((number) => number > 0)
  const wanted = named.length > 0 ? named : [...numbers].toSorted((a, b) => a - b).map(String)
  for (const name of wanted) bringBack(machine, call, name)
  return ""
}

function bringBack(machine: Machine, call: Call, name: string): void {
  if (!/^-?[0-9]+$/.test(name)) {
    const text = machine.read(name)
    if (!text.ok) complain(machine, call, `cannot undivert: ${text.error}`, "unreadable")
    else output(machine, [{ text: text.value, at: { file: name, line: 1, column: 1, via: call.at } }])
    return
  }
  const number = Number(name)
  if (number === machine.divert || number <= 0) return
  output(machine, machine.diversions.get(number) ?? [])
  machine.diversions.delete(number)
}

// Undiverted text is not read again: it goes straight to the current diversion.
function output(machine: Machine, pieces: readonly Piece[]): void {
  if (machine.divert < 0) return
  const target = machine.diversions.get(machine.divert) ?? []
  for (const piece of pieces) target.push(piece)
  machine.diversions.set(machine.divert, target)
}

function discardLine(machine: Machine): Expansion {
  for (let frame = machine.input.at(-1); frame !== undefined; frame = machine.input.at(-1)) {
    const end = frame.text.indexOf("\n", frame.pos)
    if (end >= 0) {
      frame.pos = end + 1
      return ""
    }
    machine.input.pop()
  }
  return ""
}

function changeQuote(machine: Machine, call: Call): Expansion {
  machine.openQuote = call.args.length === 0 ? "`" : argument(call, 0)
  machine.closeQuote = argument(call, 1) || (machine.openQuote === "" ? "" : "'")
  return ""
}

function changeComment(machine: Machine, call: Call): Expansion {
  machine.openComment = argument(call, 0)
  machine.closeComment = argument(call, 1) || "\n"
  return ""
}

function errprint(machine: Machine, call: Call): Expansion {
  const text = call.args.map((piece) => piece.text).join(" ")
  machine.said.push({ text, at: call.at })
  return ""
}

function wrap(machine: Machine, call: Call): Expansion {
  const text = call.args.map((piece) => piece.text).join(" ")
  // GNU m4 1.4 reads what was wrapped last first.
  machine.wrapped.unshift({ text, at: call.args[0]?.at ?? call.at })
  return ""
}

function exit(machine: Machine): Expansion {
  machine.stopped = true
  return ""
}

/** indir and builtin: a word by its name, with the rest of the arguments. */
function indirect(machine: Machine, call: Call): Expansion {
  const [first, ...args] = call.args
  const name = first?.text ?? ""
  const found = meaning(machine, name)
  if (found === undefined) {
    complain(machine, call, `${call.name}: there is no macro ${name}`)
    return ""
  }
  const renamed: Call = { ...call, name, args }
  const { builtin } = found.text
  return builtin === undefined ? substitute(machine, found, renamed) : builtin.run(machine, renamed)
}

function byOriginalName(machine: Machine, call: Call): Expansion {
  const [first, ...args] = call.args
  const found = builtins.find((builtin) => builtin.name === first?.text)
  if (found !== undefined) return found.run(machine, { ...call, name: found.name, args })
  complain(machine, call, `builtin: there is no builtin ${first?.text ?? ""}`)
  return ""
}

function refused(why: string): Run {
  return (machine, call) => {
    complain(machine, call, `${call.name}: ${why}`, "not-supported")
    return ""
  }
}

const noPrograms = "reading a configuration starts no programs and makes no files"
const noRegex = "regular expressions of m4 are not supported; use ifelse, index, substr and translit"

function count(machine: Machine, call: Call, by: number): Expansion {
  return String((integer(machine, call, 0, 0) + by) | 0)
}

/** Every word m4 itself knows. */
export const builtins: readonly Builtin[] = [
  withArguments("define", defineMacro),
  withArguments("undefine", undefineMacro),
  withArguments("pushdef", pushMacro),
  withArguments("popdef", popMacro),
  withArguments("defn", definitionOf),
  withArguments("ifdef", ifDefined),
  withArguments("ifelse", ifElse),
  withArguments("shift", shift),
  withArguments("len", (_, call) => String(argument(call, 0).length)),
  withArguments("index", (_, call) => String(argument(call, 0).indexOf(argument(call, 1)))),
  withArguments("substr", substr),
  withArguments("translit", (_, call) => translit(argument(call, 0), argument(call, 1), argument(call, 2))),
  withArguments("incr", (machine, call) => count(machine, call, 1)),
  withArguments("decr", (machine, call) => count(machine, call, -1)),
  withArguments("eval", evalCall),
  withArguments("format", (machine, call) => {
    const [form, ...args] = call.args.map((piece) => piece.text)
    const result = formatText(form ?? "", args)
    if (!result.ok) complain(machine, call, `format: ${result.error}`)
    return result.ok ? result.value : ""
  }),
  withArguments("include", (machine, call) => include(machine, call, true)),
  withArguments("sinclude", (machine, call) => include(machine, call, false)),
  bare("divert", divert),
  bare("undivert", undivert),
  bare("divnum", (machine) => String(machine.divert)),
  bare("dnl", discardLine),
  bare("changequote", changeQuote),
  bare("changecom", changeComment),
  withArguments("errprint", errprint),
  withArguments("m4wrap", wrap),
  bare("m4exit", exit),
  withArguments("indir", indirect),
  withArguments("builtin", byOriginalName),
  bare("__file__", (machine, call) => quoted(machine, call.at.file)),
  bare("__line__", (_, call) => String(call.at.line)),
  bare("__program__", (machine) => quoted(machine, "m4")),
  bare("dumpdef", (machine, call) => {
    for (const { text: name } of call.args) {
      machine.said.push({
        text: `${name}:\t${meaning(machine, name)?.text.text ?? "undefined macro"}\n`,
        at: call.at,
      })
    }
    return ""
  }),
  bare("traceon", () => ""),
  bare("traceoff", () => ""),
  bare("debugmode", () => ""),
  bare("debugfile", () => ""),
  withArguments("regexp", refused(noRegex)),
  withArguments("patsubst", refused(noRegex)),
  withArguments("syscmd", refused(noPrograms)),
  withArguments("esyscmd", refused(noPrograms)),
  bare("sysval", () => "0"),
  withArguments("maketemp", refused(noPrograms)),
  withArguments("mkstemp", refused(noPrograms)),
]
