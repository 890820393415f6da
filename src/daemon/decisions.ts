// Everything that follows from the settings: tables, routing, the gate, the mailers. Made anew at a reload, while what is in hand
// ends under the old ones.
import { option } from "../config/options.ts"
import { join } from "node:path"
import { numberOf, wordsOf } from "../config/feature-words.ts"
import { feature, macro, mailer, type Settings } from "../config/settings.ts"
import { openSiteMaps } from "../host/rule-maps.ts"
import { makeTables, type OpenTables } from "../host/tables.ts"
import type { LoadAverage } from "../host/load-average.ts"
import type { Log } from "../host/log.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Route } from "../mail/route.ts"
import type { Accounts, Clock, Dns, ReadUserFile } from "../mail/world.ts"
import { makeSmtpMailer, type SmtpMailer } from "../mailers/esmtp.ts"
import { makeServerTls, type ServerTls } from "../trust/tls-server.ts"
import type { TlsMaterial } from "../trust/tls-options.ts"
import { type AuthenticatorParts, type Logging, makeAuthenticator } from "./authenticator.ts"
import { type GreylistFile, openGreylist } from "../host/greylist-file.ts"
import { patience } from "../host/patience.ts"
import { readSecret } from "../host/secret.ts"
import { makeSiteGate } from "../policy/site-checks.ts"
import type { Gate } from "../mail/gate.ts"
import { withForensics } from "./forensic-gate.ts"
import { resolve } from "../routing/route.ts"
import { makeRouting, type SiteRouting } from "../routing/routing.ts"
import { type RoutingWorld, tablesOf, type WhenForward } from "../routing/world.ts"
import { makeClientTls } from "../trust/tls-client.ts"
import { canonify } from "../routing/canonify.ts"
import type { ForwardPath } from "../mail/address.ts"
import { type Decision, yes } from "../mail/decision.ts"
import { makeDemands } from "./demands.ts"
import { makePutOff } from "./heavy-load.ts"
import { makeMilters, type Milters } from "./milters.ts"
import { makeSignatures } from "./signatures.ts"
import type { Sign } from "./signing.ts"
import { makePeerSecurity } from "./peer-security.ts"
import type { OwnReports } from "./own-reports.ts"

export type DecisionParts = {
  readonly dns: Dns
  readonly accounts: Accounts
  readonly readUserFile: ReadUserFile
  readonly log: Log
  /** The queue's: for what is remembered from one time to another. */
  readonly clock: Clock
  /** The machine's: for dates that others read. */
  readonly wall: Clock
  readonly addresses: readonly string[]
  readonly loadAverage: LoadAverage
  /** Where the mail process keeps its own files: the secret of FEATURE(srs). */
  readonly directory: string
  readonly tls: TlsMaterial
  readonly logins: Omit<AuthenticatorParts, "settings">
  readonly reports: Pick<OwnReports, "dmarc" | "tls">
}

export type Decisions = {
  readonly settings: Settings
  readonly routing: SiteRouting
  /** For mail that is delivered at once: whoever has a .forward is found out by who delivers, where that can be. */
  readonly routingToHere: SiteRouting
  readonly gate: Gate
  readonly milters: Milters
  readonly smtp: SmtpMailer
  /** QueueLA, where a line sets it. */
  readonly putOff: ReturnType<typeof makePutOff>
  /** FEATURE(dkim_sign), FEATURE(arc). */
  readonly sign: Sign | undefined
  /** TLS as a server; undefined: we have no certificate. */
  readonly tls: ServerTls | undefined
  readonly authenticator: Logging
  close(): Promise<void>
}

/** The decisions of these settings, or what keeps them from being made, in one line. */
export function makeDecisions(settings: Settings, parts: DecisionParts): Result<Decisions> {
  const { dns, accounts, readUserFile, log, clock, wall } = parts
  const tables: Result<OpenTables> = makeTables(settings.tables, (line) => log.note(line))
  if (!tables.ok) return fail(tables.error)
  const maps = openSiteMaps(settings, tables.value.byName, { dns, accounts, say: (line) => log.note(line) })
  for (const { why } of maps.errors) log.note(why)
  const siteRules = { map: maps.map, dns }
  const srs = srsOf(settings, parts)
  if (!srs.ok) return srs
  const routing = makeRouting({
    srs: srs.value,
    settings,
    tables: tables.value.byName,
    accounts,
    readUserFile,
    dns,
    siteRules,
  })
  const greylist = greylistFile(settings, parts)
  if (!greylist.ok) return greylist
  const signatures = makeSignatures({ settings, routing, dns, clock: wall, log: (line) => log.note(line) })
  if (!signatures.ok) return signatures
  const { verify, sign } = signatures.value
  const siteGate = makeSiteGate({
    settings,
    routing,
    dns,
    clock,
    patience,
    verify,
    greylist: greylist.value,
    dmarcSeen: parts.reports.dmarc.seenBy(settings),
  })
  const gate = withForensics(siteGate, settings, wall)
  const milters = siteMilters(settings, parts, routing)
  if (!milters.ok) return fail(milters.error)
  const tls = serverTls(parts)
  const smtp = smtpMailer(settings, parts, { ...tables.value, rules: routing.rules })
  return ok({
    settings,
    routing,
    routingToHere: { ...routing, forward: whenForward(settings) },
    gate,
    milters: milters.value,
    smtp,
    putOff: makePutOff(settings, parts),
    sign,
    tls,
    authenticator: makeAuthenticator({ settings, ...parts.logins }),
    async close() {
      await smtp.close()
      await signatures.value.close()
      maps.close()
      greylist.value?.close()
      tables.value.close()
    },
  })
}

