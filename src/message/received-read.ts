// Reads a Received field of whatever maker: clauses with their comments and places in the message's octets, what the client said
// and what the server saw, and the date, with or without its semicolon. It never throws; what it could not read it says.
import { type ReadDate, readDate } from "./date-read.ts"
import type { Field, Header } from "./header.ts"
import { type Maker, makerOf } from "./received-maker.ts"
import { readSource, type Source } from "./received-source.ts"
import {
  type Clause,
  type ClauseName,
  type Comment,
  type Span,
  type Token,
  tokensOf,
} from "./received-tokens.ts"

/** Something in the field that no grammar has. */
export type Oddity = Span & {
  readonly what:
    | "clause twice"
    | "unbalanced"
    | "date in a comment"
    | "second semicolon"
    | "stray words"
    | "no date"
    | "too long"
    | "nothing read"
  readonly text: string
}

export type Received = {
  readonly field: Field
  /** The field's value. */
  readonly span: Span
  /** In the order in which they stand. */
  readonly clauses: readonly Clause[]
  readonly from: Clause | undefined
  readonly by: Clause | undefined
  readonly via: Clause | undefined
  readonly with: Clause | undefined
  readonly id: Clause | undefined
  readonly for: Clause | undefined
  /** Comments that stand before any clause: qmail's, and sendmail's `(from user@localhost)`. */
  readonly leading: readonly Comment[]
  /** Who handed it over, as the client said it and as the server saw it. */
  readonly source: Source | undefined
  /** The host that wrote the field, in lower case. */
  readonly host: string | undefined
  readonly maker: Maker
  readonly date: ReadDate | undefined
  readonly dateSpan: Span | undefined
  readonly oddities: readonly Oddity[]
}

/** Octets of one field that are read: sixteen times the longest line that may be (RFC 5322 §2.1.1). */
export const longestTrace = 16 * 998

/** The field's clauses. */
export function readReceived({ bytes }: Pick<Header, "bytes">, field: Field): Received {
  const end = Math.min(field.end, field.valueStart + longestTrace)
  const text = bytes.toString("latin1", field.valueStart, end)
  const tokens = boundedTokens(text)
  const dated = findDate(text, tokens)
  const reading: Reading = { at: field.valueStart, clauses: [], leading: [], oddities: [] }
  takeTokens(reading, tokens.slice(0, dated?.from ?? unreadDate(tokens)))
  if (dated !== undefined) takeTrailing(reading, tokens.slice(dated.to))
  const span = { start: field.valueStart, end }
  if (end < field.end || tokens.length >= mostTokens)
    reading.oddities.push({ what: "too long", text: "", ...span })
  if (dated === undefined) reading.oddities.push({ what: "no date", text: "", ...span })
  return finish(field, span, reading, dated)
}

/** `; 21/08/2002 10:15:21`: what stands after the last semicolon is the date, though nobody can read it. */
function unreadDate(tokens: readonly Token[]): number {
  const semicolon = tokens.findLastIndex(({ kind }) => kind === "semicolon")
  const rest = semicolon < 0 ? [] : tokens.slice(semicolon + 1)
  const isDate = rest.length <= mostDateWords && rest.every((token) => belongsToDate(token))
  return semicolon < 0 || !isDate ? tokens.length : semicolon
}

/** Words and comments of one field that are read: room for a hundred recipients. */
const mostTokens = 256

/** Of a field without end the beginning, and the date after its last semicolon. */
function boundedTokens(text: string): readonly Token[] {
  const tokens = tokensOf(text, 0, mostTokens)
  const semicolon = tokens.length < mostTokens ? -1 : text.lastIndexOf(";")
  return semicolon < (tokens.at(-1)?.end ?? 0) ? tokens : [...tokens, ...tokensOf(text, semicolon, 16)]
}

type Reading = {
  readonly at: number
  readonly clauses: Clause[]
  readonly leading: Comment[]
  readonly oddities: Oddity[]
}

type Dated = {
  readonly date: ReadDate
  readonly start: number
  readonly end: number
  /** The first token that is no clause's, and the first after the date. */
  readonly from: number
  readonly to: number
}

