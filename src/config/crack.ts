// What stands around an address in a header or on a command line: comments and a name before <address> (sendmail: crackaddr).

export type Cracked = { readonly before: string; readonly after: string }

/** The text before and after the address proper. */
export function crackAddress(text: string): Cracked {
  const angle = angleOf(text)
  if (angle !== undefined) return { before: text.slice(0, angle[0] + 1), after: text.slice(angle[1]) }
  const [before, rest] = leadingComments(text)
  const end = endOfAddress(rest)
  return { before, after: end === 0 ? "" : rest.slice(end) }
}

/** `$g` in the place of the address, as /parse shows it; the null address stays as it is. */
export function printCracked(text: string): string {
  const { before, after } = crackAddress(text)
  const bare = text.slice(before.length, text.length - after.length)
  return bare === "" && before.endsWith("<") ? text : `${before}$g${after}`
}

/** Places of the last `<` outside of quotes and of its `>`. */
function angleOf(text: string): readonly [number, number] | undefined {
  let quoted = false
  let open = -1
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === "\\") i++
    else if (c === '"') quoted = !quoted
    else if (!quoted && c === "<") open = i
    else if (!quoted && c === ">" && open >= 0) return [open, i]
  }
  return undefined
}

/** Where blanks and comments begin that nothing follows. */
function endOfAddress(text: string): number {
  let end = text.trimEnd().length
  while (text[end - 1] === ")") {
    const open = text.lastIndexOf("(", end - 1)
    if (open < 0) break
    end = text.slice(0, open).trimEnd().length
  }
  return end
}

function leadingComments(text: string): readonly [string, string] {
  const match = /^\s*(?:\([^()]*\)\s*)*/.exec(text)?.[0] ?? ""
  return [match, text.slice(match.length)]
}
