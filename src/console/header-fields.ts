// One field of a header, by its name: what the console reads of a pasted message to fill in its envelope.
import { nameOf, scanHeader, valueOf } from "../message/header.ts"

/** The value of the first field of this name (in small letters); undefined when there is none. */
export function fieldNamed(bytes: Buffer, wanted: string): string | undefined {
  const header = scanHeader(bytes)
  const field = header.fields.find((one) => nameOf(header, one).toLowerCase() === wanted)
  return field && valueOf(header, field)
}
