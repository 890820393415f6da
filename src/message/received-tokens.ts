// The words of a trace field as spans of its text: atoms, comments (nested ones too), literals in brackets, and the semicolon
// before the date. Nothing is refused: what is left open is said to be so. One pass, linear.

/** A place in the message's octets. */
export type Span = { readonly start: number; readonly end: number }

export type Comment = Span & { readonly text: string }

export type ClauseName = "from" | "by" | "via" | "with" | "id" | "for"

/** `by mail.example.org (Postfix)`: its words, and the comments after them. The span is that of the words. */
export type Clause = Span & {
  readonly name: ClauseName
  readonly value: string
  readonly comments: readonly Comment[]
}

export type TokenKind = "word" | "comment" | "semicolon"

/** A word or comment between `start` and `end` of the text; a comment's ends include its brackets. */
export type Token = {
  readonly kind: TokenKind
  readonly text: string
  readonly start: number
  readonly end: number
  /** A comment, quoted string or literal that nothing closes, or a bracket that closes nothing. */
  readonly unbalanced: boolean
}

/** The tokens of a field's value from this place on, so many at most. */
export function tokensOf(text: string, from = 0, most = Number.POSITIVE_INFINITY): readonly Token[] {
  const found: Token[] = []
  for (let at = from; at < text.length && found.length < most; ) {
    const c = text.charCodeAt(at)
    if (isBlank(c)) {
      at++
      continue
    }
    const token = c === openRound ? commentAt(text, at) : c === semicolon ? semicolonAt(at) : wordAt(text, at)
    found.push(token)
    at = token.end
  }
  return found
}

const openRound = 0x28
const closeRound = 0x29
const semicolon = 0x3b
const backslash = 0x5c
const quote = 0x22
const openSquare = 0x5b
const closeSquare = 0x5d
const openAngle = 0x3c
const closeAngle = 0x3e

/** Blanks, line ends and other control characters part words. */
function isBlank(c: number): boolean {
  return c <= 0x20
}

function semicolonAt(start: number): Token {
  return { kind: "semicolon", text: ";", start, end: start + 1, unbalanced: false }
}

/** RFC 5322 §3.2.2: comments nest. */
function commentAt(text: string, start: number): Token {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === backslash) at++
    else if (c === openRound) depth++
    else if (c === closeRound && --depth === 0) {
      const end = at + 1
      return { kind: "comment", text: text.slice(start + 1, at), start, end, unbalanced: false }
    }
  }
  return { kind: "comment", text: text.slice(start + 1), start, end: text.length, unbalanced: true }
}

/** A run without blanks; quoted strings, `[…]` and `<…>` in it stay whole. */
function wordAt(text: string, start: number): Token {
  let at = start
  let unbalanced = false
  let open = 0 // what was left open in this word is not looked for again
  while (at < text.length) {
    const c = text.charCodeAt(at)
    if (isBlank(c) || c === openRound || c === semicolon) break
    if (c === closeRound) unbalanced = true
    const close = c === open ? 0 : closerOf(c)
    const shut = close === 0 ? at : closing(text, at, close)
    if (shut < 0) {
      unbalanced = true
      open = c
    }
    at = (shut < 0 ? at : shut) + 1
  }
  return { kind: "word", text: text.slice(start, at), start, end: at, unbalanced }
}

function closerOf(c: number): number {
  switch (c) {
    case quote:
      return quote
    case openSquare:
      return closeSquare
    case openAngle:
      return closeAngle
    default:
      return 0
  }
}

/** Characters that a quoted string or literal may have: more is something left open, so that the search stays linear. */
const longestWhole = 320

function closing(text: string, open: number, close: number): number {
  const end = Math.min(text.length, open + longestWhole)
  for (let at = open + 1; at < end; at++) {
    const c = text.charCodeAt(at)
    if (c === close) return at
    if (c === backslash) at++
    else if (c === 0x0a || (close !== quote && isBlank(c))) return -1
  }
  return -1
}
