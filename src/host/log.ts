// The log: sendmail's syslog lines, so that a quarter century of scripts can read them, or JSON, an object a line. Lines are
// gathered and written once a turn of the event loop: under load a line costs a few microseconds.
import { printAngled } from "../mail/address.ts"
import type { Reason } from "../mail/decision.ts"
import { diagnosticText } from "../mail/status.ts"
import type { Clock } from "../mail/world.ts"
import { printStamp } from "../message/date.ts"
import type { Entry, Queued } from "../queue/entry.ts"
import type { Tried } from "../queue/settle.ts"
import {
  acceptedLine,
  type Controlling,
  deliveredLine,
  printReason,
  relayOf,
  reportedLine,
  target,
} from "./log-lines.ts"

export type Log = {
  /** A message is safe in the spool. */
  accepted(queued: Queued): void
  /** What became of a recipient in an attempt that began at `startedAt`; `by` is whose delivery it was, where that is known. */
  delivered(entry: Entry, tried: Tried, startedAt: number, by?: Controlling): void
  /** A report about a recipient of this message is queued, for the addressee. */
  reported(entry: Entry, report: Entry, about: Tried, addressee: string): void
  /** A session's question was answered with no: `text` is `ruleset=check_rcpt, arg1=…, relay=…, reject=550 5.7.1 …`. */
  refused(id: string, text: string, reason: Reason | undefined): void
  /** Something an operator wants to know, of a message or session (its id first) or of the system. */
  note(idOrText: string, text?: string): void
  /** An error of ours, with its stack. */
  bug(error: unknown): void
  /** Writes what has been gathered; for the end of a process. */
  flush(): void
}

export type LogOptions = {
  readonly format: "sendmail" | "json"
  /** Takes whole lines. */
  readonly write: (lines: string) => void
  /** False where the reader puts time and name before each line itself (journald). */
  readonly stamp?: boolean
  readonly clock?: Clock
  /** LogLevel: what of mail is logged at all. Absent: everything. */
  readonly level?: number
  /** The machine's own log, which gets each of sendmail's lines too. */
  readonly syslog?: { say(line: string): void } | undefined
}

/** Octets gathered before they are written without waiting for the turn to end. */
const mostGathered = 64 * 1024

export function makeLog(options: LogOptions): Log {
  const { format, write, clock = Date.now } = options
  const gathered = gather(write)
  const log = format === "json" ? jsonLog(gathered, clock) : sendmailLog(gathered, options, clock)
  return options.level === undefined ? log : atLevel(log, options.level)
}

/** From which level each kind of line is logged (sendmail guide, §4.3: log levels). Troubles of ours always are. */
const leastLevel = { refused: 4, accepted: 5, reported: 6, failed: 7, delivered: 8, delayed: 9 } as const

function atLevel(log: Log, level: number): Log {
  const nothing = () => {}
  return {
    ...log,
    accepted: level < leastLevel.accepted ? nothing : log.accepted,
    reported: level < leastLevel.reported ? nothing : log.reported,
    refused: level < leastLevel.refused ? nothing : log.refused,
    delivered(entry, tried, startedAt, by) {
      const { action } = tried.status
      const least = action === "failed" || action === "delayed" ? leastLevel[action] : leastLevel.delivered
      if (level >= least) log.delivered(entry, tried, startedAt, by)
    },
  }
}

type Lines = { readonly add: (line: string) => void; readonly flush: () => void }

function gather(write: (lines: string) => void): Lines {
  let text = ""
  const flush = () => {
    const lines = text
    text = ""
    if (lines !== "") write(lines)
  }
  return {
    add(line) {
      if (text === "") setImmediate(flush)
      text += line
      if (text.length > mostGathered) flush()
    },
    flush,
  }
}

function sendmailLog({ add, flush }: Lines, { stamp = true, syslog }: LogOptions, clock: Clock): Log {
  const say = (text: string) => {
    const line = oneLine(text)
    add(`${stamp ? `${printStamp(clock())} waypost: ` : ""}${line}\n`)
    syslog?.say(line)
  }
  return {
    accepted: (queued) => say(acceptedLine(queued)),
    delivered: (entry, tried, startedAt, by) => say(deliveredLine(entry, tried, startedAt, by)),
    reported: (entry, report, about, addressee) => say(reportedLine(entry, report, about, addressee)),
    refused: (id, text, reason) =>
      say(`${id}: ${text}${reason === undefined ? "" : `, reason=${printReason(reason)}`}`),
    note: (idOrText, text) => say(text === undefined ? idOrText : `${idOrText}: ${text}`),
    bug(error) {
      for (const line of stackOf(error).split("\n")) say(`NOQUEUE: SYSERR(waypost): ${line}`)
    },
    flush,
  }
}

/** Nothing that came from outside begins a line of its own. */
function oneLine(text: string): string {
  return /[\u0000-\u001f\u007f]/.test(text) ? text.replaceAll(/[\u0000-\u001f\u007f]/g, "?") : text
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** The same events, an object a line. */
function jsonLog({ add, flush }: Lines, clock: Clock): Log {
  const say = (event: string, fields: object) =>
    add(`${JSON.stringify({ at: new Date(clock()).toISOString(), event, ...fields })}\n`)
  return {
    accepted: ({ entry, pending }) => say("accepted", acceptedFields(entry, pending.length)),
    delivered: (entry, tried, startedAt) =>
      say(tried.status.action, deliveredFields(entry, tried, startedAt)),
    reported: ({ id }, report, { status }, to) =>
      say("reported", { id, report: report.id, to, dsn: status.status, reason: printReason(status.reason) }),
    refused: (id, text, reason) =>
      say("refused", { id, text, reason: reason === undefined ? undefined : printReason(reason) }),
    note: (idOrText, text) => say("note", text === undefined ? { text: idOrText } : { id: idOrText, text }),
    bug: (error) => say("bug", { stack: stackOf(error) }),
    flush,
  }
}

function acceptedFields({ id, envelope, arrival, size, summary }: Entry, recipients: number): object {
  return {
    id,
    from: printAngled(envelope.reversePath),
    size,
    recipients,
    messageId: summary.messageId,
    protocol: arrival.protocol,
    door: arrival.door,
    relay: relayOf(arrival),
  }
}

function deliveredFields(entry: Entry, { pending, status }: Tried, startedAt: number): object {
  const at = status.at.getTime()
  return {
    id: entry.id,
    to: target(pending),
    from: pending.expandedFrom?.address,
    delaySeconds: (at - entry.acceptedAt) / 1000,
    attemptSeconds: (at - startedAt) / 1000,
    mailer: pending.route?.mailer,
    relay: status.remote,
    dsn: status.status,
    diagnostic: diagnosticText(status.diagnostic),
    reason: printReason(status.reason),
  }
}
