// What the settings say about outgoing SMTP: how long to wait at each step, how a mailer definition is meant, where to connect from.
import type { OptionValue, Settings } from "../config/settings.ts"
import { isIPv6 } from "node:net"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Awaited } from "../smtp/client.ts"

/** Milliseconds. The names are those of sendmail's Timeout options. */
export type ClientTimeouts = Readonly<Record<Awaited, number>> & {
  readonly connect: number
  /** The same in the first attempt for a message; 0: as ever. */
  readonly iconnect: number
  /** All hosts of one attempt together, after which no other is asked; 0: no limit. */
  readonly aconnect: number
  readonly datablock: number
  readonly quit: number
}

const second = 1000
const minute = 60 * second

/** RFC 5321 §4.5.3.2's least times; what it does not set is sendmail's, but for the connection itself. */
const usual: ClientTimeouts = {
  connect: 30 * second,
  iconnect: 0,
  aconnect: 0,
  initial: 5 * minute, // §4.5.3.2.1
  helo: 5 * minute,
  starttls: 2 * minute,
  auth: 5 * minute,
  rset: 5 * minute,
  mail: 5 * minute, // §4.5.3.2.2
  rcpt: 5 * minute, // §4.5.3.2.3
  datainit: 2 * minute, // §4.5.3.2.4
  datablock: 3 * minute, // §4.5.3.2.5
  datafinal: 10 * minute, // §4.5.3.2.6
  quit: 5 * second,
}

/** The times to wait; an option Timeout.mail and so on, in seconds, takes the place of the usual one. */
export function timeoutsFrom(settings: Pick<Settings, "options">): ClientTimeouts {
  const set: Record<string, number> = { ...usual }
  for (const step of Object.keys(usual)) {
    const value = settings.options.get(`Timeout.${step}`)
    if (value !== undefined && value.at !== undefined && isPositive(value.value))
      set[step] = value.value * second
  }
  const quit = set["quit"] ?? usual.quit
  return { ...usual, ...set, quit: Math.min(quit, usual.quit) } // nobody waits minutes for a goodbye
}

function isPositive(value: OptionValue): value is number {
  return typeof value === "number" && value > 0
}

/** A mailer definition as SMTP understands it. */
export type SmtpDelivery = {
  readonly lmtp: boolean
  /** Where to connect for a route to this host: itself ($h), or the one host that the definition names. */
  readonly hostFor: (routed: string) => string
  readonly port: number
  /** `TCP $h smtps`, and `TCP $h 2465 tls` for another port. */
  readonly implicitTls: boolean
  /** A unix socket instead of hosts: `FILE /run/lmtp`. */
  readonly path: string | undefined
  /** Recipients of a transaction: one unless the mailer's flags have m. */
  readonly recipients: number
  readonly maxSize: number | undefined
}

const services: Readonly<Record<string, number>> = {
  smtp: 25,
  submission: 587,
  smtps: 465,
  submissions: 465,
  lmtp: 24,
}
const mostRecipients = 100 // RFC 5321 §4.5.3.1.8: what every server takes

/** Reads a mailer definition: `TCP $h 2526` or `FILE /run/lmtp`, and the flags m (many recipients) and z (LMTP). */
export function smtpDelivery(settings: Pick<Settings, "mailers">, mailer: string): Result<SmtpDelivery> {
  const definition = settings.mailers.get(mailer)
  if (definition === undefined) return fail(`there is no mailer "${mailer}"`)
  const [way, host, service, more] = definition.args.trim().split(/\s+/)
  const path = way === "FILE" ? host : undefined
  const port = readPort(service)
  if (port === undefined && path === undefined) return fail(`mailer "${mailer}": "${service}" is no port`)
  return ok({
    hostFor: (routed) => (host === undefined ? routed : host.replaceAll("$h", () => routed)),
    lmtp: definition.flags.includes("z") || definition.path === "[LMTP]",
    port: port ?? 0,
    implicitTls: port === services["smtps"] || more?.toLowerCase() === "tls",
    path,
    recipients: definition.flags.includes("m") ? mostRecipients : 1,
    maxSize: definition.maxSize,
  })
}

function readPort(word: string | undefined): number | undefined {
  if (word === undefined) return 25
  const port = services[word.toLowerCase()] ?? (/^\d{1,5}$/.test(word) ? Number(word) : 0)
  return port > 0 && port < 65536 ? port : undefined
}

/** CLIENT_OPTIONS: the address that connections to this one come from; undefined: the kernel's choice. */
export function clientAddress(settings: Pick<Settings, "clients">, to: string): string | undefined {
  const family = isIPv6(to) ? "inet6" : "inet"
  return settings.clients.find((client) => client.family === family && client.address !== undefined)?.address
}
