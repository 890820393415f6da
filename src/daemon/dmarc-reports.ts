// confDMARC_REPORTS: aggregate reports of DMARC (RFC 9990) to the domains that ask for them by rua=, once for each day (UTC), soon after
// its end. What is told is counted as mail comes, beside its way.
import { type Destination, destinationsOf } from "../auth/dmarc-destinations.ts"
import { parseDmarc } from "../auth/dmarc-record.ts"
import type { AggregateReport } from "../auth/dmarc-report.ts"
import { byDomain, type CountedRow, type DmarcSeen, rowOf } from "../auth/dmarc-seen.ts"
import { reporterOf } from "../config/reporters.ts"
import type { Settings } from "../config/settings.ts"
import { DayCounts } from "../host/day-counts.ts"
import { type Mailbox, printPath } from "../mail/address.ts"
import type { Clock, Dns } from "../mail/world.ts"
import { packedReport, queueReport, refusal, reportOf } from "./dmarc-mail.ts"
import type { LetterWorld } from "./own-letter.ts"

export type DmarcReportParts = {
  readonly directory: string
  /** The machine's clock: days are everybody's. */
  readonly wall: Clock
  readonly txt: Dns["txt"]
  readonly say: (line: string) => void
  readonly bug: (error: unknown) => void
}

/** A report as it would be now. */
export type Draft = {
  readonly day: string
  /** The day is over, so it can be sent. */
  readonly over: boolean
  readonly report: AggregateReport
  readonly destinations: readonly Destination[]
}

/** Milliseconds between writes of what was counted, and looks for days that are over. */
const every = 5 * 60_000
/** Reports go some time after midnight, when all that came before it is counted, and not all systems of the world at once. */
const earliest = 5 * 60_000
const latest = 65 * 60_000
const dayLength = 86_400_000
/** Days for which a report is tried whose addresses DNS does not tell about. */
const mostDays = 3
/** Reports of a day: whoever sends in the name of a hundred thousand domains of his own does not have us write to each. */
const mostReports = 20_000

/** Owned by the mail process, stopped once. */
export class DmarcReports {
  readonly #parts: DmarcReportParts
  readonly #counts: DayCounts<CountedRow>
  readonly #delay = earliest + Math.floor(Math.random() * (latest - earliest))
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<number> | undefined

  constructor(parts: DmarcReportParts) {
    this.#parts = parts
    this.#counts = new DayCounts(parts.directory, "DMARC reports", parts.say)
  }

  /** Where messages are told of; undefined where no line asks for reports. */
  seenBy(settings: Settings): ((seen: DmarcSeen) => void) | undefined {
    if (reporterOf(settings, "DmarcReports") === undefined) return undefined
    return (seen) => void this.#count(seen).catch(this.#parts.bug)
  }

  async #count(seen: DmarcSeen): Promise<void> {
    const { record, at } = seen.verdict
    if (record === undefined || at === undefined || record.rua.length === 0) return
    const day = dayOf(this.#parts.wall())
    this.#counts.add(day, [at, record.text, await rowOf(seen, this.#parts.txt)])
  }

  /** From now on what was counted is written, and what is due is sent. */
  start(world: () => LetterWorld): void {
    this.#timer = setInterval(() => void this.#look(world()).catch(this.#parts.bug), every).unref()
  }

  async #look(world: LetterWorld): Promise<void> {
    await this.#counts.flush()
    if (this.#parts.wall() % dayLength > this.#delay) await this.send(world)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#counts.flush()
  }

  /** What was counted and is not sent yet, as reports. */
  async *drafts(settings: Settings): AsyncIterable<Draft> {
    const reporter = reporterOf(settings, "DmarcReports")
    if (reporter === undefined) return
    await this.#counts.flush()
    for (const day of this.#counts.days()) yield* this.#draftsOf(day, reporter)
  }

  async *#draftsOf(day: string, reporter: Mailbox): AsyncIterable<Draft> {
    const { counts, lost } = await this.#counts.read(day)
    const sent = this.#counts.sent(day)
    const over = day < dayOf(this.#parts.wall())
    for (const domain of byDomain(counts).slice(0, mostReports)) {
      const record = parseDmarc(domain.record)
      if (!record.ok || sent.has(domain.at)) continue
      const destinations = await destinationsOf(domain.at, record.value, this.#parts.txt)
      const report = reportOf({ ...domain, day, lost, policy: record.value }, reporter)
      yield { day, over, report, destinations }
    }
  }

  /** Sends the reports of days that are over; how many wait for DNS or the queue. One call at a time sends, the others wait with it. */
  send(world: LetterWorld, tell: (line: string) => void = () => {}): Promise<number> {
    const say = (line: string) => {
      world.say(line)
      tell(line)
    }
    this.#sending ??= this.#send({ ...world, say }).finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  async #send(world: LetterWorld): Promise<number> {
    const reporter = reporterOf(world.settings, "DmarcReports")
    await this.#counts.flush()
    let waiting = 0
    const now = this.#parts.wall()
    const oldest = dayOf(now - mostDays * dayLength)
    for (const day of this.#counts.days().filter((one) => one < dayOf(now))) {
      if (reporter === undefined) {
        if (day < oldest) this.#counts.forget(day) // the line is gone, and nobody waits for it
        continue
      }
      let left = 0
      for await (const draft of this.#draftsOf(day, reporter)) {
        if (await sendOne(draft, reporter, world))
          await this.#counts.markSent(day, draft.report.policy.domain)
        else left++
      }
      if (left > 0 && day < oldest) world.say(`${left} DMARC reports of ${day} are given up`)
      if (left === 0 || day < oldest) this.#counts.forget(day)
      else waiting += left
    }
    return waiting
  }
}

/** Whether nothing more is to be done with it. */
async function sendOne(
  { report, destinations }: Draft,
  reporter: Mailbox,
  world: LetterWorld,
): Promise<boolean> {
  const { domain } = report.policy
  const silent = destinations.find(({ is }) => is === "unknown")
  if (silent?.is === "unknown") {
    world.say(`the DMARC report about ${domain} waits: ${silent.why}`)
    return false
  }
  const packed = await packedReport(report)
  for (const destination of destinations) {
    const why = refusal(destination, packed)
    if (destination.is !== "wanted" || why !== undefined) {
      world.say(`no DMARC report about ${domain} for ${destination.uri}: ${why ?? "nobody knows"}`)
      continue
    }
    const queued = await queueReport(report, packed, { to: destination.mailbox, reporter }, world)
    if (!queued.ok) {
      world.say(`the DMARC report about ${domain} waits: ${queued.error}`)
      return false
    }
    world.say(`${queued.value}: DMARC report ${report.id} for ${printPath(destination.mailbox)}`)
  }
  return true
}

function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10)
}
