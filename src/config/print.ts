// Settings as text for people and as JSON for programs, each value with the line it comes from.
import { type Origin, printOrigin } from "../mail/decision.ts"
import { changedAt } from "./no-effect.ts"
import { type OptionName, options } from "./options.ts"
import type { DaemonOptions, Settings } from "./settings.ts"
import { printValue } from "./values.ts"

type Row = readonly [name: string, value: string, at: Origin | undefined]

/** Everything, or only what differs from sendmail's defaults. */
export type Which = "all" | "set"

/** All settings, a section after the other; `set` leaves out what is sendmail's default. */
export function printSettings(settings: Settings, which: Which): string {
  const sections: readonly (readonly [title: string, rows: readonly Row[]])[] = [
    ["Listeners (DAEMON_OPTIONS)", settings.daemons.map(listenerRow)],
    ["Outgoing connections (CLIENT_OPTIONS)", settings.clients.map(listenerRow)],
    ["Features", featureRows(settings)],
    [
      "Tables",
      settings.tables.map(({ name, kind, file, flags, at }) => [name, words(kind, flags, file), at]),
    ],
    ["Mailers", mailerRows(settings)],
    ["Macros", [...settings.macros].map(([name, { value, at }]) => [`$${braced(name)}`, value, at])],
    ["Classes", classRows(settings)],
    ["Milters", [...settings.filters.values()].map(({ name, equates, at }) => [name, equates, at])],
    ["Queue groups", [...settings.queueGroups.values()].map(({ name, equates, at }) => [name, equates, at])],
    ["Maps", [...settings.maps.values()].map(({ name, kind, args, at }) => [name, words(kind, args), at])],
    [
      "Rules",
      settings.localRules.map(({ section, text, at }) => [section, text.split("\n", 1)[0] ?? "", at]),
    ],
    ["Options", optionRows(settings, which)],
  ]
  const printed = sections.flatMap(([title, rows]) => {
    const shown = which === "all" ? rows : rows.filter(([, , at]) => at !== undefined)
    return shown.length === 0 ? [] : [printSection(title, shown)]
  })
  return `Read from ${settings.source}\n\n${printed.join("\n")}`
}

function words(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ")
}

function braced(name: string): string {
  return name.length === 1 ? name : `{${name}}`
}

function listenerRow(daemon: DaemonOptions): Row {
  const literal = daemon.address?.includes(":") ? `[${daemon.address}]` : (daemon.address ?? "*")
  const other = [...daemon.other].map(([key, value]) => `${key}=${value}`).join(", ")
  const modify = daemon.modify === "" ? "" : `M=${daemon.modify}`
  return [daemon.name, words(`${literal}:${daemon.port}`, daemon.family, modify, other), daemon.at]
}

function featureRows(settings: Settings): Row[] {
  return [...settings.features.values()].flatMap((uses) =>
    uses.map(({ name, args, at }): Row => [name, args.map((text) => `\`${text}'`).join(", "), at]),
  )
}

function mailerRows(settings: Settings): Row[] {
  return [...settings.mailers.values()].map(({ name, path, args, flags, at }) => {
    return [name, words(path, args === "" ? "" : `A=${args}`, flags === "" ? "" : `F=${flags}`), at]
  })
}

function classRows(settings: Settings): Row[] {
  return [...settings.classes].flatMap(([name, members]) =>
    [...members].map(([member, at]): Row => [`$=${braced(name)}`, member, at]),
  )
}

function optionRows(settings: Settings, which: Which): Row[] {
  const names = Object.keys(options) as OptionName[] // the keys of this very table
  return names.flatMap((name): Row[] => {
    const { type, byDefault }: (typeof options)[OptionName] = options[name]
    const setting = settings.options.get(name)
    const value = setting?.value ?? byDefault
    if (value === undefined || (which === "set" && changedAt(settings, name) === undefined)) return []
    return [[name, printValue(value, type), setting?.at]]
  })
}

function printSection(title: string, rows: readonly Row[]): string {
  const nameWidth = Math.min(30, Math.max(...rows.map(([name]) => name.length)))
  const valueWidth = Math.min(60, Math.max(...rows.map(([, value]) => value.length)))
  const lines = rows.map(([name, value, at]) => {
    const where = at === undefined ? "default" : printOrigin(at)
    return `  ${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${where}`
  })
  return `${title}\n${lines.join("\n")}\n`
}

/** The settings as a value that JSON can hold: maps become objects, origins "file:line"; `set` leaves out what is sendmail's default. */
export function settingsAsJson(settings: Settings, which: Which = "all"): unknown {
  const names = Object.keys(options) as OptionName[] // the keys of this very table
  const effective = names
    .filter((name) => which === "all" || changedAt(settings, name) !== undefined)
    .map((name) => {
      const setting = settings.options.get(name)
      const value = setting?.value ?? options[name].byDefault ?? null
      return [name, { value, at: plainOrigin(setting?.at) }] as const
    })
  const whole = { ...settings, options: Object.fromEntries(effective) }
  return plain(which === "all" ? whole : onlySet(whole))
}

/** Without what no line of the site's says. */
function onlySet(value: object): object {
  const kept = Object.entries(value).flatMap(([key, inner]) => {
    const set = inner instanceof Map || Array.isArray(inner) ? setMembers(inner) : inner
    const none = (set instanceof Map && set.size === 0) || (Array.isArray(set) && set.length === 0)
    return none ? [] : [[key, set] as const]
  })
  return Object.fromEntries(kept)
}

function setMembers(members: ReadonlyMap<unknown, unknown> | readonly unknown[]): unknown {
  if (!(members instanceof Map)) return [...members.values()].filter(isSet)
  const kept = [...members].map(([key, one]) => [key, one instanceof Map ? setMembers(one) : one] as const)
  return new Map(kept.filter(([, one]) => (one instanceof Map ? one.size > 0 : isSet(one))))
}

function isSet(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  return isOrigin(value) || !("at" in value) || value.at !== undefined
}

function plainOrigin(at: Origin | undefined): string | undefined {
  return at === undefined ? undefined : printOrigin(at)
}

function plain(value: unknown): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, inner]) => [String(key), plainMember(inner)]))
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  if (isOrigin(value)) return printOrigin(value)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

// A member of a class without a line is there all the same.
function plainMember(value: unknown): unknown {
  return value === undefined ? "default" : plain(value)
}

function isOrigin(value: object): value is Origin {
  return "file" in value && "line" in value && "column" in value
}
