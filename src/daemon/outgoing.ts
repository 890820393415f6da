// A message as its mailer is to hand it on: addresses of the header and the reverse-path rewritten as masquerading and
// genericstable ask (sendmail: the S= and R= rulesets of the mailer).
import { type Content, headerOf, inMemory } from "../mail/content.ts"
import { type Decision, later, type Reason, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { Entry } from "../queue/entry.ts"
import { canonical } from "../routing/canonify.ts"
import { rewriteSender } from "../routing/masquerade.ts"
import { headerRewriter, rewriteHeader } from "../routing/rewrite-header.ts"
import type { RoutingWorld } from "../routing/world.ts"

export type Outgoing = { readonly envelope: Entry["envelope"]; readonly content: Content }

/** A table that does not answer makes it later: mail must not leave with an address nobody is to see. */
export async function outgoing(
  entry: Entry,
  content: Content,
  mailer: string,
  routing: RoutingWorld,
): Promise<Decision<Outgoing>> {
  const waits: Reason[] = []
  const header = await headerOf(content)
  const rewritten = await rewriteHeader(
    header,
    headerRewriter(mailer, routing, (reason) => waits.push(reason)),
  )
  const sender = await senderOf(entry, routing)
  if (sender.outcome !== "yes") return sender
  const [waiting] = waits
  if (waiting !== undefined) return later(tryLater, waiting)
  const envelope =
    sender.value === entry.envelope.reversePath
      ? entry.envelope
      : { ...entry.envelope, reversePath: sender.value }
  return yes(
    { envelope, content: rewritten === header ? content : withHeader(content, rewritten) },
    sender.reason,
  )
}

const tryLater = reply(451, "4.3.0", "Temporary system failure. Please try again later.")

async function senderOf(
  { envelope }: Entry,
  routing: RoutingWorld,
): Promise<Decision<Entry["envelope"]["reversePath"]>> {
  const { reversePath } = envelope
  if (reversePath === "null")
    return yes(reversePath, { step: "masquerade", says: "<> stays", at: undefined, after: [] })
  return rewriteSender(canonical(reversePath, routing), "envelope", routing)
}

/** The same body behind another header. */
function withHeader(content: Content, header: Buffer): Content {
  const { bytes, headerSize, size } = content
  if (bytes !== undefined) return inMemory(Buffer.concat([header, bytes.subarray(headerSize)]), header.length)
  return {
    size: size - headerSize + header.length,
    headerSize: header.length,
    bytes: undefined,
    async *chunks(start = 0) {
      if (start < header.length) yield header.subarray(start)
      yield* content.chunks(headerSize + Math.max(0, start - header.length))
    },
  }
}
