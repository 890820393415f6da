// A message's header as filters see and change it: field by field, in order, our own Received: standing in its place unseen.
import { type Header, nameOf } from "../message/header.ts"

/** A field with its line ends (CRLF), one character for each octet. */
export type MilterField = { readonly name: string; readonly text: string }

/** From the top. `ours` is the place of our own trace fields, which no filter sees: position 0 is above it, 1 below. */
export type MilterFields = readonly (MilterField | "ours")[]

/** The fields of a header as it came. */
export function fieldsOf(header: Header): MilterFields {
  const fields = header.fields.map((field) => {
    const text = header.bytes.toString("latin1", field.start, field.end)
    return { name: nameOf(header, field), text: text.endsWith("\n") ? text : `${text}\r\n` }
  })
  return ["ours", ...fields]
}

/** The value as filters hear it: lines parted by LF alone, the blank after the colon only for those who want it. */
export function valueFor({ text }: MilterField, leadingSpace: boolean): string {
  const value = text
    .slice(text.indexOf(":") + 1)
    .replace(/\r?\n$/, "")
    .replaceAll("\r\n", "\n")
  return leadingSpace ? value : value.replace(/^ /, "")
}

/** A field that a filter made; undefined when that is no name of a field. */
export function fieldFrom(name: string, value: string, leadingSpace: boolean): MilterField | undefined {
  // RFC 5322 §2.2: printable, and no colon.
  if (!/^[!-9;-~]{1,250}$/.test(name)) return undefined
  // A line that does not begin with a blank would be a field of its own, or the end of the header.
  const lines = value.replace(/[\r\n\0]+$/, "").split(/\r\n|\n|\r/)
  const folded = lines.map((line, n) => (n === 0 || /^[ \t]/.test(line) ? line : `\t${line}`))
  const kept = folded.filter((line, n) => n === 0 || line.trim() !== "")
  return { name, text: `${name}:${leadingSpace ? "" : " "}${kept.join("\r\n")}\r\n` }
}

/** With a field at the end. */
export function withAdded(fields: MilterFields, field: MilterField): MilterFields {
  return [...fields, field]
}

/** With a field at this place; behind the last when there are not so many. */
export function withInserted(fields: MilterFields, index: number, field: MilterField): MilterFields {
  return fields.toSpliced(Math.min(index, fields.length), 0, field)
}

/**
 * With the `index`th field of that name (from 1; 0 counts as 1) changed, or gone where there is no field given. Where there are not
 * so many, a change adds it at the end (smfi_chgheader).
 */
export function withChanged(
  fields: MilterFields,
  index: number,
  { name, field }: { readonly name: string; readonly field: MilterField | undefined },
): MilterFields {
  const wanted = name.toLowerCase()
  let left = Math.max(index, 1)
  const place = fields.findIndex((one) => one !== "ours" && one.name.toLowerCase() === wanted && --left === 0)
  if (field === undefined) return place < 0 ? fields : fields.toSpliced(place, 1)
  return place < 0 ? [...fields, field] : fields.with(place, field)
}

/** What goes above our own trace fields, and what below, as octets. */
export function printFields(fields: MilterFields): { readonly above: string; readonly below: string } {
  const place = fields.indexOf("ours")
  const text = (part: MilterFields) => part.map((one) => (one === "ours" ? "" : one.text)).join("")
  return { above: text(fields.slice(0, place)), below: text(fields.slice(place + 1)) }
}
