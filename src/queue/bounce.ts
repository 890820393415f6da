// Who is told what became of a message, and in which report: failures, delays, and successes for those who asked
// (RFC 3461 §4.1, §5.2; RFC 5321 §6.1). Decides and writes; the runner commits what comes out of here as new mail.
import { type ForwardPath, type Mailbox, parseMailbox, printAngled, printPath } from "../mail/address.ts"
import { type Arrival, ownArrival } from "../mail/arrival.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { Recipient } from "../mail/envelope.ts"
import type { NewId } from "../mail/world.ts"
import { printDate } from "../message/date.ts"
import { writeReceived } from "../message/received.ts"
import { type Reported, type ReportKind } from "../message/report-form.ts"
import { reportSubject, writeReport } from "../message/report.ts"
import { type Entry, type Pending, untried } from "./entry.ts"
import { type Settled, traced } from "./settle.ts"

export type BounceFacts = {
  /** Our name ($j). */
  readonly host: string
  /** "8.17.1/Waypost 0.1.0", for Received. */
  readonly software: string
  readonly now: number
  /** The same moment by the queue's own clock, where it is another (queue/steady.ts). */
  readonly acceptedAt?: number
  readonly newId: NewId
  /** The option DoubleBounceAddress: who gets what nobody else can be told. Empty: nobody. */
  readonly doubleBounceAddress: string
  /** The option PostmasterCopy: who gets a copy of every failure. */
  readonly postmasterCopy: string | undefined
  /** False: only headers are returned (PrivacyOptions=nobodyreturn). */
  readonly returnBody: boolean
  /** Octets of original that are returned whole at most; undefined: no limit, as with sendmail. */
  readonly largestReturned: number | undefined
  /** When a message is given up (Timeout.queuereturn), milliseconds since 1970. */
  readonly retryUntil: number
  /** The option ErrorHeader: what stands before all else, line by line. */
  readonly preface?: readonly string[] | undefined
  /** Who signs it: "MAILER-DAEMON" as a name of this host, unless another is said. */
  readonly author?: string
}

/** A report to be queued: `before`, then the original (whole, or its header), then `after`. */
export type Bounce = {
  readonly entry: Entry
  readonly pending: readonly Pending[]
  readonly before: Buffer
  readonly returned: "full" | "headers"
  readonly after: Buffer
  /** For whom it is. */
  readonly about: readonly Settled[]
}

/** One that nobody is told about, and why not. */
export type Untold = { readonly about: Settled; readonly reason: Reason }

export type Bounces = { readonly reports: readonly Bounce[]; readonly untold: readonly Untold[] }

/** The door of a report's own arrival: what came through these is never answered again. */
const reportDoor = "report"
const lastDoor = "double bounce"

/** The reports that follow from an attempt: one for each kind and each who is to be told. */
export function bouncesFor(entry: Entry, told: readonly Settled[], facts: BounceFacts): Bounces {
  const letters = new Map<string, Letter>()
  const untold: Untold[] = []
  for (const about of told) {
    const kind = about.tell
    if (kind === undefined) continue
    const addressee = addresseeFor(entry, about, kind, facts)
    if (!("path" in addressee)) {
      untold.push({ about, reason: addressee })
      continue
    }
    const key = `${kind} ${addressee.double} ${printPath(addressee.path)}`
    const letter = letters.get(key) ?? { kind, ...addressee, about: [] }
    letter.about.push(about)
    letters.set(key, letter)
  }
  return { reports: [...letters.values()].map((letter) => write(entry, letter, facts)), untold }
}

type Addressee = {
  readonly path: ForwardPath
  /** It goes to the postmaster since the sender is `<>`. */
  readonly double: boolean
  readonly reason: Reason
}

type Letter = Addressee & { readonly kind: ReportKind; readonly about: Settled[] }

