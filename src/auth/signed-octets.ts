// What a signature of DKIM or ARC covers, as octets, in the form "relaxed" (RFC 6376 §3.4.2, §3.7): the fields that h= names from the
// bottom up, and the signature's own field without what b= says.
import { type Field, type Header, nameOf } from "../message/header.ts"
import { relaxedField } from "./dkim-canon.ts"

/** The fields of one message, each put into its form once, however many signatures cover it. */
export class RelaxedFields {
  readonly #header: Header
  readonly #byName: ReadonlyMap<string, readonly Field[]>
  readonly #texts = new Map<Field, string>()

  constructor(header: Header) {
    this.#header = header
    this.#byName = Map.groupBy(header.fields, (field) => nameOf(header, field).toLowerCase())
  }

  /** Fields of this name, in lower case, from the top. */
  named(name: string): readonly Field[] {
    return this.#byName.get(name) ?? []
  }

  /** A value as it stands there. */
  value(field: Field): string {
    return this.#header.bytes.toString("latin1", field.valueStart, field.end)
  }

  /** A field in its form, without a line end. */
  text(field: Field): string {
    const known = this.#texts.get(field)
    if (known !== undefined) return known
    const text = relaxedField(nameOf(this.#header, field), this.value(field))
    this.#texts.set(field, text)
    return text
  }

  /** The same without the value of b= (RFC 6376 §3.7); the last thing that is hashed. */
  withoutSignature(field: Field): string {
    const value = this.value(field).replace(/((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*/, "$1")
    return relaxedField(nameOf(this.#header, field), value)
  }

  /** What a signature over these names covers. A name that stands there no more often adds nothing (RFC 6376 §5.4.2). */
  covered(names: readonly string[], signature: Field): Buffer {
    const left = new Map<string, number>()
    let text = ""
    for (const name of names) {
      const fields = this.named(name)
      const next = (left.get(name) ?? fields.length) - 1
      left.set(name, next)
      const field = fields[next]
      if (field !== undefined) text += `${this.text(field)}\r\n`
    }
    return Buffer.from(text + this.withoutSignature(signature), "latin1")
  }
}
