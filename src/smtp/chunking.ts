// BDAT: a message in chunks of known length, without dots and end marks (RFC 3030). The octets of a chunk follow the
// command whatever the answer will be, so they are always swallowed: nothing in them is ever taken for a command.
import type { BdatCommand } from "./command.ts"
import { incomplete, refusal } from "./data.ts"
import { type Asks, type Outcome, reset, type Session } from "./session.ts"

/** The reply comes after the chunk, unless it is known already: then the chunk is only swallowed before it. */
export async function bdat(
  session: Session,
  { octets, last }: BdatCommand,
  { gate }: Asks,
): Promise<Outcome> {
  const swallow = { does: "chunk", octets, last, keep: false } as const
  const tx = session.transaction
  const missing = incomplete(tx)
  if (missing !== undefined) return { session, replies: [missing], next: swallow, asked: undefined }
  if (tx === undefined) throw new Error("a complete transaction is undefined")
  if (!session.chunking) {
    const refused = refusal(await gate.content(session.arrival, tx.envelope))
    if (refused !== undefined) {
      return { session: reset(session), replies: [refused.reply], next: swallow, asked: refused.trace }
    }
  }
  const next = { does: "chunk", octets, last, keep: true } as const
  return { session: { ...session, chunking: true }, replies: [], next, asked: undefined }
}
