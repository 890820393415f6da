// The mail process put together: spool, decisions, sessions, runner, control socket. Each part is in a file of its own; here is
// only who knows whom, and the order in which they begin and end.
import type { Server, Socket } from "node:net"
import { join } from "node:path"
import { connectAgent } from "../agent/client.ts"
import type { Agent } from "../agent/protocol.ts"
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import { makeAccounts } from "../host/accounts.ts"
import { openPasswordFiles, type PasswordFiles } from "../host/password-files.ts"
import { systemResolver } from "../host/resolver.ts"
import { type LoadAverage, loadAverage } from "../host/load-average.ts"
import type { Log } from "../host/log.ts"
import { SteadyClock } from "../host/steady-clock.ts"
import { software, version } from "../host/version.ts"
import type { Content } from "../mail/content.ts"
import { printPath } from "../mail/address.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { diagnosticText } from "../mail/status.ts"
import type { Accounts, Dns, NewId } from "../mail/world.ts"
import { Leaving } from "../host/leaving.ts"
import { patience } from "../host/patience.ts"
import { HostStatuses } from "../mailers/host-memory.ts"
import { userFileReader } from "../mailers/user-file.ts"
import type { Entry, Queued } from "../queue/entry.ts"
import type { Settled } from "../queue/settle.ts"
import { isOwnTrouble, nextAttempt } from "../queue/schedule.ts"
import type { DamageReport } from "../spool/requests.ts"
import type { Spool } from "../spool/spool.ts"
import { openSpool } from "../spool/sqlite.ts"
import type { TlsMaterial } from "../trust/tls-options.ts"
import { attempt } from "./attempt.ts"
import { whoControls } from "./controlling.ts"
import { serveControl } from "./control.ts"
import { controlVerbs } from "./control-verbs.ts"
import { DamageNotices } from "./damage-notices.ts"
import { type Decisions, makeDecisions } from "./decisions.ts"
import { type Deliver, makeDelivery } from "./delivery.ts"
import { Doors } from "./doors.ts"
import { endWork } from "./ending.ts"
import { expandFrom } from "./expansion.ts"
import { explainSystem } from "./explain-system.ts"
import { Followers } from "./followers.ts"
import { makeIds } from "./ids.ts"
import { acceptedEvents, setAside } from "./life-events.ts"
import { Live } from "./live.ts"
import { LoginThrottle } from "./login-throttle.ts"
import { Measures } from "./measures.ts"
import type { Configuration } from "./messages.ts"
import { MetricsDoor } from "./metrics-door.ts"
import { ClientQueue } from "./client-queue.ts"
import { clientReport } from "./client-report.ts"
import { makeRunNode, NodeRuns } from "./node-runs.ts"
import { OwnReports } from "./own-reports.ts"
import { QueueGroups } from "./queue-groups.ts"
import { report } from "./reports.ts"
import { tidyAtRest } from "./resting.ts"
import { Runner } from "./runner.ts"
import { Sampling } from "./sampling.ts"
import { SieveMemory, sieveServices } from "./sieve-services.ts"
import { logOf, spoolPlace } from "./opening.ts"
import { Statistics } from "./statistics.ts"
import { submissionStream } from "./submission-stream.ts"
import { Watchers } from "./watchers.ts"
import type { WhatIfWorld } from "./what-if-verb.ts"

/** What lives as long as the process. */
type Parts = {
  readonly configuration: Configuration
  readonly spool: Spool
  readonly agent: Agent
  readonly accounts: Accounts
  readonly dns: Dns
  readonly log: Log
  readonly time: SteadyClock
  readonly measures: Measures
  readonly live: Live
  readonly passwords: PasswordFiles
  readonly throttle: LoginThrottle
  readonly reports: OwnReports
  readonly loadAverage: LoadAverage
}

/** Milliseconds in which other hosts may hear our QUIT when we stop. */
const goodbyes = 1000

/** Milliseconds between looks at the client queue. */
const clientQueueEvery = 20 * 60_000

export class MailSystem {
  readonly #parts: Parts
  readonly #runner: Runner
  readonly #doors: Doors
  readonly #newId: NewId
  readonly #watchers = new Watchers()
  readonly #followers = new Followers()
  readonly #stopping = new AbortController()
  readonly #leaving = new Leaving()
  readonly #hosts = new HostStatuses()
  readonly #statistics: Statistics
  readonly #metricsDoor: MetricsDoor
  readonly #sieveMemory: SieveMemory
  readonly #clientQueue: ClientQueue
  readonly #nodeRuns: NodeRuns
  readonly #damageNotices = new DamageNotices(() => this.#reportWorld())
  #decisions: Decisions
  #deliver: Deliver
  /** Of the configuration in force. */
  #groups: QueueGroups | undefined
  #control: Server | undefined
  #endResting: () => void = () => {}
  readonly #queueOnly: boolean

