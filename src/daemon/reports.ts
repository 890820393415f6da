// Reports of what became of a message, queued as new mail: written by queue/bounce.ts, durable before the recipients they are
// about leave the spool.
import { readFileSync } from "node:fs"
import { hasFlag, option } from "../config/options.ts"
import { macro, type Settings } from "../config/settings.ts"
import { printPath } from "../mail/address.ts"
import type { Content } from "../mail/content.ts"
import { ok, type Result } from "../mail/result.ts"
import type { Clock, NewId } from "../mail/world.ts"
import { type Bounce, type BounceFacts, bouncesFor } from "../queue/bounce.ts"
import type { Entry, Queued } from "../queue/entry.ts"
import { givenUpAt } from "../queue/schedule.ts"
import { asDated } from "../queue/steady.ts"
import type { Settled } from "../queue/settle.ts"
import type { Spool } from "../spool/spool.ts"
import { queueOwnMail } from "./own-mail.ts"

export type ReportWorld = {
  readonly spool: Pick<Spool, "incoming" | "note">
  readonly settings: Settings
  readonly software: string
  readonly clock: Clock
  /** How far the machine's clock, whose dates others read, is ahead of it. */
  readonly ahead: () => number
  readonly newId: NewId
  readonly onAccepted: (queued: Queued, content: Content) => void
  readonly say: (line: string) => void
  /** A report is queued: of what, which, and for whom. */
  readonly reported: (entry: Entry, made: Entry, about: Settled, addressee: string) => void
  /** Who signs, where it is not this host's MAILER-DAEMON by its bare name. */
  readonly author?: string
}

/** Queues what follows from an attempt. An error means: nothing may be forgotten yet. */
export async function report(
  { entry }: Queued,
  content: Content,
  told: readonly Settled[],
  world: ReportWorld,
): Promise<Result<void>> {
  const ahead = world.ahead()
  const dated = asDated({ entry, pending: [] }, ahead).entry
  const { reports, untold } = bouncesFor(dated, datedEndings(told, ahead), factsFor(dated, world))
  for (const { about, reason } of untold)
    world.say(`${entry.id}: no report about ${about.tell}: ${reason.says}`)
  for (const bounce of reports) {
    const queued = await queueReport(bounce, content, world)
    if (!queued.ok) return queued
    const addressee = bounce.pending[0]?.recipient.path
    const [first] = bounce.about
    if (first !== undefined && addressee !== undefined)
      world.reported(entry, bounce.entry, first, printPath(addressee))
    noteReport(entry, bounce, world)
  }
  return ok(undefined)
}

/** When it was, as the machine's clock has it. */
function datedEndings(told: readonly Settled[], ahead: number): readonly Settled[] {
  if (ahead === 0) return told
  return told.map((one) => ({
    ...one,
    status: { ...one.status, at: new Date(one.status.at.getTime() + ahead) },
  }))
}

function factsFor(
  entry: Entry,
  { settings, software, clock, ahead, newId, author }: ReportWorld,
): BounceFacts {
  const copy = option(settings, "PostmasterCopy")
  return {
    host: macro(settings, "j") ?? "localhost",
    software,
    now: clock() + ahead(),
    acceptedAt: clock(),
    newId,
    doubleBounceAddress: option(settings, "DoubleBounceAddress"),
    postmasterCopy: copy === undefined || copy === "" ? undefined : copy,
    returnBody: !hasFlag(settings, "PrivacyOptions", "nobodyreturn"),
    largestReturned: undefined,
    preface: prefaceOf(option(settings, "ErrorHeader")),
    ...(author === undefined ? {} : { author }),
    retryUntil: givenUpAt({ ...entry, settings, ...entry.envelope, ...entry.summary }),
  }
}

const longestPreface = 64 * 1024

/** ErrorHeader: a text, or a file that begins with /; one that cannot be read is no reason to send no report. */
function prefaceOf(header: string | undefined): readonly string[] | undefined {
  if (header === undefined || header.trim() === "") return undefined
  if (!header.startsWith("/")) return [header]
  try {
    return readFileSync(header, "utf8").slice(0, longestPreface).trimEnd().split(/\r?\n/)
  } catch {
    return undefined
  }
}

function queueReport(bounce: Bounce, original: Content, world: ReportWorld): Promise<Result<void>> {
  return queueOwnMail({ ...bounce, octets: octetsOf(bounce, original) }, world)
}

async function* octetsOf(bounce: Bounce, original: Content): AsyncGenerator<Uint8Array> {
  yield bounce.before
  let left = bounce.returned === "full" ? original.size : original.headerSize
  for await (const piece of original.chunks()) {
    if (left <= 0) break
    yield piece.length > left ? piece.subarray(0, left) : piece
    left -= piece.length
  }
  yield bounce.after
}

function noteReport(entry: Entry, bounce: Bounce, { spool, clock }: ReportWorld): void {
  const admitted = bounce.pending[0]?.recipient
  spool.note([
    {
      at: clock(),
      id: entry.id,
      what: "bounced",
      address: admitted === undefined ? "" : printPath(admitted.path),
      status: "",
      detail: `report ${bounce.entry.id}: ${bounce.entry.summary.subject}`,
      remote: undefined,
      reason: admitted?.admitted,
    },
  ])
}
