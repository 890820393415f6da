// sendmail.mc on top of m4: each word (FEATURE, MAILER, MASQUERADE_AS …) is an m4 macro that writes down a statement and the
// line it stands on. What the statements come to is settled in settle.ts.
import { ok } from "../mail/result.ts"
import type { ReadText } from "../mail/world.ts"
import { error, type Issue, suggestion, warning } from "./issues.ts"
import { expandM4, expandPiece, type M4Result } from "./m4.ts"
import { argument, complain } from "./m4-machine.ts"
import { optionOfConf } from "./options.ts"
import { ostypes, siteFile } from "./places.ts"
import type { LocalLine } from "./settings.ts"
import type { Statement } from "./statement.ts"
import { readStray } from "./stray.ts"
import type { Builtin, Call, Expansion, Machine, Piece } from "./m4-types.ts"

export type McResult = {
  readonly statements: readonly Statement[]
  /** The value of each define() that sendmail's own files would look at. */
  readonly defines: ReadonlyMap<string, Piece>
  readonly localLines: readonly LocalLine[]
  readonly issues: readonly Issue[]
  readonly sources: ReadonlyMap<string, string>
}

/** What is defined before the first line, so that a file may use it. */
export type Predefined = Readonly<Record<string, string>>

/** Reads a sendmail.mc. Nothing is thrown; what was understood is there beside the issues. */
export function readMc(file: string, text: string, read: ReadText, predefined: Predefined): McResult {
  const notes: Notes = { statements: [], issues: [] }
  const m4 = expandM4({
    file,
    text,
    read: withOwnFiles(read),
    words: words(notes),
    predefined: Object.entries({ ...usualDefines, ...predefined }),
    wanted: isSetting,
  })
  const stray = readStray(m4.diversions, sections, [...wordClasses.keys(), ...otherWords])
  return {
    statements: [...notes.statements, ...stray.statements],
    defines: m4.values,
    localLines: stray.localLines,
    issues: [...m4.issues, ...said(m4), ...notes.issues, ...stray.issues, ...misspelt(m4)],
    sources: m4.sources,
  }
}

type Notes = { readonly statements: Statement[]; readonly issues: Issue[] }

/** sendmail's library has these when a .mc file is read. */
const usualDefines = {
  MAIL_SETTINGS_DIR: "/etc/mail/",
  DATABASE_MAP_TYPE: "hash",
  _CF_DIR_: "/usr/share/sendmail/cf/",
}

/**
 * include(…/cf.m4) is answered from here: our words are sendmail's library. It ends a divert(-1) as the real one does. Debian's
 * sendmail.mc includes two files that its sendmailconfig writes, empty for most: without it they are empty too.
 */
function withOwnFiles(read: ReadText): ReadText {
  return (path) => {
    if (/(?:^|\/)(?:cf|cfhead|proto)\.m4$/.test(path)) return ok("divert(0)")
    const text = read(path)
    return !text.ok && /\/m4\/(?:dialup|provider)\.m4$/.test(path) ? ok("") : text
  }
}

/** Words that add their first argument to a class; with _FILE, the names in a file. */
const wordClasses: ReadonlyMap<string, string> = new Map([
  ["LOCAL_DOMAIN", "w"],
  ["RELAY_DOMAIN", "R"],
  ["MASQUERADE_DOMAIN", "M"],
  ["MASQUERADE_EXCEPTION", "N"],
  ["EXPOSED_USER", "E"],
  ["LOCAL_USER", "L"],
  ["VIRTUSER_DOMAIN", "VirtHost"],
  ["GENERICS_DOMAIN", "G"],
  ["CANONIFY_DOMAIN", "Canonify"],
  ["LDAPROUTE_DOMAIN", "LDAPRoute"],
  ["LDAPROUTE_EQUIVALENT", "LDAPRouteEquiv"],
  ["TRUST_AUTH_MECH", "TrustAuthMech"],
])

/** Relays: defines that become a macro of sendmail.cf. */
export const relayDefines: ReadonlyMap<string, string> = new Map([
  ["SMART_HOST", "S"],
  ["MAIL_HUB", "H"],
  ["LOCAL_RELAY", "R"],
  ["LUSER_RELAY", "L"],
  ["MASQUERADE_NAME", "M"],
])

export const deadRelays: ReadonlySet<string> = new Set([
  "BITNET_RELAY",
  "DECNET_RELAY",
  "FAX_RELAY",
  "UUCP_RELAY",
  "DNS_RELAY",
])
const deadWords = ["SITE", "SITECONFIG", "UUCPSMTP", "HACK"]

