// confTLS_REPORTS: reports about TLS with other hosts (RFC 8460) to the domains that ask for them by rua=, once for each day (UTC), in the
// hours after its end. Without the line nothing is counted and nothing sent.
import { gzipSync } from "node:zlib"
import { tlsLetterOf } from "../auth/tls-report-letter.ts"
import { type ReportPlace, reportPlaces } from "../auth/tls-report-record.ts"
import { sumByDomain } from "../auth/tls-report-sum.ts"
import { type PolicySum, printTlsReport, type SeenSession, type TlsReport } from "../auth/tls-report.ts"
import { reporterOf } from "../config/reporters.ts"
import type { Settings } from "../config/settings.ts"
import { DayCounts } from "../host/day-counts.ts"
import { type Mailbox, parseMailbox, printDomain, printPath } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Clock, Dns } from "../mail/world.ts"
import type { Entry } from "../queue/entry.ts"
import { postReport, type PostWorld } from "../trust/tls-report-post.ts"
import { type LetterWorld, queueLetter } from "./own-letter.ts"

export type TlsReportParts = Pick<PostWorld, "mayReach"> & {
  readonly directory: string
  /** The machine's clock: days are everybody's. */
  readonly wall: Clock
  readonly dns: Pick<Dns, "txt" | "addresses">
  readonly say: (line: string) => void
  readonly bug: (error: unknown) => void
  /** From 0 to 1: when in the first hours of a day the reports go; Math.random when absent. */
  readonly random?: () => number
}

/** One domain's day. */
type Draft = {
  readonly day: string
  readonly domain: string
  readonly policies: readonly PolicySum[]
  readonly reporter: Mailbox
}

/** A report as it would be now. */
export type TlsDraft = {
  /** The day is over, so it can be sent. */
  readonly over: boolean
  readonly domain: string
  readonly report: TlsReport
  /** Who would get it; a text says why that cannot be told now. */
  readonly places: readonly ReportPlace[] | string
}

/** Milliseconds between writes of what was counted, and looks for days that are over. */
const every = 5 * 60_000
const dayLength = 86_400_000
/** RFC 8460 §4.1: some hours later, and not all systems of the world at once. */
const spread = 4 * 3_600_000
/** A report that no place has taken is given up so long after its day (§5.5). */
const givenUp = dayLength + spread

/** The name of these letters' arrival, by which they are known. */
const about = "tls-report"

/** RFC 8460 §3: it is delivered despite all failures of TLS, and is in no report itself. */
export function isTlsReport({ arrival: { client, door, session } }: Entry): boolean {
  return client === undefined && door === "report" && session === about
}

/** Owned by the mail process, stopped once. */
export class TlsReports {
  readonly #parts: TlsReportParts
  readonly #counts: DayCounts<SeenSession>
  readonly #delay: number
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> = Promise.resolve()

  constructor(parts: TlsReportParts) {
    this.#parts = parts
    this.#counts = new DayCounts(parts.directory, "TLS reports", parts.say)
    this.#delay = (parts.random ?? Math.random)() * spread
  }

  /** Where sessions are told of; undefined where no line asks for reports. */
  seenBy(settings: Settings): ((seen: SeenSession) => void) | undefined {
    if (reporterOf(settings, "TlsReports") === undefined) return undefined
    return (seen) => this.#counts.add(dayOf(this.#parts.wall()), seen)
  }

  /** From now on what was counted is written, and what is due is sent. */
  start(world: () => LetterWorld): void {
    const look = async () => {
      await this.#counts.flush()
      await this.send(world())
    }
    this.#timer = setInterval(() => void look().catch(this.#parts.bug), every).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#counts.flush()
  }

