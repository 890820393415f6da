// What this mail system counts of itself, for Prometheus: sessions, messages, refusals by reason, deliveries and how long they took,
// what waits, questions to DNS. Counting is an addition; the queue is looked through when somebody asks.
import { Counter, gauge, Histogram, type Metric, printMetrics } from "../host/metrics.ts"
import { version } from "../host/version.ts"
import type { Reply } from "../mail/reply.ts"
import type { Clock } from "../mail/world.ts"
import type { Entry } from "../queue/entry.ts"
import type { Settled } from "../queue/settle.ts"
import type { Asked } from "../smtp/session.ts"
import type { QueueAges, Spool } from "../spool/spool.ts"

/** Upper ends in seconds, from a mailbox here to a host that was away for days. */
const deliverySeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 28_800, 86_400, 432_000]
const attemptSeconds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800]
const dnsSeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 20]

/** Milliseconds for which a look at the queue is good enough: a second scraper costs nothing. */
const lookEvery = 5000

export class Measures {
  readonly #spool: Pick<Spool, "ages">
  readonly #clock: Clock
  readonly #startedAt: number
  #look: { readonly at: number; readonly ages: Promise<QueueAges> } | undefined
  #open = 0
  readonly #sessions = new Counter("waypost_sessions_total", "Sessions that began, by listener.", ["door"])
  readonly #accepted = new Counter("waypost_accepted_total", "Messages accepted, by listener.", ["door"])
  readonly #octets = new Counter("waypost_accepted_bytes_total", "Octets of accepted messages.", ["door"])
  readonly #refused = new Counter(
    "waypost_refusals_total",
    "Questions of sessions answered with no (5xx) or later (4xx), by sendmail's ruleset, by what decided, and by code.",
    ["question", "reason", "code"],
  )
  readonly #deliveries = new Counter(
    "waypost_deliveries_total",
    "Recipients and what an attempt came to, by mailer.",
    ["mailer", "result", "code"],
  )
  readonly #delivery = new Histogram(
    "waypost_delivery_seconds",
    "From acceptance to delivery, for each recipient served.",
    { bounds: deliverySeconds, labels: ["mailer"] },
  )
  readonly #attempt = new Histogram("waypost_attempt_seconds", "How long an attempt took.", {
    bounds: attemptSeconds,
    labels: ["mailer"],
  })
  readonly #dns = new Histogram("waypost_dns_seconds", "Questions to DNS that our cache could not answer.", {
    bounds: dnsSeconds,
    labels: ["type", "found"],
  })

  constructor(spool: Pick<Spool, "ages">, clock: Clock) {
    this.#spool = spool
    this.#clock = clock
    this.#startedAt = clock()
  }

  sessionBegan(door: string): void {
    this.#open++
    this.#sessions.add(1, door)
  }

  sessionEnded(): void {
    this.#open--
  }

  accepted({ arrival, size }: Entry): void {
    this.#accepted.add(1, arrival.door)
    this.#octets.add(size, arrival.door)
  }

  refused({ question, reason }: Asked, { code, status }: Reply): void {
    this.#refused.add(1, question, reason.step, status ?? String(code))
  }

  settled({ acceptedAt }: Entry, { pending, status }: Settled, startedAt: number): void {
    const mailer = pending.route?.mailer ?? "none"
    const at = status.at.getTime()
    this.#deliveries.add(1, mailer, results[status.action], status.status)
    if (pending.route === undefined) return // nothing was tried
    this.#attempt.observe(Math.max(0, at - startedAt) / 1000, mailer)
    if (status.action === "delivered" || status.action === "relayed")
      this.#delivery.observe(Math.max(0, at - acceptedAt) / 1000, mailer)
  }

  /** A question that was asked of a name server. */
  asked(type: string, found: string, milliseconds: number): void {
    this.#dns.observe(milliseconds / 1000, type, found)
  }

  /** The page for Prometheus. */
  async page(): Promise<string> {
    return printMetrics([
      gauge("waypost_build_info", "1; which version runs.", [
        { labels: { version, node: process.version }, value: 1 },
      ]),
      gauge("waypost_sessions", "Sessions that are open.", [{ value: this.#open }]),
      this.#sessions,
      this.#accepted,
      this.#octets,
      this.#refused,
      this.#deliveries,
      this.#delivery,
      this.#attempt,
      this.#dns,
      ...queueMetrics(await this.#ages()),
      ...this.#process(),
    ])
  }

  #ages(): Promise<QueueAges> {
    const now = this.#clock()
    if (this.#look !== undefined && Math.abs(now - this.#look.at) < lookEvery) return this.#look.ages
    const ages = this.#spool.ages(now)
    this.#look = { at: now, ages }
    ages.catch(() => (this.#look = undefined))
    return ages
  }

  /** Prometheus's usual names for what any process has. */
  #process(): readonly Metric[] {
    const { user, system } = process.cpuUsage()
    const cpu = new Counter("process_cpu_seconds_total", "CPU of the mail process.")
    cpu.add((user + system) / 1e6)
    return [
      cpu,
      gauge("process_resident_memory_bytes", "Memory of the mail process.", [
        { value: process.memoryUsage.rss() },
      ]),
      gauge("process_start_time_seconds", "When it began, since 1970.", [{ value: this.#startedAt / 1000 }]),
    ]
  }
}

const results = {
  delivered: "delivered",
  relayed: "relayed",
  expanded: "expanded",
  delayed: "deferred",
  failed: "failed",
} as const

function queueMetrics(ages: QueueAges): readonly Metric[] {
  const samples = (of: "messages" | "recipients") =>
    ages.map((one) => ({ labels: { state: one.state, age: one.age }, value: one[of] }))
  const help = "in the queue, by state (active: to be tried now; deferred; held) and age"
  return [
    gauge("waypost_queue_messages", `Messages ${help}.`, samples("messages")),
    gauge("waypost_queue_recipients", `Recipients ${help}.`, samples("recipients")),
  ]
}
