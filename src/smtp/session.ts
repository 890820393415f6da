// A session as a value: who is there, what we offer, how far it has come. A handler takes one and gives back the next,
// with its replies; it reads nothing and writes nothing.
import type { Authenticator, Exchange, Mechanism } from "../auth/sasl.ts"
import type { Arrival, Client } from "../mail/arrival.ts"
import { because, type Decision, type Origin, type Reason } from "../mail/decision.ts"
import type { Transaction } from "../mail/envelope.ts"
import type { Gate } from "../mail/gate.ts"
import { printable, type Reply } from "../mail/reply.ts"
import type { TlsTerms } from "../mail/tls-terms.ts"
import type { Result } from "../mail/result.ts"
import type { Clock } from "../mail/world.ts"
import type { NoRecipientAction } from "../message/submit.ts"
import type { HelpFile } from "./help-file.ts"

/** The PrivacyOptions that an SMTP session knows. */
export type PrivacyFlag =
  | "authwarnings"
  | "needmailhelo"
  | "needexpnhelo"
  | "needvrfyhelo"
  | "noexpn"
  | "novrfy"
  | "noverb"
  | "noetrn"
  | "noreceipts"

/** Extensions that sendmail 8.17 has not: RFC 3030, RFC 6531, RFC 8689. */
export const extensions = ["CHUNKING", "BINARYMIME", "SMTPUTF8", "REQUIRETLS"] as const
export type Extension = (typeof extensions)[number]

/** What this door offers and how much it bears. A limit of 0 is none. */
export type Offers = {
  /** $j, the name we go by. */
  readonly hostname: string
  /** What follows 220; `$b` in it is the date. */
  readonly greeting: string
  /** "Waypost 0.1.0": for Received: and HELP. */
  readonly software: string
  /** LMTP instead of SMTP (RFC 2033). */
  readonly lmtp: boolean
  readonly privacy: ReadonlySet<PrivacyFlag>
  readonly maxMessageSize: number
  /** Octets of header; beyond, the message is refused. */
  readonly maxHeaderSize: number
  readonly maxRecipients: number
  readonly maxHops: number
  /** Unknown commands until the session is closed. */
  readonly maxBadCommands: number
  /** Commands that lead nowhere (NOOP, RSET, VRFY …) until each counts as a bad one. */
  readonly maxIdleCommands: number
  /** Recipients refused in one transaction until the answers come slowly (BadRcptThrottle). */
  readonly badRecipientThrottle: number
  /** Commands that make no sense until the answers come slowly, and slower each time (BadCommandThrottle); 0 or absent: never. */
  readonly badCommandThrottle?: number
  /** What is offered beside sendmail's own. */
  readonly extensions: ReadonlySet<Extension>
  /** The least seconds of BY=…;R (DeliverByMin); below 0, DELIVERBY is not offered. */
  readonly leastDeliverBy: number
  /** A message with NUL octets is refused. */
  readonly rejectNul: boolean
  /** What a submission without recipients in its header is given. */
  readonly noRecipientAction: NoRecipientAction
  /** Logins that may name any sender at the local door without a word about it (class t, in lower case). */
  readonly trustedUsers?: ReadonlySet<string>
  /** There is a certificate, so STARTTLS is offered (RFC 3207). */
  readonly startTls?: boolean
  /** How a client can log in; absent: nobody could, or may at this door (RFC 4954). */
  readonly auth?: AuthOffers
  /** Whether this client is asked for a certificate (srv_features: V, v); absent: as the settings have it for all. */
  readonly clientCertificate?: boolean
  /** Absent: commands may come together (RFC 2920). */
  readonly pipelining?: false
  /** What the door offers, where srv_features changed it for this session. */
  readonly door?: Offers
  /** Header fields that only we write, in lower case: they are taken out of what clients send. Absent: there are none. */
  readonly ourFields?: readonly string[]
  /** Names that ETRN may ask for with a # (QUEUE_GROUP); absent: there are none. */
  readonly queueGroups?: ReadonlySet<string>
  /** The client is a proxy that we trust: it may say for whom it speaks (XCLIENT, XFORWARD). */
  readonly proxied?: boolean
  /** What the site's help file says (HELP_FILE); absent: HELP has a text of our own. */
  readonly help?: HelpFile | "unreadable"
  /** The lines that set these, where lines did. */
  readonly origins: Readonly<Partial<Record<LimitName, Origin>>>
}

export type AuthOffers = {
  readonly mechanisms: readonly Mechanism[]
  /** Passwords may be said as they are where anybody on the way can hear them. */
  readonly inClear: boolean
  /** No mail without a login (DAEMON_OPTIONS: Modify=a). */
  readonly required: boolean
  /** Failures until the session is closed. */
  readonly mostFailures: number
}

/** The limits and refusals of this file's Offers that a line of the configuration may have set. */
export type LimitName =
  | "maxMessageSize"
  | "maxHeaderSize"
  | "rejectNul"
  | "maxRecipients"
  | "maxHops"
  | "privacy"