  /** Opens everything. The error is one line for the user. */
  static async open(configuration: Configuration, askReload: () => void): Promise<Result<MailSystem>> {
    const { layout, resolver, asRoot, settings, tls } = configuration
    const log = logOf(configuration)
    const live = new Live()
    const time = new SteadyClock((line) => log.note(line))
    const clock = time.now
    const damage: DamageReport[] = []
    let tell = (found: DamageReport): void => void damage.push(found)
    // The spool's thread reads the queue while the rest is made.
    const opening = openSpool({
      ...spoolPlace(configuration),
      onDamage: (found) => tell(found),
      onNote: (events) => live.tell(events),
      clock,
      steady: time,
      log: (line) => log.note(line),
    })
    const connecting = connectAgent(layout.agent)
    let measures: Measures | undefined
    const dns = systemResolver(resolver ?? option(settings, "DnsResolver"), (...said) =>
      measures?.asked(...said),
    )
    if (!dns.ok) return dns
    const accounts = makeAccounts({
      passwd: "/etc/passwd",
      usersFile: layout.usersFile,
      asRoot,
      log: (line) => log.note(line),
    })
    const passwords = openPasswordFiles(layout.usersFile, layout.saslFile)
    const throttle = new LoginThrottle(clock)
    const reports = new OwnReports({
      directory: layout.queue,
      wall: time.wall,
      dns: dns.value,
      say: (line) => log.note(line),
      bug: (error) => log.bug(error),
    })
    const agent = await connecting
    const shared = { configuration, agent, accounts, log, time, dns: dns.value }
    const early = { ...shared, live, passwords, throttle, reports, loadAverage: loadAverage() }
    const decisions = decide(settings, tls, early)
    const spool = await opening
    if (!spool.ok) return spool
    if (!decisions.ok) return fail(decisions.error)
    measures = new Measures(spool.value, clock)
    const parts: Parts = { ...early, spool: spool.value, measures }
    const system = new MailSystem(parts, decisions.value)
    await system.#begin(askReload)
    tell = (found) => system.#tellDamage(found)
    for (const found of damage) tell(found)
    return ok(system)
  }