/** Users' Sieve scripts run before anything is delivered, and programs look for no files: there a .forward is read first. */
function whenForward(settings: Settings): WhenForward {
  const path = mailer(settings, "local")?.path
  const intoMailbox = path === "mbox" || path === "maildir"
  return intoMailbox && feature(settings, "sieve") === undefined ? "at delivery" : "now"
}

function siteMilters(
  settings: Settings,
  { dns, log, directory }: DecisionParts,
  routing: RoutingWorld,
): Result<Milters> {
  return makeMilters({
    settings,
    directory,
    log: (id, line) => log.note(id, line),
    read: (address) => readRecipient(address, routing),
    route: (address) => routeOf(address, routing),
    names: (address) => dns.names(address),
  })
}

/** Where an address goes, for the macros of filters; undefined: nowhere, or that cannot be told now. */
async function routeOf(address: string, routing: RoutingWorld): Promise<Route | undefined> {
  const read = await canonify(address, routing)
  const found = read.outcome === "yes" ? await resolve(read.value, routing) : undefined
  return found?.outcome === "yes" ? found.value.route : undefined
}

/** The mailer to other hosts, with all that it asks about them. */
function smtpMailer(
  settings: Settings,
  parts: DecisionParts,
  { byName, rules }: Pick<OpenTables, "byName"> & { readonly rules: SiteRouting["rules"] | undefined },
): SmtpMailer {
  const { dns, clock, log, addresses, directory } = parts
  const security = makePeerSecurity({
    settings,
    access: tablesOf(byName, "access"),
    authInfo: tablesOf(byName, "authinfo"),
    rules,
    tls: makeClientTls(parts.tls, (line) => log.note(line)),
  })
  const demands = makeDemands(settings, {
    dns,
    clock,
    directory: join(directory, "mta-sts"),
    authorities: parts.tls.authorities,
    report: parts.reports.tls.seenBy(settings),
    log: (line) => log.note(line),
  })
  return makeSmtpMailer({
    dns,
    clock,
    settings,
    log: (line) => log.note(line),
    hello: option(settings, "HeloName") ?? macro(settings, "j") ?? "localhost",
    security,
    demands: demands && { ...demands, features: (peer) => security.features(peer) },
    ourAddresses: settings.daemons.flatMap((daemon) =>
      (daemon.address === undefined ? addresses : [daemon.address]).map((address) => ({
        address,
        port: daemon.port,
      })),
    ),
  })
}

/** An address that a filter names, read as RCPT reads it. */
async function readRecipient(address: string, routing: RoutingWorld): Promise<Decision<ForwardPath>> {
  const read = await canonify(address, routing)
  return read.outcome === "yes" ? yes(read.value.mailbox, read.reason) : read
}

function greylistFile(
  settings: Settings,
  { directory, clock, log }: DecisionParts,
): Result<GreylistFile | undefined> {
  if (feature(settings, "greylist") === undefined) return ok(undefined)
  return openGreylist(join(directory, "greylist"), clock, (line) => log.note(line))
}

/** FEATURE(srs), with its secret: a file that was named, or one of our own making. */
function srsOf(settings: Settings, { clock, directory }: DecisionParts): Result<RoutingWorld["srs"]> {
  const used = feature(settings, "srs")
  if (used === undefined) return ok(undefined)
  const words = wordsOf(used)
  const named = words.get("secret")
  const secret = readSecret(named ?? join(directory, "srs-secret"), named === undefined)
  if (!secret.ok) return fail(`FEATURE(srs): ${secret.error}`)
  const domain = (words.get("domain") ?? macro(settings, "j") ?? "localhost").toLowerCase()
  return ok({ srs: { domain, secret: secret.value, days: numberOf(words, "days", 21) }, clock })
}

/** sendmail goes on without TLS when a certificate is not usable, and so do we, but not silently. */
function serverTls({ tls, log }: DecisionParts): ServerTls | undefined {
  if (tls.server.length === 0) return undefined
  const made = makeServerTls(tls)
  if (made.ok) return made.value
  log.note(`${made.error}: STARTTLS is not offered`)
  return undefined
}
