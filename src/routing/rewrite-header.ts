// Addresses in a header made to look as they are to look outside: only the octets of an address are replaced, and only where
// the rewriter says so; names, comments, folding and everything else stay as they came.
import { isAscii } from "node:buffer"
import type { Soon } from "../mail/soon.ts"
import { parseAddressList } from "../message/addresses.ts"
import { nameOf, scanHeader } from "../message/header.ts"
import type { AddressKind } from "./rewrite-address.ts"

/** Fields that name senders (sendmail: H_FROM), each also with Resent- before it. */
const senderFields: ReadonlySet<string> = new Set([
  "from",
  "sender",
  "reply-to",
  "return-receipt-to",
  "errors-to",
  "disposition-notification-to",
])

/** Fields that name recipients (sendmail: H_RCPT). */
const recipientFields: ReadonlySet<string> = new Set(["to", "cc", "bcc", "apparently-to"])

/** What an address of the header becomes; undefined: it stays. */
export type AddressRewriter = (address: string, kind: AddressKind) => Soon<string | undefined>

/** The kind of address a field holds; undefined for all other fields. `name` in lower case. */
export function addressKind(name: string): AddressKind | undefined {
  const plain = name.startsWith("resent-") ? name.slice(7) : name
  if (senderFields.has(plain)) return "sender"
  return recipientFields.has(plain) ? "recipient" : undefined
}

/** The header with its addresses rewritten; the same octets when nothing changed. */
export function rewriteHeader(bytes: Buffer, rewriter: AddressRewriter): Soon<Buffer> {
  const places = addressesIn(bytes)
  const edits: Edit[] = []
  for (const [n, place] of places.entries()) {
    const text = rewriter(place.address, place.kind)
    if (text instanceof Promise) return rewriteRest({ bytes, places, edits, rewriter }, n, text)
    note(edits, place, text)
  }
  return withEdits(bytes, edits)
}

/** An address of the header: where it stands, what it is in text, and of which kind. */
type Place = Omit<Edit, "text"> & { readonly address: string; readonly kind: AddressKind }

type Edit = { readonly start: number; readonly end: number; readonly text: string }

type Rewriting = {
  readonly bytes: Buffer
  readonly places: readonly Place[]
  readonly edits: Edit[]
  readonly rewriter: AddressRewriter
}

/** From the first that had to be waited for: one after the other. */
async function rewriteRest(
  { bytes, places, edits, rewriter }: Rewriting,
  first: number,
  asked: Promise<string | undefined>,
): Promise<Buffer> {
  for (const [n, place] of places.entries()) {
    if (n >= first) note(edits, place, await (n === first ? asked : rewriter(place.address, place.kind)))
  }
  return withEdits(bytes, edits)
}

function note(edits: Edit[], { start, end, address }: Place, text: string | undefined): void {
  if (text !== undefined && text !== address) edits.push({ start, end, text })
}

function withEdits(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes
  const pieces: Buffer[] = []
  let copied = 0
  for (const { start, end, text } of edits) {
    pieces.push(bytes.subarray(copied, start), Buffer.from(text, "utf8"))
    copied = end
  }
  return Buffer.concat([...pieces, bytes.subarray(copied)])
}

function addressesIn(bytes: Buffer): readonly Place[] {
  const header = scanHeader(bytes)
  const places: Place[] = []
  for (const field of header.fields) {
    const kind = addressKind(nameOf(header, field).toLowerCase())
    if (kind === undefined) continue
    // One character an octet, so that places in the text are places in the octets.
    const value = bytes.toString("latin1", field.valueStart, field.end)
    for (const token of parseAddressList(value)) {
      const [start, end] = [field.valueStart + token.start, field.valueStart + token.end]
      const plain = isAscii(bytes.subarray(start, end))
      const address = plain ? token.address : Buffer.from(token.address, "latin1").toString("utf8")
      places.push({ start, end, address, kind })
    }
  }
  return places
}
