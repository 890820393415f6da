// STARTTLS and AUTH, where neither is offered: sendmail's answers when it has no certificate and no mechanisms. Their
// place: TLS begins after a 220 here, and what authenticates is put into the session's arrival.
import { replies } from "./replies.ts"
import { type Outcome, type Session, stay } from "./session.ts"

/** STARTTLS (RFC 3207) without TLS. */
export function startTls(session: Session): Outcome {
  return stay(session, replies.noTls)
}

/** AUTH (RFC 4954) without mechanisms. */
export function auth(session: Session): Outcome {
  return stay(session, replies.noAuth)
}
