// What an SMTP session asks before it answers. smtp/ puts the questions and knows nothing of policy; policy/ answers.
import type { ForwardPath, ReversePath, TypedAddress } from "./address.ts"
import type { Arrival } from "./arrival.ts"
import type { AuthResult } from "./auth-result.ts"
import type { Decision } from "./decision.ts"
import type { Envelope } from "./envelope.ts"
import type { TlsTerms } from "./tls-terms.ts"
import type { Soon } from "./soon.ts"

/** What follows the path in MAIL and RCPT, as it was said. */
export type Parameters = readonly { readonly key: string; readonly value: string | undefined }[]

export type Gate = {
  /** May this client speak at all? (sendmail: check_relay) A no closes the session after its reply. */
  connect(arrival: Arrival): Promise<Decision<undefined>>
  /** TLS is about to begin: what it is to be with this client (tls_srv_features); a pass: as with all. Absent: the same. */
  tls?(arrival: Arrival): Promise<Decision<TlsTerms>>
  /** TLS has begun (sendmail: tls_client). A no is what the client hears from then on. */
  secured?(arrival: Arrival): Promise<Decision<undefined>>
  /** How many milliseconds it must keep still before it is greeted (greet_pause); a pass for none. */
  pause?(arrival: Arrival): Promise<Decision<number>>
  /** Letters that change what this session offers (srv_features); a pass for none, a later puts the client off. */
  features?(arrival: Arrival): Promise<Decision<string>>
  /** ETRN: may this client have the queue of this host run? (check_etrn) */
  queueRun?(arrival: Arrival, node: string): Promise<Decision<undefined>>
  /** HELO, EHLO, LHLO with this name. */
  hello(arrival: Arrival, name: string): Promise<Decision<undefined>>
  /** MAIL FROM (check_mail). `size` is what SIZE= declared, 0 when it did not. */
  sender(
    arrival: Arrival,
    path: TypedAddress | "null",
    size: number,
    parameters?: Parameters,
  ): Soon<Decision<ReversePath>>
  /** AUTH= of MAIL: may this client name this login as the one the message is from? (trust_auth) Absent: nobody may. */
  submitter?(arrival: Arrival, named: string): Promise<Decision<undefined>>
  /** RCPT TO (check_rcpt, then whether there is such a user). */
  recipient(
    arrival: Arrival,
    envelope: Envelope,
    path: TypedAddress | "postmaster",
    parameters?: Parameters,
  ): Soon<Decision<ForwardPath>>
  /** How an earlier recipient of this envelope was typed whose mail goes to the same place as this one's (recipient.c). */
  earlier?(envelope: Envelope, path: ForwardPath): string | undefined
  /** DATA or the first BDAT (check_data). */
  content(arrival: Arrival, envelope: Envelope): Soon<Decision<undefined>>
  /** The whole message is here, not yet committed: `header` is its header as octets (check_eoh, check_eom). */
  message(
    arrival: Arrival,
    envelope: Envelope,
    header: Buffer,
    size: number,
    body?: MessageBody,
  ): Soon<Decision<MessageVerdict>>
  /** VRFY: the mailboxes behind a name, as lines of a 250 reply. */
  verify(arrival: Arrival, path: TypedAddress): Promise<Decision<readonly string[]>>
  /** EXPN: the members of a list, one level. */
  expand(arrival: Arrival, path: TypedAddress): Promise<Decision<readonly string[]>>
  /**
   * A command that has no question of its own, with the first digit of what we would reply: 5 for those that we do not know
   * (check_other). A no or later is said instead.
   */
  other?(arrival: Arrival, line: string, digit: string): Promise<Decision<undefined>>
  /** A command that we do not know, for filters; a no or later is what the client hears of it. */
  unknown?(arrival: Arrival, line: string): Promise<Decision<undefined>>
  /** The name of the person whose address here this is, for a From: that is missing; a stranger has none. */
  fullName?(path: ReversePath): Promise<string | undefined>
}

/** The octets behind the header, in pieces; asked for by those alone who look at them, as often as they like. */
export type MessageBody = () => AsyncIterable<Buffer>

/** What is to be done with an accepted message. */
export type MessageVerdict = {
  readonly keep: "deliver" | "hold" | "discard"
  /** Which question it was that had it held or thrown away, and why in the postmaster's words: for the log and the queue. */
  readonly by?: { readonly question: string; readonly argument: string; readonly why?: string }
  /** Whole header fields for the top of the message, above our Received: what was found out about its sender. */
  readonly fields?: string
  /** Who vouches for it, and with what result: Authentication-Results, above those fields. */
  readonly results?: readonly AuthResult[]
}
