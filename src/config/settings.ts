// What the configuration says, each value with the line it came from. Made by config/ from sendmail.mc, read by all others.
import type { Origin } from "../mail/decision.ts"

/** A value and the line that set it; `at` is undefined for a default. */
export type Setting<T> = { readonly value: T; readonly at: Origin | undefined }

/** Members of a class ($=w, $=R …) in lower case, each with the line that put it there. */
export type ClassMembers = ReadonlyMap<string, Origin | undefined>

/** A FEATURE() that is on. `args` are what followed the name, quotes removed; an absent one is "". */
export type FeatureUse = {
  readonly name: string
  readonly args: readonly string[]
  readonly at: Origin | undefined
}

/** DAEMON_OPTIONS: one listener. */
export type DaemonOptions = {
  /** Name=, "MTA" when absent. */
  readonly name: string
  /** Addr=, undefined: all addresses. */
  readonly address: string | undefined
  readonly family: "inet" | "inet6"
  /** Port=; "smtp" is 25, "submission" 587, "smtps" 465. */
  readonly port: number
  /** Modify=, each letter (a b c f r s u A C E O S). E and A make a submission door of "MSA". */
  readonly modify: string
  /** The keys we have no own field for, as written (InputMailFilters, Listen, children …). */
  readonly other: ReadonlyMap<string, string>
  readonly at: Origin | undefined
}

/** A mailer definition: `local`, `prog`, `esmtp`, `smtp`, `smtp8`, `dsmtp`, `relay`, `procmail`, `*file*`, `*include*`, `error`, `discard`. */
export type MailerDefinition = {
  readonly name: string
  /** "[IPC]" for SMTP, "[FILE]", "[LMTP]" or a program's path; "mbox" and "maildir" are our own final delivery. */
  readonly path: string
  readonly args: string
  readonly flags: string
  readonly maxSize: number | undefined
  /** The queue group of its mail (LOCAL_MAILER_QGRP, Q=); absent: none of its own. */
  readonly queueGroup?: string
  readonly at: Origin | undefined
}

/** A lookup table that a FEATURE or define asks for. `file` without the type's ending: "/etc/mail/access". */
export type TableSpec = {
  /** access, aliases, virtusertable, genericstable, domaintable, mailertable, authinfo … */
  readonly name: string
  /** hash, btree, dbm, cdb: all compiled as cdb beside the text; text, regex, program, sequence, implicit. */
  readonly kind: string
  readonly file: string
  /** sendmail's map flags as written: "-o -T<TMPF>". */
  readonly flags: string
  readonly at: Origin | undefined
  /** Read from the text, whatever was compiled from it: for what-if. */
  readonly fromText?: boolean
}

/**
 * The names of config/options.ts, typed there: sendmail's option names as in sendmail.cf ("MaxMessageSize"), each value
 * already of its type: number (octets, seconds, counts), boolean, string, or list.
 */
export type OptionValue = number | boolean | string | readonly string[]

/** A milter: INPUT_MAIL_FILTER and MAIL_FILTER. `equates` as written: "S=inet:8891@localhost, F=T". */
export type FilterDefinition = {
  readonly name: string
  readonly equates: string
  readonly at: Origin | undefined
}

/** QUEUE_GROUP. sendmail looks at the first letter of an equate alone. */
export type QueueGroup = {
  readonly name: string
  /** As written: "P=/var/spool/mqueue/slow, F=f, I=30m, R=5". */
  readonly equates: string
  readonly at: Origin | undefined
  /** I=: seconds between two attempts for what waits in it; undefined: as the schedule has it. */
  readonly interval: number | undefined
  /** R=: deliveries of it at once; undefined: no limit of its own. */
  readonly runners: number | undefined
  /** J=: messages tried again in one interval; undefined: all that are due. */
  readonly jobs: number | undefined
  /** r=: recipients of one transaction at most; undefined: what the mailer allows. */
  readonly recipients: number | undefined
}

/** A line of cf text that the configuration carries for the rule engine (LOCAL_RULE_0, LOCAL_RULESETS …), verbatim. */
export type LocalLine = {
  /** The word whose text it is: "LOCAL_RULE_0", "LOCAL_RULESETS", "LOCAL_NET_CONFIG", "LOCAL_CONFIG", "MAILER_DEFINITIONS" … */
  readonly section: string
  readonly text: string
  readonly at: Origin
}