  private constructor(parts: Parts, decisions: Decisions) {
    const { spool, log, time, configuration } = parts
    const clock = time.now
    this.#parts = parts
    this.#newId = makeIds(clock, Math.floor(Math.random() * 1_000_000))
    this.#decisions = decisions
    this.#statistics = new Statistics(configuration.layout.statistics, time.wall())
    this.#metricsDoor = new MetricsDoor({
      page: () => parts.measures.page(),
      say: (line) => log.note(line),
      bug: (error) => log.bug(error),
    })
    this.#sieveMemory = new SieveMemory(configuration.layout.sieve)
    this.#groups = QueueGroups.of(decisions.routing, clock)
    this.#deliver = this.#makeDeliver(decisions)
    this.#queueOnly = /^[qd]/i.test(option(decisions.settings, "DeliveryMode"))
    this.#runner = new Runner({
      spool,
      clock,
      queueOnly: this.#queueOnly,
      interval: configuration.queueInterval === undefined ? undefined : configuration.queueInterval * 1000,
      attempt: (queued, content) => this.#attempt(queued, content),
      damaged: (queued, why) => this.#damaged(queued, why),
      bug: (error) => log.bug(error),
    })
    this.#nodeRuns = new NodeRuns(
      makeRunNode({
        ...{ spool, clock, ahead: time.ahead, groups: () => this.#groups, bug: (error) => log.bug(error) },
        wake: () => {
          this.#decisions.smtp.askAgain()
          this.#runner.wake()
        },
      }),
    )
    this.#doors = new Doors(() => this.#decisions, {
      spool,
      log,
      clock,
      wall: time.wall,
      dns: parts.dns,
      newId: this.#newId,
      watchers: this.#watchers,
      measures: parts.measures,
      sampling: new Sampling(),
      loadAverage: parts.loadAverage,
      stopping: this.#stopping.signal,
      deliver: (queued, content) => {
        this.#accepted(queued)
        this.#runner.accepted(queued, content)
      },
      runQueue: (argument) => this.#nodeRuns.ask(argument),
    })
    this.#clientQueue = this.#makeClientQueue()
  }

  #makeClientQueue(): ClientQueue {
    const { configuration, log, time } = this.#parts
    return new ClientQueue({
      directory: configuration.layout.clientQueue,
      session: (login) => this.#doors.sessionFor(login),
      hop: () => submissionStream(this.#decisions.settings),
      say: (line) => log.note(line),
      bug: (error) => log.bug(error),
      report: async (kept, octets, refused) => {
        const about = { refused, settings: this.#decisions.settings, now: time.wall() }
        const made = await clientReport(kept, octets, about)
        return made === undefined
          ? ok(undefined)
          : report(made.queued, made.content, made.told, {
              ...this.#reportWorld(),
              ahead: () => 0, // the file has the machine's dates
              author: made.author,
            })
      },
    })
  }

  async #begin(askReload: () => void): Promise<void> {
    const { layout } = this.#parts.configuration
    const { spool, log, time, reports } = this.#parts
    const verbs = controlVerbs({
      spool,
      runner: this.#runner,
      watchers: this.#watchers,
      followers: this.#followers,
      clock: time.now,
      ahead: time.ahead,
      groups: () => this.#groups,
      version,
      listeners: () => this.#decisions.settings.daemons.map(({ address, port }) => ({ address, port })),
      reload: askReload,
      hosts: {
        list: () => this.#hosts.list(),
        forget: () => {
          this.#hosts.forget()
          this.#decisions.smtp.forget()
        },
        askAgain: () => this.#decisions.smtp.askAgain(),
      },
      statistics: this.#statistics,
      metrics: () => this.#parts.measures.page(),
      clientQueue: this.#clientQueue,
      whatIf: this.#whatIfWorld(),
      live: this.#parts.live,
      reports: reports.asked(() => this.#reportWorld()),
      explain: (typed, from, client) =>
        explainSystem({ typed, from, client }, { ...this.#decisions, dns: this.#parts.dns, clock: time.now }),
    })
    this.#control = await serveControl(layout.control, verbs, (error) => log.bug(error))
    await this.#doors.openLocal(layout.submit)
    this.#runner.start()
    this.#clientQueue.start(clientQueueEvery)
    reports.start(() => this.#reportWorld())
    await this.#metricsDoor.follow(option(this.#decisions.settings, "MetricsPort"))
    this.#endResting = tidyAtRest(() => this.#parts.spool.trimMemory())
  }

  /** Sessions come in by this listener from now on, under the daemon at this place of the settings. */
  serve(server: Server, place: string): void {
    if (!this.#doors.open(server, place))
      this.#parts.log.note(`no daemon of the configuration listens at ${place}`)
  }

  /** Nobody comes in there any more; who is inside stays. */
  shut(places: readonly string[]): void {
    this.#doors.shut(places)
  }

  /** A client that was accepted before we served its listener. */
  welcome(socket: Socket, place: string): void {
    this.#doors.welcome(socket, place)
  }

  /** New sessions and attempts follow the new settings. A wrong one changes nothing. */
  async reload(settings: Settings, tls: TlsMaterial): Promise<void> {
    const made = decide(settings, tls, this.#parts)
    if (!made.ok) return this.#parts.log.note(`reload refused, the old configuration stays: ${made.error}`)
    const old = this.#decisions
    this.#decisions = made.value
    this.#doors.follow(settings)
    await this.#metricsDoor.follow(option(settings, "MetricsPort"))
    this.#groups = QueueGroups.of(made.value.routing, this.#parts.time.now)
    this.#deliver = this.#makeDeliver(made.value)
    this.#runner.wake()
    await old.close()
  }

  /** Ends in order: no new sessions, what is in hand is finished (ending.ts), the spool closes. */
  async stop(): Promise<void> {
    this.#endResting()
    this.#damageNotices.close()
    this.#doors.close()
    await endWork({
      sessions: () => {
        this.#stopping.abort()
        return Promise.all([this.#clientQueue.stop(), this.#doors.ended()])
      },
      deliveries: () => this.#runner.stop(),
      leaving: this.#leaving,
    })
    this.#control?.close()
    this.#metricsDoor.close()
    this.#statistics.close()
    this.#sieveMemory.close()
    await patience(this.#decisions.close(), goodbyes)
    await this.#parts.reports.stop()
    this.#parts.agent.close()
    await this.#parts.spool.close()
    this.#parts.log.flush()
  }

  async #attempt(queued: Queued, content: Content): Promise<number | undefined> {
    try {
      return await this.#attemptFollowed(queued, content)
    } finally {
      this.#followers.end(queued.entry.id)
    }
  }

  async #attemptFollowed(queued: Queued, content: Content): Promise<number | undefined> {
    const { spool, log, time } = this.#parts
    const { settings, routing, routingToHere, putOff } = this.#decisions
    const isFollowed = this.#followers.listenerFor(queued.entry.id) !== undefined
    const controls = await whoControls(queued.entry, routing)
    return attempt(queued, content, {
      spool,
      clock: time.now,
      forward: isFollowed ? "now" : "at delivery", // who looks on sees no delivery that is none
      expand: (pending, { envelope }, forward) =>
        expandFrom(envelope.reversePath, pending, forward === "now" ? routing : routingToHere),
      deliver: this.#deliver,
      leaving: this.#leaving,
      groups: this.#groups,
      putOff,
      fate: (pending, { acceptedAt, envelope, summary }, status) => {
        const { notify } = pending.recipient
        const moment = { now: time.now(), random: Math.random(), settings, own: isOwnTrouble(status) }
        return nextAttempt({ ...pending, ...envelope, ...summary, ...moment, acceptedAt, notify })
      },
      report: (about, octets, told) => report(about, octets, told, this.#reportWorld()),
      log: (entry, tried, startedAt) => {
        log.delivered(entry, tried, startedAt, controls(tried.pending))
        this.#followers.settled(entry, tried)
        this.#remember(entry, tried)
        this.#parts.measures.settled(entry, tried, startedAt)
      },
    })
  }

  /** For mailstats and hoststat. */
  #remember(entry: Entry, settled: Settled): void {
    this.#statistics.settled(entry, settled)
    if (option(this.#decisions.settings, "HostStatusDirectory") === undefined) return
    const { remote, status, diagnostic, reason, at } = settled.status
    const says = diagnosticText(diagnostic) ?? reason.says
    this.#hosts.note(remote, { at: at.getTime() + this.#parts.time.ahead(), status, says })
  }

  #accepted(queued: Queued): void {
    this.#statistics.accepted(queued.entry)
    if (!this.#queueOnly) this.#followers.expect(queued)
  }

  #whatIfWorld(): WhatIfWorld {
    const { spool, dns, accounts, agent, configuration, time } = this.#parts
    return {
      spool,
      dns,
      accounts,
      clock: time.now,
      readUserFile: (...asked) => userFileReader(agent, this.#decisions.settings)(...asked),
      settings: () => this.#decisions.settings,
      srs: () => this.#decisions.routing.srs,
      state: configuration.layout.state,
      asRoot: configuration.asRoot,
    }
  }

  #reportWorld() {
    const { spool, log, time } = this.#parts
    return {
      spool,
      settings: this.#decisions.settings,
      software,
      clock: time.now,
      ahead: time.ahead,
      newId: this.#newId,
      onAccepted: (queued: Queued, content: Content) => {
        spool.note(acceptedEvents(queued, content))
        this.#runner.accepted(queued, content)
      },
      reported: (entry: Entry, made: Entry, about: Settled, to: string) =>
        log.reported(entry, made, about, to),
      say: (line: string) => log.note(line),
    }
  }

  #makeDeliver({ settings, smtp, routing, sign }: Decisions): Deliver {
    const { agent, accounts, time } = this.#parts
    const sieve = sieveServices({ ...this.#reportWorld(), settings, memory: this.#sieveMemory })
    return makeDelivery({
      settings,
      smtp,
      routing,
      sign,
      agent,
      accounts,
      clock: time.now,
      ahead: time.ahead,
      sieve,
      state: this.#parts.configuration.layout.state,
      followers: this.#followers,
      leaving: this.#leaving,
      groups: this.#groups,
    })
  }

  /** What cannot be read is kept, said and not tried again until somebody looks at it. */
  async #damaged({ entry, pending }: Queued, why: string): Promise<void> {
    const { spool, log } = this.#parts
    log.note(`${entry.id}: SYSERR(waypost): the message is damaged and set aside: ${why}`)
    await spool.hold(entry.id, `damaged: ${why}`)
    const recipients = pending.map(({ recipient }) => printPath(recipient.path))
    const sender = printPath(entry.envelope.reversePath)
    const { subject } = entry.summary
    const where = join(this.#parts.configuration.layout.queue, "damaged")
    const lost = [{ id: entry.id, why, sender, recipients, subject }]
    this.#tellDamage({ why: `${entry.id}: ${why}`, kept: 0, lost, where })
  }

  /** The log has it already: the timelines are told, and the postmaster. */
  #tellDamage(found: DamageReport): void {
    const { spool, time } = this.#parts
    spool.note(found.lost.map(({ id, why }) => setAside(id, time.now(), why)))
    this.#damageNotices.tell(found)
    this.#runner.wake()
  }
}

function decide(
  settings: Settings,
  tls: TlsMaterial,
  parts: Omit<Parts, "spool" | "measures">,
): Result<Decisions> {
  const { dns, accounts, agent, log, time, configuration, passwords, throttle } = parts
  const { addresses } = configuration
  return makeDecisions(settings, {
    dns,
    accounts,
    readUserFile: userFileReader(agent, settings),
    log,
    clock: time.now,
    wall: time.wall,
    addresses,
    loadAverage: parts.loadAverage,
    directory: configuration.layout.queue,
    tls,
    logins: { agent, files: passwords, throttle },
    reports: parts.reports,
  })
}
