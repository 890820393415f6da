// What each line of a configuration file does, in a few words: of a sendmail.mc from the settings that came of it, of a table from its
// entry. A line that has no effect says nothing.
import { featureRow } from "../config/features.ts"
import { type OptionName, options } from "../config/options.ts"
import type { Settings, TableSpec } from "../config/settings.ts"
import { printValue } from "../config/values.ts"
import type { Origin } from "../mail/decision.ts"
import type { ConfigLine } from "./api-config.ts"

/** Things that one line is said to do. */
const mostWords = 6

/** The lines of a sendmail.mc or a file it includes. */
export function linesOfMc(file: string, text: string, settings: Settings | undefined): readonly ConfigLine[] {
  const does = settings === undefined ? new Map<number, string[]>() : wordsByLine(file, settings)
  return numbered(text, (line) => joined(does.get(line) ?? []))
}

/** Several things in one line; each may be a sentence of its own. */
function joined(says: readonly string[]): string {
  if (says.length === 1) return says[0] ?? ""
  return says
    .slice(0, mostWords)
    .map((one) => one.replace(/\.$/, ""))
    .join("; ")
}

function numbered(text: string, does: (line: number, text: string) => string): readonly ConfigLine[] {
  const lines = text.replace(/\n$/, "").split("\n")
  return lines.map((one, n) => ({ line: n + 1, text: one, does: does(n + 1, one) }))
}

function wordsByLine(file: string, settings: Settings): Map<number, string[]> {
  const words = new Map<number, string[]>()
  const add = (at: Origin | undefined, says: string) => {
    const place = inFile(at, file)
    if (place === undefined) return
    const said = words.get(place.line) ?? []
    if (!said.includes(says)) words.set(place.line, [...said, says])
  }
  for (const [name, uses] of settings.features) {
    const about = featureRow(name)?.about ?? name
    for (const { at } of uses) add(at, about)
  }
  for (const { name, kind, file: table, at } of settings.tables)
    add(at, `opens the table ${name} (${kind} ${table})`)
  for (const name of Object.keys(options) as OptionName[]) {
    const { type, about } = options[name]
    const setting = settings.options.get(name)
    if (setting !== undefined) add(setting.at, `${about} Here: ${printValue(setting.value, type)}`)
  }
  for (const { name, address, port, at } of settings.daemons)
    add(at, `listens on ${address ?? "all addresses"}, port ${port}, as ${name}`)
  for (const { name, path, at } of settings.mailers.values()) add(at, `the mailer ${name} (${path})`)
  for (const [name, { value, at }] of settings.macros)
    add(at, `$${name.length === 1 ? name : `{${name}}`} is ${value}`)
  for (const [name, members] of settings.classes)
    for (const [member, at] of members) add(at, `${member} is in class ${name}`)
  for (const { name, equates, at } of settings.filters.values()) add(at, `the milter ${name} (${equates})`)
  for (const { section, at } of settings.localRules) add(at, `rules of ${section}`)
  return words
}

/** The line of this file that an origin is about: its own, or one that led there. */
function inFile(at: Origin | undefined, file: string): Origin | undefined {
  for (let one = at; one !== undefined; one = one.via) if (one.file === file) return one
  return undefined
}

/** The lines of a table's source. */
export function linesOfMap({ name }: Pick<TableSpec, "name">, text: string): readonly ConfigLine[] {
  return numbered(text, (_, line) => {
    if (/^\s*(?:#|$)/.test(line)) return ""
    const [, key, value] =
      (name === "aliases" ? /^([^:\s][^:]*):\s*(.*)$/ : /^(\S+)\s+(.*)$/).exec(line) ?? []
    return key === undefined || value === undefined ? "" : sentence(name, key, value.trim())
  })
}

function sentence(table: string, key: string, value: string): string {
  switch (table) {
    case "aliases":
      return `mail for ${key} goes to ${value}`
    case "virtusertable":
      return value.startsWith("error:") ? `mail for ${key} is refused` : `mail for ${key} goes to ${value}`
    case "mailertable":
      return `mail for hosts of ${key} goes by ${value}`
    case "access":
      return accessSentence(key, value)
    case "genericstable":
      return `mail from ${key} leaves as from ${value}`
    case "domaintable":
      return `the domain ${key} is taken for ${value}`
    default:
      return `${key}: ${value}`
  }
}

function accessSentence(key: string, value: string): string {
  const [word = ""] = value.split(/[\s:]/)
  const says = { OK: "is let in", RELAY: "may relay", REJECT: "is refused", DISCARD: "is thrown away" }[
    word.toUpperCase()
  ]
  return `${key.replace(/^(\w+):/, (_, tag: string) => `${tag} `)} ${says ?? `gets "${value}"`}`
}

/** The lines of a file that holds members of a class. */
export function linesOfClass(name: string, text: string): readonly ConfigLine[] {
  return numbered(text, (_, line) => {
    const member = line.trim().split(/\s/)[0] ?? ""
    return member === "" || member.startsWith("#") ? "" : `${member} is in class ${name}`
  })
}
