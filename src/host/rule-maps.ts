// The maps of rules that ask the world: tables on disk, names in DNS, accounts, programs. Kinds that compute are config/'s.
import { computedMap, isComputed } from "../config/computed-maps.ts"
import {
  fillAnswer,
  foundValue,
  nothingFound,
  readRuleMapFlags,
  type MapAnswer,
  type RuleMap,
  type RuleMapFlags,
} from "../config/rule-maps.ts"
import type { MapDeclaration, Settings } from "../config/settings.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Account, Accounts, Dns } from "../mail/world.ts"
import type { LookupTable } from "../maps/table.ts"
import { bestExchanger, canonicalHost, dnsRecords, isDnsType } from "./name-maps.ts"
import { askProgram } from "./program-map.ts"
import { type Say, Table } from "./tables.ts"

export type RuleMapParts = {
  readonly dns: Dns
  readonly accounts: Accounts
  readonly say: Say
  /** Tables that are open already, by the name that rules know them by. */
  readonly tables?: ReadonlyMap<string, readonly LookupTable[]>
}

/** Owned by whoever opened it, closed once. */
export type OpenRuleMaps = {
  readonly map: (name: string) => RuleMap | undefined
  /** Declarations that cannot be used, each with its name; those maps are not there. */
  readonly errors: readonly { readonly declaration: MapDeclaration; readonly why: string }[]
  close(): void
}

type Lookup = RuleMap["lookup"]
type Opened = { readonly lookup: Lookup; readonly close?: () => void }

/** Kinds whose answers stand in a file. */
const tableKinds: ReadonlySet<string> = new Set(["hash", "btree", "dbm", "cdb", "text", "implicit", "stab"])
const refused: ReadonlySet<string> = new Set(
  "ldap ldapx nis nisplus hesiod netinfo socket ph nsd switch passwd userdb ni".split(" "),
)

/** Opens the maps that K lines declare; `host` is always there. */
export function openRuleMaps(declared: Iterable<MapDeclaration>, parts: RuleMapParts): OpenRuleMaps {
  const maps = new Map<string, RuleMap>()
  const errors: { declaration: MapDeclaration; why: string }[] = []
  const closers: (() => void)[] = []
  const world = { map: (name: string) => maps.get(name.toLowerCase()), random: Math.random }
  const host: MapDeclaration = { name: "host", kind: "host", args: "-a.", at: undefined }
  for (const declaration of [host, ...declared]) {
    const { name, kind } = declaration
    if (isComputed(kind)) {
      const made = computedMap(declaration, world)
      if (made.ok) maps.set(name.toLowerCase(), made.value)
      else errors.push({ declaration, why: made.error })
      continue
    }
    const flags = readRuleMapFlags(declaration.args)
    const opened = open(declaration, flags, parts)
    if (!opened.ok) errors.push({ declaration, why: `map ${name}: ${opened.error}` })
    else {
      maps.set(name.toLowerCase(), { ...ruleMap(declaration, flags), lookup: opened.value.lookup })
      if (opened.value.close !== undefined) closers.push(opened.value.close)
    }
  }
  for (const [name, tables] of parts.tables ?? []) maps.set(name.toLowerCase(), ofTables(name, tables))
  return {
    map: world.map,
    errors,
    close: () => {
      for (const close of closers) close()
    },
  }
}

/** Maps that sendmail's own rules declare, which local rules use. */
const usualMaps: readonly MapDeclaration[] = ["dequote", "macro", "arith"].map((name) => ({
  name,
  kind: name,
  args: "",
  at: undefined,
}))

/** Tables of ours under the names that sendmail.cf gives them. */
const cfNames: Readonly<Record<string, string>> = { virtusertable: "virtuser", genericstable: "generics" }

/** The maps of a sendmail.mc's rules: its K lines, the tables of its FEATUREs, and those sendmail has of itself. */
export function openSiteMaps(
  { maps }: Pick<Settings, "maps">,
  tables: ReadonlyMap<string, readonly LookupTable[]>,
  parts: Omit<RuleMapParts, "tables">,
): OpenRuleMaps {
  const named = [...tables].flatMap(([name, found]) => [
    [name, found] as const,
    [cfNames[name] ?? name, found] as const,
  ])
  return openRuleMaps([...usualMaps, ...maps.values()], { ...parts, tables: new Map(named) })
}

function ruleMap({ name, kind, at }: MapDeclaration, flags: RuleMapFlags): Omit<RuleMap, "lookup"> {
  return {
    name,
    kind,
    at,
    blank: flags.blank,
    keepQuotes: flags.keepQuotes,
    onFailure: flags.onFailure,
    neverDefers: flags.all.has("t"),
  }
}

