// The list of what a sendmail administrator can use (../shared/sendmail-features.md), walked line by line: what it calls core or
// common is accepted here and has effect, but for a few that are named with their reason.
import assert from "node:assert/strict"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { readSendmailOptions } from "../src/commands/sendmail-options.ts"
import type { Issue } from "../src/config/issues.ts"
import { loadSettings } from "../src/config/load.ts"
import { harmless, idleFeatures, missing } from "../src/config/no-effect.ts"
import { type OptionName, options } from "../src/config/options.ts"
import { fail } from "../src/mail/result.ts"
import { project } from "./kit/system.ts"

const file = join(project, "..", "shared", "sendmail-features.md")
const skip = existsSync(file) ? false : "../shared/sendmail-features.md is not here"
const text = skip === false ? readFileSync(file, "utf8") : ""

/** A section's rows or items that are core or common, without those words of them that are called rare. */
function lines(section: number): readonly string[] {
  const [, rest = ""] = text.split(new RegExp(`^## ${section}\\. .*$`, "m"))
  const [body = ""] = rest.split(/^## /m)
  return body.split("\n").filter((line) => /\b(?:core|common)\b/.test(line) && /^[|-]/.test(line))
}

function issuesOf(mc: string): readonly Issue[] {
  const { issues } = loadSettings({
    source: {
      file: "sendmail.mc",
      text: `OSTYPE(\`linux')dnl\n${mc}\nMAILER(\`local')dnl\nMAILER(\`smtp')dnl\n`,
    },
    read: (path) => fail(`${path}: no such file`),
    place: { hostname: "mail.hello.com", addresses: [], state: "/var/lib/waypost", root: true },
  })
  return issues
}

/** Refused, or told as one without effect. */
function inVain(mc: string): readonly string[] {
  return issuesOf(mc)
    .filter(({ severity, code }) => severity === "error" || code === "not-supported")
    .map(({ message }) => message)
}

/** Names in the first cell of a row, or before the dash of an item; not what stands in brackets behind them. */
function names(line: string, pattern: RegExp): readonly string[] {
  const [head = ""] = line.startsWith("|") ? line.split("|").slice(1, 2) : [line]
  return [...head.replaceAll(/\[[^\]]*\]/g, "").matchAll(pattern)].map(([name]) => name)
}

/** Features that want an argument, or another beside them. */
const withArguments: Readonly<Record<string, string>> = {
  dnsbl: "FEATURE(`dnsbl', `bl.test')",
  enhdnsbl: "FEATURE(`enhdnsbl', `bl.test')",
  rhsbl: "FEATURE(`rhsbl', `bl.test')",
  greet_pause: "FEATURE(`access_db')\nFEATURE(`greet_pause', `1000')",
  nullclient: "FEATURE(`nullclient', `hub.test')",
  nouucp: "FEATURE(`nouucp', `reject')",
}

test("each feature that is core or common is accepted and has effect", { skip }, () => {
  const features = lines(2).flatMap((line) =>
    names(line, /\b[a-zA-Z_]+\b/g).filter((name) => !["old", "name", "reject", "nospecial"].includes(name)),
  )
  assert.ok(features.length > 35, `${features.length} features`)
  const wrong = features.flatMap((name) =>
    inVain(withArguments[name] ?? `FEATURE(\`access_db')\nFEATURE(\`${name}')`).map(
      (says) => `${name}: ${says}`,
    ),
  )
  assert.deepEqual(wrong, [])
  assert.deepEqual(
    features.filter((name) => idleFeatures.has(name)),
    [],
  )
})

/** Core or common, and nothing here is done by them: told by `waypost check` as such (src/config/no-effect.ts: harmless). */
const meansNothing: ReadonlySet<OptionName> = new Set([
  "QueueDirectory", // the queue is under --state
  "MspQueueDirectory",
  "StatusFile",
  "AliasWait", // maps are replaced whole: nobody waits for them
  "SuperSafe", // always
  "UseCompressedIPv6Addresses", // an address is compared as an address
  "Timeout.misc", // each command has a time of its own
  "Timeout.ident", // nobody is asked
  "AuthMaxBits", // no mechanism adds a layer, so no limit is passed
] as const)

const byConf = new Map(Object.entries(options).map(([name, { conf }]) => [conf, name as OptionName]))

