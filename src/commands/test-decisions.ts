// sendmail -bt on a sendmail.mc: our own decisions, in the forms that sendmail's test mode has. -d21.x also tells their reasons.
import { existsSync } from "node:fs"
import { crackAddress, printCracked } from "../config/crack.ts"
import { option } from "../config/options.ts"
import type { RuleWorld, TraceEvent } from "../config/rule-run.ts"
import { expandText } from "../config/rule-text.ts"
import { makeRuleWorld } from "../config/rule-world.ts"
import { type ClassMembers, type MailerDefinition, mailer, type Settings } from "../config/settings.ts"
import { makeAccounts } from "../host/accounts.ts"
import { openSiteMaps } from "../host/rule-maps.ts"
import { makeTables, type OpenTables } from "../host/tables.ts"
import { layoutOf } from "../daemon/layout.ts"
import type { Decision, Reason } from "../mail/decision.ts"
import { canonify } from "../routing/canonify.ts"
import { printReason } from "../routing/explain.ts"
import { rewriteAddress } from "../routing/rewrite-address.ts"
import { resolve, type Resolved } from "../routing/route.ts"
import { routingBridge } from "../routing/rule-bridges.ts"
import { makeRouting, type SiteRouting } from "../routing/routing.ts"
import type { RoutingWorld } from "../routing/world.ts"
import { loadConfiguration } from "./configuration.ts"
import { systemConfiguration } from "./state.ts"
import { exits, Refusal } from "./io.ts"
import { printFailure, printRoute, withCaseOf } from "./test-answers.ts"
import { addTo, runRulesets, type SiteParts } from "./test-compiled.ts"
import { type Print, type TestSite, traceLevel, traceLine } from "./test-site.ts"

/** Opens a configuration: `file`, else the machine's own, else the built-in one. */
export function openDecisionSite(file: string | undefined, parts: SiteParts): TestSite {
  const chosen = file ?? (existsSync(systemConfiguration) ? systemConfiguration : undefined)
  const loaded = loadConfiguration(chosen, parts.state)
  if (!loaded.ok) throw new Refusal(loaded.error, exits.config)
  const { settings } = loaded.value
  const notices = [...loaded.value.warnings]
  const tables = makeTables(settings.tables, (line) => notices.push(line))
  if (!tables.ok) throw new Refusal(tables.error, exits.config)
  return new Decisions(settings, tables.value, notices, parts).site()
}

/** Owns the tables and maps of a configuration while test mode runs. */
class Decisions {
  readonly #settings: Settings
  readonly #tables: OpenTables
  readonly #notices: string[]
  readonly #parts: SiteParts
  readonly #classes: Map<string, ClassMembers>
  readonly #macros = new Map<string, string>()
  #level = 0
  #print: Print = () => {}

  constructor(settings: Settings, tables: OpenTables, notices: string[], parts: SiteParts) {
    this.#settings = settings
    this.#tables = tables
    this.#notices = notices
    this.#parts = parts
    this.#classes = new Map(settings.classes)
  }

