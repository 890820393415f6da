// A compiled sendmail.cf, read whole: options, macros, classes, maps, mailers, headers and rulesets, each with its line. Nothing is
// decided here; cf-address.ts runs addresses through it.
import type { Origin } from "../mail/decision.ts"
import type { ReadText } from "../mail/world.ts"
import { readMailer, type CfMailer } from "./cf-mailer.ts"
import { addMembers, addOwnNames, type Classes, finished, type HostNames, readClassFile } from "./classes.ts"
import { error, type Issue, warning, withSource } from "./issues.ts"
import { optionOfCf } from "./options.ts"
import { expandText, readName, withoutComment } from "./rule-text.ts"
import { usualOperators } from "./rule-tokens.ts"
import { addRule, newRulesets, type RulesetReader, type Rulesets, selectRuleset } from "./rulesets.ts"
import type { ClassMembers, MapDeclaration, Setting } from "./settings.ts"

export type CfHeader = {
  readonly name: string
  /** Between question marks: only for mailers that have one of these flags. */
  readonly flags: string
  readonly value: string
  readonly at: Origin
}

export type Cf = {
  readonly file: string
  /** By the name it is written with: `OperatorChars`, or a letter of old. */
  readonly options: ReadonlyMap<string, Setting<string>>
  readonly macros: ReadonlyMap<string, Setting<string>>
  readonly classes: ReadonlyMap<string, ClassMembers>
  /** By name in lower case. */
  readonly maps: ReadonlyMap<string, MapDeclaration>
  /** In their order, which is their number. */
  readonly mailers: readonly CfMailer[]
  readonly headers: readonly CfHeader[]
  readonly rulesets: Rulesets
  readonly issues: readonly Issue[]
}

type Reading = {
  readonly file: string
  readonly read: ReadText
  readonly options: Map<string, Setting<string>>
  readonly macros: Map<string, Setting<string>>
  readonly classes: Classes
  readonly maps: Map<string, MapDeclaration>
  readonly mailers: Map<string, CfMailer>
  readonly headers: CfHeader[]
  readonly issues: Issue[]
  rulesets: RulesetReader
}

/** Reads a sendmail.cf as it would be on a host of that name. What is wrong with it is among the issues. */
export function readCf(file: string, text: string, read: ReadText, host: HostNames): Cf {
  const reading: Reading = {
    file,
    read,
    options: new Map(),
    macros: new Map(),
    classes: new Map(),
    maps: new Map(),
    mailers: new Map(),
    headers: [],
    issues: [],
    rulesets: newRulesets(operatorsOf(text)),
  }
  setHostNames(reading, host)
  for (const line of ownMailers) addMailer(reading, line, { file, line: 0, column: 1 })
  for (const line of foldedLines(text)) readLine(reading, line.text, { file, line: line.number, column: 1 })
  const issues = [...reading.issues, ...reading.rulesets.issues]
  const sources = new Map([[file, text]])
  return {
    ...reading,
    classes: finished(reading.classes),
    mailers: [...reading.mailers.values()],
    rulesets: reading.rulesets.rulesets,
    issues: issues.map((issue) => withSource(issue, sources)),
  }
}

/** Mailers that sendmail has without any M line. */
const ownMailers = [
  "prog, P=/bin/sh, F=lsouDq9, T=X-Unix/X-Unix/X-Unix, A=sh -c $u",
  "*file*, P=[FILE], F=lsDFMPEouq9, T=X-Unix/X-Unix/X-Unix, A=FILE $u",
  "*include*, P=/dev/null, F=su, A=INCLUDE $u",
]

/** Rules are cut by it, so it is looked for before the first of them. */
function operatorsOf(text: string): string {
  return /^O\s*OperatorChars\s*=\s*(\S+)/m.exec(text)?.[1] ?? usualOperators
}

/** What sendmail knows of itself before the first line. */
function setHostNames({ macros, classes }: Reading, host: HostNames): void {
  const [short = "", ...domain] = host.hostname.split(".")
  const byDefault = {
    w: short,
    j: host.hostname,
    m: domain.join("."),
    k: short,
    n: "MAILER-DAEMON",
    opMode: "v",
  }
  for (const [name, value] of Object.entries(byDefault)) macros.set(name, { value, at: undefined })
  addOwnNames(classes, host, "all")
}

