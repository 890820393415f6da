// A message as its mailer is to hand it on: addresses of the header and the reverse-path rewritten as masquerading and
// genericstable ask (sendmail: the S= and R= rulesets of the mailer).
import { type Content, headerOf, inMemory } from "../mail/content.ts"
import { type Mailbox, parseMailbox, printPath } from "../mail/address.ts"
import { because, type Decision, later, type Reason, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import type { Entry } from "../queue/entry.ts"
import { canonical } from "../routing/canonify.ts"
import { misconfigured } from "../routing/reasons.ts"
import { rewriteAddress } from "../routing/rewrite-address.ts"
import { headerRewriter } from "../routing/header-rewriter.ts"
import { rewriteHeader } from "../routing/rewrite-header.ts"
import type { RoutingWorld } from "../routing/world.ts"

export type Outgoing = { readonly envelope: Entry["envelope"]; readonly content: Content }

/** A table that does not answer makes it later: mail must not leave with an address nobody is to see. */
export function outgoing(
  entry: Entry,
  content: Content,
  mailer: string,
  routing: RoutingWorld,
): Soon<Decision<Outgoing>> {
  return whenThere(writtenFor(content, mailer, routing), (written) =>
    whenThere(senderOf(entry, mailer, routing), (sender) => {
      if (sender.outcome !== "yes") return sender
      if (written.outcome !== "yes") return written
      const envelope = sender.value === undefined ? entry.envelope : withSender(entry.envelope, sender.value)
      return yes({ envelope, content: written.value }, sender.reason)
    }),
  )
}

/** The message with the addresses of its header as this mailer says them. */
function writtenFor(content: Content, mailer: string, routing: RoutingWorld): Soon<Decision<Content>> {
  let waits: Reason | undefined
  const rewriter = headerRewriter(mailer, routing, (reason) => {
    waits ??= reason
  })
  return whenThere(headerOf(content), (header) =>
    whenThere(rewriteHeader(header, rewriter), (rewritten) => {
      if (waits !== undefined) return later(tryLater, waits)
      return yes(rewritten === header ? content : withHeader(content, rewritten), headerWritten)
    }),
  )
}

const headerWritten = because("masquerade", "the header's addresses are as they leave")

const tryLater = reply(451, "4.3.0", "Temporary system failure. Please try again later.")

/** The sender as this mailer says it; undefined: as it is. */
function senderOf(
  { envelope }: Entry,
  mailer: string,
  routing: RoutingWorld,
): Soon<Decision<Mailbox | undefined>> {
  const { reversePath, typedSender } = envelope
  if (reversePath === "null") return yes(undefined, nullStays)
  const from = { ...canonical(reversePath, routing), bare: typedSender !== undefined }
  const asked = rewriteAddress(from, { mailer, where: "envelope", kind: "sender" }, routing)
  return whenThere(asked, (said) => {
    if (said.outcome !== "yes") return said
    if (said.value === (typedSender ?? printPath(reversePath))) return yes(undefined, said.reason)
    const read = parseMailbox(said.value)
    return read.ok ? yes(read.value, said.reason) : misconfigured(said.reason, read.error)
  })
}

const nullStays = because("masquerade", "<> stays")

/** Another sender; what was typed is not it any more. */
function withSender(envelope: Entry["envelope"], reversePath: Mailbox): Entry["envelope"] {
  const { typedSender, ...rest } = envelope
  return typedSender === undefined ? { ...envelope, reversePath } : { ...rest, reversePath }
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