export type Session = {
  readonly arrival: Arrival
  readonly offers: Offers
  readonly transaction: Transaction | undefined
  /** BDAT has begun in this transaction: DATA is out of place now (RFC 3030 §2). */
  readonly chunking: boolean
  /** The client was refused at its connection: this is all it hears, apart from HELO, NOOP, RSET and QUIT. */
  readonly refused: Reply | undefined
  readonly commands: number
  readonly bad: number
  readonly idle: number
  readonly badRecipients: number
  /** AUTH is under way: the next line is its next response. */
  readonly exchange?: Exchange | undefined
  readonly failedLogins?: number
}

/** What the session asks while it answers. */
export type Asks = {
  readonly gate: Gate
  /** Whether the spool can take a message of this size now. */
  readonly room: (size: number) => Result<void, string>
  readonly clock: Clock
  /** Who knows the logins; absent where nobody has one. */
  readonly authenticator?: Authenticator | undefined
  /** What a login can be bound to (RFC 9266); absent in clear text. */
  readonly channel?: (() => Buffer | undefined) | undefined
}

/** What the gate was asked, in sendmail's word for it, and what it said. */
export type Asked = {
  readonly question:
    | "check_relay"
    | "check_helo"
    | "check_mail"
    | "check_rcpt"
    | "check_data"
    | "check_eom"
    | "check_vrfy"
    | "check_expn"
    | "check_etrn"
    | "check_other"
    | "srv_features"
    | "tls_srv_features"
    /** AUTH, and what access says of a client's TLS. */
    | "AUTH"
    | "tls_client"
    /** A limit or rule of ours, which no gate was asked about. */
    | "limit"
  readonly argument: string
  readonly outcome: "yes" | "no" | "later"
  readonly reason: Reason
}

/** What the connection does after the replies. */
export type Next =
  | { readonly does: "read" }
  /** The greeting waits: the client must keep still for so long, or it hears something else. */
  | {
      readonly does: "hear out"
      readonly milliseconds: number
      readonly hail: Reply
      readonly reason: Reason
    }
  /** Message content follows, up to the lone dot. */
  | { readonly does: "content" }
  /** So many octets of content follow; `keep` is false when they are only to be swallowed and the reply is known. */
  | { readonly does: "chunk"; readonly octets: number; readonly last: boolean; readonly keep: boolean }
  /** The next command is read after a while: the client guesses. */
  | { readonly does: "pause"; readonly milliseconds: number }
  /** TLS begins, now that the 220 is said; whatever the client sent before that was not meant (RFC 3207 §6). */
  | { readonly does: "start tls"; readonly terms?: TlsTerms }
  /** ETRN: what waits there is to be tried; the argument as it was given. */
  | { readonly does: "run queue"; readonly node: string }
  | { readonly does: "close" }

export type Outcome = {
  readonly session: Session
  readonly replies: readonly Reply[]
  readonly next: Next
  readonly asked: Asked | undefined
  /** A line for the log: who logged in, how it is encrypted. */
  readonly note?: string
}

const read: Next = { does: "read" }

/** A session at its beginning. */
export function begin(arrival: Arrival, offers: Offers): Session {
  return {
    arrival,
    offers,
    transaction: undefined,
    chunking: false,
    refused: undefined,
    commands: 0,
    bad: 0,
    idle: 0,
    badRecipients: 0,
  }
}

/** The answer that changes nothing. */
export function stay(session: Session, reply: Reply, trace?: Asked): Outcome {
  return { session, replies: [reply], next: reply.code === 421 ? { does: "close" } : read, asked: trace }
}

/** The answer with what comes next. */
export function move(session: Session, reply: Reply, next: Next = read, trace?: Asked): Outcome {
  return { session, replies: [reply], next, asked: trace }
}

/** Without its transaction: everything that belonged to it is gone (RFC 5321 §4.1.1.5). */
export function reset(session: Session): Session {
  return session.transaction === undefined && !session.chunking
    ? session
    : { ...session, transaction: undefined, chunking: false, badRecipients: 0 }
}

/** The trace of a question, with a decision that is not `pass`. */
export function traced(question: Asked["question"], argument: string, decision: Decision<unknown>): Asked {
  if (decision.outcome === "pass") throw new Error(`${question}: the gate's last step must decide`)
  return { question, argument, outcome: decision.outcome, reason: decision.reason }
}

/** The trace of a limit or rule of our own that refused. */
export function byRule(step: string, says: string, at?: Origin): Asked {
  return {
    question: "limit",
    argument: "",
    outcome: "no",
    reason: { ...because(step, says, at), role: "refused" },
  }
}

/** The client as sendmail names it: `pc236b.napier.ac.uk [10.4.5.6]`, `[10.4.5.6]`, `ann@localhost`. */
export function clientName({ client, authenticated }: Arrival): string {
  return client === undefined ? `${authenticated ?? "unknown"}@localhost` : printClient(client)
}

function printClient({ name, address, forged }: Client): string {
  const brackets = address.includes(":") ? `[IPv6:${address}]` : `[${address}]`
  if (name !== undefined) return `${name} ${brackets}`
  return forged === undefined ? brackets : `${forged} ${brackets} (may be forged)`
}

const longestEcho = 100

/** What the peer wrote, fit to be said back: printable, and no longer than 100 octets. */
export function echo(text: string): string {
  const shown = printable(text)
  return shown.length <= longestEcho ? shown : `${shown.slice(0, longestEcho - 3)}...`
}
