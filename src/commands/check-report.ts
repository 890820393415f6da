// The report of `waypost check DIR|FILE`: issues first, then the tables, then what was understood.
import { existsSync } from "node:fs"
import { type Issue, printIssue } from "../config/issues.ts"
import { changedAt, harmless } from "../config/no-effect.ts"
import { options as optionTable } from "../config/options.ts"
import { printSettings } from "../config/print.ts"
import type { Cf } from "../config/cf.ts"
import type { Settings } from "../config/settings.ts"
import { makeAccounts } from "../host/accounts.ts"
import type { HostFacts } from "../host/facts.ts"
import { openRuleMaps, openSiteMaps } from "../host/rule-maps.ts"
import { makeTables } from "../host/tables.ts"
import { printOrigin } from "../mail/decision.ts"
import { systemResolver } from "../host/resolver.ts"
import { filtersOf } from "../trust/milter-definition.ts"
import { type CheckSource, readSourceCf, readSourceMc } from "./check-source.ts"
import { exits, type Io, Refusal } from "./io.ts"

export type CheckOptions = {
  readonly host: HostFacts
  readonly state: string
  readonly resolver: string | undefined
  readonly quiet: boolean
  readonly json: boolean
}

/** One thing the report tells. `severity` says what it does to the exit code. */
export type Finding = {
  readonly severity: "error" | "warning" | "note"
  readonly text: string
  /** "/etc/mail/sendmail.mc:9" */
  readonly at: string | undefined
}

/** Checks what is there and prints it with `more`; 0, 1 or 2. */
export function checkConfiguration(
  source: CheckSource,
  options: CheckOptions,
  io: Io,
  more: readonly Finding[] = [],
): number {
  const findings: Finding[] = []
  const understood: string[] = []
  if (source.mc !== undefined) checkMc(source.mc, source, options, findings, understood)
  if (source.cf !== undefined) checkCf(source.cf, source, options, findings, understood)
  findings.push(...more)
  const code = findings.some(({ severity }) => severity === "error")
    ? 2
    : findings.some(({ severity }) => severity === "warning")
      ? 1
      : exits.ok
  io.stdout.write(
    options.json ? jsonOf(findings, understood) : textOf(findings, understood, options.quiet, code),
  )
  return code
}

function checkMc(
  file: string,
  source: CheckSource,
  options: CheckOptions,
  findings: Finding[],
  understood: string[],
): void {
  const read = readSourceMc(file, source, options.host, options.state)
  if (!read.ok) {
    findings.push({ severity: "error", text: read.error, at: undefined })
    return
  }
  const { settings, issues } = read.value
  findings.push(...issues.map(findingOf))
  if (settings === undefined) return
  findings.push(...tableFindings(settings), ...mapFindings(settings, options), ...optionFindings(settings))
  findings.push(...filterFindings(settings))
  understood.push(printSettings(settings, "set").trimEnd())
}

/** What a filter's equates say is read when a daemon starts, and one that makes no sense keeps it from starting. */
function filterFindings(settings: Settings): readonly Finding[] {
  const read = [undefined, ...settings.daemons].map((door) => filtersOf(settings, door))
  const wrong = new Set(read.flatMap((one) => (one.ok ? [] : [one.error])))
  return [...wrong].map((text) => ({ severity: "error", text: `error: ${text}`, at: undefined }))
}

/** An issue of a configuration as a line of the report. */
export function findingOf(issue: Issue): Finding {
  return { severity: issue.severity, text: printIssue(issue), at: issue.at && printOrigin(issue.at) }
}

/** What opening the tables brings up: texts that are newer than what was compiled of them, lines that say nothing, Berkeley files. */
function tableFindings(settings: Settings): Finding[] {
  const said: string[] = []
  const tables = makeTables(settings.tables, (line) => said.push(line))
  if (tables.ok) tables.value.close()
  const findings = said.map((text): Finding => ({ severity: severityOf(text), text, at: undefined }))
  for (const { name, file, at } of settings.tables) {
    const only = existsSync(`${file}.db`) && !existsSync(file) && !existsSync(`${file}.cdb`)
    if (!only) continue
    const text = `${name}: there is only ${file}.db, which is sendmail's own form; Waypost reads the text ${file}`
    findings.push({ severity: "error", text, at: at && printOrigin(at) })
  }
  return findings
}

