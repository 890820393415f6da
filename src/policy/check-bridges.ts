// Our checks under the names of sendmail's rulesets, for a site's own rules: $>check_rcpt, $>Basic_check_mail, $>Relay_ok, and the
// look-ups in access ($>D, $>A). A yes is OK (or RELAY), a no is the $#error it would be.
import { classify } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Decision } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Gate } from "../mail/gate.ts"
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import type { LookupTable } from "../maps/table.ts"
import type { Ruleset, Run } from "../config/rule-run.ts"
import { type Token, tokenize } from "../config/rule-tokens.ts"
import { canonify } from "../routing/canonify.ts"
import { errorTokens } from "../routing/rule-bridges.ts"
import { textOf } from "../routing/rule-focus.ts"
import type { Bridges } from "../routing/site-rules.ts"
import { addressKeys, type Keys, nameKeys } from "./access.ts"
import { mayRelay } from "./relay.ts"
import { accessTables, type PolicyWorld } from "./world.ts"

export type CheckQuestion = {
  readonly arrival: Arrival
  readonly envelope: Envelope
  /** Without the site's own checks: rules that call ours are not called again. */
  readonly gate: Gate
  readonly policy: PolicyWorld
}

type Bridge = (tokens: readonly Token[], question: CheckQuestion, run: Run) => Promise<readonly Token[]>

const bridges: Readonly<Record<string, Bridge>> = {
  check_relay: checkRelay,
  basic_check_relay: checkRelay,
  check_mail: checkMail,
  basic_check_mail: checkMail,
  check_rcpt: checkRcpt,
  basic_check_rcpt: checkRcpt,
  rcpt_ok: relayOk,
  relay_ok: relayOk,
}

/** What look-ups in access need. */
export type AccessWorld = {
  readonly tables: readonly LookupTable[]
  /** FEATURE(lookupdotdomain). */
  readonly dots: boolean
  readonly settings: Settings
}

/** `$>D` and `$>A`, by their short names and their long ones. */
export function accessBridges(world: AccessWorld): Bridges {
  const byName = (tokens: readonly Token[]) =>
    lookUp(tokens, (key) => nameKeys(key.toLowerCase(), world.dots), world)
  const byAddress = (tokens: readonly Token[]) => lookUp(tokens, addressKeys, world)
  const names: ReadonlyMap<string, typeof byName> = new Map([
    ["d", byName],
    ["lookupdomain", byName],
    ["a", byAddress],
    ["lookupaddress", byAddress],
  ])
  return (name): Ruleset | undefined => {
    const bridge = names.get(name.toLowerCase())
    return bridge && { name, bridge }
  }
}

/** The rulesets that this question's rules may call. */
export function checkBridges(question: CheckQuestion): Bridges {
  const { policy } = question
  const { settings } = policy.routing
  const access = accessBridges({ tables: accessTables(policy), dots: policy.dots, settings })
  return (name): Ruleset | undefined => {
    const key = name.toLowerCase()
    const bridge = Object.hasOwn(bridges, key) ? bridges[key] : undefined
    if (bridge === undefined) return access(name)
    return { name, bridge: (tokens, run) => bridge(tokens, question, run) }
  }
}

function answer(
  decision: Decision<unknown>,
  word: string,
  { policy }: CheckQuestion,
  run: Run,
): readonly Token[] {
  run.steps.push(decision.reason)
  if (decision.outcome === "later" && run.status === "ok") run.status = "unavailable"
  if (decision.outcome === "yes" || decision.outcome === "pass") return [word]
  return errorTokens(decision.reply, option(policy.routing.settings, "OperatorChars"))
}

async function checkRelay(_: readonly Token[], question: CheckQuestion, run: Run): Promise<readonly Token[]> {
  return answer(await question.gate.connect(question.arrival), "OK", question, run)
}

async function checkMail(
  tokens: readonly Token[],
  question: CheckQuestion,
  run: Run,
): Promise<readonly Token[]> {
  const { gate, arrival, policy } = question
  const text = textOf(tokens, policy.routing.settings)
  return answer(await gate.sender(arrival, text === "" ? "null" : classify(text), 0), "OK", question, run)
}

async function checkRcpt(
  tokens: readonly Token[],
  question: CheckQuestion,
  run: Run,
): Promise<readonly Token[]> {
  const { gate, arrival, envelope, policy } = question
  const text = textOf(tokens, policy.routing.settings)
  return answer(await gate.recipient(arrival, envelope, classify(text)), "OK", question, run)
}

/** May it pass through here? */
async function relayOk(
  tokens: readonly Token[],
  question: CheckQuestion,
  run: Run,
): Promise<readonly Token[]> {
  const { arrival, envelope, policy } = question
  const to = await canonify(textOf(tokens, policy.routing.settings), policy.routing)
  if (to.outcome !== "yes") return answer(to, "OK", question, run)
  return answer(await mayRelay({ arrival, envelope, to: to.value }, policy, []), "RELAY", question, run)
}

/**
 * `< key > < default > < + Tag > < passed on >` becomes `< what access says > < passed on >` (proto.m4: SD, SA). With `+` the key is
 * also asked without its tag.
 */
async function lookUp(
  tokens: readonly Token[],
  keysOf: (key: string) => Keys,
  { settings, tables }: AccessWorld,
): Promise<readonly Token[]> {
  const scan = { operators: option(settings, "OperatorChars"), comments: "keep", balance: false } as const
  const [key = [], byDefault = [], how = [], ...passed] = angles(tokens)
  const tag = how
    .slice(1)
    .filter((token) => typeof token === "string")
    .join("")
  const name = key.filter((token) => token !== "[" && token !== "]").join("")
  const found = await search(keysOf(name), tag, how[0] === "+", tables)
  const value = found === undefined ? byDefault : tokenize(found, scan).tokens
  return ["<", ...value, ">", ...passed.flatMap((one) => ["<", ...one, ">"])]
}

async function search(
  keys: Keys,
  tag: string,
  alsoBare: boolean,
  tables: readonly LookupTable[],
): Promise<string | undefined> {
  for (const key of keys) {
    for (const asked of [`${tag}:${key}`, ...(alsoBare ? [key] : [])]) {
      for (const table of tables) {
        const found = await table.lookup(asked)
        if (found.found === "unavailable") return "<TMPF>"
        if (found.found === "entry")
          return found.entry.value.toUpperCase() === "SKIP" ? undefined : found.entry.value
      }
    }
  }
  return undefined
}

/** What stands in each pair of angle brackets of the first level. */
function angles(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const groups: Token[][] = []
  let depth = 0
  for (const token of tokens) {
    if (token === "<" && depth++ === 0) groups.push([])
    else if (token === ">" && --depth === 0) continue
    else if (depth > 0) groups.at(-1)?.push(token)
  }
  return groups
}
