// Addresses in a header made to look as they are to look outside: only the octets of an address are replaced, and only where
// the rewriter says so; names, comments, folding and everything else stay as they came.
import { isAscii } from "node:buffer"
import type { Soon } from "../mail/soon.ts"
import { parseAddressList } from "../message/addresses.ts"
import { type Field, type Header, nameOf, scanHeader } from "../message/header.ts"
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
export async function rewriteHeader(bytes: Buffer, rewriter: AddressRewriter): Promise<Buffer> {
  const header = scanHeader(bytes)
  const pieces: Buffer[] = []
  let copied = 0
  for (const field of header.fields) {
    const kind = addressKind(nameOf(header, field).toLowerCase())
    if (kind === undefined) continue
    for (const { start, end, text } of await rewriteField(header, field, kind, rewriter)) {
      pieces.push(bytes.subarray(copied, start), Buffer.from(text, "utf8"))
      copied = end
    }
  }
  return pieces.length === 0 ? bytes : Buffer.concat([...pieces, bytes.subarray(copied)])
}

type Edit = { readonly start: number; readonly end: number; readonly text: string }

async function rewriteField(
  { bytes }: Header,
  { valueStart, end }: Field,
  kind: AddressKind,
  rewriter: AddressRewriter,
): Promise<readonly Edit[]> {
  // One character an octet, so that places in the text are places in the octets.
  const value = bytes.toString("latin1", valueStart, end)
  const edits: Edit[] = []
  for (const token of parseAddressList(value)) {
    const octets = bytes.subarray(valueStart + token.start, valueStart + token.end)
    const address = isAscii(octets) ? token.address : Buffer.from(token.address, "latin1").toString("utf8")
    const asked = rewriter(address, kind)
    const text = asked instanceof Promise ? await asked : asked
    if (text === undefined || text === address) continue
    edits.push({ start: valueStart + token.start, end: valueStart + token.end, text })
  }
  return edits
}
