// What a signature of DKIM or ARC covers, as octets, in the form "relaxed" (RFC 6376 §3.4.2, §3.7): the fields that h= names from the
// bottom up, and the signature's own field without what b= says.
import type { Field, Header } from "../message/header.ts"
import { relaxedField } from "./dkim-canon.ts"

/** The fields of one message, each put into its form once, however many signatures cover it. */
export class RelaxedFields {
  /** The header, an octet each letter. */
  readonly #header: string
  readonly #byName = new Map<string, Field[]>()
  readonly #texts = new Map<Field, string>()

  constructor(header: Header) {
    this.#header = header.bytes.toString("latin1", 0, header.end)
    for (const field of header.fields) {
      const name = this.#nameOf(field)
      const known = this.#byName.get(name)
      if (known === undefined) this.#byName.set(name, [field])
      else known.push(field)
    }
  }

  /** Bare CR and LF are no white space, and no line ends: whoever reads them otherwise signs another message. */
  haveWholeLineEnds(): boolean {
    return !/\r(?!\n)|(?<!\r)\n/.test(this.#header)
  }

  /** Fields of this name, in lower case, from the top. */
  named(name: string): readonly Field[] {
    return this.#byName.get(name) ?? []
  }

  /** A value as it stands there. */
  value(field: Field): string {
    return this.#header.slice(field.valueStart, field.end)
  }

  #nameOf({ start, nameEnd }: Field): string {
    return this.#header.slice(start, nameEnd).toLowerCase()
  }

  /** A field in its form, without a line end. */
  text(field: Field): string {
    const known = this.#texts.get(field)
    if (known !== undefined) return known
    const text = relaxedField(this.#nameOf(field), this.value(field))
    this.#texts.set(field, text)
    return text
  }

  /** The same without the value of b= (RFC 6376 §3.7); the last thing that is hashed. */
  withoutSignature(field: Field): string {
    const value = this.value(field).replace(/((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*/, "$1")
    return relaxedField(this.#nameOf(field), value)
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
