// sendmail -bt: a postmaster asks how addresses are treated, line by line. Of a sendmail.mc our own decisions answer, in sendmail's
// forms; of a compiled sendmail.cf (-C) its own rules.
import { createInterface } from "node:readline"
import { hostFacts } from "../host/facts.ts"
import { systemResolver } from "../host/resolver.ts"
import { bestExchanger, canonicalHost, dnsRecords, isDnsType } from "../host/name-maps.ts"
import type { Dns } from "../mail/world.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { openCompiledSite } from "./test-compiled.ts"
import { openDecisionSite } from "./test-decisions.ts"
import { testHelp } from "./test-help.ts"
import { type AddressUse, readTestLine, type TestCommand, withTryFlags } from "./test-line.ts"
import { printRules, type TestSite } from "./test-site.ts"

export type TestOptions = {
  /** -C */
  readonly config: string | undefined
  readonly state: string
  /** --resolver, for tests: "127.0.0.1:5353". */
  readonly resolver?: string | undefined
}

type Session = {
  readonly site: TestSite
  readonly dns: Dns
  readonly print: (line: string) => void
  use: AddressUse
}

/** Reads commands until the input ends; each is answered before the next prompt. */
export async function testAddresses(options: TestOptions, io: Io): Promise<number> {
  const dns = systemResolver(options.resolver ?? io.env["WAYPOST_RESOLVER"])
  if (!dns.ok) throw new Refusal(dns.error, exits.config)
  const parts = { dns: dns.value, state: options.state, host: hostFacts() }
  const compiled = options.config?.endsWith(".cf") === true
  const site = compiled
    ? openCompiledSite(options.config ?? "", parts)
    : openDecisionSite(options.config, parts)
  for (const notice of site.notices) io.stderr.write(`${notice}\n`)
  io.stdout.write("ADDRESS TEST MODE (ruleset 3 NOT automatically invoked)\nEnter <ruleset> <address>\n")
  const session: Session = {
    site,
    dns: dns.value,
    print: (line) => void io.stdout.write(`${line}\n`),
    use: { where: "envelope", who: "recipient" },
  }
  try {
    await converse(session, io)
    return exits.ok
  } finally {
    site.close()
  }
}

async function converse(session: Session, io: Io): Promise<void> {
  io.stdout.write("> ")
  for await (const line of createInterface({ input: io.stdin, terminal: false })) {
    const command = readTestLine(line)
    if (!command.ok) session.print(command.error)
    else if (command.value.do === "quit") return
    else await answer(command.value, session)
    io.stdout.write("> ")
  }
}

async function answer(command: TestCommand, session: Session): Promise<void> {
  const { site, print, use } = session
  switch (command.do) {
    case "nothing":
    case "quit":
      return
    case "help":
      for (const line of testHelp) print(line)
      return
    case "rulesets":
      return site.rulesets(command.names, command.address, print)
    case "parse":
      return site.parse(command.address, command.as === "sender" ? { ...use, who: "sender" } : use, print)
    case "try":
      return site.tryMailer(command.mailer, command.address, use, print)
    case "tryflags":
      session.use = withTryFlags(use, command.flags)
      return
    case "mx":
    case "canon":
    case "host":
    case "dns":
      return askDns(command, session)
    case "map":
      return lookUp(command.name, command.key, session)
    default:
      return show(command, session)
  }
}

type Shown = Extract<
  TestCommand,
  {
    readonly do: "macro" | "class" | "ruleset" | "mailers" | "define" | "add" | "trace" | "expand" | "header"
  }
>

function show(command: Shown, { site, print }: Session): void {
  switch (command.do) {
    case "macro":
      print(site.macro(command.name) ?? "Undefined")
      return
    case "class":
      for (const member of site.members(command.name)) print(member)
      return
    case "ruleset":
      return showRuleset(command.name, site, print)
    case "mailers":
      for (const line of site.mailers()) print(line)
      return
    case "define":
      return site.define(command.name, command.value)
    case "add":
      return site.add(command.name, command.members)
    case "trace":
      return site.trace(command.flags)
    case "expand":
      print(site.expand(command.text))
      return
    case "header":
      print(headerLine(command.text))
  }
}

function showRuleset(name: string, site: TestSite, print: (line: string) => void): void {
  const ruleset = site.ruleset(name)
  if (ruleset === undefined) print(`Undefined ruleset ${name}`)
  else if (ruleset === "ours")
    print(`Ruleset ${name} is a decision of Waypost, not rules: waypost explain shows its steps`)
  else for (const line of printRules(ruleset)) print(line)
}

function headerLine(text: string): string {
  const match = /^([^\s:]+)\s*:\s*(.*)$/.exec(text)
  return match === null ? "Not a header field" : `${match[1]}: ${match[2]}`
}

async function lookUp(name: string, key: string, { site, print }: Session): Promise<void> {
  const map = site.map(name)
  if (map === undefined) return print(`Map named "${name}" not found`)
  const found = await map.lookup(key, [key], (macro, value) => site.define(macro, value ?? ""))
  switch (found.found) {
    case "value":
      return print(`map_lookup: ${name} (${key}) returns ${found.value} (0)`)
    case "nothing":
      return print(`map_lookup: ${name} (${key}) no match (${exNotFound})`)
    case "unavailable":
      return print(`map_lookup: ${name} (${key}) no match (${exits.tryAgain}): ${found.why}`)
  }
}

/** EX_NOHOST of sysexits(3). */
const exNotFound = 68

type Asked = Extract<TestCommand, { readonly do: "mx" | "canon" | "host" | "dns" }>

async function askDns(command: Asked, { dns, print }: Session): Promise<void> {
  if (command.do === "dns") {
    const type = command.type.toUpperCase()
    if (!isDnsType(type)) return print(`Records of type ${command.type} are not looked up`)
    const found = await dnsRecords(command.name.toLowerCase(), type, "\n\t", dns)
    return print(found.found === "value" ? `\t${found.value}` : `${command.name}: ${whyNot(found)}`)
  }
  const name = command.text
  if (command.do === "canon") {
    const found = await canonicalHost(name, dns)
    const shown = found.found === "value" ? found.value : name
    return print(
      `getcanonname(${name}) returns ${shown}${found.found === "unavailable" ? ` (${found.why})` : ""}`,
    )
  }
  if (command.do === "host") {
    const found = await dnsRecords(name.toLowerCase(), "A", "\n\t", dns)
    return print(found.found === "value" ? `${name}:\n\t${found.value}` : `${name}: ${whyNot(found)}`)
  }
  const found = await bestExchanger(name, "\n", dns)
  if (found.found !== "value") return print(`getmxrr(${name}) returns 0 value(s): ${whyNot(found)}`)
  const hosts = found.value.split("\n")
  print(`getmxrr(${name}) returns ${hosts.length} value(s):`)
  for (const host of hosts) print(`\t${host}.`)
}

function whyNot(
  found: { readonly found: "nothing" } | { readonly found: "unavailable"; readonly why: string },
): string {
  return found.found === "nothing" ? "no such name or record" : `no answer now: ${found.why}`
}
