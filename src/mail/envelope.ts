// What SMTP carries beside the message: the reverse-path and the recipients (RFC 5321 §2.3.1). Never read from the header.
import { type ForwardPath, printPath, type ReversePath } from "./address.ts"
import type { Reason } from "./decision.ts"

export type Notify = "never" | "success" | "failure" | "delay"

export type Recipient = {
  readonly path: ForwardPath
  /** ORCPT, decoded: "rfc822;Ann@Example.ORG" (RFC 3461 §4.2). */
  readonly original: string | undefined
  /** NOTIFY (RFC 3461 §4.1); empty when the sender did not ask. */
  readonly notify: readonly Notify[]
  /** Why policy let it in. */
  readonly admitted: Reason
  /** As it was typed, where that was a name of this host without its domain. */
  readonly typed?: string
}

export type BodyType = "7bit" | "8bitmime" | "binarymime"

export type Envelope = {
  readonly reversePath: ReversePath
  readonly recipients: readonly Recipient[]
  readonly body: BodyType
  readonly smtputf8: boolean
  /** RET (RFC 3461 §4.3). */
  readonly ret: "full" | "headers" | undefined
  /** ENVID, decoded (RFC 3461 §4.4). */
  readonly envid: string | undefined
  /** BY (RFC 2852): absent when the sender set no time. */
  readonly deliverBy?: DeliverBy
  /** REQUIRETLS (RFC 8689): each hop is encrypted and knows who it speaks with, or the message comes back. */
  readonly requireTls?: boolean
  /** AUTH= (RFC 4954 §5), decoded: the login that the message is from; `<>`: nobody whom we believe. Absent: the client said nothing. */
  readonly submitter?: string
  /** The sender as it was typed, where that was a name of this host without its domain: mail that stays here shows it so. */
  readonly typedSender?: string
}

/** When a message is to be there, and what happens when it is not (RFC 2852 §4). */
export type DeliverBy = {
  /** Milliseconds since 1970. */
  readonly at: number
  /** `return`: it comes back as undeliverable; `notify`: its sender hears that it is late. */
  readonly mode: "return" | "notify"
  /** The sender wants to hear of each hop that is passed (by-trace). */
  readonly trace: boolean
}

/** MAIL to end of DATA. Replaced whole at each step; `undefined` in its place is the reset (RFC 5321 §3.3). */
export type Transaction = {
  readonly envelope: Envelope
  readonly startedAt: Date
  /** Octets of message received so far, or the SIZE the client declared before any came. */
  readonly bytes: number
  /** It is not tried before the next queue run (sendmail -odq). */
  readonly waits?: boolean
  /** The flag of the sendmail command that named the sender, where it was not -f. */
  readonly namedBy?: "-r"
}

/** The transaction with one more recipient. */
export function withRecipient(tx: Transaction, recipient: Recipient): Transaction {
  return { ...tx, envelope: { ...tx.envelope, recipients: [...tx.envelope.recipients, recipient] } }
}

/** The sender as mail that stays here shows it: as it was typed, where that is known; "" for `<>`. */
export function shownSender({
  reversePath,
  typedSender,
}: Pick<Envelope, "reversePath" | "typedSender">): string {
  return typedSender ?? printPath(reversePath)
}
