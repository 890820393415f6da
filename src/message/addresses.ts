// The addresses in a header field's value (RFC 5322 §3.4), found as spans so that a rewriter changes nothing else. As tolerant
// as mail is: no brackets, old-style lists parted by blanks, comments anywhere, groups, things left open. Linear.

/** One address, as it stands between `start` and `end` of the text; `address` is without comments and inner blanks. */
export type AddressToken = {
  readonly address: string
  readonly start: number
  readonly end: number
  /** It stood in angle brackets. */
  readonly angled: boolean
}

/** Finds the addresses of a list. An empty pair of brackets and an empty group give none. */
export function parseAddressList(text: string): AddressToken[] {
  const found: AddressToken[] = []
  let words: Word[] = []
  let angle: AddressToken | undefined
  const finish = () => {
    if (angle !== undefined) {
      if (angle.address !== "") found.push(angle)
    } else for (const one of bareAddresses(words)) found.push(one)
    words = []
    angle = undefined
  }
  for (let i = 0; i < text.length; ) {
    const c = text[i]
    if (c === "(") i = afterComment(text, i)
    else if (c === "<") {
      angle ??= angled(text, i)
      i = afterAngle(text, i)
    } else if (c === "," || c === ";") {
      finish()
      i++
    } else if (c === ":" && opensGroup(words)) {
      words = []
      i++
    } else if (isBlank(c)) i++
    else {
      const end = afterWord(text, i)
      words.push({ text: text.slice(i, end), start: i, end })
      i = end
    }
  }
  finish()
  return found
}

/** Every address in angle brackets, the second too where two stand in the place of one: readers differ in which they take. */
export function angledAddresses(text: string): AddressToken[] {
  const found: AddressToken[] = []
  for (let i = 0; i < text.length; ) {
    const c = text[i]
    if (c === "<") found.push(angled(text, i))
    if (c === "<") i = afterAngle(text, i)
    else if (c === "(") i = afterComment(text, i)
    else if (c === '"') i = afterQuote(text, i)
    else i += c === "\\" ? 2 : 1
  }
  return found.filter(({ address }) => address !== "")
}

type Word = { readonly text: string; readonly start: number; readonly end: number }

/** A colon ends a group's name when nothing before it looks like an address (RFC 5322 §3.4). */
function opensGroup(words: readonly Word[]): boolean {
  const last = words.at(-1)
  return last !== undefined && !words.some((word) => word.text.includes("@") && !word.text.startsWith('"'))
}

/**
 * Without brackets: words around an `@` belong together, and so do those around a dot; a phrase before such an address is
 * its display name that lacks the brackets. With no `@` at all each word is a local name (sendmail: OldStyleHeaders).
 */
function bareAddresses(words: readonly Word[]): readonly AddressToken[] {
  const joined: Word[] = []
  for (const word of words) {
    const last = joined.at(-1)
    if (last !== undefined && (joins(last.text, "end") || joins(word.text, "start"))) {
      joined[joined.length - 1] = { text: last.text + word.text, start: last.start, end: word.end }
    } else joined.push(word)
  }
  const addresses = joined.some((word) => hasAt(word.text))
    ? joined.filter((word) => hasAt(word.text))
    : joined
  return addresses.map(({ text, start, end }) => ({ address: text, start, end, angled: false }))
}

function joins(text: string, side: "start" | "end"): boolean {
  const c = side === "start" ? text[0] : text.at(-1)
  return c === "@" || c === "." || c === "%" || c === "!"
}

function hasAt(text: string): boolean {
  return (text.startsWith('"') ? text.slice(afterQuote(text, 0)) : text).includes("@")
}

function isBlank(c: string | undefined): boolean {
  return c === " " || c === "\t" || c === "\r" || c === "\n"
}

/** A run of quoted strings, domain literals and other characters without a blank. */
function afterWord(text: string, start: number): number {
  let i = start
  while (i < text.length) {
    const c = text[i]
    if (c === '"') i = afterQuote(text, i)
    else if (c === "[") i = afterLiteral(text, i)
    else if (c === "\\") i += 2
    else if (isBlank(c) || c === "(" || c === "<" || c === "," || c === ";") break
    else if (c === ":" && i > start) break
    else i++
  }
  return Math.min(Math.max(i, start + 1), text.length)
}

function afterQuote(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++
    else if (text[i] === '"') return i + 1
  }
  return text.length
}

/** A literal that is not closed is only a bracket. */
function afterLiteral(text: string, start: number): number {
  for (let i = start + 1; i < text.length && i - start < 300; i++) {
    if (text[i] === "]") return i + 1
    if (isBlank(text[i]) || text[i] === "," || text[i] === "<") break
  }
  return start + 1
}

/** Comments nest (RFC 5322 §3.2.2). */
function afterComment(text: string, start: number): number {
  let depth = 0
  for (let i = start; i < text.length; i++) {
    const c = text[i]
    if (c === "\\") i++
    else if (c === "(") depth++
    else if (c === ")" && --depth === 0) return i + 1
  }
  return text.length
}

function afterAngle(text: string, start: number): number {
  return Math.min(closing(text, start) + 1, text.length)
}

/** The `>` that closes; where none does, the place before the comma, bracket or end that comes first. */
function closing(text: string, start: number): number {
  let comma = -1
  for (let i = start + 1; i < text.length; i++) {
    const c = text[i]
    if (c === '"') i = afterQuote(text, i) - 1
    else if (c === "\\") i++
    else if (c === "(") i = afterComment(text, i) - 1
    else if (c === ">") return i
    else if (c === "<") return (comma < 0 ? i : comma) - 1
    else if (c === "," && comma < 0 && text[start + 1] !== "@") comma = i
  }
  return comma < 0 ? text.length : comma - 1
}

function angled(text: string, open: number): AddressToken {
  const close = closing(text, open)
  const shut = text[close] === ">" ? close : Math.min(close + 1, text.length)
  let start = open + 1
  let end = shut
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return { address: withoutBlanks(text.slice(start, end)), start, end, angled: true }
}

/** Blanks and comments between the parts of an address mean nothing (RFC 5322 §4.4); inside quotes they stand. */
function withoutBlanks(text: string): string {
  if (!/[\s(]/.test(text)) return text
  let out = ""
  for (let i = 0; i < text.length; ) {
    const c = text[i]
    const end = c === "(" ? afterComment(text, i) : c === '"' ? afterQuote(text, i) : i + 1
    if (c !== "(" && !isBlank(c)) out += text.slice(i, end)
    i = end
  }
  return out
}