/** Who is told of this one; a bare reason when nobody is. */
function addresseeFor(
  entry: Entry,
  about: Settled,
  kind: ReportKind,
  facts: BounceFacts,
): Addressee | Reason {
  const { pending, status } = about
  const { reversePath } = entry.envelope
  if (status.action === "relayed" && status.dsnHandedOn === true)
    return because("report", "the next host was asked to report")
  const owner = kind === "succeeded" ? undefined : ownerOf(pending, facts.host)
  if (owner !== undefined && entry.arrival.door !== lastDoor)
    return { path: owner, double: false, reason: because("report", "owner- answers for the list's errors") }
  const silence = traced(status, entry.envelope.deliverBy)
    ? never(pending.recipient)
    : unasked(pending.recipient, kind)
  if (silence !== undefined) return silence
  if (reversePath === "null") return doubleBounce(entry, kind, facts)
  return { path: reversePath, double: false, reason: because("report", `the sender is told: ${kind}`) }
}

function never({ notify }: Recipient): Reason | undefined {
  return notify.includes("never")
    ? because("report", "the sender asked for no reports: NOTIFY=NEVER")
    : undefined
}

/** What the sender asked for (RFC 3461 §4.1). Who did not ask is told of failures and delays. */
function unasked(recipient: Recipient, kind: ReportKind): Reason | undefined {
  const { notify } = recipient
  const word = kind === "failed" ? "failure" : kind === "delayed" ? "delay" : "success"
  const silence = never(recipient)
  if (silence !== undefined) return silence
  if (notify.includes(word)) return undefined
  if (notify.length === 0 && kind !== "succeeded") return undefined
  return because("report", `the sender did not ask for ${word}: NOTIFY=${notify.join(",").toUpperCase()}`)
}

/** Never a bounce of a bounce (RFC 5321 §6.1): the postmaster gets it, once. */
function doubleBounce({ arrival }: Entry, kind: ReportKind, facts: BounceFacts): Addressee | Reason {
  if (kind !== "failed") return because("report", "there is no sender to tell: the reverse-path is <>")
  if (arrival.door === lastDoor)
    return because("report", "this was the postmaster's copy already: no report of a report of a report")
  const path = pathOf(facts.doubleBounceAddress, facts.host)
  if (path === undefined) return because("report", "DoubleBounceAddress is empty: nobody is told")
  return { path, double: true, reason: because("report", "no sender to tell: DoubleBounceAddress gets it") }
}

/** Who answers for the members of a list, unless it is his own address that failed. */
function ownerOf({ expandedFrom, recipient }: Pending, host: string): ForwardPath | undefined {
  if (expandedFrom?.owner === undefined) return undefined
  const owner = pathOf(expandedFrom.owner, host)
  return owner === undefined || printPath(owner) === printPath(recipient.path) ? undefined : owner
}

/** An address of the configuration: whole, or a name of this host. */
function pathOf(text: string, host: string): ForwardPath | undefined {
  const bare = text.trim().replace(/^<(.*)>$/, "$1")
  if (bare === "") return undefined
  if (bare.toLowerCase() === "postmaster") return "postmaster"
  const parsed = parseMailbox(bare.includes("@") ? bare : `${bare}@${host}`)
  return parsed.ok ? parsed.value : undefined
}

function write(entry: Entry, letter: Letter, facts: BounceFacts): Bounce {
  const id = facts.newId()
  const copies = copiesFor(letter, facts)
  const arrival = arrivalOf(entry, letter)
  const trace = writeReceived({
    arrival,
    by: facts.host,
    id,
    software: facts.software,
    recipient: undefined,
    date: printDate(facts.now),
  })
  const report = reportOf(entry, letter, { ...facts, id, copies })
  const { before, after, headerSize } = writeReport(report, trace)
  const { returned } = report
  const original = returned === "full" ? entry.size : entry.headerSize
  const summary = {
    messageId: "",
    subject: reportSubject(report),
    from: `MAILER-DAEMON@${facts.host}`,
  }
  return {
    entry: {
      id,
      envelope: {
        reversePath: "null",
        body: report.eightBit || report.international ? "8bitmime" : "7bit",
        smtputf8: report.international,
        ret: undefined,
        envid: undefined,
        ...(entry.envelope.requireTls === true ? { requireTls: true } : {}), // RFC 8689 §5: it tells what must not leak
      },
      arrival,
      acceptedAt: facts.acceptedAt ?? facts.now,
      size: before.length + original + after.length,
      headerSize,
      summary,
      held: undefined,
    },
    pending: [letter.path, ...copies].map((path, number) => pendingOf(path, number, letter.reason)),
    before,
    returned,
    after,
    about: letter.about,
  }
}

