// One attempt to give a message to the hosts of one route: exchanger after exchanger, transaction after transaction, until every
// recipient has a status. What went wrong with a host counts only for those whom no other host served.
import type { SeenSession } from "../auth/tls-report.ts"
import type { Leaving } from "../host/leaving.ts"
import { printPath } from "../mail/address.ts"
import type { Content } from "../mail/content.ts"
import { because, type Decision, type Reason } from "../mail/decision.ts"
import type { Envelope, Recipient } from "../mail/envelope.ts"
import type { Route } from "../mail/route.ts"
import { allThere, type Soon, whenThere } from "../mail/soon.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Clock, Dns } from "../mail/world.ts"
import { addressesOf, type ExchangerWorld, findExchangers, type Target } from "../routing/exchangers.ts"
import type { Work } from "../smtp/client-commands.ts"
import { type Broken, delayedBy, type Fate, statusOf } from "../smtp/client-fate.ts"
import type { Lease, Pool } from "./esmtp-pool.ts"
import type { PeerSecurity } from "./esmtp-security.ts"
import { seen, seenSession } from "./esmtp-seen.ts"
import { type Listener, namedPeer, type Peer, type Session } from "./esmtp-session.ts"
import { type Demand, type Demanded, demandOf, type Demands, type Way, wayTo } from "./esmtp-demand.ts"
import type { ClientTimeouts, SmtpDelivery } from "./esmtp-terms.ts"

/** A message and the recipients that one route takes it to. */
export type SmtpBatch = {
  /** Queue id, for the log. */
  readonly id: string
  readonly envelope: Omit<Envelope, "recipients">
  readonly recipients: readonly Recipient[]
  /** What RCPT says where it is not the recipient's own path, without brackets, in the same order (Route.user). */
  readonly addresses?: readonly string[]
  readonly route: Route
  readonly content: Content
  /** It was not tried before, for none of them. */
  readonly first?: boolean
  /** Hears what is said; `>>>` is ours. */
  readonly listener?: Listener
  /** It is a report about TLS: it goes whatever is wrong with TLS, and is in no report itself (RFC 8460 §3). */
  readonly despiteTls?: boolean
}

export type AttemptTerms = {
  readonly dns: Pick<Dns, "addresses">
  readonly exchangers: ExchangerWorld
  readonly isOurAddress: (address: string, port: number) => boolean
  readonly from: (address: string) => string | undefined
  readonly clock: Clock
  readonly pool: Pool
  readonly timeouts: Pick<ClientTimeouts, "iconnect" | "aconnect">
  readonly security?: PeerSecurity | undefined
  /** DANE and MTA-STS, where they are on. */
  readonly demands?: Demands | undefined
  readonly log: (line: string) => void
}

/** What kept a host from being of use, kept until the end in case no other host is. */
type Trouble = { readonly fate: Fate; readonly remote: string | undefined; readonly reason: Reason }

/** A status but for whose it is. */
type End = Omit<DeliveryStatus, "recipient">

/** Hosts asked in one attempt; those after them have their turn in the next. */
const mostHosts = 10

/** One attempt; made for it and thrown away after it. */
export class Attempt {
  readonly #batch: SmtpBatch
  readonly #how: SmtpDelivery
  readonly #terms: AttemptTerms
  readonly #leaving: Leaving | undefined
  readonly #statuses: (DeliveryStatus | undefined)[]
  /** Places of the recipients that have no status yet. */
  #open: readonly number[]
  #trouble: Trouble | undefined
  #utf8Header = false
  #deliverByLost = false
  #asked = 0
  /** Timeout.aconnect: from then on no other host is asked. */
  readonly #until: number
  /** The one that is being given the message. */
  #session: Session | undefined
  /** To whose hosts we are on the way; undefined: nobody wants to know. */
  #toward: Way | undefined

