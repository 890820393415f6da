// `waypost check --compare sendmail.cf ADDRESS…`: where each address goes, and how it leaves as a sender, by the site's own compiled
// rules and by our decisions; where they differ, both are shown with the line that decided.
import { text as readAll } from "node:stream/consumers"
import { type Cf } from "../config/cf.ts"
import { type AddressUse, type CfRoute, cfRuleWorld, formByCf, routeByCf } from "../config/cf-address.ts"
import { option } from "../config/options.ts"
import type { RuleWorld } from "../config/rule-run.ts"
import { makeAccounts } from "../host/accounts.ts"
import { systemResolver } from "../host/resolver.ts"
import { openRuleMaps, openSiteMaps } from "../host/rule-maps.ts"
import { makeTables } from "../host/tables.ts"
import { type Decision, type Origin, printOrigin, type Reason } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import { canonify } from "../routing/canonify.ts"
import { rewriteAddress } from "../routing/rewrite-address.ts"
import { type Resolved, resolve } from "../routing/route.ts"
import { makeRouting } from "../routing/routing.ts"
import type { RoutingWorld } from "../routing/world.ts"
import type { CheckOptions } from "./check-report.ts"
import { findSource, readSourceCf, readSourceMc } from "./check-source.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { withCaseOf } from "./test-answers.ts"

/** What one side says to one question. */
export type Told = { readonly says: string; readonly at: string | undefined }

export type Compared = {
  readonly address: string
  readonly same: boolean
  readonly questions: readonly {
    readonly question: string
    readonly same: boolean
    readonly cf: Told
    readonly ours: Told
  }[]
}

type Sides = {
  readonly cf: Cf
  readonly world: () => RuleWorld
  readonly routing: RoutingWorld
  readonly close: () => void
}

/** Compares and prints; 0 when all are alike, 1 when not, 2 when a configuration cannot be read. */
export async function compareAddresses(
  cfFile: string,
  config: string | undefined,
  operands: readonly string[],
  options: CheckOptions,
  io: Io,
): Promise<number> {
  const sides = openSides(cfFile, config, options, io)
  try {
    const addresses = operands.includes("-") ? linesOf(await readAll(io.stdin)) : operands
    const compared: Compared[] = []
    for (const address of addresses) {
      const one = await compare(address, sides)
      compared.push(one)
      if (!options.json && !(options.quiet && one.same)) io.stdout.write(printCompared(one))
    }
    const alike = compared.filter(({ same }) => same).length
    if (options.json) io.stdout.write(`${JSON.stringify({ alike, compared }, undefined, 2)}\n`)
    else io.stdout.write(`${alike} of ${compared.length} addresses are treated alike.\n`)
    return alike === compared.length ? exits.ok : 1
  } finally {
    sides.close()
  }
}

function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
}

function openSides(cfFile: string, config: string | undefined, options: CheckOptions, io: Io): Sides {
  const cfSource = must(findSource(cfFile, io.cwd))
  const source = must(findSource(config ?? cfSource.directory, io.cwd))
  if (cfSource.cf === undefined) throw new Refusal(`${cfFile} is no sendmail.cf`, 2)
  if (source.mc === undefined)
    throw new Refusal(`there is no sendmail.mc to compare with; --config names one`, 2)
  const cf = must(readSourceCf(cfSource.cf, cfSource, options.host))
  const { settings, issues } = must(readSourceMc(source.mc, source, options.host, options.state))
  if (settings === undefined) {
    const first = issues.find(({ severity }) => severity === "error")
    throw new Refusal(
      `${source.mc} cannot be used: ${first?.message ?? ""}; waypost check ${source.mc} tells all`,
      2,
    )
  }
  const dns = must(systemResolver(options.resolver))
  const accounts = makeAccounts({ passwd: "/etc/passwd", usersFile: undefined, asRoot: true })
  const say = (line: string) => void io.stderr.write(`${line}\n`)
  const tables = must(makeTables(settings.tables, () => {}))
  const cfMaps = openRuleMaps(cf.maps.values(), { dns, accounts, say })
  const siteMaps = openSiteMaps(settings, tables.byName, { dns, accounts, say })
  for (const { why } of cfMaps.errors) say(why)
  const routing = makeRouting({
    settings,
    tables: tables.byName,
    accounts,
    readUserFile: async () => ({ found: "nothing" }),
    dns,
    siteRules: { map: siteMaps.map, dns },
  })
  return {
    cf,
    routing,
    world: () => cfRuleWorld(cf, { classes: cf.classes, ownMacros: new Map(), map: cfMaps.map }),
    close: () => {
      for (const one of [cfMaps, siteMaps, tables]) one.close()
    },
  }
}

function must<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string },
): T {
  if (!result.ok) throw new Refusal(result.error, 2)
  return result.value
}

