// What requests bring, read strictly: a field that is not what it must be is said, never guessed at.
import { isIP } from "node:net"
import { Refused } from "./asking.ts"

/** A JSON object of a request. */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new Refused(400, "a JSON object is needed")
    this.#fields = { ...value }
  }

  text(name: string): string {
    const value = this.optional(name)
    if (value === undefined) throw new Refused(400, `${name} is missing`)
    return value
  }

  optional(name: string): string | undefined {
    const value = this.#fields[name]
    if (value === undefined) return undefined
    if (typeof value !== "string") throw new Refused(400, `${name} is a text`)
    return value
  }

  texts(name: string): readonly string[] | undefined {
    const value = this.#fields[name]
    if (value === undefined) return undefined
    if (!Array.isArray(value) || !value.every((one) => typeof one === "string"))
      throw new Refused(400, `${name} is a list of texts`)
    return value
  }

  flag(name: string): boolean {
    const value = this.#fields[name]
    if (value === undefined) return false
    if (typeof value !== "boolean") throw new Refused(400, `${name} is true or false`)
    return value
  }

  client(name: string): string | undefined {
    const value = this.optional(name)
    if (value !== undefined && isIP(value) === 0)
      throw new Refused(400, `${name} is an IP address, which this is not`)
    return value
  }
}

/** A queue or session id: letters and digits, nothing that means something to a path, a shell or a page. */
const idPattern = /^[0-9A-Za-z][0-9A-Za-z_.-]{3,63}$/

export function idOf(text: string): string {
  if (!idPattern.test(text)) throw new Refused(400, "that is no id of a message or a session")
  return text
}

/** A number of a query, between these. */
export function numberIn(text: string | undefined, usual: number, most: number): number {
  if (text === undefined) return usual
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new Refused(400, "a limit is a number above 0")
  return Math.min(number, most)
}
