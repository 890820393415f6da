// The argument of MAIL and RCPT: `FROM:` or `TO:`, a path with or without angle brackets, parameters after it
// (RFC 5321 §4.1.2). People may type blanks around the colon and leave the brackets away; nothing else is guessed.
import { classify, type TypedAddress } from "../mail/address.ts"
import type { Reply } from "../mail/reply.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { addressTooLong, syntax, unbalanced } from "./replies.ts"

export type Parameter = { readonly key: string; readonly value: string | undefined }

export type PathArgument = {
  /** As it stands in the command, with its brackets if it has some: this is what replies say. */
  readonly typed: string
  readonly path: TypedAddress | "null"
  readonly parameters: readonly Parameter[]
}

/** RFC 5321 §4.5.3.1.3 asks for 256; source routes make paths longer. */
const longestPath = 512

/** Reads what follows the verb. `word` is FROM or TO. */
export function parsePath(argument: string, word: "FROM" | "TO"): Result<PathArgument, Reply> {
  const colon = argument.indexOf(":")
  // sendmail differs from RFC 5321 §4.1.1.2: srvrsmtp.c skipword takes blanks on both sides of the colon.
  if (colon < 0 || argument.slice(0, colon).trim().toUpperCase() !== word) return fail(syntax(argument))
  const rest = argument.slice(colon + 1).trim()
  if (rest === "") return fail(syntax(argument))
  const end = rest.startsWith("<") ? bracketEnd(rest) : wordEnd(rest)
  if (!end.ok) return end
  const typed = rest.slice(0, end.value)
  const after = rest.slice(end.value)
  if (after !== "" && !/^[ \t]/.test(after)) return fail(syntax(argument))
  if (typed.length > longestPath) return fail(addressTooLong(typed))
  return ok({ typed, path: readPath(typed), parameters: parseParameters(after) })
}

function readPath(typed: string): TypedAddress | "null" {
  const bare = typed.startsWith("<") ? typed.slice(1, -1).trim() : typed
  return bare === "" ? "null" : classify(bare)
}

/** Where the bracketed path ends: behind the `>` that is not within quotes. */
function bracketEnd(text: string): Result<number, Reply> {
  const at = scan(text, (octet) => octet === ">")
  if (at.ends === "found") return ok(at.index + 1)
  return fail(unbalanced(text, at.ends === "in quotes" ? '"' : "<"))
}

/** Where a path without brackets ends: at a blank that is not within quotes. */
function wordEnd(text: string): Result<number, Reply> {
  const at = scan(text, (octet) => octet === " " || octet === "\t")
  if (at.ends === "in quotes") return fail(unbalanced(text, '"'))
  const word = text.slice(0, at.index)
  return word.endsWith(">") ? fail(unbalanced(word, ">")) : ok(at.index)
}

function scan(
  text: string,
  stop: (octet: string) => boolean,
): { readonly ends: "found" | "at the end" | "in quotes"; readonly index: number } {
  let quoted = false
  for (let index = 0; index < text.length; index++) {
    const octet = text.charAt(index)
    if (octet === "\\") index++
    else if (octet === '"') quoted = !quoted
    else if (!quoted && stop(octet)) return { ends: "found", index }
  }
  return { ends: quoted ? "in quotes" : "at the end", index: text.length }
}

function parseParameters(text: string): readonly Parameter[] {
  return text
    .split(/[ \t]+/)
    .filter((word) => word !== "")
    .map(parseParameter)
}

function parseParameter(word: string): Parameter {
  const equals = word.indexOf("=")
  return equals < 0
    ? { key: word, value: undefined }
    : { key: word.slice(0, equals), value: word.slice(equals + 1) }
}