/** The date: after the last semicolon, else where a weekday or a day and month begin one. */
function findDate(text: string, tokens: readonly Token[]): Dated | undefined {
  const semicolon = tokens.findLastIndex(({ kind }) => kind === "semicolon")
  const after = semicolon < 0 ? undefined : dateAt(text, tokens, semicolon + 1)
  if (after !== undefined) return { ...after, from: semicolon }
  for (let n = 0; n < tokens.length; n++) {
    if (!beginsDate(tokens[n], tokens[n + 1])) continue
    const found = dateAt(text, tokens, n)
    if (found !== undefined) return { ...found, from: tokens[n - 1]?.kind === "semicolon" ? n - 1 : n }
  }
  return undefined
}

/** Words of a date: `Tue, 16 Feb 2025 02:19:10 -0500 (EST)` has seven; what comes later is not of it. */
const mostDateWords = 9

function dateAt(text: string, tokens: readonly Token[], first: number): Omit<Dated, "from"> | undefined {
  const start = tokens[first]?.start
  if (start === undefined) return undefined
  let to = first
  while (to < tokens.length && to - first < mostDateWords && belongsToDate(tokens[to])) to++
  const end = tokens[to - 1]?.end ?? start
  const date = readDate(text.slice(start, end))
  return date === undefined ? undefined : { date, start, end, to }
}

function belongsToDate(token: Token | undefined): boolean {
  if (token === undefined || token.kind === "semicolon") return false
  if (token.kind === "word") return clauseNamed(token.text) === undefined
  return /^[\w+\-/. ]{1,40}$/.test(token.text) && !token.text.startsWith("envelope-")
}

const weekday = /^(?:sun|mon|tue|wed|thu|fri|sat)[a-z]{0,6}\.?,?$/i
const monthName = /^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?,?$/i

function beginsDate(token: Token | undefined, next: Token | undefined): boolean {
  if (token?.kind !== "word" || next?.kind !== "word") return false
  if (/^\d{4}-\d{2}-\d{2}(?:T|$)/.test(token.text)) return true
  if (/^\d{1,2}$/.test(token.text)) return monthName.test(next.text)
  return weekday.test(token.text) && (/^\d{1,2}$/.test(next.text) || monthName.test(next.text))
}

type Open = { name: ClauseName; words: Token[]; comments: Comment[] }

function takeTokens(reading: Reading, tokens: readonly Token[]): void {
  let open: Open | undefined
  const stray: Token[] = []
  for (const token of tokens) {
    noteUnbalanced(reading, token)
    if (token.kind === "semicolon") {
      noteSemicolon(reading, token)
      continue
    }
    const name = token.kind === "word" ? clauseName(token, open) : undefined
    if (name !== undefined) {
      close(reading, open)
      open = { name, words: [], comments: [] }
    } else if (token.kind === "comment") noteComment(reading, token, open)
    else if (open === undefined) stray.push(token)
    else open.words.push(token)
  }
  close(reading, open)
  const [first] = stray
  const last = stray.at(-1)
  if (first !== undefined && last !== undefined) {
    const text = stray.map((token) => token.text).join(" ")
    note(reading, {
      what: "stray words",
      text,
      ...spanOf(reading, { start: first.start, end: last.end }),
    })
  }
}

/** Comments after the date: PowerMTA's and FreeBSD's `(envelope-from …)`. */
function takeTrailing(reading: Reading, tokens: readonly Token[]): void {
  for (const token of tokens) {
    noteUnbalanced(reading, token)
    if (token.kind === "comment" && reading.leading.length < mostKept)
      reading.leading.push({ text: token.text, ...spanOf(reading, token) })
  }
}

function noteUnbalanced(reading: Reading, token: Token): void {
  if (!token.unbalanced) return
  note(reading, { what: "unbalanced", text: token.text.slice(0, 80), ...spanOf(reading, token) })
}

/** Only the date comes after a semicolon: RFC 5321 §4.4 has one. */
function noteSemicolon(reading: Reading, token: Token): void {
  note(reading, { what: "second semicolon", text: ";", ...spanOf(reading, token) })
}

