// sendmail -bt -C sendmail.cf: a compiled configuration, answered by its own rules.
import { printCracked } from "../config/crack.ts"
import { type Cf, readCf } from "../config/cf.ts"
import { type CfRoute, cfRuleWorld, formByCf, routeByCf } from "../config/cf-address.ts"
import { type CfMailer, rulesetsOf } from "../config/cf-mailer.ts"
import { printIssue } from "../config/issues.ts"
import { rewrite } from "../config/rewrite.ts"
import { newRun, type RuleWorld } from "../config/rule-run.ts"
import { expandText } from "../config/rule-text.ts"
import { marks, type Token, tokenize } from "../config/rule-tokens.ts"
import type { RuleMap } from "../config/rule-maps.ts"
import type { NamedRules } from "../config/rulesets.ts"
import type { ClassMembers } from "../config/settings.ts"
import { makeAccounts } from "../host/accounts.ts"
import type { HostFacts } from "../host/facts.ts"
import { openRuleMaps, type OpenRuleMaps } from "../host/rule-maps.ts"
import type { Dns } from "../mail/world.ts"
import { readText } from "./configuration.ts"
import { exits, Refusal } from "./io.ts"
import type { AddressUse } from "./test-line.ts"
import { complaintLine, mailerLine, type Print, type TestSite, traceLevel, traceLine } from "./test-site.ts"

export type SiteParts = { readonly dns: Dns; readonly state: string; readonly host: HostFacts }

/** Opens the configuration, or refuses when it cannot be read. */
export function openCompiledSite(file: string, { dns, host }: SiteParts): TestSite {
  const text = readText(file)
  if (!text.ok) throw new Refusal(text.error, exits.config)
  const cf = readCf(file, text.value, readText, host)
  const accounts = makeAccounts({ passwd: "/etc/passwd", usersFile: undefined, asRoot: true })
  const notices = cf.issues.map(printIssue)
  const maps = openRuleMaps(cf.maps.values(), { dns, accounts, say: (line) => notices.push(line) })
  for (const { why } of maps.errors) notices.push(why)
  return new Compiled(cf, maps, notices)
}

/** Owns the maps of a compiled configuration while test mode runs. */
class Compiled implements TestSite {
  readonly notices: readonly string[]
  readonly #cf: Cf
  readonly #maps: OpenRuleMaps
  readonly #classes: Map<string, ClassMembers>
  readonly #macros = new Map<string, string>()
  readonly #world: RuleWorld
  #level = 0
  #print: Print = () => {}

