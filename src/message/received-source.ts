// What a Received field says of who handed the message over: the name the client gave (HELO), the name its address has (reverse
// DNS), the address, and the user where it was handed over on the host itself. Each maker puts them in other places.
import type { MakerName } from "./received-maker.ts"
import type { Clause, Comment, Span } from "./received-tokens.ts"

/** A word and its place. */
export type Told = Span & { readonly text: string }

export type Source = {
  /** What the client called itself. */
  readonly helo: Told | undefined
  /** What the server found as the name of the client's address. */
  readonly reverse: Told | undefined
  /** The server looked, and its address has no name. */
  readonly nameless: boolean
  /** What stands for the address: it need not be one (`127.300.0.1`). */
  readonly address: Told | undefined
  /** A user of the host itself handed it in: sendmail's `(from user@localhost)`, Postfix's `from userid 54`. */
  readonly user: string | undefined
  /** sendmail's "may be forged": the reverse name does not lead back to the address. */
  readonly doubted: boolean
}

/** The source that these clauses tell of; undefined when they tell of none. */
export function readSource(
  from: Clause | undefined,
  leading: readonly Comment[],
  maker: MakerName,
): Source | undefined {
  if (from === undefined) return fromLeading(leading)
  const words = from.value.split(" ")
  const name = words[0] ?? ""
  const first: Told = { text: name, start: from.start, end: from.start + name.length }
  const found: Found = { doubted: false, nameless: false }
  const literal = addressIn(name) === undefined ? undefined : bareAddress(first)
  if (literal === undefined) found.name = first
  takeBracketed(found, from, words)
  for (const comment of from.comments.slice(0, mostRead)) takeComment(found, comment)
  // `from [192.168.0.2] (dsl.example.net [192.0.2.7])`: a greeting; alone it is the address.
  if (literal !== undefined && found.address !== undefined) found.helo ??= first
  found.address ??= literal
  return settle(found, maker)
}

/** Comments of one clause that are looked at, and four times as many words of each: no software writes half as many. */
const mostRead = 16

type Found = {
  name?: Told
  helo?: Told
  reverse?: Told
  address?: Told | undefined
  user?: string
  doubted: boolean
  nameless: boolean
}

/** `(from gor@localhost)` and `(gor@localhost)`, `invoked by uid 1000`. */
function fromLeading(leading: readonly Comment[]): Source | undefined {
  for (const { text } of leading) {
    const user = /^(?:from )?([^\s@()[\]]{1,64})(?:@[\w.-]{1,255})?$/.exec(text)?.[1]
    const uid = /\b(?:uid|userid) (\d{1,10})/.exec(text)?.[1]
    const who = uid ?? (text.includes("@") || text.startsWith("from ") ? user : undefined)
    if (who !== undefined) return { ...nobody, user: who }
  }
  return undefined
}

const nobody: Source = {
  helo: undefined,
  reverse: undefined,
  nameless: false,
  address: undefined,
  user: undefined,
  doubted: false,
}

/** `from pc236b.napier.ac.uk [10.2.4.5]`: the address as a word of its own, without a comment around it. */
function takeBracketed(found: Found, from: Clause, words: readonly string[]): void {
  let at = from.start + (words[0]?.length ?? 0)
  for (const word of words.slice(1)) {
    at++
    if (word.startsWith("[") && addressIn(word) !== undefined)
      found.address ??= bareAddress({ text: word, start: at, end: at + word.length })
    at += word.length
  }
}

/** One comment of the from clause. */
function takeComment(found: Found, comment: Comment): void {
  const inner = withoutNested(comment.text)
  if (/may be forged|unverified|forged/i.test(comment.text)) found.doubted = true
  let at = comment.start + 1
  let helo = false
  const bracketed = inner.includes("[")
  for (const word of inner.split(" ", 4 * mostRead)) {
    takeWord(found, { text: word, start: at, end: at + word.length }, { afterHelo: helo, bracketed })
    helo = isGreeting(word)
    at += word.length + 1
  }
}

type Beside = { readonly afterHelo: boolean; readonly bracketed: boolean }

