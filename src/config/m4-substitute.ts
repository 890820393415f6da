// What a macro's text becomes at a call: parameters filled in, every piece with the place it was written at.
import { part } from "./m4-machine.ts"
import type { Call, Definition, Machine, Piece } from "./m4-types.ts"

const parameter = /\$(?:([0-9]+)|([#*@]))/g

/** A macro's text with its parameters filled in. What stood in the definition keeps its place, reached via the call. */
export function substitute(machine: Machine, found: Definition, call: Call): Piece[] {
  const body: Piece = { text: found.text.text, at: { ...found.text.at, via: call.at } }
  if (!body.text.includes("$")) return [body]
  const pieces: Piece[] = []
  let done = 0
  for (const match of body.text.matchAll(parameter)) {
    if (match.index > done) pieces.push(part(body, done, match.index))
    done = match.index + match[0].length
    pieces.push(...fill(machine, call, match[1], match[2]))
  }
  if (done < body.text.length) pieces.push(part(body, done, body.text.length))
  return pieces
}

function fill(machine: Machine, call: Call, digits: string | undefined, all: string | undefined): Piece[] {
  if (digits !== undefined) {
    const index = Number(digits)
    if (index === 0) return [{ text: call.name, at: call.at }]
    const given = call.args[index - 1]
    return given === undefined ? [] : [given]
  }
  if (all === "#") return [{ text: String(call.args.length), at: call.at }]
  const open = all === "@" ? machine.openQuote : ""
  const close = all === "@" ? machine.closeQuote : ""
  return call.args.flatMap((given, index) => [
    { text: (index === 0 ? "" : ",") + open, at: given.at },
    given.builtin === undefined ? given : { text: "", at: given.at },
    { text: close, at: given.at },
  ])
}