  constructor(cf: Cf, maps: OpenRuleMaps, notices: readonly string[]) {
    this.#cf = cf
    this.#maps = maps
    this.notices = notices
    this.#classes = new Map(cf.classes)
    this.#world = cfRuleWorld(cf, {
      classes: this.#classes,
      ownMacros: this.#macros,
      map: maps.map,
      trace: (event) => {
        const line = traceLine(event, this.#level)
        if (line !== undefined) this.#print(line)
      },
    })
  }

  map(name: string): RuleMap | undefined {
    return this.#maps.map(name)
  }

  macro(name: string): string | undefined {
    return this.#world.macro(name)
  }

  define(name: string, value: string): void {
    this.#macros.set(name, value)
  }

  members(name: string): Iterable<string> {
    return this.#classes.get(name)?.keys() ?? []
  }

  add(name: string, members: readonly string[]): void {
    addTo(this.#classes, name, members)
  }

  ruleset(name: string): NamedRules | undefined {
    return this.#cf.rulesets.get(name.toLowerCase())
  }

  mailers(): readonly string[] {
    return this.#cf.mailers.map(mailerDump)
  }

  expand(text: string): string {
    return expandText(text, this.#world.macro)
  }

  trace(flags: string): void {
    this.#level = traceLevel(flags)
  }

  close(): void {
    this.#maps.close()
  }

  async parse(address: string, use: AddressUse, print: Print): Promise<void> {
    this.#print = print
    print(`Cracked address = ${printCracked(address)}`)
    print(`Parsing ${use.where} ${use.who} address`)
    const { route, complaints, waits } = await routeByCf(address, this.#cf, this.#world)
    for (const says of complaints) print(complaintLine(says, address))
    if (waits) print(`${address}... Transient parse error -- message queued for future delivery`)
    print(routeLine(route))
  }

  async tryMailer(name: string, address: string, use: AddressUse, print: Print): Promise<void> {
    this.#print = print
    const mailer = this.#cf.mailers.find((one) => one.name.toLowerCase() === name.toLowerCase())
    if (mailer === undefined) return print(`Unknown mailer ${name}`)
    print(`Trying ${use.where} ${use.who} address ${address} for mailer ${name}`)
    const form = await formByCf(address, mailer, use, this.#world)
    for (const says of form.complaints) print(complaintLine(says, address))
    print(`Rcode = ${rcode[form.status]}, addr = ${form.address}`)
  }

  async rulesets(names: readonly string[], address: string, print: Print): Promise<void> {
    this.#print = print
    await runRulesets(names, address, this.#world, print)
  }
}

/** Puts words into a class that is only read elsewhere. */
export function addTo(classes: Map<string, ClassMembers>, name: string, members: readonly string[]): void {
  const more = members.map((member) => [member.toLowerCase(), undefined] as const)
  classes.set(name, new Map([...(classes.get(name) ?? []), ...more]))
}

const rcode = { ok: 0, later: exits.tryAgain, wrong: exits.config } as const

function routeLine(route: CfRoute): string {
  switch (route.kind) {
    case "route":
      return mailerLine(route.mailer, route.host, route.user)
    case "error":
      return mailerLine("*error*", route.host, route.user)
    case "none":
      return mailerLine("*error*", "", "")
  }
}

/** What was typed; check_relay and its like are asked of several parts, with `$|` between them. */
function typedTokens(address: string, { operators }: RuleWorld, print: Print): readonly Token[] {
  return address.split("$|").flatMap((part, n) => {
    const scanned = tokenize(part.trim(), { operators, comments: "keep", balance: true })
    for (const says of scanned.complaints) print(complaintLine(says, address))
    return n === 0 ? scanned.tokens : [marks.or, ...scanned.tokens]
  })
}

/** Runs named rulesets one after the other, as `3,0 address` asks. */
export async function runRulesets(
  names: readonly string[],
  address: string,
  world: RuleWorld,
  print: Print,
): Promise<void> {
  let tokens = typedTokens(address, world, print)
  for (const name of names) {
    const ruleset = world.ruleset(name) ?? (/^\d{1,2}$/.test(name) ? { name, rules: [] } : undefined)
    if (ruleset === undefined) return print(`Undefined ruleset ${name}`)
    const run = newRun(world)
    tokens = await rewrite(tokens, ruleset, run)
    for (const says of run.complaints) print(complaintLine(says, address))
    if (run.status !== "ok") {
      print(`== Ruleset ${name} status ${rcode[run.status === "unavailable" ? "later" : "wrong"]}`)
    }
  }
}

/** A mailer as =M shows it. */
function mailerDump(mailer: CfMailer): string {
  const get = (letter: string, byDefault: string) => mailer.equates.get(letter) ?? byDefault
  const sets = (equate: "S" | "R") => {
    const { envelope, header } = rulesetsOf(mailer, equate)
    return `${envelope || "parse"}/${header || "parse"}`
  }
  const flags = [...new Set(get("F", ""))].toSorted().join("")
  const types = mailer.equates.get("T")?.replaceAll(/\s/g, "") ?? "<undefined>/<undefined>/<undefined>"
  return (
    `mailer ${mailer.number} (${mailer.name}): P=${get("P", "")} S=${sets("S")} R=${sets("R")} M=${get("M", "0")} ` +
    `U=-1:-1 F=${flags} L=${get("L", "0")} E=${get("E", "\\n")} T=${types} r=${get("r", "100")} A=${get("A", "")}`
  )
}