function takeWord(found: Found, word: Told, { afterHelo, bracketed }: Beside): void {
  const { text } = word
  if (isGreeting(text)) return
  if (/^(?:helo|ehlo)=./i.test(text))
    found.helo ??= { text: text.slice(5), start: word.start + 5, end: word.end }
  else if (afterHelo) found.helo ??= word
  else if (/^(?:ident|user)[=:]/i.test(text) && !text.includes("@")) return
  else if (text === "unknown" || text === "unverified") found.nameless = true
  else if (addressIn(withoutUser(text)) !== undefined) found.address ??= bareAddress(afterUser(word))
  else if (looksLikeHost(withoutUser(text), bracketed) && found.address === undefined)
    found.reverse ??= afterUser(word)
}

/** `(HELO pc236b.napier.ac.uk)`: the word before what the client called itself. */
function isGreeting(text: string): boolean {
  return text.length === 4 && /^(?:helo|ehlo|lhlo)$/i.test(text)
}

/** The rest keeps its place: what stands in nested comments becomes blanks, and so do line ends. */
function withoutNested(text: string): string {
  if (!/[(\s]/.test(text)) return text
  let depth = 0
  let out = ""
  for (const c of text) {
    if (c === "(") depth++
    out += depth > 0 || c <= " " ? " " : c
    if (c === ")" && depth > 0) depth--
  }
  return out
}

function withoutUser(text: string): string {
  const at = text.lastIndexOf("@")
  return at < 0 ? text : text.slice(at + 1)
}

/** sendmail's `IDENT:user@host`, qmail's `user@192.0.2.7`. */
function afterUser(word: Told): Told {
  const cut = word.text.lastIndexOf("@") + 1
  if (cut === 0) return word
  return { text: word.text.slice(cut), start: word.start + cut, end: word.end }
}

/** A name without dots is one only beside an address: `(jalapeno [127.0.0.1])`. */
function looksLikeHost(text: string, bracketed: boolean): boolean {
  return (
    /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/.test(text) &&
    /[A-Za-z]/.test(text) &&
    (bracketed || text.includes("."))
  )
}

/** What this word holds as an address, whether or not there can be such a one: `[192.0.2.7]`, `[IPv6:2001:db8::7]`, `1.2.3.999`. */
function addressIn(word: string): string | undefined {
  if (word.length > 64 || !mayBeAddress(word)) return undefined
  const bare = word.replace(/^\[?(?:IPv6:)?/i, "").replace(/\](?::\d{1,5})?$/, "")
  if (/^\d{1,5}(?:\.\d{1,5}){3}$/.test(bare)) return bare
  return bare.includes(":") && /^[0-9a-f:.]{2,45}(?:%\w{1,8})?$/i.test(bare) ? bare : undefined
}

/** An address has a colon, or begins with a digit: most words do not. */
function mayBeAddress(word: string): boolean {
  const c = word.charCodeAt(word.startsWith("[") ? 1 : 0)
  return (c >= 0x30 && c <= 0x39) || word.includes(":")
}

function bareAddress(word: Told): Told {
  const bare = addressIn(word.text) ?? word.text
  const start = word.start + Math.max(0, word.text.indexOf(bare))
  return { text: bare, start, end: start + bare.length }
}

/** Who of the names is which, by the maker's habit. */
function settle({ name, helo, reverse, address, user, doubted, nameless }: Found, maker: MakerName): Source {
  const rest = { address, user, doubted }
  const named = name?.text.toLowerCase() === "unknown" ? undefined : name
  const absent = nameless || (name !== undefined && named === undefined)
  // Exim and qmail put the name of the address first, and the greeting into a comment only where it differs.
  if (maker === "Exim" || maker === "qmail" || helo !== undefined) {
    const found = reverse ?? (addressIn(named?.text ?? "") === undefined ? named : undefined)
    return { ...rest, helo: helo ?? found, reverse: found, nameless: absent || found === undefined }
  }
  // Exchange does not look for names.
  const looked = maker !== "Exchange" && maker !== "Microsoft SMTPSVC"
  return {
    ...rest,
    helo: named,
    reverse,
    nameless: absent || (looked && reverse === undefined && address !== undefined),
  }
}
