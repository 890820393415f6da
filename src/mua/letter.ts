// A letter that is being written, and its octets when it is done: header, text, attachments (RFC 5322, 2045–2047, 2231). Date,
// Message-ID and From are the mail system's to add (RFC 6409 §8); what is written here is what the person said.
import { basename, extname } from "node:path"

export type Attachment = { readonly name: string; readonly type: string; readonly octets: Buffer }

export type Draft = {
  readonly from: string | undefined
  readonly to: readonly string[]
  readonly cc: readonly string[]
  readonly bcc: readonly string[]
  readonly subject: string
  /** Further fields, `Name: value` each: those the person gave and those of an answer. */
  readonly fields: readonly string[]
  readonly text: string
  readonly attachments: readonly Attachment[]
}

export const emptyDraft: Draft = {
  from: undefined,
  to: [],
  cc: [],
  bcc: [],
  subject: "",
  fields: [],
  text: "",
  attachments: [],
}

/** The letter as it is handed to the mail system, with line ends of this system; Bcc: is among its fields, for the system to take out. */
export function composed(draft: Draft, boundary: string): Buffer {
  const fields = [
    ...(draft.from === undefined ? [] : [addressField("From", [draft.from])]),
    ...(draft.to.length === 0 ? [] : [addressField("To", draft.to)]),
    ...(draft.cc.length === 0 ? [] : [addressField("Cc", draft.cc)]),
    ...(draft.bcc.length === 0 ? [] : [addressField("Bcc", draft.bcc)]),
    ...(draft.subject === "" ? [] : [`Subject: ${encodedText(draft.subject, 9)}`]),
    ...draft.fields.map(customField),
  ]
  const text = draft.text === "" || draft.text.endsWith("\n") ? draft.text : `${draft.text}\n`
  if (draft.attachments.length === 0)
    return whole([...fields, ...textFields(text, fields)], encodedBody(text))
  return multipart(fields, text, draft.attachments, boundary)
}