function noteComment(reading: Reading, token: Token, open: Open | undefined): void {
  const comment = { text: token.text, ...spanOf(reading, token) }
  const kept = open === undefined ? reading.leading : open.comments
  if (kept.length >= mostKept) return
  kept.push(comment)
  if (
    /^\s*(?:sun|mon|tue|wed|thu|fri|sat)[a-z]*,? \d/i.test(token.text) &&
    readDate(token.text)?.at !== undefined
  )
    note(reading, { what: "date in a comment", ...comment })
}

/** The clause that this word names, in whatever case. */
function clauseNamed(word: string): ClauseName | undefined {
  if (word.length > 4) return undefined
  const lower = word.toLowerCase()
  switch (lower) {
    case "from":
    case "by":
    case "via":
    case "with":
    case "id":
    case "for":
      return lower
    default:
      return undefined
  }
}

/** The clause this word opens. A clause has at least one word: `from by` is a host of that name. */
function clauseName(token: Token, open: Open | undefined): ClauseName | undefined {
  const name = clauseNamed(token.text)
  if (name === undefined) return undefined
  const bare = open !== undefined && open.words.length === 0 && open.comments.length === 0
  return bare ? undefined : name
}

/** Clauses, comments and oddities of one field that are kept: no software writes half as many. */
const mostKept = 16

function note(reading: Reading, oddity: Oddity): void {
  if (reading.oddities.length < mostKept) reading.oddities.push(oddity)
}

function close(reading: Reading, open: Open | undefined): void {
  if (open === undefined) return
  const first = open.words[0]
  const last = open.words.at(-1)
  const span =
    first === undefined || last === undefined
      ? undefined
      : spanOf(reading, { start: first.start, end: last.end })
  const [comment] = open.comments
  const place = span ?? (comment === undefined ? { start: reading.at, end: reading.at } : comment)
  const value = open.words.map(({ text }) => text).join(" ")
  const clause: Clause = {
    name: open.name,
    value,
    comments: open.comments,
    start: place.start,
    end: place.end,
  }
  if (reading.clauses.length >= mostKept) return
  const earlier = reading.clauses.find(({ name }) => name === open.name)
  if (earlier !== undefined && !mayRepeat(clause)) {
    note(reading, {
      what: "clause twice",
      text: `${clause.name} ${clause.value}`,
      start: clause.start,
      end: clause.end,
    })
  }
  reading.clauses.push(clause)
}

// IBM writes `for A from B`; some write `with SMTP with TLS`; a gateway says `for` for each recipient.
function mayRepeat({ name, value }: Clause): boolean {
  return name === "for" || name === "with" || (name === "from" && value.includes("@"))
}

function spanOf({ at }: Reading, { start, end }: Span): Span {
  return { start: at + start, end: at + end }
}

function finish(field: Field, span: Span, reading: Reading, dated: Dated | undefined): Received {
  const { clauses, leading, oddities } = reading
  const first = (name: ClauseName) => clauses.find((clause) => clause.name === name)
  const from = first("from")
  const by = first("by")
  const protocol = first("with")
  const id = first("id")
  const maker = makerOf({ from, by, protocol, id, leading: leading.map(({ text }) => text) })
  if (clauses.length === 0 && leading.length === 0) oddities.push({ what: "nothing read", text: "", ...span })
  return {
    field,
    span,
    clauses,
    leading,
    oddities,
    maker,
    from,
    by,
    via: first("via"),
    with: protocol,
    id,
    for: first("for"),
    source: readSource(from, leading, maker.name),
    host: hostIn(by),
    date: dated?.date,
    dateSpan: dated === undefined ? undefined : spanOf(reading, dated),
  }
}

/** The name of the host that wrote the field; `localhost (mail.example.org [127.0.0.1])` means what is in the brackets. */
function hostIn(by: Clause | undefined): string | undefined {
  const word = by?.value.split(" ", 1)[0] ?? ""
  const name = word.toLowerCase().replace(/[.,]+$/, "")
  return name === "" ? undefined : name
}
