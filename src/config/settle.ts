// From statements to Settings: every define, FEATURE and class gets its type and its line, defaults are filled in, and all
// that makes no sense becomes an issue.
import type { Origin } from "../mail/decision.ts"
import type { ReadText } from "../mail/world.ts"
import { addMembers, finished, readClassFile } from "./classes.ts"
import { missingFeatures } from "./needed-features.ts"
import { wrongReporters } from "./reporters.ts"
import { type Draft, newDraft, type Place } from "./draft.ts"
import { featureRow, featureRows } from "./features.ts"
import { wrongWords } from "./feature-words.ts"
import { error, type Issue, suggestion, warning } from "./issues.ts"
import { readLocalRules } from "./local-rules.ts"
import type { McResult } from "./mc.ts"
import { posixRegex } from "./posix-regex.ts"
import { optionOfCf, options } from "./options.ts"
import { readQueueGroup, unknownGroup } from "./queue-groups.ts"
import type { Settings } from "./settings.ts"
import { readDefines, setOption } from "./settle-defines.ts"
import { addListeners } from "./settle-listeners.ts"
import { addMailers } from "./settle-mailers.ts"
import { readUsualClasses, setOwnNames } from "./settle-names.ts"
import { addAliasTables, addFeatureTable } from "./settle-tables.ts"
import type { Statement } from "./statement.ts"

/** Makes the Settings; the issues say whether they may be used. */
export function settle(
  mc: McResult,
  source: string,
  place: Place,
  read: ReadText,
): { readonly settings: Settings; readonly issues: readonly Issue[] } {
  const draft = newDraft(mc, place, read)
  readDefines(draft)
  for (const statement of mc.statements) apply(draft, statement)
  applyNullClient(draft)
  setOwnNames(draft)
  readUsualClasses(draft)
  addListeners(draft)
  addMailers(draft)
  addAliasTables(draft)
  checkQueueGroups(draft)
  checkLocalRules(draft)
  draft.issues.push(...wrongReporters(draft), ...missingFeatures(draft))
  const help = readHelp(draft)
  const { issues, mc: _, place: __, read: ___, classes, ...rest } = draft
  const settings = { source, ...rest, classes: finished(classes), localRules: mc.localLines, ...help }
  return { settings, issues }
}

/** HELP_FILE is read with the configuration; without the line, HELP has a text of our own. */
function readHelp({ options: set, read, issues }: Draft): Pick<Settings, "help"> {
  const named = set.get("HelpFile")
  if (named === undefined || named.at === undefined || typeof named.value !== "string") return {}
  const { value: path, at } = named
  const text = path === "" ? undefined : read(path)
  if (text?.ok === true) return { help: { value: text.value, at } }
  if (text !== undefined)
    issues.push(warning("unreadable", `HELP_FILE: ${text.error}: HELP answers that there is none`, at))
  return { help: { value: undefined, at } }
}

/** Rules are read anew where they are run; here only what is wrong with them is told. */
function checkLocalRules(draft: Draft): void {
  const { options: set, macros, maps, tables, mc } = draft
  if (mc.localLines.length === 0) return
  const operators = set.get("OperatorChars")?.value ?? options.OperatorChars.byDefault
  const source = { localRules: mc.localLines, macros, maps, tables, operators: String(operators) }
  draft.issues.push(...readLocalRules(source).issues)
}

function apply(draft: Draft, statement: Statement): void {
  switch (statement.kind) {
    case "feature":
      return applyFeature(draft, statement)
    case "class":
      return addMembers(draft.classes, statement.class, statement.members, statement.at)
    case "class-file":
      draft.issues.push(...readClassFile(draft.classes, statement, draft.read))
      return
    case "macro":
      draft.macros.set(statement.name, { value: statement.value, at: statement.at })
      return
    case "filter":
      return applyFilter(draft, statement)
    case "queue-group":
      return applyQueueGroup(draft, statement)
    case "option":
      return applyOption(draft, statement)
    case "map":
      draft.maps.set(statement.name.toLowerCase(), { ...statement, kind: statement.class })
      return
    case "daemon":
    case "client":
    case "mailer":
    case "mailer-flags":
      return // their turn comes when all defines are known
  }
}

type Of<K extends Statement["kind"]> = Extract<Statement, { readonly kind: K }>

