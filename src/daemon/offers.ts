// From the configuration to what a door offers and bears: made once at start and reload, handed to every session.
import { hasFlag, option, optionAt } from "../config/options.ts"
import { mainGroup } from "../config/queue-groups.ts"
import { classMembers, type DaemonOptions, feature, macro, type Settings } from "../config/settings.ts"
import { bimiFields } from "../auth/bimi-record.ts"
import { isLetBy, type Mechanism, mechanisms } from "../auth/sasl.ts"
import { noRecipientActions, type NoRecipientAction } from "../message/submit.ts"
import { readHelpFile } from "../smtp/help-file.ts"
import { type Extension, extensions, type LimitName, type Offers, type PrivacyFlag } from "../smtp/session.ts"
import type { Origin } from "../mail/decision.ts"
import { type Backend, backendsOf } from "./authenticator.ts"
import type { ConnectionLimits } from "./listener.ts"
import type { SessionTimeouts } from "./world.ts"

/** Whether there is a certificate, and whether anybody has a password. */
export type Security = { readonly tls: boolean; readonly logins: boolean }

const noSecurity: Security = { tls: false, logins: false }

/** Settings never change, so neither does what is made of them: every connection asks for this. */
const made = new WeakMap<Settings, Map<DaemonOptions, (Offers | undefined)[]>>()

/** What one daemon offers. `software` is name and version: "Waypost 0.1.0". */
export function offersFrom(
  settings: Settings,
  daemon: DaemonOptions,
  software: string,
  security = noSecurity,
): Offers {
  const doors = made.get(settings) ?? new Map<DaemonOptions, (Offers | undefined)[]>()
  made.set(settings, doors)
  const each = doors.get(daemon) ?? []
  doors.set(daemon, each)
  const place = (security.tls ? 1 : 0) + (security.logins ? 2 : 0)
  each[place] ??= {
    ...makeOffers(settings, daemon, software),
    startTls: security.tls && !/[sS]/.test(daemon.modify), // s: TLS from the beginning; S: none
    ...authOf(settings, daemon, security),
  }
  return each[place]
}

/** Modify=A takes AUTH away, and wins over a, which demands it. */
function authOf(
  settings: Settings,
  { modify }: DaemonOptions,
  { tls, logins }: Security,
): Pick<Offers, "auth"> {
  const required = modify.includes("a") && !modify.includes("A")
  if ((!logins && !required) || modify.includes("A")) return {}
  const words = option(settings, "AuthMechanisms")
    .toUpperCase()
    .split(/[\s,]+/)
  // Where there is TLS, no password goes over the line without it. A site without a certificate that asks for PLAIN in so many
  // words has it as in sendmail, unless AuthOptions has p.
  const asked = optionAt(settings, "AuthMechanisms") !== undefined
  const letters = option(settings, "AuthOptions") ?? ""
  const kinds = new Set(backendsOf(settings).map(({ kind }) => kind))
  return {
    auth: {
      mechanisms: mechanismsOf(words, kinds).filter((one) => isLetBy(letters, one)),
      inClear: !tls && asked && !letters.includes("p"),
      required,
      mostFailures: option(settings, "AuthMaxFailures"),
    },
  }
}

/** A mechanism that no backend can answer is not offered: clients would choose it, and fail. */
function mechanismsOf(words: readonly string[], kinds: ReadonlySet<Backend["kind"]>): readonly Mechanism[] {
  const known = words.flatMap((word) => mechanisms.find((one) => one === word) ?? [])
  return known.filter((one) => {
    if (one.startsWith("SCRAM-")) return kinds.has("sasldb") || kinds.has("users")
    return one !== "CRAM-MD5" || kinds.has("sasldb") // RFC 2195 needs the password itself
  })
}

function makeOffers(settings: Settings, daemon: DaemonOptions, software: string): Offers {
  const hostname = macro(settings, "j") ?? "localhost"
  return {
    hostname,
    greeting: greetingOf(settings, daemon, software),
    software,
    lmtp: isLmtp(daemon),
    privacy: privacyOf(settings, daemon),
    maxMessageSize: option(settings, "MaxMessageSize"),
    // sendmail differs: 32 KiB by default, beyond which its own header is cut. Ours is refused, so it may be longer.
    maxHeaderSize:
      optionAt(settings, "MaxHeadersLength") === undefined
        ? ownLimits.header
        : option(settings, "MaxHeadersLength"),
    maxRecipients: option(settings, "MaxRecipientsPerMessage") || ownLimits.recipients,
    maxHops: option(settings, "MaxHopCount"),
    maxBadCommands: ownLimits.badCommands,
    maxIdleCommands:
      optionAt(settings, "MaxNOOPCommands") === undefined
        ? ownLimits.idleCommands
        : option(settings, "MaxNOOPCommands"),
    badRecipientThrottle: option(settings, "BadRcptThrottle"),
    badCommandThrottle: option(settings, "BadCommandThrottle"),
    extensions: extensionsOf(settings),
    leastDeliverBy: option(settings, "DeliverByMin"),
    rejectNul: option(settings, "RejectNul"),
    noRecipientAction: noRecipientActionOf(settings),
    trustedUsers: new Set((settings.submitTrusted ?? classMembers(settings, "t")).keys()),
    origins: originsOf(settings),
    ...helpOf(settings, software),
    ...groupsOf(settings),
    ...(feature(settings, "bimi") === undefined ? {} : { ourFields: bimiFields }),
  }
}

