// Answers: to whom they go, what they are called, and what they quote. The rules are mutt's and mailx's, since people know them.
import type { Header } from "../message/header.ts"
import { first, scanHeader } from "../message/header.ts"
import { decoded, personsOf, type Person } from "./summary.ts"
import { type Draft, emptyDraft } from "./letter.ts"

export type AnswerKind = "sender" | "all" | "list"

/** Who we are: addresses that an answer to all leaves out. */
export type Ours = (address: string) => boolean

/** The draft of an answer, without its text; undefined when there is nobody to answer. */
export function answerTo(octets: Buffer, kind: AnswerKind, ours: Ours): Draft | undefined {
  const header = scanHeader(octets)
  const to = kind === "list" ? listOf(header) : replyTo(header)
  const everybody = [...people(header, "to"), ...people(header, "cc")]
  const others =
    kind === "all"
      ? distinct(
          everybody.filter(({ address }) => !ours(address)),
          to,
        )
      : []
  // An answer to one's own letter goes where that went.
  const only = kind !== "list" && to.length > 0 && to.every(({ address }) => ours(address))
  const recipients = only && people(header, "to").length > 0 ? people(header, "to") : to
  if (recipients.length === 0) return undefined
  return {
    ...emptyDraft,
    to: recipients.map(printPerson),
    cc: (only ? (kind === "all" ? people(header, "cc") : []) : others).map(printPerson),
    subject: withPrefix("Re", decoded(first(header, "subject") ?? "")),
    fields: threadFields(header),
  }
}

/** In-Reply-To and References (RFC 5322 §3.6.4). */
export function threadFields(header: Header): string[] {
  const id = /<[^<>\s]+>/.exec(first(header, "message-id") ?? "")?.[0]
  if (id === undefined) return []
  const before =
    (first(header, "references") ?? first(header, "in-reply-to") ?? "").match(/<[^<>\s]+>/g) ?? []
  const references = [...before.filter((one) => one !== id).slice(-20), id]
  return [`In-Reply-To: ${id}`, `References: ${references.join(" ")}`]
}

function replyTo(header: Header): readonly Person[] {
  const named = people(header, "reply-to")
  return named.length > 0 ? named : people(header, "from")
}

/** Where the list takes letters (RFC 2369 §3.4). */
function listOf(header: Header): readonly Person[] {
  const post = /<mailto:([^<>?]+)/i.exec(first(header, "list-post") ?? "")?.[1]
  return post === undefined ? [] : [{ name: "", address: decodeURIComponent(post) }]
}

function people(header: Header, name: string): readonly Person[] {
  return personsOf(first(header, name) ?? "").filter(({ address }) => address !== "")
}

function distinct(people_: readonly Person[], but: readonly Person[]): readonly Person[] {
  const seen = new Set(but.map(({ address }) => address.toLowerCase()))
  return people_.filter(({ address }) => {
    const key = address.toLowerCase()
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** `Ann <ann@example.org>`, the name quoted where its letters ask for it (RFC 5322 §3.2.4). */
export function printPerson({ name, address }: Person): string {
  if (name === "") return address
  const plain = /^[\w !#$%&'*+/=?^`{|}~\u0080-\uffff-]+$/.test(name)
  return `${plain ? name : `"${name.replaceAll(/["\\]/g, String.raw`\$&`)}"`} <${address}>`
}

/** `Re: ` or `Fwd: ` once, however often it is there already. */
export function withPrefix(prefix: "Re" | "Fwd", subject: string): string {
  const bare = subject.replace(
    prefix === "Re" ? /^(?:(?:re|aw|sv|antw)(?:\[\d+\])?:\s*)+/i : /^(?:(?:fwd?|wg):\s*)+/i,
    "",
  )
  return `${prefix}: ${bare}`
}

/** The text as a quotation. */
export function quoted(text: string, sign = "> "): string {
  return text
    .replace(/\n+$/, "")
    .split("\n")
    .map((line) => (line.startsWith(">") && sign === "> " ? `>${line}` : `${sign}${line}`.trimEnd()))
    .join("\n")
    .concat("\n")
}

/** The draft that forwards a message in its text; attachments are the caller's to add. */
export function forwardOf(octets: Buffer, text: string): Draft {
  const header = scanHeader(octets)
  const lines = ["From", "Date", "To", "Cc", "Subject"].flatMap((name) => {
    const value = first(header, name.toLowerCase())
    return value === undefined ? [] : [`${name}: ${decoded(value)}`]
  })
  return {
    ...emptyDraft,
    subject: withPrefix("Fwd", decoded(first(header, "subject") ?? "")),
    text: `\n-------- Forwarded message --------\n${lines.join("\n")}\n\n${text}`,
  }
}
