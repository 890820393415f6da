// What a submission's header lacks and is given before the message goes anywhere (RFC 6409 §8): for the sendmail command and
// for the submission doors. Also whom the header names (sendmail -t). What is there already is never touched, but Bcc goes.
import { parseAddressList } from "./addresses.ts"
import { printDate, printMinute } from "./date.ts"
import { fields, type Header, has, isNamed, valueOf } from "./header.ts"

/** The option NoRecipientAction: what to add when the header names nobody. */
export const noRecipientActions = [
  "none",
  "add-to",
  "add-apparently-to",
  "add-bcc",
  "add-to-undisclosed",
] as const

export type NoRecipientAction = (typeof noRecipientActions)[number]

export type Completion = {
  /** Our name; and a queue id, or anything else that is unique here: the two make the Message-Id. */
  readonly host: string
  readonly id: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** Who sends: the address for From:, and the person's name where it is known. */
  readonly sender: { readonly address: string; readonly fullName: string | undefined }
  readonly recipients: readonly string[]
  readonly noRecipientAction: NoRecipientAction
}

/** The fields that are missing, as text to go on top of the header; empty when none is. */
export function missingFields(header: Header, completion: Completion): string {
  const resent = isResent(header) ? originFields(header, "Resent-", completion) : ""
  return resent + originFields(header, "", completion) + recipientField(header, completion)
}

/** RFC 5322 §3.6: Date and From must be, Message-Id should be. */
function originFields(header: Header, prefix: "" | "Resent-", { host, id, now, sender }: Completion): string {
  let text = ""
  const lacks = (name: string) => !has(header, `${prefix}${name}`.toLowerCase())
  if (lacks("Date")) text += `${prefix}Date: ${printDate(now)}\r\n`
  if (lacks("From")) text += `${prefix}From: ${printSender(sender)}\r\n`
  if (lacks("Message-Id")) text += `${prefix}Message-Id: ${messageIdFor({ host, id, now })}\r\n`
  return text
}

/** The Message-Id of a message that came without one. */
export function messageIdFor({ host, id, now }: Pick<Completion, "host" | "id" | "now">): string {
  return `<${printMinute(now)}.${id}@${host}>`
}

/** Somebody sends on what he got (RFC 5322 §3.6.6): then the Resent- fields speak of this sending. */
function isResent(header: Header): boolean {
  // Six letters and a dash: hardly any message has a name like that, and looking for six is dear.
  if (!header.fields.some(({ nameEnd, start }) => header.bytes[start + 6] === 0x2d && nameEnd > start + 7))
    return false
  return ["resent-from", "resent-to", "resent-cc", "resent-bcc", "resent-date", "resent-sender"].some(
    (name) => has(header, name),
  )
}

function recipientField(header: Header, { noRecipientAction, recipients }: Completion): string {
  if (["to", "cc", "bcc", "apparently-to"].some((name) => has(header, name))) return ""
  const all = recipients.map(clean).join(",\r\n\t")
  switch (noRecipientAction) {
    case "none":
      return ""
    case "add-to":
      return all === "" ? "" : `To: ${all}\r\n`
    case "add-apparently-to":
      return recipients.map((one) => `Apparently-To: ${clean(one)}\r\n`).join("")
    case "add-bcc":
      return "Bcc: \r\n" // RFC 5322 §3.6.3: an empty Bcc says that somebody got it
    case "add-to-undisclosed":
      return "To: undisclosed-recipients:;\r\n"
  }
}

/** `Bob Jones <bob@hello.com>`, the name quoted or encoded where it must be. */
export function printSender({ address, fullName }: Completion["sender"]): string {
  const name = clean(fullName ?? "").trim()
  return name === "" ? clean(address) : `${printPhrase(name)} <${clean(address)}>`
}

function printPhrase(name: string): string {
  if (/[^\x20-\x7e]/.test(name)) return encodedWords(name)
  return /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*$/.test(name) ? name : `"${name.replaceAll(/["\\]/g, "\\$&")}"`
}

/** RFC 2047 §2: words of at most 75 characters, no character in two of them. */
function encodedWords(text: string): string {
  const words: string[] = []
  let octets = ""
  for (const character of text) {
    if (Buffer.byteLength(octets + character) > 42) {
      words.push(octets)
      octets = ""
    }
    octets += character
  }
  return [...words, octets].map((word) => `=?UTF-8?B?${Buffer.from(word).toString("base64")}?=`).join("\r\n ")
}

function clean(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f]/g, " ")
}

/** Whom the header names, for sendmail -t: of To, Cc and Bcc, or of their Resent- forms where there are any. */
export function recipientsIn(header: Header): readonly string[] {
  return [...new Set(recipientListsIn(header).flat())]
}

/** The same, a list for each field. */
export function recipientListsIn(header: Header): readonly (readonly string[])[] {
  const prefix = isResent(header) ? "resent-" : ""
  return ["to", "cc", "bcc"].flatMap((name) =>
    fields(header, `${prefix}${name}`).map((field) =>
      parseAddressList(valueOf(header, field)).map(({ address }) => address),
    ),
  )
}

/**
 * The header as it goes out, blank line and all: what was missing on top, then every other field as it is, without Bcc.
 * Where nobody but Bcc was named, an empty Bcc stays in its place (RFC 5322 §3.6.3), as sendmail leaves it.
 */
export function completeHeader(header: Header, completion: Completion): Buffer {
  const pieces: Buffer[] = [Buffer.from(missingFields(header, completion), "utf8")]
  let empty = !has(header, "to") && !has(header, "cc")
  for (const field of header.fields) {
    const blind = isNamed(header, field, "bcc") || isNamed(header, field, "resent-bcc")
    if (!blind) pieces.push(header.bytes.subarray(field.start, field.end))
    else if (empty) pieces.push(Buffer.from("Bcc: \r\n"))
    if (blind) empty = false
  }
  pieces.push(Buffer.from(endsLine(pieces.at(-1)) ? "\r\n" : "\r\n\r\n"))
  return Buffer.concat(pieces)
}

/** A header that ends with the message may lack its last line end. */
function endsLine(piece: Buffer | undefined): boolean {
  return piece === undefined || piece.length === 0 || piece.at(-1) === 0x0a
}