/** Lines with those that continue them: they begin with a blank. The number is the first one's. */
function foldedLines(text: string): { readonly text: string; readonly number: number }[] {
  const lines: { text: string; number: number }[] = []
  for (const [index, line] of text.split("\n").entries()) {
    const last = lines.at(-1)
    if (/^[ \t]/.test(line) && last !== undefined && last.text !== "") last.text += `\n${line}`
    else lines.push({ text: line.replace(/\r$/, ""), number: index + 1 })
  }
  return lines.filter((line) => line.text.trim() !== "" && !line.text.startsWith("#"))
}

function readLine(reading: Reading, raw: string, at: Origin): void {
  const macros = (name: string) => reading.macros.get(name)?.value
  if (raw.startsWith("R")) return addRule(reading.rulesets, raw, at, macros)
  const line = withoutComment(raw).trimEnd()
  const rest = line.slice(1)
  switch (line[0]) {
    case "S":
      return selectRuleset(reading.rulesets, line, at, macros)
    case "D":
      return readMacro(reading, rest, at)
    case "C":
      return readClass(reading, rest, at)
    case "F":
      return readFileClass(reading, rest, at)
    case "T":
      return addMembers(reading.classes, "t", words(rest), at)
    case "K":
      return readMap(reading, expandText(rest, macros), at)
    case "M":
      return addMailer(reading, rest, at)
    case "O":
      return readOption(reading, rest, at)
    case "H":
      return readHeader(reading, rest, at)
    case "V":
    case "P":
    case "Q":
    case "E":
    case "X":
      return
    default:
      reading.issues.push(error("bad-line", `unknown configuration line "${line.slice(0, 60)}"`, at))
  }
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "")
}

function readMacro(reading: Reading, rest: string, at: Origin): void {
  const [name, end] = readName(rest, 0)
  if (name === "") reading.issues.push(error("bad-line", "a D line needs the name of a macro", at))
  else reading.macros.set(name, { value: rest.slice(end), at })
}

function readClass(reading: Reading, rest: string, at: Origin): void {
  const [name, end] = readName(rest, 0)
  const text = expandText(rest.slice(end), (one) => reading.macros.get(one)?.value)
  addMembers(reading.classes, name, words(text), at)
}

function readFileClass(reading: Reading, rest: string, at: Origin): void {
  const [name, end] = readName(rest, 0)
  const spec = rest.slice(end).trim()
  reading.issues.push(...readClassFile(reading.classes, { class: name, spec, at }, reading.read))
}

function readMap({ maps, issues }: Reading, text: string, at: Origin): void {
  const match = /^\s*(\S+)\s+(\S+)(?:\s+([^]*))?$/.exec(text)
  if (match === null) {
    issues.push(error("bad-line", "a K line needs the map's name and its kind", at))
    return
  }
  const [, name = "", kind = "", args = ""] = match
  maps.set(name.toLowerCase(), { name, kind: kind.toLowerCase(), args: args.trim(), at })
}

function addMailer(reading: Reading, rest: string, at: Origin): void {
  const mailer = readMailer(rest, reading.mailers.size, at)
  if (!mailer.ok) reading.issues.push(error("bad-line", mailer.error, at))
  else {
    const key = mailer.value.name.toLowerCase()
    const number = reading.mailers.get(key)?.number ?? mailer.value.number
    reading.mailers.set(key, { ...mailer.value, number })
  }
}

function readOption({ options, issues }: Reading, rest: string, at: Origin): void {
  const long = /^\s+([A-Za-z0-9.]+)\s*(?:=\s*([^]*))?$/.exec(rest)
  const name = long?.[1] ?? rest.charAt(0)
  const value = long === null ? rest.slice(1) : (long[2] ?? "")
  if (
    long !== null &&
    optionOfCf(name) === undefined &&
    !/^(?:Timeout|QueueDirectory|DaemonPort|ClientPort)/.test(name)
  ) {
    issues.push(warning("unknown-option", `the option ${name} is not known here`, at))
  }
  options.set(name, { value: value.trim(), at })
}

function readHeader({ headers }: Reading, rest: string, at: Origin): void {
  const match = /^(?:\?([^?]*)\?)?([^\s:]+)\s*:\s*([^]*)$/.exec(rest)
  if (match !== null) headers.push({ flags: match[1] ?? "", name: match[2] ?? "", value: match[3] ?? "", at })
}