/** That a table will be compiled from its text at the start is nothing to worry about. */
function severityOf(text: string): Finding["severity"] {
  return /entries read from the text/.test(text) ? "note" : "warning"
}

function mapFindings(settings: Settings, { resolver }: CheckOptions): Finding[] {
  const maps = openSiteMaps(settings, new Map(), { ...asking(resolver), say: () => {} })
  maps.close()
  return maps.errors.map(({ why, declaration }) => ({
    severity: settings.localRules.length > 0 ? "error" : "warning",
    text: why,
    at: declaration.at && printOrigin(declaration.at),
  }))
}

function asking(resolver: string | undefined) {
  const dns = systemResolver(resolver)
  if (!dns.ok) throw new Refusal(dns.error, exits.config)
  return {
    dns: dns.value,
    accounts: makeAccounts({ passwd: "/etc/passwd", usersFile: undefined, asRoot: true }),
  }
}

/** Options that are read and mean nothing to us, and need not. */
export function optionFindings(settings: Settings): Finding[] {
  return [...harmless].flatMap(([name, why]) => {
    const at = changedAt(settings, name)
    if (at === undefined) return []
    const text = `${optionTable[name].conf} means nothing here: ${why}`
    return [{ severity: "note" as const, text, at: printOrigin(at) }]
  })
}

function checkCf(
  file: string,
  source: CheckSource,
  options: CheckOptions,
  findings: Finding[],
  understood: string[],
): void {
  const read = readSourceCf(file, source, options.host)
  if (!read.ok) {
    findings.push({ severity: "error", text: read.error, at: undefined })
    return
  }
  const cf = read.value
  // Beside a sendmail.mc the sendmail.cf is only there to be compared with: it keeps nothing from working.
  const only = source.mc === undefined
  const level = (severity: Finding["severity"]) => (only || severity === "note" ? severity : "warning")
  findings.push(...cf.issues.map(findingOf).map((one) => ({ ...one, severity: level(one.severity) })))
  const maps = openRuleMaps(cf.maps.values(), { ...asking(options.resolver), say: () => {} })
  maps.close()
  for (const { why, declaration } of maps.errors) {
    findings.push({ severity: "warning", text: why, at: declaration.at && printOrigin(declaration.at) })
  }
  if (only) {
    const text = `${file} is compiled: Waypost runs its rules in --compare and -bt, but is configured by a sendmail.mc`
    findings.push({ severity: "warning", text, at: undefined })
  }
  understood.push(summaryOf(file, cf))
}

function summaryOf(file: string, cf: Cf): string {
  const rulesets = new Set(cf.rulesets.values())
  const rules = [...rulesets].reduce((sum, one) => sum + one.rules.length, 0)
  return (
    `Read from ${file}: ${rules} rules in ${rulesets.size} rulesets, ${cf.maps.size} maps, ${cf.mailers.length} mailers, ` +
    `${cf.options.size} options, ${cf.classes.size} classes, ${cf.headers.length} header lines`
  )
}

function textOf(
  findings: readonly Finding[],
  understood: readonly string[],
  quiet: boolean,
  code: number,
): string {
  const wanted = findings.filter(({ severity }) => !quiet || severity !== "note")
  const lines = wanted.map(({ text, at, severity }) => {
    if (at === undefined) return text.startsWith(`${severity}: `) ? text : `${severity}: ${text}`
    return text.startsWith(at) ? text : `${at}: ${severity}: ${text}`
  })
  const parts = [lines.join("\n"), quiet ? "" : understood.join("\n\n"), verdictOf(findings, code)]
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`
}

function verdictOf(findings: readonly Finding[], code: number): string {
  const count = (severity: Finding["severity"]) => {
    const found = findings.filter((one) => one.severity === severity).length
    return `${found} ${severity}${found === 1 ? "" : "s"}`
  }
  if (code === exits.ok) return "All of it is understood."
  const counted = `${count("error")}, ${count("warning")}`
  return code === 2 ? `It cannot be used as it is: ${counted}.` : `It can be used: ${counted}.`
}

function jsonOf(findings: readonly Finding[], understood: readonly string[]): string {
  return `${JSON.stringify({ findings, understood }, undefined, 2)}\n`
}
