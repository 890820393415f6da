// The source text of a table, as makemap reads it: a key, blanks, a value; a line that begins with # is a comment.
// No continuation lines: sendmail has none here, and a line that begins with a blank is an error.
import { foldKey } from "./keys.ts"

export type TextForm = {
  /** -t: the one character between key and value; undefined: any blanks. */
  readonly separator?: string | undefined
  /** -D: the character that begins a comment. */
  readonly comment?: string
  /** -e: a key may stand without a value. */
  readonly emptyValues?: boolean
  /** -f: keys keep their case. */
  readonly keepCase?: boolean
}

/** What is wrong with a line, in makemap's words: "no RHS for LHS example.org". */
export type BadLine = { readonly line: number; readonly says: string }

/** Gets each entry with the number of its line; the first line is 1. */
export type TakeEntry = (key: string, value: string, line: number) => void

const blank = /[ \t\v\f\r]/

/** Reads a source text. Returns the bad lines; all others were handed to `take`. */
export function readMapText(text: string, form: TextForm, take: TakeEntry): readonly BadLine[] {
  const bad: BadLine[] = []
  let line = 0
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start)
    const end = newline < 0 ? text.length : newline
    line++
    const says = readLine(text.slice(start, end), line, form, take)
    if (says !== undefined) bad.push({ line, says })
    start = end + 1
  }
  return bad
}

function readLine(content: string, line: number, form: TextForm, take: TakeEntry): string | undefined {
  if (content === "" || content[0] === (form.comment ?? "#")) return undefined
  // makemap takes a line of blanks for a mistake; nobody means one by it.
  if (content.trim() === "") return undefined
  if (form.separator === undefined && blank.test(content[0] ?? "")) return "syntax error (leading space)"
  const parts = (at: number) =>
    form.separator === undefined ? blank.test(content[at] ?? "") : content[at] === form.separator
  let end = 0
  while (end < content.length && !parts(end)) end++
  if (end === 0) return "syntax error (zero length key)"
  let start = end
  while (start < content.length && parts(start)) start++
  const key = form.keepCase === true ? content.slice(0, end) : foldKey(content.slice(0, end))
  if (start >= content.length && form.emptyValues !== true) return `no RHS for LHS ${key}`
  take(key, withoutReturn(content.slice(start)), line)
  return undefined
}

// A file written on Windows ends its lines with CR LF.
function withoutReturn(value: string): string {
  return value.endsWith("\r") ? value.slice(0, -1) : value
}

/** Columns of a map of class text: -k, -v (counted from 0) and -z (the character between columns). */
export type Columns = {
  readonly key: number
  readonly value: number
  readonly separator: string | undefined
  readonly keepCase?: boolean
}

/** Reads a map of class text, such as /etc/passwd with -k0 -v4 -z:. Lines that are too short say nothing. */
export function readColumns(text: string, columns: Columns, take: TakeEntry): void {
  for (const [index, content] of text.split("\n").entries()) {
    if (content.startsWith("#")) continue
    const cells =
      columns.separator === undefined ? content.trim().split(/\s+/) : content.split(columns.separator)
    const key = cells[columns.key]?.trim()
    const value = cells[columns.value]?.trim()
    if (key === undefined || key === "" || value === undefined) continue
    take(columns.keepCase === true ? key : foldKey(key), value, index + 1)
  }
}
