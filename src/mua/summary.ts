// What a list of messages shows of one, read from its header alone: the row of an index, small enough for 50,000 in memory.
import { addressParser } from "postal-mime"
import { decodeWords } from "../message/encoded-words.ts"
import { type Header, valueOf } from "../message/header.ts"

/** A reader's marks on a message. `recent`: no reader has listed it yet. */
export type Flags = {
  readonly seen: boolean
  readonly answered: boolean
  readonly flagged: boolean
  readonly draft: boolean
  readonly deleted: boolean
  readonly recent: boolean
}

export const noFlags: Flags = {
  seen: false,
  answered: false,
  flagged: false,
  draft: false,
  deleted: false,
  recent: true,
}

export type Person = { readonly name: string; readonly address: string }

/** What a header tells a list; texts are decoded (RFC 2047) and may hold anything: they go to a terminal through `printable`. */
export type Summary = {
  readonly from: Person
  /** To and Cc, as many as a list can use. */
  readonly to: readonly Person[]
  readonly subject: string
  readonly messageId: string
  /** What it answers: References and In-Reply-To, the nearest last (RFC 5322 §3.6.4). */
  readonly parents: readonly string[]
  /** What the sender's clock said, milliseconds; undefined when the field is missing or no date. */
  readonly date: number | undefined
  /** It has a List-Id or List-Post: `L` answers the list. */
  readonly list: boolean
}

/** A message in a mailbox: where it is, and what its header says. */
export type Listed = {
  /** Names the message as long as the mailbox is open, whatever else changes in it. */
  readonly key: string
  /** When it came into this mailbox, milliseconds: what lists are sorted by. A header's date may lie. */
  readonly received: number
  readonly size: number
  readonly flags: Flags
  readonly summary: Summary
}

const mostPeople = 10
const mostParents = 40
const longestText = 300

/** Reads a header for a list. Never throws, whatever the header is. */
export function summarize(header: Header): Summary {
  const found = new Map<string, string>()
  for (const field of header.fields) {
    const name = wanted(header, field.start, field.nameEnd)
    if (name !== undefined && !found.has(name)) found.set(name, valueOf(header, field))
  }
  const people = (name: string) => personsOf(found.get(name) ?? "")
  return {
    from: people("from")[0] ?? people("sender")[0] ?? { name: "", address: "" },
    to: [...people("to"), ...people("cc")].slice(0, mostPeople),
    subject: decoded(found.get("subject") ?? ""),
    messageId: idsOf(found.get("message-id") ?? "")[0] ?? "",
    parents: parentsOf(found.get("references") ?? "", found.get("in-reply-to") ?? ""),
    date: dateOf(found.get("date")),
    list: found.has("list-id") || found.has("list-post"),
  }
}

const names: ReadonlySet<string> = new Set([
  "from",
  "sender",
  "to",
  "cc",
  "subject",
  "message-id",
  "references",
  "in-reply-to",
  "date",
  "list-id",
  "list-post",
])

function wanted({ bytes }: Header, start: number, end: number): string | undefined {
  if (end - start > 11) return undefined
  const name = bytes.toString("latin1", start, end).toLowerCase()
  return names.has(name) ? name : undefined
}

/** The addresses of a field, with their names decoded. A field nobody can read has its text as name. */
export function personsOf(value: string): Person[] {
  if (value === "") return []
  const simple = /^\s*(?:"?([\w .,'-]*)"?\s*)?<([\w.+=-]+@[\w.-]+)>\s*$/.exec(value) // most there are
  if (simple?.[2] !== undefined) return [{ name: (simple[1] ?? "").trim(), address: simple[2] }]
  return addressParser(value.slice(0, 4000), { flatten: true }).map(({ name, address }) => ({
    name: name.slice(0, longestText),
    address: address ?? "",
  }))
}

/** A field's text with its encoded words read (RFC 2047). */
export function decoded(value: string): string {
  const text = value.length > 4 * longestText ? value.slice(0, 4 * longestText) : value
  return (text.includes("=?") ? decodeWords(text) : text).slice(0, longestText)
}

function idsOf(value: string): string[] {
  return value.slice(0, 8000).match(/<[^<>\s]{1,250}>/g) ?? []
}

function parentsOf(references: string, answered: string): readonly string[] {
  const all = idsOf(references)
  const last = idsOf(answered).at(-1)
  if (last !== undefined && !all.includes(last)) all.push(last)
  return all.slice(-mostParents)
}

function dateOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  const at = Date.parse(value.replace(/\s*\([^()]*\)\s*$/, ""))
  return Number.isNaN(at) ? undefined : at
}
