// What a site's rules noted of a session: macros that they set, and what is to become of the message in hand. Sessions that never
// end are forgotten, oldest first.
import type { Arrival } from "../mail/arrival.ts"
import type { Reason } from "../mail/decision.ts"
import type { MessageVerdict } from "../mail/gate.ts"

export type SessionNotes = {
  readonly macros: Map<string, string>
  /** Of the transaction: thrown away or held when it is here. */
  verdict:
    | { readonly keep: "discard" | "hold"; readonly reason: Reason; readonly by: MessageVerdict["by"] }
    | undefined
  /** MAIL FROM as it was typed, without its brackets. */
  typedSender: string
}

/** More sessions than any host has at once. */
const mostSessions = 20_000

/** Notes by session. */
export function sessionNotes(): { readonly of: (arrival: Arrival) => SessionNotes } {
  const sessions = new Map<string, SessionNotes>()
  return {
    of: ({ session }) => {
      const known = sessions.get(session)
      if (known !== undefined) return known
      const made: SessionNotes = { macros: new Map(), verdict: undefined, typedSender: "" }
      sessions.set(session, made)
      if (sessions.size > mostSessions) {
        const [oldest] = sessions.keys()
        if (oldest !== undefined) sessions.delete(oldest)
      }
      return made
    },
  }
}