  /** What was counted and is not sent yet, as reports. */
  async *drafts(settings: Settings): AsyncIterable<TlsDraft> {
    const reporter = reporterOf(settings, "TlsReports")
    if (reporter === undefined) return
    await this.#counts.flush()
    for (const day of this.#counts.days()) {
      const sent = this.#counts.sent(day)
      for (const [domain, policies] of sumByDomain((await this.#counts.read(day)).counts)) {
        if (sent.has(domain)) continue
        const places = await this.#placesOf(domain)
        const report = reportOf({ day, domain, policies, reporter })
        yield {
          over: day < dayOf(this.#parts.wall()),
          domain,
          report,
          places: places.ok ? places.value : places.error,
        }
      }
    }
  }

  /** Sends what is due, one call after the other; how many wait. Who asks by hand (`at once`) waits for no hour of the day. */
  send(world: LetterWorld, when: "in its time" | "at once" = "in its time"): Promise<number> {
    const sending = this.#sending.then(() => this.#send(world, when === "at once" ? 0 : this.#delay))
    this.#sending = sending.then(
      () => {},
      () => {}, // who called it hears why
    )
    return sending
  }

  async #send(world: LetterWorld, delay: number): Promise<number> {
    const reporter = reporterOf(world.settings, "TlsReports")
    if (reporter === undefined) return 0
    await this.#counts.flush()
    let left = 0
    for (const day of this.#counts.days()) {
      const over = Date.parse(`${day}T00:00:00Z`) + dayLength
      const now = this.#parts.wall()
      if (now < over + delay) continue
      const { counts } = await this.#counts.read(day)
      const sent = this.#counts.sent(day)
      let waiting = 0
      for (const [domain, policies] of sumByDomain(counts)) {
        if (sent.has(domain)) continue
        const done = await this.#report({ day, domain, policies, reporter }, world)
        if (done.ok) await this.#counts.markSent(day, domain)
        else waiting++
        if (!done.ok)
          world.say(
            `the TLS report for ${domain} of ${day} ${now > over + givenUp ? "is given up" : "waits"}: ${done.error}`,
          )
      }
      if (waiting === 0 || now > over + givenUp) this.#counts.forget(day)
      else left += waiting
    }
    return left
  }

  /** Where the domain wants its reports. */
  async #placesOf(domain: string): Promise<Result<readonly ReportPlace[]>> {
    const asked = await this.#parts.dns.txt(`_smtp._tls.${domain}`)
    if (asked.found === "unavailable") return fail(`no answer for its TLSRPT record: ${asked.why}`)
    return ok(asked.found === "records" ? reportPlaces(asked.records) : [])
  }

  /** To each place that the domain names; one that takes it is enough (RFC 8460 §3). A domain that names none wants none. */
  async #report(draft: Draft, world: LetterWorld): Promise<Result<void>> {
    const { domain } = draft
    const places = await this.#placesOf(domain)
    if (!places.ok) return places
    if (places.value.length === 0) return ok(undefined)
    const report = reportOf(draft)
    const packed = gzipSync(printTlsReport(report))
    const told: Result<string>[] = []
    for (const place of places.value) {
      const way =
        place.by === "https" ? this.#post(place.url, packed) : mail(place, { draft, report, packed }, world)
      told.push(await way)
    }
    const refused = told.flatMap((one) => (one.ok ? [] : [one.error]))
    if (refused.length === told.length) return fail(refused.join("; "))
    for (const one of told) world.say(one.ok ? one.value : `no TLS report for ${domain}: ${one.error}`)
    return ok(undefined)
  }

  async #post(url: string, packed: Buffer): Promise<Result<string>> {
    const posted = await postReport(url, packed, this.#parts)
    return posted.ok ? ok(`TLS report: ${url} took it`) : posted
  }
}

/** What a domain is told of a day. The same day has the same id, however often it is told. */
function reportOf({ day, domain, policies, reporter }: Draft): TlsReport {
  const organization = printDomain(reporter.domain)
  return {
    organization,
    contact: printPath(reporter),
    id: `${day.replaceAll("-", "")}.${domain}@${organization}`,
    begin: `${day}T00:00:00Z`,
    end: `${day}T23:59:59Z`,
    policies,
  }
}

/** Queues it as mail of our own. One that cannot be delivered is nobody's trouble, so nobody is told. */
async function mail(
  { address }: ReportPlace & { readonly by: "mail" },
  { draft, report, packed }: { readonly draft: Draft; readonly report: TlsReport; readonly packed: Buffer },
  world: LetterWorld,
): Promise<Result<string>> {
  const { domain, reporter } = draft
  const to = parseMailbox(address)
  if (!to.ok) return fail(`mailto:${address} is no address: ${to.error}`)
  const reason = because("TLS-RPT", `a report about ${domain}, which asks for it by rua=`)
  const queued = await queueLetter(
    {
      about,
      reversePath: reporter,
      body: "7bit",
      recipient: { path: to.value, original: undefined, notify: ["never"], admitted: reason },
      write: ({ id, date }) => tlsLetterOf({ domain, report, packed, to: printPath(to.value), date, id }),
    },
    world,
  )
  return queued.ok ? ok(`${queued.value}: TLS report ${report.id} for ${address}`) : queued
}

function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10)
}