/** Words that begin a section of cf text; the text goes to the diversion of that number. */
export const sections: ReadonlyMap<number, string> = new Map(
  [
    "LOCAL_CONFIG",
    "LOCAL_RULE_0",
    "LOCAL_RULE_1",
    "LOCAL_RULE_2",
    "LOCAL_RULE_3",
    "LOCAL_RULESETS",
    "LOCAL_NET_CONFIG",
    "LOCAL_DNSBL",
    "LOCAL_SRV_FEATURES",
    "LOCAL_CLT_FEATURES",
    "LOCAL_TRY_TLS",
    "LOCAL_TLS_RCPT",
    "LOCAL_TLS_CLIENT",
    "LOCAL_TLS_SERVER",
    "MAILER_DEFINITIONS",
  ].map((name, index) => [1000 + index, name]),
)

const otherWords = [
  "VERSIONID",
  "OSTYPE",
  "DOMAIN",
  "FEATURE",
  "MAILER",
  "DAEMON_OPTIONS",
  "CLIENT_OPTIONS",
  "MASQUERADE_AS",
  "INPUT_MAIL_FILTER",
  "MAIL_FILTER",
  "QUEUE_GROUP",
  "MODIFY_MAILER_FLAGS",
  "define",
  "undefine",
  "include",
  ...relayDefines.keys(),
  ...sections.values(),
]

/** A word that is one only with a parenthesis after it. */
function word(name: string, run: (call: Call, machine: Machine) => Expansion): Builtin {
  return { name, needsArguments: true, run: (machine, call) => run(expandArguments(machine, call), machine) }
}

/** sendmail's files name their arguments once more, which expands what was quoted in the call. */
function expandArguments(machine: Machine, call: Call): Call {
  return { ...call, args: call.args.map((piece) => ({ text: expandPiece(machine, piece), at: piece.at })) }
}

function words(notes: Notes): Builtin[] {
  const note = (name: string, make: (call: Call) => Statement): Builtin =>
    word(name, (call) => {
      notes.statements.push(make(call))
      return ""
    })
  return [
    { name: "VERSIONID", needsArguments: true, run: () => "" },
    word("OSTYPE", (call, machine) => ostype(machine, call)),
    word("DOMAIN", (call, machine) => domain(machine, call)),
    note("FEATURE", feature),
    note("MAILER", (call) => ({ kind: "mailer", name: argument(call, 0).trim(), at: call.at })),
    note("DAEMON_OPTIONS", (call) => ({ kind: "daemon", text: whole(call), at: call.at })),
    note("CLIENT_OPTIONS", (call) => ({ kind: "client", text: whole(call), at: call.at })),
    note("MASQUERADE_AS", (call) => ({
      kind: "macro",
      name: "M",
      value: argument(call, 0).trim(),
      at: call.at,
    })),
    note("INPUT_MAIL_FILTER", (call) => named("filter", call, true)),
    note("MAIL_FILTER", (call) => named("filter", call, false)),
    note("QUEUE_GROUP", (call) => named("queue-group", call, true)),
    note("MODIFY_MAILER_FLAGS", (call) => ({
      kind: "mailer-flags",
      mailer: argument(call, 0).trim(),
      change: argument(call, 1).trim(),
      at: call.at,
    })),
    ...classWords(note),
    ...[...sections].map(([number, name]) => section(number, name)),
    ...deadWords.map((name) => word(name, (call) => obsolete(notes, call))),
  ]
}

function classWords(note: (name: string, make: (call: Call) => Statement) => Builtin): Builtin[] {
  return [...wordClasses].flatMap(([name, letter]) => [
    note(name, (call) => ({
      kind: "class",
      class: letter,
      members: call.args.flatMap((piece) => piece.text.split(/[\s,]+/)).filter((member) => member !== ""),
      at: call.at,
    })),
    note(`${name}_FILE`, (call) => ({
      kind: "class-file",
      class: letter,
      spec: argument(call, 0).trim(),
      at: call.at,
    })),
  ])
}

function section(number: number, name: string): Builtin {
  return {
    name,
    needsArguments: false,
    run: (machine) => {
      machine.divert = number
      return ""
    },
  }
}

function feature(call: Call): Statement {
  const [name = "", ...args] = call.args.map((piece) => piece.text)
  return { kind: "feature", name: name.trim(), args, at: call.at }
}