  site(): TestSite {
    const { dns } = this.#parts
    const accounts = makeAccounts({
      passwd: "/etc/passwd",
      usersFile: layoutOf(this.#parts.state).usersFile,
      asRoot: process.getuid?.() === 0,
    })
    // Classes and macros that are added while it runs are those of the settings from then on.
    const settings = { ...this.#settings, classes: this.#classes }
    const maps = openSiteMaps(settings, this.#tables.byName, {
      dns,
      accounts,
      say: (line) => this.#notices.push(line),
    })
    const routing = makeRouting({
      settings,
      tables: this.#tables.byName,
      accounts,
      readUserFile: async () => ({ found: "nothing" }),
      dns,
      siteRules: { map: maps.map, dns },
    })
    const world = this.#ruleWorld(routing, maps.map)
    return {
      notices: [...this.#notices, ...maps.errors.map(({ why }) => why)],
      map: maps.map,
      macro: world.macro,
      define: (name, value) => void this.#macros.set(name, value),
      members: (name) => settings.classes.get(name)?.keys() ?? [],
      add: (name, members) => addTo(this.#classes, name, members),
      ruleset: (name) =>
        routing.rules?.ruleset(name) ?? (world.ruleset(name) === undefined ? undefined : "ours"),
      mailers: () => [...settings.mailers.values()].map(mailerDump),
      expand: (text) => expandText(text, world.macro),
      trace: (flags) => void (this.#level = traceLevel(flags)),
      close: () => {
        maps.close()
        this.#tables.close()
      },
      parse: (address, use, print) => this.#parse(address, `${use.where} ${use.who}`, routing, print),
      tryMailer: (name, address, use, print) => this.#try(name, address, use, routing, print),
      rulesets: (names, address, print) => {
        this.#print = print
        return runRulesets(names, address, world, print)
      },
    }
  }

  #ruleWorld(routing: SiteRouting, map: RuleWorld["map"]): RuleWorld {
    const { settings, rules } = routing
    const { dns } = this.#parts
    const trace = (event: TraceEvent) => {
      const line = traceLine(event, this.#level)
      if (line !== undefined) this.#print(line)
    }
    const bridges = (name: string) => routingBridge(name, { routing, dns })
    if (rules !== undefined) return rules.world({ macros: this.#macros, trace, bridges })
    return makeRuleWorld({
      classes: this.#classes,
      macro: (name) => settings.macros.get(name)?.value,
      ownMacros: this.#macros,
      ruleset: bridges,
      map,
      operators: option(settings, "OperatorChars"),
      blank: option(settings, "BlankSub"),
      deepest: option(settings, "MaxRuleRecursion"),
      trace,
    })
  }

  async #parse(address: string, what: string, routing: RoutingWorld, print: Print): Promise<void> {
    const cracked = crackAddress(address)
    print(`Cracked address = ${printCracked(address)}`)
    print(`Parsing ${what} address`)
    const bare = address.slice(cracked.before.length, address.length - cracked.after.length).trim()
    // sendmail: the null sender as a recipient is nobody at this host.
    if (bare === "" || bare === "@" || bare === "<>") return print("mailer local, user ")
    const decision = await whereTo(bare, routing)
    this.#tellReason(decision.reason, print)
    if (decision.outcome !== "yes") return printFailure(bare, decision, print)
    await printRoute(bare, decision.value, decision.reason, { routing, dns: this.#parts.dns }, print)
  }

  async #try(
    name: string,
    address: string,
    use: { readonly where: "header" | "envelope"; readonly who: "sender" | "recipient" },
    routing: RoutingWorld,
    print: Print,
  ): Promise<void> {
    if (mailer(routing.settings, name) === undefined) return print(`Unknown mailer ${name}`)
    print(`Trying ${use.where} ${use.who} address ${address} for mailer ${name}`)
    const { before, after } = crackAddress(address)
    const bare = address.slice(before.length, address.length - after.length).trim()
    if (bare === "" || bare === "<>") return print(`Rcode = 0, addr = ${address}`)
    const read = await canonify(bare, routing, "form")
    const decision =
      read.outcome === "yes"
        ? await rewriteAddress(read.value, { mailer: name, where: use.where, kind: use.who }, routing)
        : read
    this.#tellReason(decision.reason, print)
    if (decision.outcome === "yes") {
      return print(`Rcode = 0, addr = ${before}${withCaseOf(bare, decision.value)}${after}`)
    }
    // What cannot be read is written as it came: rewriting refuses nothing.
    print(`Rcode = ${decision.outcome === "later" ? exits.tryAgain : 0}, addr = ${address}`)
  }

  #tellReason(reason: Reason, print: Print): void {
    if (this.#level > 0) for (const line of printReason(reason)) print(line)
  }
}

async function whereTo(address: string, routing: RoutingWorld): Promise<Decision<Resolved>> {
  const read = await canonify(address, routing)
  if (read.outcome !== "yes") return read
  const resolved = await resolve(read.value, routing)
  const { after } = read.reason
  return after.length === 0
    ? resolved
    : { ...resolved, reason: { ...resolved.reason, after: [...after, ...resolved.reason.after] } }
}

/** A mailer as =M shows it; rulesets are ours, so none are named. */
function mailerDump({ name, path, args, flags, maxSize }: MailerDefinition, number: number): string {
  const sorted = [...new Set(flags)].toSorted().join("")
  return `mailer ${number} (${name}): P=${path} M=${maxSize ?? 0} F=${sorted} A=${args}`
}
