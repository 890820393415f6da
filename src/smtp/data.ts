// DATA: the message may come (RFC 5321 §4.1.1.4). Its content is read by content.ts and judged by accept.ts.
import type { Decision } from "../mail/decision.ts"
import type { Transaction } from "../mail/envelope.ts"
import type { Reply } from "../mail/reply.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { replies } from "./replies.ts"
import { type Asked, traced, type Asks, move, type Outcome, reset, type Session, stay } from "./session.ts"

/** A refusal here ends the transaction. */
export function data(session: Session, { gate }: Asks): Soon<Outcome> {
  const tx = session.transaction
  const missing = incomplete(tx)
  if (missing !== undefined) return stay(session, missing)
  if (tx === undefined) throw new Error("a complete transaction is undefined")
  if (session.chunking) return stay(session, replies.bdatBegun)
  if (tx.envelope.body === "binarymime") return stay(session, replies.useBdat)
  return whenThere(gate.content(session.arrival, tx.envelope), (decision) => {
    const refused = refusal(decision)
    if (refused !== undefined) return stay(reset(session), refused.reply, refused.trace)
    return move(session, comeOn(session), { does: "content" })
  })
}

/** sendmail's words, old and new: those for people to who said HELO, or nothing; octets to the programs that said EHLO. */
function comeOn({ arrival: { protocol } }: Session): Reply {
  return protocol === "SMTP" || protocol === "local" ? replies.enterMail : replies.endData
}

/** What is missing before content may come. */
export function incomplete(tx: Transaction | undefined): Reply | undefined {
  if (tx === undefined) return replies.needMail
  return tx.envelope.recipients.length === 0 ? replies.needRcpt : undefined
}

/** The refusal of check_data, if it is one. */
export function refusal(
  decision: Decision<undefined>,
): { readonly reply: Reply; readonly trace: Asked } | undefined {
  return decision.outcome === "no" || decision.outcome === "later"
    ? { reply: decision.reply, trace: traced("check_data", "", decision) }
    : undefined
}
