// docs/settings.md, made from the tables that read a sendmail.mc: `node test/settings.ts` writes it anew.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { featureRows } from "../src/config/features.ts"
import { harmless, idleFeatures, missing } from "../src/config/no-effect.ts"
import { type OptionName, options } from "../src/config/options.ts"
import { printValue } from "../src/config/values.ts"

export const settingsFile = join(import.meta.dirname, "../docs/settings.md")

/** The words of a sendmail.mc beside define() and FEATURE(), with an example of each that is understood. */
export const words: readonly (readonly [example: string, says: string])[] = [
  ["VERSIONID(`text')", "a comment"],
  ["OSTYPE(`linux')", "paths of an operating system: `linux`, `debian` and the others of the distribution"],
  [
    "DOMAIN(`generic')",
    "a site's defaults: a file of the distribution is answered from here, one of the site is read",
  ],
  [
    "MAILER(`local')",
    "mailers: `local` (also `prog`, `*file*`), `smtp` (also `esmtp`, `smtp8`, `dsmtp`, `relay`), `procmail`",
  ],
  ["MODIFY_MAILER_FLAGS(`LOCAL', `+e')", "flags more or less"],
  [
    "DAEMON_OPTIONS(`Name=MTA, Port=25, Addr=192.0.2.1')",
    "a listener: Name, Addr, Port, Family, Modify, children, refuseLA, delayLA, queueLA, DeliveryMode, InputMailFilters",
  ],
  ["CLIENT_OPTIONS(`Addr=192.0.2.1')", "where outgoing connections come from"],
  ["LOCAL_DOMAIN(`hello.com')", "a name of this host (class w)"],
  ["RELAY_DOMAIN(`example.org')", "who may relay, and to whom (class R)"],
  ["MASQUERADE_AS(`hello.com')", "the domain in which mail leaves"],
  ["MASQUERADE_DOMAIN(`ws.hello.com')", "a domain that is masqueraded too (class M)"],
  ["MASQUERADE_EXCEPTION(`lists.hello.com')", "one that is not (class N)"],
  ["EXPOSED_USER(`root')", "a user who is never masqueraded (class E)"],
  ["LOCAL_USER(`root')", "a user who is never sent to LOCAL_RELAY or MAIL_HUB (class L)"],
  ["GENERICS_DOMAIN(`hello.com')", "a domain that genericstable is for (class G)"],
  ["VIRTUSER_DOMAIN(`grussell.org')", "a domain that virtusertable is for (class {VirtHost})"],
  ["CANONIFY_DOMAIN(`hello.com')", "a domain that is looked up in spite of nocanonify"],
  ["RELAY_DOMAIN_FILE(`/etc/mail/relay-domains')", "each of these with `_FILE`: names from a file"],
  ["TRUST_AUTH_MECH(`PLAIN LOGIN')", "mechanisms of AUTH that let relay"],
  [
    "INPUT_MAIL_FILTER(`dkim', `S=local:/run/dkim.sock, F=T, T=R:2m')",
    "a milter, asked for everything that comes",
  ],
  ["MAIL_FILTER(`dkim', `S=inet:8891@localhost')", "a milter that DAEMON_OPTIONS may name"],
  ["define(`SMART_HOST', `relay:mx.example.org')", "the host that gets all mail for others"],
  ["define(`MAIL_HUB', `hub.hello.com')", "the host that gets all local mail"],
  ["define(`LOCAL_RELAY', `hub.hello.com')", "the host for names without a domain"],
  ["define(`LUSER_RELAY', `hub.hello.com')", "the host for unknown users"],
  ["LOCAL_CONFIG", "lines for sendmail.cf: C, F, D, K, H"],
  [
    "LOCAL_RULE_0",
    "rules of the site's own, also `_1`, `_2`, `_3`, `LOCAL_NET_CONFIG`, `LOCAL_RULESETS`: see rules.md",
  ],
  ["MAILER_DEFINITIONS", "M lines of the site's own"],
]

/** The page. */
export function writeSettings(): string {
  return `# What a sendmail.mc can say

Made from the tables that read it (\`node test/settings.ts\`); a test compares. \`waypost config\` shows what a configuration came to, each
value with its line; \`waypost check\` tells what of it has no effect here.

## Words

| word | what it is for |
| --- | --- |
${words.map(([example, says]) => `| \`\` ${example} \`\` | ${says} |`).join("\n")}

Plain m4 works: define, undefine, pushdef, popdef, ifdef, ifelse, include, divert, dnl, changequote and the rest.
SITE, SITECONFIG, UUCPSMTP, HACK, the relays of dead networks and MAILER(uucp), (cyrus), (usenet), (fax) and their like: a warning.

## FEATURE()

| feature | arguments | what it does |
| --- | --- | --- |
${Object.entries(featureRows).map(featureLine).join("\n")}

## define()

Times are in seconds here; in a sendmail.mc they have units (\`5d\`, \`4h\`, \`30m\`), and sendmail's own where none is written.

| define | type | default | what it is for |
| --- | --- | --- | --- |
${(Object.keys(options) as OptionName[]).map(optionLine).join("\n")}
`
}

function featureLine([name, row]: typeof featureRows extends Readonly<Record<string, infer R>>
  ? [string, R]
  : never): string {
  const { about, most, least = 0, table, now, obsolete, risk } = row
  const count = most === 0 ? "" : least === most ? `${most}` : `${least}–${most}`
  const idle = idleFeatures.get(name)
  const also = [
    table === undefined
      ? ""
      : `Default: \`${table.map.replaceAll("MAIL_SETTINGS_DIR", "/etc/mail/").replaceAll("DATABASE_MAP_TYPE", "hash")}\`.`,
    now === undefined ? "" : `Now \`${now}\`.`,
    obsolete === undefined ? "" : `**No effect**: ${obsolete}.`,
    idle === undefined ? "" : `**No effect**: ${idle}.`,
    risk === undefined ? "" : "**A risk**, told at each start.",
  ]
  return `| \`${name}\` | ${count} | ${[about, ...also].filter((part) => part !== "").join(" ")} |`
}

function optionLine(name: OptionName): string {
  const { type, conf, byDefault, about }: (typeof options)[OptionName] = options[name]
  const value = byDefault === undefined ? "" : `\`${printValue(byDefault, type)}\``
  const idle = missing.get(name)
  const note =
    idle !== undefined ? ` **No effect**: ${idle}.` : harmless.has(name) ? " Means nothing here." : ""
  return `| \`${conf}\` | ${type} | ${value} | ${about.replaceAll("|", "\\|")}${note} |`
}

if (process.argv[1] === import.meta.filename) writeFileSync(settingsFile, writeSettings())
