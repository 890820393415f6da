// The words of sendmail's rules: text cut into tokens at OperatorChars, quotes and blanks, and put together again. Marks ($#, $@,
// $:, $| …) are tokens of their own kind, which no text from outside can ever be.

/** What a rule says beside text and wildcards; as a token of an address it means the same as in the rule. */
export type Mark = { readonly mark: "$#" | "$@" | "$:" | "$|" | "$>" | "$[" | "$]" | "$(" | "$)" }

export type Token = string | Mark

function mark<M extends Mark["mark"]>(text: M): { readonly mark: M } {
  return { mark: text }
}

/** The marks; there is one object of each, so they are compared by identity. */
export const marks = {
  mailer: mark("$#"),
  host: mark("$@"),
  user: mark("$:"),
  or: mark("$|"),
  call: mark("$>"),
  hostBegin: mark("$["),
  hostEnd: mark("$]"),
  mapBegin: mark("$("),
  mapEnd: mark("$)"),
} as const

/** How text is cut: which characters stand alone, and whether (comments) are left out. */
export type Scan = {
  /** OperatorChars. */
  readonly operators: string
  /** `keep`: parentheses are operators (rules, unstructured headers); `drop`: they hold comments (addresses). */
  readonly comments: "keep" | "drop"
  /** Whether open quotes and brackets are a mistake; in rules they are not. */
  readonly balance: boolean
}

export type Scanned = {
  readonly tokens: readonly Token[]
  /** In sendmail's words: "553 Unbalanced '<'". What is missing was put in. */
  readonly complaints: readonly string[]
}

/** sendmail's own when the configuration names none (conf.c); sendmail.cf has `.:%@!^/[]+`. */
export const usualOperators = ".:%@!^/[]+"

// These part words whatever OperatorChars says: the engine itself needs them.
const delimiters = "()<>,;\r\n"

/** The most tokens of an address (MAXATOM). */
export const mostTokens = 1000
/** The most characters of a token (MAXNAME). */
const longestToken = 256

type Kind = "operator" | "atom" | "quote" | "space"

function kindOf(c: string, operators: string): Kind {
  if (c === '"') return "quote"
  if (c === " " || (c >= "\t" && c <= "\r")) return "space"
  return operators.includes(c) || delimiters.includes(c) ? "operator" : "atom"
}

/** Cuts the text of an address into tokens (sendmail: prescan). */
export function tokenize(text: string, scan: Scan): Scanned {
  return tokenizeParts([text], scan)
}

/** Cuts text in which other parts stand; these stay whole and part the words beside them. */
export function tokenizeParts<P>(
  parts: readonly (string | P)[],
  scan: Scan,
): { readonly tokens: readonly (string | P)[]; readonly complaints: readonly string[] } {
  const cutter: Cutter<P> = {
    scan,
    tokens: [],
    complaints: [],
    word: "",
    state: "atom",
    comment: 0,
    angle: 0,
    refused: false,
  }
  for (const part of parts) {
    if (typeof part === "string") cutText(cutter, part)
    else {
      endWord(cutter)
      cutter.tokens.push(part)
      cutter.state = "operator"
    }
  }
  finish(cutter)
  return cutter
}

type Cutter<P> = {
  readonly scan: Scan
  readonly tokens: (string | P)[]
  readonly complaints: string[]
  word: string
  state: Kind
  comment: number
  angle: number
  /** It is longer than any address may be: there are no tokens then. */
  refused: boolean
}

function endWord<P>(cutter: Cutter<P>): void {
  if (cutter.word === "") return
  if (cutter.word.length > longestToken) refuse(cutter, "token too long")
  cutter.tokens.push(cutter.word)
  cutter.word = ""
}

function cutText<P>(cutter: Cutter<P>, text: string): void {
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? ""
    if (c === "\\") {
      // The next character means itself and stays protected; a bare `\!` of a shell is only `!`.
      const next = text[++i]
      if (next === undefined) return
      if (cutter.comment > 0) continue
      if (next !== "!" || cutter.state === "quote") {
        take(cutter, "atom", `\\${next}`)
        continue
      }
      cutCharacter(cutter, next)
    } else cutCharacter(cutter, c)
  }
}

function cutCharacter<P>(cutter: Cutter<P>, c: string): void {
  if (cutter.state !== "quote" && !counts(cutter, c)) return
  take(cutter, kindOf(c, cutter.scan.operators), c)
}

/** Keeps count of comments and angle brackets; false when the character belongs to no token. */
function counts<P>(cutter: Cutter<P>, c: string): boolean {
  const { scan } = cutter
  if (scan.comments === "drop" && (c === "(" || c === ")")) return inComment(cutter, c)
  if (cutter.comment > 0) return false
  if (c === "<") cutter.angle++
  else if (c === ">") {
    if (cutter.angle > 0) cutter.angle--
    else if (scan.balance) {
      cutter.complaints.push("553 Unbalanced '>'")
      return false
    }
  }
  return true
}

function inComment<P>(cutter: Cutter<P>, c: string): boolean {
  if (c === "(") cutter.comment++
  else if (cutter.comment === 0 && cutter.scan.balance) cutter.complaints.push("553 Unbalanced ')'")
  else {
    // Its end parts words as a blank does; its beginning does not.
    cutter.comment = Math.max(0, cutter.comment - 1)
    take(cutter, "space", c)
  }
  return false
}

function take<P>(cutter: Cutter<P>, kind: Kind, c: string): void {
  if (cutter.state === "quote") {
    cutter.word += c
    if (kind === "quote") cutter.state = "operator"
    return
  }
  const joins = cutter.state === "atom" && kind === "atom"
  if (!joins) endWord(cutter)
  if (kind !== "space") cutter.word += c
  cutter.state = kind
}

function finish<P>(cutter: Cutter<P>): void {
  const { scan, complaints } = cutter
  if (scan.balance && cutter.state === "quote") {
    complaints.push("553 Unbalanced '\"'")
    cutter.word += '"'
    cutter.state = "operator"
  }
  if (scan.balance && cutter.comment > 0) complaints.push("553 Unbalanced '('")
  endWord(cutter)
  for (; scan.balance && cutter.angle > 0; cutter.angle--) {
    complaints.push("553 Unbalanced '<'")
    cutter.tokens.push(">")
  }
  if (cutter.tokens.length > mostTokens) refuse(cutter, "too many tokens")
  if (cutter.refused) cutter.tokens.length = 0
}

function refuse<P>(cutter: Cutter<P>, why: string): void {
  if (!cutter.refused) cutter.complaints.push(`553 5.1.0 prescan: ${why}`)
  cutter.refused = true
}

/** Text again; two words that stand side by side get `between` (BlankSub) between them (sendmail: cataddr). */
export function untokenize(tokens: readonly Token[], between: string, operators: string): string {
  let text = ""
  let lastIsWord = false
  for (const token of tokens) {
    const shown = typeof token === "string" ? token : token.mark
    const isWord = typeof token === "string" && kindOf(token.charAt(0), operators) === "atom"
    if (isWord && lastIsWord) text += between
    text += shown
    lastIsWord = isWord
  }
  return text
}

/** The tokens as traces show them, a blank before each. */
export function printTokens(tokens: readonly Token[]): string {
  return tokens.map((token) => ` ${typeof token === "string" ? token : token.mark}`).join("")
}

/** Without quotes and the backslashes that protect (sendmail: stripquotes). */
export function stripQuotes(text: string): string {
  return /["\\]/.test(text) ? text.replaceAll(/\\([\s\S])|["\\]/g, "$1") : text
}
