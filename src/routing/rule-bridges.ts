// Our decisions under the names of sendmail's rulesets, so that a site's own rules may go on calling $>canonify, $>parse or $>Recurse,
// and -bt can ask for 3,0. What comes out is what sendmail's rulesets would leave: tokens, or $# mailer $@ host $: user.
import type { Decision } from "../mail/decision.ts"
import { type Reply, replyLine } from "../mail/reply.ts"
import { printDomain } from "../mail/address.ts"
import { option } from "../config/options.ts"
import type { Ruleset, Run } from "../config/rule-run.ts"
import { wrongRules } from "../config/rule-run.ts"
import { marks, type Token, tokenize } from "../config/rule-tokens.ts"
import { canonify } from "./canonify.ts"
import { findLocal, localName } from "./local-user.ts"
import { type FocusWorld, focused, textOf, tokensOf } from "./rule-focus.ts"
import { rewriteAddress } from "./rewrite-address.ts"
import { type Resolved, resolve } from "./route.ts"
import type { Canonical } from "./world.ts"

type Bridge = (tokens: readonly Token[], world: FocusWorld, run: Run) => Promise<readonly Token[]>

/** By name and by number, in lower case; the name is the one that traces show. */
const bridges: ReadonlyMap<string, { readonly name: string; readonly run: Bridge }> = new Map(
  (
    [
      ["canonify", "3", canonifyTokens],
      ["Canonify2", "96", canonifyTokens],
      ["CanonAddr", "", canonifyTokens],
      ["parse", "0", parseTokens],
      ["Parse1", "", parseTokens],
      ["Recurse", "97", parseTokens],
      ["localaddr", "5", localTokens],
      ["final", "4", finalTokens],
      ["MasqHdr", "93", (tokens, world, run) => leaving(tokens, "header", world, run)],
      ["MasqEnv", "94", (tokens, world, run) => leaving(tokens, "envelope", world, run)],
    ] as readonly (readonly [string, string, Bridge])[]
  ).flatMap(([name, number, run]) => {
    const bridge = { name, run }
    return number === ""
      ? [[name.toLowerCase(), bridge] as const]
      : [[name.toLowerCase(), bridge] as const, [number, bridge] as const]
  }),
)

/** Our ruleset of that name, where we have one. */
export function routingBridge(name: string, world: FocusWorld): Ruleset | undefined {
  const found = bridges.get(name.toLowerCase())
  if (found === undefined) return undefined
  return { name: found.name, bridge: (tokens, run) => found.run(tokens, world, run) }
}

async function read(tokens: readonly Token[], world: FocusWorld): Promise<Decision<Canonical>> {
  return canonify(textOf(tokens, world.routing.settings), world.routing)
}

async function canonifyTokens(
  tokens: readonly Token[],
  world: FocusWorld,
  run: Run,
): Promise<readonly Token[]> {
  const decision = await read(tokens, world)
  run.steps.push(decision.reason)
  if (decision.outcome === "yes") return focused(decision.value, world)
  // sendmail's ruleset 3 refuses nothing: an address that makes no sense is refused by ruleset 0.
  if (decision.outcome === "later") return refusal(decision, world, run)
  return tokens
}

async function parseTokens(tokens: readonly Token[], world: FocusWorld, run: Run): Promise<readonly Token[]> {
  const canonical = await read(tokens, world)
  if (canonical.outcome !== "yes") return refusal(canonical, world, run)
  const decision = await resolve(canonical.value, world.routing)
  if (decision.outcome !== "yes") return refusal(decision, world, run)
  run.steps.push(decision.reason)
  return resolvedTokens(decision.value, decision.reason.step === "MX", world)
}

/** `$# mailer $@ host $: user < @ host . >`. */
async function resolvedTokens(
  { route, to }: Resolved,
  byItself: boolean,
  world: FocusWorld,
): Promise<readonly Token[]> {
  const { settings } = world.routing
  const user = route.mailer === "local" ? tokensOf(route.user, settings) : await focused(to, world)
  const known = byItself && user.at(-2) === "."
  const host = route.host === "" || route.mailer === "local" ? [] : tokensOf(route.host, settings)
  return [
    marks.mailer,
    route.mailer,
    ...(host.length === 0 ? [] : [marks.host, ...host, ...(known ? ["."] : [])]),
    marks.user,
    ...user,
  ]
}

/** A refusal as `$# error $@ 5.1.3 $: "553 Hostname required"`. */
function refusal(decision: Decision<unknown>, { routing }: FocusWorld, run: Run): readonly Token[] {
  run.steps.push(decision.reason)
  if (decision.outcome !== "no" && decision.outcome !== "later") throw new Error("a yes is no refusal") // our bug
  if (decision.outcome === "later" && run.status === "ok") run.status = "unavailable"
  return errorTokens(decision.reply, option(routing.settings, "OperatorChars"))
}

/** The triple that a reply is. */
export function errorTokens(reply: Reply, operators: string): readonly Token[] {
  const scan = { operators, comments: "keep", balance: false } as const
  const status = reply.status === undefined ? [] : [marks.host, ...tokenize(reply.status, scan).tokens]
  const text = replyLine({ ...reply, status: undefined }).replaceAll(/["\\]/g, "\\$&")
  return [marks.mailer, "error", ...status, marks.user, `"${text}"`]
}

/** Ruleset 5: where a local name goes instead; a name that stays comes back as it is. */
async function localTokens(tokens: readonly Token[], world: FocusWorld, run: Run): Promise<readonly Token[]> {
  const { settings } = world.routing
  const canonical = await read(tokens, world)
  if (canonical.outcome !== "yes") return refusal(canonical, world, run)
  const user = textOf(tokens, settings)
  const decision = await findLocal(localName(user), canonical.value, world.routing)
  run.steps.push(decision.reason)
  if (decision.outcome === "later") return refusal(decision, world, run)
  if (decision.outcome !== "yes" || decision.value.kind !== "route") return tokens
  const { route } = decision.value
  return [
    marks.mailer,
    route.mailer,
    marks.host,
    ...tokensOf(route.host, settings),
    marks.user,
    ...tokensOf(route.user, settings),
  ]
}

/** Ruleset 4: the address as it is written outside. */
async function finalTokens(tokens: readonly Token[], { routing }: FocusWorld): Promise<readonly Token[]> {
  const { settings, own } = routing
  if (tokens.join("") === "<@>") return []
  const text = textOf(tokens, settings).replace("*LOCAL*", printDomain(own))
  return tokensOf(text, settings)
}

/** Rulesets 93 and 94: a sender's address as it leaves. */
async function leaving(
  tokens: readonly Token[],
  where: "header" | "envelope",
  world: FocusWorld,
  run: Run,
): Promise<readonly Token[]> {
  const canonical = await read(tokens, world)
  if (canonical.outcome !== "yes") return tokens
  const { routing } = world
  const mailer = option(routing.settings, "SmtpMailer")
  const decision = await rewriteAddress(canonical.value, { mailer, where, kind: "sender" }, routing)
  run.steps.push(decision.reason)
  if (decision.outcome === "later") return refusal(decision, world, run)
  if (decision.outcome !== "yes") wrongRules(run, `554 5.3.5 ${decision.reason.says}`)
  if (decision.outcome !== "yes") return tokens
  const read2 = await canonify(decision.value, routing)
  return read2.outcome === "yes" ? focused(read2.value, world) : tokensOf(decision.value, routing.settings)
}
