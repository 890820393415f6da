// AUTH= of MAIL: whether who is logged in may name another as the one a message is from (RFC 4954 §5; proto.m4: trust_auth). Whom we
// do not believe in this is not refused: the message goes on as one of nobody in particular, AUTH=<>.
import type { Arrival } from "../mail/arrival.ts"
import { type Decision, no, yes, because } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { refused } from "../routing/reasons.ts"

const step = "trust_auth"
const identical = yes(undefined, because(step, "it is the login itself"))

/** What is known without the site's rules: a yes or no, or a pass where they may have a word. */
export function knownSubmitter({ authType, authenticated }: Arrival, named: string): Decision<undefined> {
  if (authType === undefined)
    return no(reply(550, "5.7.1", "not authenticated"), refused(step, "nobody is logged in"))
  if (named === authenticated) return identical
  return { outcome: "pass", reason: because(step, `${authenticated} names ${named}`) }
}

/** The usual answer for another name. */
export function notTrusted({ authenticated }: Arrival, named: string): Decision<never> {
  const says = `${authenticated} not allowed to act as ${named}`
  return no(reply(550, "5.7.1", says), refused(step, says))
}

/** Without rules of the site's own nobody acts as another. */
export function maySubmitFor(arrival: Arrival, named: string): Decision<undefined> {
  const known = knownSubmitter(arrival, named)
  return known.outcome === "pass" ? notTrusted(arrival, named) : known
}