function applyFeature(draft: Draft, use: Of<"feature">): void {
  const row = featureRow(use.name)
  if (row === undefined) {
    draft.issues.push(unknownFeature(use))
    return
  }
  if (row.obsolete !== undefined) {
    draft.issues.push(warning("obsolete", `FEATURE(\`${use.name}') has no effect: ${row.obsolete}`, use.at))
  }
  if (row.now !== undefined) {
    draft.issues.push(warning("obsolete", `FEATURE(\`${use.name}') is deprecated; use \`${row.now}'`, use.at))
  }
  if (row.risk !== undefined) draft.issues.push(warning("risky", row.risk, use.at))
  if (use.name === "tls_failures") applyTlsFailures(draft, use.at)
  const name = row.now ?? use.name
  const given = use.args.findLastIndex((argument) => argument.trim() !== "") + 1
  if (given > row.most || given < (row.least ?? 0))
    draft.issues.push(wrongCount(use, row.least ?? 0, row.most))
  if (row.expression === true) draft.issues.push(...wrongExpression(use))
  if (row.words !== undefined) draft.issues.push(...wrongWords(use, row.words))
  const uses = draft.features.get(name) ?? []
  uses.push({ name, args: use.args.map((argument) => argument.trim()), at: use.at })
  draft.features.set(name, uses)
  if (row.table !== undefined) addFeatureTable(draft, row.table, use)
}

/** feature/tls_failures.m4: an error's words, and the option all the same. */
function applyTlsFailures({ options: set, issues }: Draft, at: Origin): void {
  const says = "FEATURE(`tls_failures') has been replaced by confTLS_FALLBACK_TO_CLEAR, which is on now"
  issues.push(warning("obsolete", says, at))
  set.set("TLSFallbacktoClear", { value: true, at })
}

function unknownFeature(use: Of<"feature">): Issue {
  const hint = suggestion(use.name, Object.keys(featureRows))
  const wrong = error("unknown-feature", `there is no FEATURE(\`${use.name}')`, use.at, hint)
  return { ...wrong, width: "FEATURE".length }
}

function wrongExpression({ name, args: [expression = ""], at }: Of<"feature">): readonly Issue[] {
  const read = posixRegex(expression.trim(), { syntax: "extended", ignoreCase: true })
  return read.ok ? [] : [error("bad-value", `FEATURE(\`${name}'): the regular expression: ${read.error}`, at)]
}

function wrongCount(use: Of<"feature">, least: number, most: number): Issue {
  const wanted =
    most === 0 ? "takes no argument" : least === most ? `takes ${most}` : `takes ${least} to ${most}`
  const message = `FEATURE(\`${use.name}') ${wanted}, here are ${use.args.length}`
  // Too many never stopped sendmail; too few leave out what the feature is about.
  return use.args.length < least
    ? error("bad-arguments", message, use.at)
    : warning("bad-arguments", message, use.at)
}

function applyQueueGroup(draft: Draft, { name, equates, at }: Of<"filter" | "queue-group">): void {
  const { group, issues } = readQueueGroup(name, equates, at)
  draft.queueGroups.set(name, group)
  draft.issues.push(...issues)
}

/** Groups that mailers and FEATURE(queuegroup) name, once all lines are known. */
function checkQueueGroups(draft: Draft): void {
  const { queueGroups, mailers, features, issues } = draft
  const check = (name: string | undefined, by: string, at: Issue["at"]) => {
    const wrong = name === undefined || name === "" ? undefined : unknownGroup(name, queueGroups, by, at)
    if (wrong !== undefined) issues.push(wrong)
  }
  for (const { name, queueGroup, at } of mailers.values()) check(queueGroup, `the mailer ${name}`, at)
  for (const { args, at } of features.get("queuegroup") ?? []) check(args[0], "FEATURE(`queuegroup')", at)
}

function applyFilter(draft: Draft, filter: Of<"filter" | "queue-group">): void {
  draft.filters.set(filter.name, { name: filter.name, equates: filter.equates, at: filter.at })
  if (!filter.inUse || draft.mc.defines.has("confINPUT_MAIL_FILTERS")) return
  const before = draft.options.get("InputMailFilters")?.value
  const value = [...(Array.isArray(before) ? before : []), filter.name]
  draft.options.set("InputMailFilters", { value, at: filter.at })
}

function applyOption(draft: Draft, { name, value, at }: Of<"option">): void {
  const known = optionOfCf(name)
  if (known !== undefined) return setOption(draft, known, value, at)
  const hint = suggestion(name, Object.keys(options))
  draft.issues.push(error("unknown-option", `there is no option ${name}`, at, hint))
}

/** FEATURE(nullclient, hub): no aliases, no .forward, everything goes to the hub, in its name. */
function applyNullClient(draft: Draft): void {
  const use = draft.features.get("nullclient")?.[0]
  const hub = use?.args[0]
  if (use === undefined || hub === undefined || hub === "") return
  for (const name of ["H", "S", "M"])
    if (!draft.macros.has(name)) draft.macros.set(name, { value: hub, at: use.at })
  for (const name of ["allmasquerade", "masquerade_envelope"]) {
    if (!draft.features.has(name)) draft.features.set(name, [{ name, args: [], at: use.at }])
  }
  draft.options.set("ForwardPath", { value: "", at: use.at })
}