/** Unquoted commas part arguments for m4; here they belong to the text. */
function whole(call: Call): string {
  return call.args.map((piece) => piece.text).join(",")
}

function named(kind: "filter" | "queue-group", call: Call, inUse: boolean): Statement {
  const equates = call.args
    .slice(1)
    .map((piece) => piece.text)
    .join(",")
  return { kind, name: argument(call, 0).trim(), equates: equates.trim(), inUse, at: call.at }
}

function obsolete(notes: Notes, call: Call): Expansion {
  notes.issues.push({
    ...warning("obsolete", `${call.name} is for UUCP and has no effect`, call.at),
    width: call.name.length,
  })
  return ""
}

/** OSTYPE: the systems sendmail knows all get our own paths; a site's file of that name is read. */
function ostype(machine: Machine, call: Call): Expansion {
  const name = argument(call, 0).trim()
  if (ostypes.has(name)) return ""
  const found = siteFile(machine.read, call.at.file, "ostype", name)
  if (found !== undefined) return opened(machine, call, found)
  const hint = suggestion(name, ostypes)
  complain(
    machine,
    call,
    `there is no OSTYPE ${name}${hint === undefined ? "" : `; ${hint}`}`,
    "unknown-word",
  )
  return ""
}

const emptyDomains = new Set(["debian-mta", "debian-msp", "unspecified", "unspecified.ieee"])
const genericDomain = `define(\`confFORWARD_PATH', \`$z/.forward.$w+$h:$z/.forward+$h:$z/.forward.$w:$z/.forward')dnl
FEATURE(\`redirect')dnl
FEATURE(\`use_cw_file')dnl
EXPOSED_USER(\`root')dnl
`

function domain(machine: Machine, call: Call): Expansion {
  const name = argument(call, 0).trim()
  const found = siteFile(machine.read, call.at.file, "domain", name)
  if (found !== undefined) return opened(machine, call, found)
  if (name === "generic") return opened(machine, call, { path: "generic.m4", text: genericDomain })
  if (!emptyDomains.has(name)) complain(machine, call, `there is no file for DOMAIN(${name})`, "unreadable")
  return ""
}

function opened(
  machine: Machine,
  call: Call,
  file: { readonly path: string; readonly text: string },
): Expansion {
  machine.sources.set(file.path, file.text)
  return [{ text: file.text, at: { file: file.path, line: 1, column: 1, via: call.at } }]
}

/** The names that sendmail's own files look at; all others are the site's own macros. */
function isSetting(name: string): boolean {
  return /^conf[A-Z]/.test(name) || isPlainSetting(name)
}

const mailerDefine =
  /^(?:LOCAL|LOCAL_SHELL|SMTP|ESMTP|SMTP8|DSMTP|RELAY|PROCMAIL|CYRUS|CYRUSV2|UUCP|USENET|FAX|POP|QPAGE)(?:_MAILER)?_(?:PATH|ARGS|FLAGS|MAX|MAXMSGS|MAXRCPTS|CHARSET|EOL|QGRP|DSN_DIAGNOSTIC_CODE|MULTIPLE|DIR)$/

function isPlainSetting(name: string): boolean {
  if (relayDefines.has(name) || deadRelays.has(name) || optionOfConf(name) !== undefined) return true
  return mailerDefine.test(name) || name === "MAIL_SETTINGS_DIR" || name === "DATABASE_MAP_TYPE"
}

/** A macro nobody looks at whose name is nearly one that matters: SMART_HSOT. */
function misspelt(m4: M4Result): Issue[] {
  const known = [
    ...relayDefines.keys(),
    "ALIAS_FILE",
    "LOCAL_MAILER_PATH",
    "LOCAL_MAILER_ARGS",
    "PROCMAIL_MAILER_PATH",
  ]
  const issues: Issue[] = []
  for (const [name, meanings] of m4.macros) {
    const found = meanings.at(-1)
    if (found === undefined || found.text.builtin !== undefined || m4.used.has(name)) continue
    if (name.length < 6 || isSetting(name) || /^[_a-z]/.test(name)) continue
    const hint = suggestion(name, known)
    if (hint !== undefined)
      issues.push(warning("unknown-word", `${name} is defined and never used`, found.at, hint))
  }
  return issues
}

/** What errprint said is for the operator: ERROR in it is an error. */
function said(m4: M4Result): Issue[] {
  return m4.said.map(({ text, at }) =>
    /\bERROR\b/.test(text) ? error("m4", text.trim(), at) : warning("m4", text.trim(), at),
  )
}