/** PostmasterCopy gets failures too, and the postmaster those that are his own to mend, when they are somebody else. */
function copiesFor({ kind, path, about }: Letter, facts: BounceFacts): readonly ForwardPath[] {
  if (kind !== "failed") return []
  // sendmail: EF_PM_NOTIFY, of a local configuration error (RFC 3463 §3.4, X.3.5).
  const ours = about.some(({ status }) => status.status === "5.3.5") ? "postmaster" : undefined
  const named = [ours, facts.postmasterCopy].flatMap((one) => pathOf(one ?? "", facts.host) ?? [])
  const copies = new Map(named.map((copy) => [printPath(copy).toLowerCase(), copy]))
  copies.delete(printPath(path).toLowerCase())
  return [...copies.values()]
}

function arrivalOf({ arrival }: Entry, { double }: Letter): Arrival {
  return ownArrival(arrival.session, double ? lastDoor : reportDoor)
}

function reportOf(
  entry: Entry,
  letter: Letter,
  facts: BounceFacts & { readonly id: string; readonly copies: readonly ForwardPath[] },
) {
  const { envelope, arrival } = entry
  const { kind, double, about } = letter
  return {
    kind,
    id: facts.id,
    host: facts.host,
    author: facts.author ?? "MAILER-DAEMON",
    now: facts.now,
    preface: facts.preface,
    to: [letter.path, ...facts.copies].map((path) =>
      path === "postmaster" ? "postmaster" : printAngled(path),
    ),
    postmasterOnly: double,
    original: {
      id: entry.id,
      arrivedAt: entry.acceptedAt,
      returnPath: printAngled(envelope.reversePath),
      from: cameFrom(arrival),
      fromHost:
        arrival.client === undefined ? undefined : (arrival.client.name ?? `[${arrival.client.address}]`),
      envid: envelope.envid,
      subject: entry.summary.subject,
      messageId: entry.summary.messageId,
    },
    recipients: about.map((one) => reportedOf(one, kind, facts.retryUntil)),
    returned: returnedFor(entry, kind, facts),
    eightBit: envelope.body !== "7bit",
    international: envelope.smtputf8,
  }
}

function cameFrom({ client, authenticated }: Arrival): string {
  if (client === undefined) return `${authenticated === undefined ? "" : `${authenticated}@`}localhost`
  return client.name === undefined ? `[${client.address}]` : `${client.name} [${client.address}]`
}

function reportedOf({ pending, status }: Settled, kind: ReportKind, retryUntil: number): Reported {
  const actual = printPath(pending.recipient.path)
  const address = pending.expandedFrom?.address ?? actual
  return {
    address,
    actual: address === actual ? undefined : actual,
    status,
    retryUntil: kind === "delayed" ? retryUntil : undefined,
  }
}

/**
 * What is sent back (RFC 3461 §4.3, §5.3): the whole only for failures, when the sender did not say RET=HDRS, and never
 * binary content, which a report in plain MIME cannot hold.
 */
function returnedFor(
  { envelope, size, summary }: Entry,
  kind: ReportKind,
  facts: BounceFacts,
): "full" | "headers" {
  if (kind !== "failed" || envelope.ret === "headers" || !facts.returnBody) return "headers"
  // sendmail (op.me, "Precedence"): nobody wants the bodies of bulk mail back.
  if (envelope.ret === undefined && (summary.precedence ?? 0) < 0) return "headers"
  if (envelope.body === "binarymime") return "headers"
  return facts.largestReturned !== undefined && size > facts.largestReturned ? "headers" : "full"
}

function pendingOf(path: ForwardPath | Mailbox, number: number, admitted: Reason): Pending {
  return untried(number, { path, original: undefined, notify: [], admitted })
}