function groupsOf({ queueGroups }: Settings): Pick<Offers, "queueGroups"> {
  return queueGroups.size === 0 ? {} : { queueGroups: new Set([...queueGroups.keys(), mainGroup]) }
}

/** Where sendmail has no limit, or one that only delays. */
const ownLimits = {
  header: 1 << 20,
  recipients: 10_000,
  badCommands: 25,
  idleCommands: 200,
  connections: 2000,
}

/** How long clients may be silent. sendmail's hour would let silent clients pile up; RFC 5321 §4.5.3.2.7 asks for 5 minutes. */
export function sessionTimeouts(settings: Settings): SessionTimeouts {
  return { command: silence(settings, "Timeout.command"), datablock: silence(settings, "Timeout.datablock") }
}

const fiveMinutes = 300

function silence(settings: Settings, name: "Timeout.command" | "Timeout.datablock"): number {
  const seconds = optionAt(settings, name) === undefined ? fiveMinutes : option(settings, name)
  return seconds * 1000
}

/** How many clients may be there at once. */
export function connectionLimits(settings: Settings, daemon: DaemonOptions): ConnectionLimits {
  const children = Number(daemon.other.get("children") ?? 0)
  const total = Number.isInteger(children) && children > 0 ? children : option(settings, "MaxDaemonChildren")
  return { total: total || ownLimits.connections, perAddress: 0 }
}

/** What a client hears that is one too many. */
export function tooManyConnections(hostname: string): string {
  return `421 4.3.2 ${hostname} Too many open connections.\r\n`
}

/** A door for submissions (RFC 6409): Name=MSA, the submission ports, or M=E. */
export function isSubmission({ name, port, modify }: DaemonOptions): boolean {
  return name.toUpperCase() === "MSA" || port === 587 || port === 465 || modify.includes("E")
}

/** A door that speaks LMTP: Protocol=lmtp. */
export function isLmtp(daemon: DaemonOptions): boolean {
  return daemon.other.get("protocol")?.toLowerCase() === "lmtp"
}

// sendmail puts ESMTP behind the first word of SmtpGreetingMessage, whatever stands there (srvrsmtp.c).
function greetingOf(settings: Settings, daemon: DaemonOptions, software: string): string {
  const own = optionAt(settings, "SmtpGreetingMessage") === undefined
  const text = own ? `$j ${software}; $b` : option(settings, "SmtpGreetingMessage")
  const [first = "", ...rest] = withMacros(text, settings, software).split(" ")
  return [first, isLmtp(daemon) ? "LMTP" : "ESMTP", ...rest].join(" ")
}

/** $j and its kin filled in; $b, the date, is filled in for each session. */
function withMacros(text: string, settings: Settings, software: string): string {
  const version = software.split(" ").at(-1) ?? ""
  return text.replaceAll(/\$(?:\{([^}]*)\}|([A-Zac-z]))/g, (_, long?: string, short?: string) => {
    const name = long ?? short ?? ""
    return name === "v" || name === "Z" ? version : (macro(settings, name) ?? "")
  })
}

function helpOf({ help, ...settings }: Settings, software: string): Pick<Offers, "help"> {
  if (help === undefined) return {}
  if (help.value === undefined) return { help: "unreadable" }
  return { help: readHelpFile(help.value, (line) => withMacros(line, settings, software)) }
}

const privacyFlags: readonly PrivacyFlag[] = [
  "authwarnings",
  "needmailhelo",
  "needexpnhelo",
  "needvrfyhelo",
  "noexpn",
  "novrfy",
  "noverb",
  "noetrn",
  "noreceipts",
]

function privacyOf(settings: Settings, { modify }: DaemonOptions): ReadonlySet<PrivacyFlag> {
  const flags = new Set(privacyFlags.filter((flag) => hasFlag(settings, "PrivacyOptions", flag)))
  return modify.includes("E") ? flags.add("noetrn") : flags
}

function noRecipientActionOf(settings: Settings): NoRecipientAction {
  const wanted = option(settings, "NoRecipientAction").toLowerCase()
  return noRecipientActions.find((one) => one === wanted) ?? "none"
}

/** BINARYMIME needs CHUNKING (RFC 3030 §3). */
function extensionsOf(settings: Settings): ReadonlySet<Extension> {
  const words = new Set(option(settings, "Extensions").map((word) => word.toUpperCase()))
  if (words.has("BINARYMIME")) words.add("CHUNKING")
  return new Set(extensions.filter((word) => words.has(word)))
}

function originsOf(settings: Settings): Offers["origins"] {
  const origins: Partial<Record<LimitName, Origin>> = {}
  for (const [limit, name] of limitOptions) {
    const at = optionAt(settings, name)
    if (at !== undefined) origins[limit] = at
  }
  return origins
}

const limitOptions = [
  ["maxMessageSize", "MaxMessageSize"],
  ["maxHeaderSize", "MaxHeadersLength"],
  ["maxRecipients", "MaxRecipientsPerMessage"],
  ["maxHops", "MaxHopCount"],
  ["rejectNul", "RejectNul"],
  ["privacy", "PrivacyOptions"],
] as const