test("each option that is core or common is known, and all have effect but those that nothing here is done by", {
  skip,
}, () => {
  const asked = lines(3)
    .flatMap((line) => line.replaceAll(/\[[^\]]*\]/g, "").split(/(?<=\b(?:rare|obsolete)\b)/))
    .filter((part) => /\b(?:core|common)\b/.test(part) && !/\brare\/common\b/.test(part))
    .flatMap((part) =>
      [...part.matchAll(/\bconf[A-Z0-9_]+\b|\b[A-Z]+(?:_[A-Z]+)*_(?:FILE|DIR)\b/g)].map(([name]) => name),
    )
  assert.ok(asked.length > 80, `${asked.length} options`)
  const unknown = asked.filter(
    (conf) =>
      !byConf.has(conf) && issuesOf(`define(\`${conf}', \`x')`).some(({ code }) => code === "unknown-word"),
  )
  assert.deepEqual(unknown, [])
  const names = new Set(asked.flatMap((conf) => byConf.get(conf) ?? []))
  assert.deepEqual(
    [...names].filter((name) => missing.has(name)),
    [],
    "a line that asks in vain",
  )
  assert.deepEqual(new Set([...names].filter((name) => harmless.has(name))), meansNothing)
})

test("what means nothing here is sendmail's own inside, and nobody's mail depends on it", { skip }, () => {
  for (const name of harmless.keys()) assert.ok(!missing.has(name), name)
})

test("each word of the frame that is core or common is known", { skip }, () => {
  const call: Readonly<Record<string, string>> = {
    include: "sinclude(`/nonexistent')",
    define: "define(`confMAX_HOP', `25')",
    FEATURE: "FEATURE(`redirect')",
    OSTYPE: "OSTYPE(`debian')",
    DOMAIN: "DOMAIN(`generic')",
    MAILER: "MAILER(`procmail')",
    DAEMON_OPTIONS: "DAEMON_OPTIONS(`Name=MTA, Addr=127.0.0.1')",
    INPUT_MAIL_FILTER: "INPUT_MAIL_FILTER(`x', `S=inet:9@127.0.0.1')",
    MAIL_FILTER: "MAIL_FILTER(`x', `S=inet:9@127.0.0.1')",
    SMART_HOST: "define(`SMART_HOST', `smart.test')",
    MAIL_HUB: "define(`MAIL_HUB', `hub.test')",
    LUSER_RELAY: "define(`LUSER_RELAY', `hub.test')",
    LOCAL_RELAY: "define(`LOCAL_RELAY', `hub.test')",
    TRUST_AUTH_MECH: "TRUST_AUTH_MECH(`PLAIN')",
  }
  const isDefine = (name: string) => /_MAILER_|^(?:BITNET|DECNET|UUCP)_RELAY$/.test(name)
  const words = lines(1).flatMap((line) => names(line, /\b[A-Z][A-Z_]{3,}\b|\binclude\b|\bdefine\b/g))
  assert.ok(words.length > 20, words.join(" "))
  const wrong = words
    .filter(
      (name) => !name.endsWith("_FILE") && !/^(?:PATH|ARGS|FLAGS|DAEMON|LOCAL|PROCMAIL|AUTH)$/.test(name),
    )
    .flatMap((name) =>
      issuesOf(call[name] ?? (isDefine(name) ? `define(\`${name}', \`9')` : `${name}(\`example.org')`))
        .filter(({ code }) => code === "unknown-word")
        .map(({ message }) => `${name}: ${message}`),
    )
  assert.deepEqual(wrong, [])
})

test("each tag of access is asked for by the code", { skip }, () => {
  const [, body = ""] = text.split("## 5. ")
  const tags = [...(body.split("\n\n")[1] ?? "").matchAll(/`([A-Za-z_]+):`/g)].map(([, tag = ""]) => tag)
  assert.ok(tags.length > 15, tags.join(" "))
  const folder = join(project, "src")
  const code = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter(
      (name) => /^(?:policy|routing|daemon|queue|config)\/.*\.ts$/.test(name) && !name.endsWith(".test.ts"),
    )
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n")
    .toLowerCase()
  const silent = tags.filter((tag) => !new RegExp(`["\`]${tag.toLowerCase()}[":\`$]`).test(code))
  assert.deepEqual(silent, [])
})

test("each flag of the sendmail command that is core or common is read", { skip }, () => {
  const flags = lines(6).flatMap((line) => names(line, /(?<=`)-[A-Za-z][A-Za-z]?\b/g))
  assert.ok(flags.length > 15, flags.join(" "))
  const value: Readonly<Record<string, readonly string[]>> = {
    "-f": ["me"],
    "-r": ["me"],
    "-F": ["Me"],
    "-N": ["never"],
    "-R": ["hdrs"],
    "-V": ["id"],
    "-B": ["7BIT"],
    "-O": ["MaxHopCount=9"],
    "-C": ["x.mc"],
    "-M": ["sx"],
    "-D": ["log"],
    "-X": ["log"],
    "-L": ["tag"],
    "-p": ["SMTP:x"],
    "-h": ["3"],
  }
  const optionOf = (name: string): string | undefined => name
  const refused = flags.flatMap((flag) => {
    const read = readSendmailOptions([flag, ...(value[flag] ?? [])], optionOf)
    return read.ok ? [] : [`${flag}: ${read.error}`]
  })
  assert.deepEqual(refused, [])
})