  constructor(batch: SmtpBatch, how: SmtpDelivery, terms: AttemptTerms, leaving: Leaving | undefined) {
    this.#batch = batch
    this.#how = how
    this.#terms = terms
    this.#leaving = leaving
    this.#statuses = batch.recipients.map(() => undefined)
    this.#open = batch.recipients.map((_, n) => n)
    const { aconnect } = terms.timeouts
    this.#until = aconnect === 0 ? Number.POSITIVE_INFINITY : terms.clock() + aconnect
  }

  /** Everybody is served, or this attempt has asked as many hosts, or for as long, as it may. */
  get #isOver(): boolean {
    const { clock } = this.#terms
    return this.#open.length === 0 || this.#asked >= mostHosts || (this.#asked > 0 && clock() >= this.#until)
  }

  /** A status for each recipient, in the order of the batch. */
  async run(): Promise<readonly DeliveryStatus[]> {
    const { content, envelope } = this.#batch
    const { maxSize } = this.#how
    if (this.#isLeaving()) return this.#conclude()
    if (maxSize !== undefined && content.size > maxSize) {
      const says = `Message is too large; ${maxSize} bytes max` // RFC 3463 §3.3: 5.2.3
      this.#note({ action: "failed", status: "5.2.3", diagnostic: says, says }, undefined, undefined)
      return this.#conclude()
    }
    if (envelope.smtputf8) this.#utf8Header = await headerBeyondAscii(content)
    const given = this.#give()
    await (this.#leaving === undefined ? given : this.#leaving.unless(given, this.#letGo))
    return this.#conclude()
  }

  #give(): Promise<void> {
    const { path, lmtp } = this.#how
    return path === undefined
      ? this.#byExchangers()
      : this.#tryPeer({ key: path, place: { path }, lmtp }, path, undefined)
  }

  /** The system stops. Nobody waits for name servers and silent hosts (true), only for the answer to a message that was given whole. */
  readonly #letGo = (): boolean => {
    this.#session?.leave("Shutting down")
    return this.#session?.client.inDoubt !== true
  }

  #isLeaving(): boolean {
    return this.#leaving?.begun === true
  }

  async #byExchangers(): Promise<void> {
    const asked = findExchangers(this.#how.hostFor(this.#batch.route.host), this.#terms.exchangers)
    const decision = asked instanceof Promise ? await asked : asked
    if (decision.outcome !== "yes") return this.#undecided(decision)
    const way = await this.#way(decision.value.secure)
    this.#toward = way
    for (const [place, group] of decision.value.groups.entries()) {
      const addresses = addressesOf(group, this.#terms.dns, this.#isOurs)
      const found = addresses instanceof Promise ? await addresses : addresses
      if (found.outcome === "yes") {
        await this.#tryTargets(found.value, way)
        if (this.#isOver) return
      } else if (leadsBack(found)) {
        // RFC 5321 §5.1: this group and all after it lead back here; that is a loop only where nothing came before.
        if (place === 0) this.#undecided(found)
        return
      } else {
        this.#undecided(found)
      }
    }
  }

  readonly #isOurs = (address: string): boolean => this.#terms.isOurAddress(address, this.#how.port)

  /** undefined: nobody asks for DANE or MTA-STS. */
  #way(secure: boolean): Soon<Way | undefined> {
    const { demands } = this.#terms
    if (demands === undefined || this.#how.lmtp || this.#batch.despiteTls === true) return undefined
    return wayTo(this.#how.hostFor(this.#batch.route.host), secure, demands)
  }

  /** No host, for the reason that a step of routing gives. */
  #undecided(decision: Decision<unknown>): void {
    if (decision.outcome !== "no" && decision.outcome !== "later") return
    const { reply: words, reason } = decision
    const action = decision.outcome === "no" ? "failed" : "delayed"
    // Nobody spoke to us: the words are ours, about the domain that was asked for.
    const fate = {
      action,
      status: statusOf(words),
      diagnostic: words.text.join(" "),
      says: reason.says,
    } as const
    this.#keep({ fate, remote: this.#batch.route.host, reason })
  }

  async #tryTargets(targets: readonly Target[], way: Way | undefined): Promise<void> {
    const later: (() => Promise<void>)[] = []
    for (const target of targets) {
      if (this.#isOver) return
      const { exchanger, address } = target
      const remote = `${exchanger.host} ${bracketed(address)}`
      const demands = this.#demanded(target, way)
      const demanded = demands instanceof Promise ? await demands : demands
      if (demanded.is === "not this host") {
        const { told, reason } = demanded
        const failure = told && { result: told.result, reason: reason.says }
        if (way !== undefined && told !== undefined)
          this.#report(seen(way, told.policy, { host: exchanger.host, address }, failure))
        this.#note(demanded.fate, remote, withAfter(demanded.reason, exchanger.reason))
        continue
      }
      const demand = demanded.is === "demand" ? demanded.demand : undefined
      const why = demand?.reason ?? (demanded.is === "nothing" ? demanded.reason : undefined)
      const reason = why === undefined ? exchanger.reason : withAfter(why, exchanger.reason)
      const peer = this.#peer(address, exchanger.host, demand)
      const standing = this.#terms.pool.standing(peer.key)
      if (standing.state === "down") this.#note(delayedBy(standing.broken), remote, reason)
      else if (standing.state === "avoid") later.push(() => this.#tryPeer(peer, remote, reason))
      else await this.#tryPeer(peer, remote, reason)
    }
    for (const tryAgain of later) if (!this.#isOver) await tryAgain()
  }

  #demanded(target: Target, way: Way | undefined): Soon<Demanded> {
    const { demands } = this.#terms
    if (demands === undefined || way === undefined) return nothingDemanded
    return demandOf(target, way, { demands, port: this.#how.port })
  }

  /** Two names at one address are two peers: each has to show a certificate of its own. */
  #peer(address: string, host: string, demand: Demand | undefined): Peer {
    const { port, lmtp } = this.#how
    const place = { address, port, from: this.#terms.from(address) }
    const name = bareHost(host)
    const peer = {
      key: `${lmtp ? "lmtp" : "smtp"} ${name} ${bracketed(address)}:${port}${demand === undefined ? "" : ` ${demand.key}`}`,
      place,
      lmtp,
      host: name,
      ...(demand === undefined ? {} : { demand }),
      ...this.#connectMs(),
    }
    if (this.#batch.despiteTls === true) return { ...peer, key: `${peer.key} despite TLS`, despiteTls: true }
    return this.#how.implicitTls ? { ...peer, implicitTls: true } : peer
  }

  /** Timeout.iconnect. */
  #connectMs(): Pick<Peer, "connectMs"> {
    const { iconnect } = this.#terms.timeouts
    return iconnect > 0 && this.#batch.first === true ? { connectMs: iconnect } : {}
  }

  /** Gives this peer what is open. A session that had rested may have died meanwhile: then once more with a new one. */
  async #tryPeer(peer: Peer, remote: string, reason: Reason | undefined): Promise<void> {
    const { pool } = this.#terms
    this.#asked++
    const leased = pool.lease(peer, this.#leaving)
    let lease = leased instanceof Promise ? await leased : leased
    for (;;) {
      if (this.#toward !== undefined) this.#report(seenSession(this.#toward, peer, lease))
      if ("broken" in lease) return this.#note(ended(lease.broken), remote, reason)
      const before = this.#open.length
      await this.#use(lease, remote, reason)
      const { broken } = lease.session.client
      pool.release(lease.session)
      if (broken === undefined || this.#open.length === 0) return
      if (!lease.reused || this.#open.length < before) return this.#note(ended(broken), remote, reason)
      lease = await pool.fresh(peer, this.#leaving)
    }
  }

  #report(session: SeenSession | undefined): void {
    if (session !== undefined) this.#terms.demands?.report?.(session)
  }

  async #use({ session }: Lease, remote: string, reason: Reason | undefined): Promise<void> {
    this.#session = session
    const judged = this.#judgeRecipients(session, remote, reason)
    if (judged instanceof Promise) await judged
    let before = Number.POSITIVE_INFINITY
    while (this.#open.length > 0 && this.#open.length < before && session.client.broken === undefined) {
      if (this.#isLeaving()) break
      before = this.#open.length
      const portion = this.#open.slice(0, session.client.offers.mostRecipients ?? this.#how.recipients)
      this.#deliverByLost = session.client.offers.leastDeliverBy === undefined
      const work = this.#work(portion, this.#submitter(session))
      const fates = await session.transact(work, this.#batch.content, this.#batch.listener)
      const cutOff = this.#isLeaving() && session.client.broken !== undefined
      this.#decideAll(portion, cutOff ? fates.map(unlessDelayed) : fates, remote, reason)
      this.#stillOpen()
    }
    this.#session = undefined
  }

  /** Whose mail it is, for a peer who may hear it (RFC 4954 §5). */
  #submitter({ client }: Session): string | undefined {
    const { submitter } = this.#batch.envelope
    if (submitter === undefined) return undefined
    const reserved = this.#terms.security?.submitterIfLoggedIn === true
    return reserved && client.login?.ok !== true ? undefined : submitter
  }

  /** TLS_Rcpt: to some, mail goes only by a way that is good enough for it. */
  #judgeRecipients(session: Session, remote: string, reason: Reason | undefined): Soon<void> {
    const { security } = this.#terms
    const peer = namedPeer(session.peer)
    if (security?.judgesRecipients !== true || peer === undefined) return
    const asked = this.#open.map((n) =>
      whenThere(security.isWellFor(printPath(this.#recipient(n).path), peer, session.tls), (good) => {
        if (good.outcome === "no" || good.outcome === "later")
          this.#decide(n, notGoodEnough(good), remote, withAfter(good.reason, reason))
      }),
    )
    return whenThere(allThere(asked), () => this.#stillOpen())
  }

  #stillOpen(): void {
    this.#open = this.#open.filter((place) => this.#statuses[place] === undefined)
  }

  #work(portion: readonly number[], submitter: string | undefined): Work {
    const { envelope, recipients, addresses, content } = this.#batch
    const whole = portion.length === recipients.length
    const some = <T>(all: readonly T[]) => (whole ? all : all.filter((_, place) => portion.includes(place)))
    const by = envelope.deliverBy
    return {
      envelope,
      recipients: some(recipients),
      addresses: addresses && some(addresses),
      size: content.size,
      utf8Header: this.#utf8Header,
      submitter,
      secondsLeft: by && Math.ceil((by.at - this.#terms.clock()) / 1000),
    }
  }

  /** What the peer said to all of them is one fate: they share its time and its reason. */
  #decideAll(
    portion: readonly number[],
    fates: readonly (Fate | undefined)[],
    remote: string | undefined,
    after: Reason | undefined,
  ): void {
    const at = new Date(this.#terms.clock())
    let last: { readonly fate: Fate; readonly end: End } | undefined
    for (let n = 0; n < portion.length; n++) {
      const [place, fate] = [portion[n], fates[n]]
      if (place === undefined || fate === undefined) continue
      if (last?.fate !== fate) last = { fate, end: this.#end(fate, remote, reasonFor(fate, after), at) }
      this.#statuses[place] = { recipient: this.#recipient(place), ...last.end }
    }
  }

  #decide(place: number, fate: Fate, remote: string | undefined, after: Reason | undefined): void {
    this.#statuses[place] = this.#status(place, fate, remote, reasonFor(fate, after))
  }

  #status(place: number, fate: Fate, remote: string | undefined, reason: Reason): DeliveryStatus {
    const at = new Date(this.#terms.clock())
    return { recipient: this.#recipient(place), ...this.#end(fate, remote, reason, at) }
  }

  #recipient(place: number): Recipient {
    const recipient = this.#batch.recipients[place]
    if (recipient === undefined) throw new Error(`recipient ${place} is not in the batch`)
    return recipient
  }

  #end(fate: Fate, remote: string | undefined, reason: Reason, at: Date): End {
    const { says: _, ...end } = fate
    const told = { ...end, remote, at, reason }
    const lost =
      this.#deliverByLost && end.action === "relayed" && this.#batch.envelope.deliverBy !== undefined
    return lost ? { ...told, deliverByLost: true } : told
  }

  #note(fate: Fate, remote: string | undefined, after: Reason | undefined): void {
    this.#keep({ fate, remote, reason: reasonFor(fate, after) })
  }

  /** The last trouble counts, but no permanent one outweighs one that may pass: cannot tell is never no. */
  #keep(trouble: Trouble): void {
    if (trouble.remote !== undefined)
      this.#terms.log(`${this.#batch.id}: ${trouble.remote}: ${trouble.fate.says}`)
    if (this.#trouble?.fate.action !== "delayed" || trouble.fate.action === "delayed") this.#trouble = trouble
  }

  #conclude(): readonly DeliveryStatus[] {
    const statuses = this.#statuses
    if (statuses.every((status) => status !== undefined)) return statuses
    if (this.#isLeaving()) {
      const end = interrupted(new Date(this.#terms.clock()))
      return statuses.map((status, place) => status ?? { recipient: this.#recipient(place), ...end })
    }
    const { fate, remote, reason } = this.#trouble ?? nowhere
    return statuses.map((status, place) => status ?? this.#status(place, fate, remote, reason))
  }
}

/** What a session that we ended ourselves has left open says nothing about its host. */
function unlessDelayed(fate: Fate | undefined): Fate | undefined {
  return fate?.action === "delayed" ? undefined : fate
}

const nothingDemanded: Demanded = { is: "nothing", reason: undefined }

/** An attempt that found nothing wrong and no host to ask: a bug of ours would look like this, and it must not lose mail. */
const nowhere: Trouble = {
  fate: { action: "delayed", status: "4.4.4", diagnostic: "No host to ask", says: "no host to ask" },
  remote: undefined,
  reason: because("smtp", "no host to ask"),
}

/** What becomes of those whose delivery is left because the system stops. */
export function interrupted(at: Date): End {
  const reason = because("smtp", "the system stops: it is tried when it starts again")
  const end = { action: "delayed", status: "4.3.2", diagnostic: "Shutting down", remote: undefined } as const
  return { ...end, at, reason, interrupted: true }
}

/** TLS_Rcpt: the way is not good enough for this recipient. */
function notGoodEnough({ outcome, reply, reason }: Decision<undefined> & { outcome: "no" | "later" }): Fate {
  const action = outcome === "no" ? "failed" : "delayed"
  return { action, status: statusOf(reply), diagnostic: reply.text.join(" "), says: reason.says }
}

function reasonFor({ says }: Fate, after: Reason | undefined): Reason {
  return because("smtp", says, undefined, after === undefined ? [] : [after])
}

/** What a session's end means for those who were to go through it: a host that refuses for good fails them. */
function ended(broken: Broken): Fate {
  return broken.permanent ? { ...delayedBy(broken), action: "failed" } : delayedBy(broken)
}

function leadsBack(decision: Decision<unknown>): boolean {
  return decision.outcome === "no" && decision.reply.status === "5.3.5"
}

function withAfter(reason: Reason, after: Reason | undefined): Reason {
  return after === undefined ? reason : { ...reason, after: [...reason.after, after] }
}

/** A host as names are compared: without brackets and a last dot. */
export function bareHost(host: string): string {
  return host
    .replace(/^\[(?:IPv6:)?(.*)\]$/i, "$1")
    .replace(/\.$/, "")
    .toLowerCase()
}

function bracketed(address: string): string {
  return address.includes(":") ? `[IPv6:${address}]` : `[${address}]`
}

/** Whether the header has octets above 127 (RFC 6532). Only asked where the sender said SMTPUTF8. */
async function headerBeyondAscii(content: Content): Promise<boolean> {
  if (content.bytes !== undefined) return beyondAscii(content.bytes.subarray(0, content.headerSize))
  let left = content.headerSize
  for await (const piece of content.chunks()) {
    if (beyondAscii(piece.subarray(0, left))) return true
    left -= piece.length
    if (left <= 0) break
  }
  return false
}

function beyondAscii(octets: Buffer): boolean {
  return octets.some((octet) => octet > 0x7f)
}