/** A map that a K line or a FEATURE declares beyond the tables we know: `Kname class args`. */
export type MapDeclaration = {
  readonly name: string
  readonly kind: string
  readonly args: string
  readonly at: Origin | undefined
}

/** The server of the submission program (submit.mc). */
export type SubmissionHop = {
  /** As it was written: "[127.0.0.1]", "mailhub.hello.com". */
  readonly host: string
  readonly port: number
  readonly at: Origin | undefined
}

export type Settings = {
  /** Where it was read: a path, or "built-in default". */
  readonly source: string
  readonly options: ReadonlyMap<string, Setting<OptionValue>>
  /** $j, $m, $M (masquerade name), $S (smart host), $H (mail hub), $R (local relay), $L (luser relay) … by their cf letter or {name}. */
  readonly macros: ReadonlyMap<string, Setting<string>>
  /** w (local names), R (relay domains), t (trusted users), M, N, E, G, VirtHost … by their cf letter or name. */
  readonly classes: ReadonlyMap<string, ClassMembers>
  readonly features: ReadonlyMap<string, readonly FeatureUse[]>
  readonly daemons: readonly DaemonOptions[]
  readonly clients: readonly DaemonOptions[]
  readonly mailers: ReadonlyMap<string, MailerDefinition>
  /** In the order of appearance; aliases may have several files (ALIAS_FILE with commas). */
  readonly tables: readonly TableSpec[]
  /** K lines of LOCAL_CONFIG, by name in lower case. */
  readonly maps: ReadonlyMap<string, MapDeclaration>
  /** MAIL_FILTER and INPUT_MAIL_FILTER, by name; InputMailFilters says which are in use, in which order. */
  readonly filters: ReadonlyMap<string, FilterDefinition>
  /** QUEUE_GROUP, by name. */
  readonly queueGroups: ReadonlyMap<string, QueueGroup>
  /** Class t as submit.mc has it, where there is one: whom the sendmail command believes. Absent: class t of this. */
  readonly submitTrusted?: ClassMembers
  /** Where submit.mc sends mail of the sendmail command (FEATURE msp). Absent: it is handed over by the submission socket. */
  readonly submission?: SubmissionHop
  /** HELP_FILE's text, where a line names one; undefined in it: it could not be read. */
  readonly help?: Setting<string | undefined>
  /** Raw rules and other cf text, kept for the rule engine. */
  readonly localRules: readonly LocalLine[]
}

/** A macro's value by its cf letter or {name} without braces: macro(settings, "j") is our own name. */
export function macro(settings: Settings, name: string): string | undefined {
  return settings.macros.get(name)?.value
}

/** The line that set a macro. */
export function macroAt(settings: Settings, name: string): Origin | undefined {
  return settings.macros.get(name)?.at
}

/** Whether a class holds a member, and which line put it there. */
export type Membership = { readonly member: boolean; readonly at: Origin | undefined }

/** Asks a class, in any case: inClass(settings, "w", "Hello.COM"). */
export function inClass(settings: Settings, name: string, member: string): Membership {
  const members = settings.classes.get(name)
  const folded = member.toLowerCase()
  return members?.has(folded) ? { member: true, at: members.get(folded) } : { member: false, at: undefined }
}

const noMembers: ClassMembers = new Map()

/** The members of a class; none when there is no such class. */
export function classMembers(settings: Settings, name: string): ClassMembers {
  return settings.classes.get(name) ?? noMembers
}

/** A FEATURE() that is on, as it was used first; undefined when it is off. */
export function feature(settings: Settings, name: string): FeatureUse | undefined {
  return settings.features.get(name)?.[0]
}

/** All uses of a FEATURE() that may stand several times (dnsbl). */
export function features(settings: Settings, name: string): readonly FeatureUse[] {
  return settings.features.get(name) ?? []
}

/** A mailer's definition by its name. */
export function mailer(settings: Settings, name: string): MailerDefinition | undefined {
  return settings.mailers.get(name)
}

/** The tables of a name, in the order in which they are asked. */
export function tablesNamed(settings: Settings, name: string): readonly TableSpec[] {
  return settings.tables.filter((table) => table.name === name)
}
