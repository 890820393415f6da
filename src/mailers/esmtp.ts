// The mailer that gives messages to other hosts by SMTP (and LMTP): `esmtp`, `smtp`, `relay` and their kin in sendmail's
// configuration. Knows the way; the protocol is smtp/client.ts's, the choice of hosts routing/exchangers.ts's.
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import type { Leaving } from "../host/leaving.ts"
import { because, type Reason } from "../mail/decision.ts"
import type { Result } from "../mail/result.ts"
import type { Route } from "../mail/route.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Clock, Dns } from "../mail/world.ts"
import { Attempt, type AttemptTerms, type SmtpBatch } from "./esmtp-attempt.ts"
import { foresee } from "./esmtp-foresee.ts"
import { Pool, type PoolLimits } from "./esmtp-pool.ts"
import type { Demands } from "./esmtp-demand.ts"
import type { PeerSecurity } from "./esmtp-security.ts"
import {
  clientAddress,
  smtpDelivery,
  timeoutsFrom,
  type ClientTimeouts,
  type SmtpDelivery,
} from "./esmtp-terms.ts"

export type { SmtpBatch } from "./esmtp-attempt.ts"

export type SmtpWorld = {
  readonly dns: Pick<Dns, "mx" | "addresses">
  readonly clock: Clock
  readonly settings: Pick<Settings, "options" | "mailers" | "classes" | "clients">
  /** What did not work with one host before another was asked: a line for the log. */
  readonly log: (line: string) => void
  /** $j, said in EHLO. */
  readonly hello: string
  /** Where we listen: an exchanger at one of these is ourselves. */
  readonly ourAddresses: readonly { readonly address: string; readonly port: number }[]
  /** From 0 to 1; Math.random when absent. */
  readonly random?: () => number
  readonly limits?: Partial<PoolLimits & { readonly idleMs: number }>
  readonly timeouts?: Partial<ClientTimeouts>
  /** TLS and logins; absent: all is said in clear text, and nobody logs in. */
  readonly security?: PeerSecurity | undefined
  /** DANE and MTA-STS; absent: neither is on. */
  readonly demands?: Demands | undefined
}

export type SmtpMailer = {
  /** Gives the message to a host of the route; a status for each recipient, in their order. Never rejects for what a peer does. */
  deliver(batch: SmtpBatch, leaving?: Leaving): Promise<readonly DeliveryStatus[]>
  /** What the hosts of a route will be asked and have to prove, without speaking to any; `to` is who goes there. */
  foresee(route: Pick<Route, "mailer" | "host">, to: string): Promise<readonly Reason[]>
  /** Ends the sessions that rest, waits for those in use. Deliveries that begin after this are delayed. */
  close(): Promise<void>
  /** Of hosts that did not answer each is asked again by one message. */
  askAgain(): void
  /** What is remembered of hosts is no more: each message asks them anew. */
  forget(): void
}

const usual = {
  /** Well below what peers allow, and above what one message at a time needs. */
  sessions: 20,
  transactions: 100,
  ageMs: 300_000,
  downMs: 60_000,
  idleMs: 10_000,
} as const

/** Makes the mailer for one configuration. */
export function makeSmtpMailer(world: SmtpWorld): SmtpMailer {
  const { settings, dns, clock, log } = world
  const downMostMs = option(settings, "Timeout.hoststatus") * 1000
  const limits = { ...usual, downMostMs, ...idleFrom(settings), ...world.limits }
  const timeouts = { ...timeoutsFrom(settings), ...world.timeouts }
  const { security } = world
  const pool = new Pool({ hello: world.hello, timeouts, idleMs: limits.idleMs, security, log }, limits)
  const ours = new Set(world.ourAddresses.map(({ address, port }) => `${address} ${port}`))
  const terms: AttemptTerms = {
    dns,
    clock,
    pool,
    timeouts,
    security,
    demands: security === undefined ? undefined : world.demands,
    log,
    exchangers: {
      dns,
      isOurs: ownNames(world),
      random: world.random ?? Math.random,
      fallback: fallback(settings, "FallbackMXhost"),
      smart: fallback(settings, "FallbackSmartHost"),
      tryItself: option(settings, "TryNullMXList"),
    },
    isOurAddress: (address, port) => ours.has(`${reached(address)} ${port}`),
    from: (address) => clientAddress(settings, address),
  }
  const ways = new Map<string, Result<SmtpDelivery>>()
  const wayOf = (mailer: string) => {
    const way = ways.get(mailer) ?? smtpDelivery(settings, mailer)
    ways.set(mailer, way)
    return way
  }
  return {
    deliver: (batch, leaving) => deliver(batch, wayOf(batch.route.mailer), terms, leaving),
    foresee: ({ mailer, host }, to) => foresee({ host, to }, wayOf(mailer), terms),
    close: () => pool.close(),
    askAgain: () => pool.askAgain(),
    forget: () => pool.forget(),
  }
}

/** A connection to the unspecified address reaches this machine's loopback. */
function reached(address: string): string {
  if (address === "0.0.0.0") return "127.0.0.1"
  return address === "::" ? "::1" : address
}

function deliver(
  batch: SmtpBatch,
  how: Result<SmtpDelivery>,
  terms: AttemptTerms,
  leaving: Leaving | undefined,
): Promise<readonly DeliveryStatus[]> {
  return how.ok
    ? new Attempt(batch, how.value, terms, leaving).run()
    : Promise.resolve(misconfigured(batch, how.error, terms.clock))
}

/** A configuration that cannot be followed loses no mail: it waits until somebody mends it (RFC 3463 §3.4: 4.3.5). */
function misconfigured({ recipients }: SmtpBatch, says: string, clock: Clock): readonly DeliveryStatus[] {
  const reason = because("smtp", says)
  const at = new Date(clock())
  return recipients.map((recipient) => {
    return { recipient, action: "delayed", status: "4.3.5", diagnostic: says, remote: undefined, at, reason }
  })
}

function ownNames({ settings, hello }: SmtpWorld): (name: string) => boolean {
  const local = settings.classes.get("w")
  const own = hello.toLowerCase()
  return (name) => name === own || local?.has(name) === true
}

function fallback(
  settings: Pick<Settings, "options">,
  name: "FallbackMXhost" | "FallbackSmartHost",
): string | undefined {
  const value = settings.options.get(name)?.value
  return typeof value === "string" && value !== "" ? value : undefined
}

/** ConnectionCacheTimeout, where the configuration sets it: between 5 s and a minute, for a peer's sake. */
function idleFrom(settings: Pick<Settings, "options">): { readonly idleMs: number } | undefined {
  const set = settings.options.get("ConnectionCacheTimeout")
  if (set?.at === undefined || typeof set.value !== "number") return undefined
  return { idleMs: Math.min(Math.max(set.value, 5), 60) * 1000 }
}
