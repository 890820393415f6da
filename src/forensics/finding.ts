// A forensic conclusion as data: what was found, where in the message's octets, how much it is worth, and what it means for people.
import type { Span } from "../message/received-tokens.ts"

export type Severity = "info" | "low" | "medium" | "high" | "critical"

export const severities: readonly Severity[] = ["info", "low", "medium", "high", "critical"]

/** Independent kinds of evidence: a forger who gets one wrong need not get the others wrong. */
export type Kind = "order" | "names" | "ids" | "identity" | "authentication" | "now"

export type Check =
  | "time_order"
  | "date_header"
  | "timezone"
  | "date_syntax"
  | "mbox_line"
  | "continuity"
  | "helo_rdns"
  | "helo_self"
  | "ip_sanity"
  | "queue_id"
  | "queue_id_clock"
  | "duplicate_id"
  | "hop_syntax"
  | "anachronism"
  | "route_origin"
  | "from_alignment"
  | "reply_to"
  | "message_id"
  | "auth_results_trust"
  | "arc_structure"
  | "dkim_scope"
  | "received_spf"
  | "own_results"
  | "display_name"
  | "homograph"
  | "list_headers"
  | "unread"
  | "spf_now"
  | "dkim_now"
  | "dmarc_now"
  | "arc_now"
  | "reverse_now"
  | "block_list_now"

export type Finding = {
  readonly check: Check
  readonly kind: Kind
  /** 1 is the topmost Received field; undefined when it is not about a hop. */
  readonly hop: number | undefined
  /** The field's name when it is about another field. */
  readonly header: string | undefined
  readonly severity: Severity
  /**
   * It alone makes a message suspicious though it is of medium severity: honest mail practically never earns it. Of a high one:
   * there is no honest explanation, so that no second kind has to agree.
   */
  readonly telling: boolean
  /** What is wrong, in a sentence. */
  readonly explanation: string
  /** The words it is about, as places in the message. */
  readonly evidence: readonly Span[]
  /** Why it matters. */
  readonly why: string
  /** What an honest explanation would be; undefined when there is none. */
  readonly honest: string | undefined
  /** What would settle it. */
  readonly settle: string
}

/** What a rule says; the rest of a finding stands in the table of checks. */
export type Remark = {
  readonly check: Check
  readonly severity: Severity
  readonly explanation: string
  readonly evidence: readonly (Span | undefined)[]
  readonly hop?: number | undefined
  readonly header?: string | undefined
  readonly telling?: boolean
  /** In place of the check's own. */
  readonly honest?: string | undefined
}

/** How strong, as a number: 0 is info. */
export function rank(severity: Severity): number {
  return severities.indexOf(severity)
}