function whole(fields: readonly string[], body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${fields.map((field) => `${field}\n`).join("")}\n`), body])
}

/** A field the person wrote: `Name: value`, kept as it is where it is ASCII. */
function customField(field: string): string {
  const colon = field.indexOf(":")
  const name = field.slice(0, colon).trim()
  return `${name}: ${encodedText(field.slice(colon + 1).trim(), name.length + 2)}`
}

const ascii = /^[\u0000-\u007f]*$/
/** RFC 5322 §2.1.1: a line has at most 998 octets; longer ones go in an encoding that can break them. */
function hasTooLong(text: string): boolean {
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf("\n", from)
    if ((end < 0 ? text.length : end) - from >= 990) return true
    if (end < 0) return false
    from = end + 1
  }
  return false
}

/** Nothing for plain ASCII text, so that the simplest letter stays the simplest. */
function textFields(text: string, fields: readonly string[]): string[] {
  if (fields.some((field) => /^content-type:/i.test(field))) return []
  if (ascii.test(text) && !hasTooLong(text)) return []
  return ["MIME-Version: 1.0", ...textType(text)]
}

function textType(text: string): string[] {
  const charset = ascii.test(text) ? "us-ascii" : "utf-8"
  return [`Content-Type: text/plain; charset=${charset}`, `Content-Transfer-Encoding: ${codingOf(text)}`]
}

function codingOf(text: string): string {
  if (hasTooLong(text)) return "base64"
  return ascii.test(text) ? "7bit" : "8bit"
}

function encodedBody(text: string): Buffer {
  return codingOf(text) === "base64" ? Buffer.from(base64Lines(Buffer.from(text))) : Buffer.from(text)
}

function multipart(
  fields: readonly string[],
  text: string,
  attachments: readonly Attachment[],
  boundary: string,
): Buffer {
  const head = [...fields, "MIME-Version: 1.0", `Content-Type: multipart/mixed; boundary="${boundary}"`]
  const pieces = [
    Buffer.from(`${head.join("\n")}\n\nThis is a message in several parts (MIME).\n`),
    ...(text === "" ? [] : [opening(boundary, textType(text)), encodedBody(text)]),
    ...attachments.flatMap((one) => [
      opening(boundary, partFields(one)),
      Buffer.from(base64Lines(one.octets)),
    ]),
    Buffer.from(`\n--${boundary}--\n`),
  ]
  return Buffer.concat(pieces)
}

function opening(boundary: string, fields: readonly string[]): Buffer {
  return Buffer.from(`\n--${boundary}\n${fields.join("\n")}\n\n`)
}

function partFields({ name, type }: Attachment): string[] {
  return [
    `Content-Type: ${type}`,
    `Content-Disposition: attachment; ${parameter("filename", name)}`,
    "Content-Transfer-Encoding: base64",
  ]
}

/** RFC 2231 §4 where a name is not plain. */
function parameter(name: string, value: string): string {
  if (/^[\u0020-\u007e]*$/.test(value)) return `${name}="${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`
  const octets = encodeURIComponent(value).replaceAll(/['()*!]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)
  return `${name}*=utf-8''${octets}`
}

function base64Lines(octets: Buffer): string {
  return octets.toString("base64").replaceAll(/.{1,76}/g, "$&\n")
}

/** A list of addresses, folded between them; display names encoded where they must be. */
function addressField(name: string, addresses: readonly string[]): string {
  const lines: string[] = []
  let line = `${name}:`
  for (const [i, address] of addresses.entries()) {
    const text = ` ${encodedAddress(address)}${i < addresses.length - 1 ? "," : ""}`
    if (line.length + text.length > 78 && line !== `${name}:`) {
      lines.push(line)
      line = ""
    }
    line += text
  }
  return [...lines, line].join("\n")
}

function encodedAddress(address: string): string {
  const found = /^\s*(.*?)\s*(<[^<>]*>)\s*$/s.exec(address)
  if (found === null || ascii.test(found[1] ?? "")) return address.trim()
  return `${encodedText((found[1] ?? "").replaceAll(/^"|"$/g, ""), 0)} ${found[2]}`
}

/** Text for a field: as it is in ASCII, else in encoded words of at most 75 letters (RFC 2047 §2); folded where it is long. */
function encodedText(text: string, used: number): string {
  const flat = text.replaceAll(/\s*[\r\n]+\s*/g, " ")
  return ascii.test(flat) ? folded(flat, used) : encodedWords(flat).join("\n ")
}

function folded(text: string, used: number): string {
  if (text.length + used <= 78) return text
  const lines: string[] = []
  let line = ""
  for (const word of text.split(/(?<=\S)(?=\s)/)) {
    if (line !== "" && line.length + word.length + (lines.length === 0 ? used : 0) > 78) {
      lines.push(line)
      line = ""
    }
    line += word
  }
  return [...lines, line].join("\n")
}

function encodedWords(text: string): string[] {
  const words: string[] = []
  let octets: number[] = []
  const finish = () => {
    words.push(`=?utf-8?B?${Buffer.from(octets).toString("base64")}?=`)
    octets = []
  }
  for (const character of text) {
    const more = Buffer.from(character)
    if (octets.length + more.length > 42) finish() // never half a character in a word (RFC 2047 §5)
    octets.push(...more)
  }
  if (octets.length > 0) finish()
  return words
}

const types: Readonly<Record<string, string>> = {
  ".csv": "text/csv",
  ".eml": "message/rfc822",
  ".gif": "image/gif",
  ".gz": "application/gzip",
  ".html": "text/html; charset=utf-8",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".json": "application/json",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".tar": "application/x-tar",
  ".txt": "text/plain; charset=utf-8",
  ".xml": "application/xml",
  ".zip": "application/zip",
}

/** A file as an attachment; the type by its name, where it has a well-known ending. */
export function attachment(path: string, octets: Buffer): Attachment {
  const type = types[extname(path).toLowerCase()] ?? "application/octet-stream"
  return { name: basename(path), type: type === "message/rfc822" ? "application/octet-stream" : type, octets }
}

const promises = /(?<!\p{L})(?:attach(?:ed|ment|ments|ing)?|anbei|angehängt|Anhang)(?!\p{L})/iu

/** The text speaks of an attachment that is not there. Quoted lines are somebody else's words. */
export function forgotAttachment({ text, attachments }: Draft): boolean {
  return attachments.length === 0 && promises.test(text.replaceAll(/^>.*$/gm, ""))
}
