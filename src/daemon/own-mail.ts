// Mail of the system's own goes into the queue: reports, notices to the postmaster, what users' scripts send. It is durable before
// anybody hears that it is queued, and is delivered like any other.
import type { Content } from "../mail/content.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Entry, Pending, Queued } from "../queue/entry.ts"
import type { Spool } from "../spool/spool.ts"

export type OwnMail = {
  readonly entry: Entry
  readonly pending: readonly Pending[]
  /** All of it, our trace fields first, in pieces: as many octets as the entry says. */
  readonly octets: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

export type OwnMailWorld = {
  readonly spool: Pick<Spool, "incoming">
  readonly onAccepted: (queued: Queued, content: Content) => void
}

/** The error is the spool's: the mail is not queued, and can be handed in again. */
export async function queueOwnMail(
  { entry, pending, octets }: OwnMail,
  { spool, onAccepted }: OwnMailWorld,
): Promise<Result<void>> {
  const incoming = spool.incoming(entry.id, entry.size)
  for await (const piece of octets)
    await incoming.write(Buffer.from(piece.buffer, piece.byteOffset, piece.length))
  const committed = await incoming.commit(entry, pending, Buffer.alloc(0))
  if (!committed.ok) return fail(committed.error.why)
  const { content, ...queued } = committed.value
  onAccepted(queued, content)
  return ok(undefined)
}