/** Asks both sides all questions about an address. */
async function compare(address: string, sides: Sides): Promise<Compared> {
  const asked = [
    { question: "goes to", cf: await cfRoute(address, sides), ours: await ourRoute(address, sides) },
    ...(await Promise.all(
      forms.map(async ({ question, use }) => ({
        question,
        cf: await cfForm(address, use, sides),
        ours: await ourForm(address, use, sides),
      })),
    )),
  ]
  const questions = asked.map((one) => ({ ...one, same: one.cf.says === one.ours.says }))
  return { address, same: questions.every(({ same }) => same), questions }
}

const forms: readonly { readonly question: string; readonly use: AddressUse }[] = [
  { question: "in MAIL FROM", use: { where: "envelope", who: "sender" } },
  { question: "in From:", use: { where: "header", who: "sender" } },
  { question: "in To:", use: { where: "header", who: "recipient" } },
]

async function cfRoute(address: string, { cf, world }: Sides): Promise<Told> {
  const { route, decidedBy, waits } = await routeByCf(address, cf, world())
  return told(waits ? "cannot tell now" : routeText(route), decidedBy)
}

function routeText(route: CfRoute): string {
  if (route.kind === "error") return `refused: ${route.reply.code}`
  if (route.kind === "none") return `no answer: ${route.says}`
  return triple(route.mailer, route.host, route.user)
}

/** The dot behind a host says only that DNS knows it. */
function triple(mailer: string, host: string, user: string): string {
  return [mailer, host.replace(/\.$/, "").toLowerCase(), user].filter((part) => part !== "").join(" ")
}

async function ourRoute(address: string, { routing }: Sides): Promise<Told> {
  const read = await canonify(address, routing)
  const decision: Decision<Resolved> = read.outcome === "yes" ? await resolve(read.value, routing) : read
  return told(
    decisionText(decision, ({ route }) => ourTriple(address, route, routing)),
    decision.reason,
  )
}

function ourTriple(
  address: string,
  { mailer, host, user }: Resolved["route"],
  { settings }: RoutingWorld,
): string {
  if (mailer === option(settings, "LocalMailer")) return triple(mailer, host, user.toLowerCase())
  return triple(mailer, host, withCaseOf(address, user))
}

function decisionText<T>(decision: Decision<T>, print: (value: T) => string): string {
  switch (decision.outcome) {
    case "yes":
      return print(decision.value)
    case "no":
      return `refused: ${decision.reply.code}`
    case "later":
      return decision.reply.code === 451
        ? "cannot tell now"
        : `refused: ${replyLine(decision.reply).slice(0, 3)}`
    case "pass":
      return "no answer"
  }
}

async function cfForm(address: string, use: AddressUse, { cf, world, routing }: Sides): Promise<Told> {
  const name = option(routing.settings, "SmtpMailer")
  const mailer = cf.mailers.find((one) => one.name === name)
  if (mailer === undefined) return told(`no mailer ${name}`, undefined)
  const form = await formByCf(address, mailer, use, world())
  return told(form.status === "later" ? "cannot tell now" : form.address, form.decidedBy)
}

async function ourForm(address: string, use: AddressUse, { routing }: Sides): Promise<Told> {
  const read = await canonify(address, routing)
  // What cannot be read is written as it came.
  if (read.outcome === "no") return told(address, read.reason)
  const mailer = option(routing.settings, "SmtpMailer")
  const decision =
    read.outcome === "yes"
      ? await rewriteAddress(read.value, { mailer, where: use.where, kind: use.who }, routing)
      : read
  return told(
    decisionText(decision, (text) => withCaseOf(address, text)),
    decision.reason,
  )
}

function told(says: string, reason: Reason | undefined): Told {
  const at = reason && originOf(reason)
  return { says, at: at && printOrigin(at) }
}

/** The line that decided: the reason's own, else that of the step before. */
function originOf(reason: Reason): Origin | undefined {
  if (reason.at !== undefined) return reason.at
  for (const step of reason.after.toReversed())
    if (step.role !== "passed" && step.at !== undefined) return step.at
  return undefined
}

function printCompared({ address, same, questions }: Compared): string {
  if (same) return `same     ${address}: ${questions[0]?.ours.says ?? ""}\n`
  const lines = questions
    .filter((one) => !one.same)
    .flatMap(({ question, cf, ours }) => [
      `  ${question.padEnd(12)} sendmail.cf  ${place(cf)}`,
      `  ${"".padEnd(12)} Waypost      ${place(ours)}`,
    ])
  return `differs  ${address}\n${lines.join("\n")}\n`
}

function place({ says, at }: Told): string {
  const shown = says === "" ? "(nothing)" : says
  return at === undefined ? shown : `${shown}   ${at}`
}
