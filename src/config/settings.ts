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
}

/**
 * The names of config/options.ts, typed there: sendmail's option names as in sendmail.cf ("MaxMessageSize"), each value
 * already of its type: number (octets, seconds, counts), boolean, string, or list.
 */
export type OptionValue = number | boolean | string | readonly string[]

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
}