function open(declaration: MapDeclaration, flags: RuleMapFlags, parts: RuleMapParts): Result<Opened> {
  const { kind } = declaration
  if (tableKinds.has(kind)) return openTable(declaration, flags, parts.say)
  if (refused.has(kind)) return fail(`maps of kind ${kind} are not supported`)
  switch (kind) {
    case "host":
      return ok({ lookup: async (key) => filled(await canonicalHost(key, parts.dns), [key], flags) })
    case "dns":
      return openDns(flags, parts.dns)
    case "bestmx":
      return ok({
        lookup: async (key, parameters) =>
          filled(await bestExchanger(key, flags.all.get("z"), parts.dns), parameters, flags),
      })
    case "user":
      return ok({
        lookup: async (key, parameters) => filled(await user(key, flags, parts.accounts), parameters, flags),
      })
    case "program":
      return openProgram(flags)
    case "syslog":
      return ok({
        lookup: (key) => {
          parts.say(`${declaration.name}: ${key}`)
          return foundValue("")
        },
      })
    default:
      return fail(`there is no kind of map ${kind}`)
  }
}

/** -m: the key itself; else the answer with its parameters put in; -a behind it. */
function filled(answer: MapAnswer, parameters: readonly string[], flags: RuleMapFlags): MapAnswer {
  if (answer.found !== "value") return answer
  const value = flags.matchOnly
    ? (parameters[0] ?? "") + flags.append
    : fillAnswer(answer.value, parameters, flags.append)
  return foundValue(value, answer.at)
}

function openTable({ name, kind, at }: MapDeclaration, flags: RuleMapFlags, say: Say): Result<Opened> {
  if (flags.rest === "") return fail(`${kind} needs the path of a file`)
  const file = flags.rest.split(/\s+/, 1)[0] ?? ""
  const kept = [...flags.all].filter(([letter]) => "ofNkvz".includes(letter))
  const table = new Table(
    {
      name,
      kind,
      file: kind === "text" ? file : file.replace(/\.(?:db|cdb|dir|pag)$/, ""),
      flags: kept.map(([letter, value]) => `-${letter}${value}`).join(" "),
      at,
    },
    say,
  )
  return ok({
    lookup: (key, parameters) => filled(answerOf(table.lookup(key)), parameters, flags),
    close: () => table.close(),
  })
}

type TableAnswer = Awaited<ReturnType<LookupTable["lookup"]>>

function answerOf(found: TableAnswer): MapAnswer {
  return found.found === "entry" ? foundValue(found.entry.value, found.entry.at) : found
}

/** Tables of the configuration under the names that sendmail's rules give them. */
function ofTables(name: string, tables: readonly LookupTable[]): RuleMap {
  const declaration = { name, kind: "hash", args: "", at: tables[0]?.via }
  const flags = readRuleMapFlags("")
  return {
    ...ruleMap(declaration, flags),
    lookup: async (key, parameters) => {
      for (const table of tables) {
        const answer = answerOf(await table.lookup(key))
        if (answer.found !== "nothing") return filled(answer, parameters, flags)
      }
      return nothingFound
    },
  }
}

function openDns(flags: RuleMapFlags, dns: Dns): Result<Opened> {
  const wanted = (flags.all.get("R") ?? "A").toUpperCase()
  if (!isDnsType(wanted)) return fail(`dns records of type ${wanted} are not looked up`)
  const between = flags.all.get("z")
  return ok({
    lookup: async (key, parameters) => {
      const name = key.toLowerCase().replace(/\.$/, "")
      return filled(await dnsRecords(name, wanted, between, dns), parameters, flags)
    },
  })
}

/** -vgecos: that field of the account; else its name. */
async function user(key: string, flags: RuleMapFlags, accounts: Accounts): Promise<MapAnswer> {
  const found = await accounts.lookup(key)
  if (found.found !== "entry") return found
  const field = flags.all.get("v") ?? "name"
  const value = fieldOf(found.entry, field)
  return value === undefined ? nothingFound : foundValue(value, found.entry.at)
}

function fieldOf(account: Account, field: string): string | undefined {
  switch (field) {
    case "name":
    case "1":
      return account.name
    case "passwd":
    case "2":
      return "x"
    case "uid":
    case "3":
      return account.uid === undefined ? undefined : String(account.uid)
    case "gid":
    case "4":
      return account.gid === undefined ? undefined : String(account.gid)
    case "gecos":
    case "5":
      return account.gecos
    case "dir":
    case "6":
      return account.home
    case "shell":
    case "7":
      return account.shell
    default:
      return undefined
  }
}

function openProgram(flags: RuleMapFlags): Result<Opened> {
  const [program, ...args] = flags.rest.split(/\s+/).filter((word) => word !== "")
  if (program === undefined || !program.startsWith("/"))
    return fail("program needs the full path of a program")
  return ok({
    lookup: async (key, parameters) => filled(await askProgram(program, [...args, key]), parameters, flags),
  })
}
