// A message as a person reads it: the text part first, HTML as plain text that fetches nothing and shows where links lead,
// attachments listed. The octets come from a stranger: postal-mime reads them within its limits, `printable` makes them harmless.
import PostalMime, { type Attachment, type Email } from "postal-mime"
import { htmlText } from "./html-text.ts"

/** What can be saved or looked at beside the text. */
export type Part = {
  readonly name: string
  readonly type: string
  readonly octets: Buffer
}

export type Content = {
  readonly text: string
  /** The text was made from HTML: there was no plain part. */
  readonly fromHtml: boolean
  readonly parts: readonly Part[]
  readonly email: Email
}

/** Reads a whole message. Content that MIME cannot make sense of is shown as it is. */
export async function contentOf(octets: Buffer): Promise<Content> {
  try {
    const email = await PostalMime.parse(octets, { attachmentEncoding: "arraybuffer" })
    const fromHtml = (email.text === undefined || email.text.trim() === "") && email.html !== undefined
    return {
      text: fromHtml ? htmlText(email.html ?? "") : (email.text ?? ""),
      fromHtml,
      parts: email.attachments.map(partOf),
      email,
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const text = `[This message's form cannot be read (${why}). Here it is as it came.]\n\n${octets.toString("latin1")}`
    return { text, fromHtml: false, parts: [], email: { headers: [], headerLines: [], attachments: [] } }
  }
}

function partOf(attachment: Attachment, i: number): Part {
  const { content, filename, mimeType } = attachment
  return {
    name: safeName(filename ?? "") || `part-${i + 1}`,
    type: mimeType,
    octets: typeof content === "string" ? Buffer.from(content) : Buffer.from(content as Uint8Array),
  }
}

/** A file name without the sender's folders: nothing a stranger calls an attachment may choose where it is written. */
export function safeName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? ""
  const clean = last
    .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "")
    .replace(/^[.\s]+/, "")
    .trim()
  return clean.slice(0, 120)
}
