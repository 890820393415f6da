// A question put to a site's own rules: its words as tokens, the macros they may look at, and what they answered: `$#error` refuses,
// `$#discard` and `$#error $@ quarantine` are noted for the message, any other `$#` lets it pass. Which questions there are is
// site-checks' and site-session's affair.
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, type Reason, yes } from "../mail/decision.ts"
import type { Envelope } from "../mail/envelope.ts"
import type { Gate, MessageVerdict } from "../mail/gate.ts"
import { option } from "../config/options.ts"
import { marks, type Token, tokenize, untokenize } from "../config/rule-tokens.ts"
import type { Settings } from "../config/settings.ts"
import { isResolved } from "../config/triple.ts"
import {
  cannotTell,
  routeLeft,
  type RuleOutcome,
  rulesReason,
  type SiteRules,
} from "../routing/site-rules.ts"
import { checkBridges } from "./check-bridges.ts"
import type { HeaderCheck } from "./header-checks.ts"
import { arrivalMacros, pathMacros } from "./rule-macros.ts"
import type { SessionNotes, sessionNotes } from "./session-notes.ts"
import type { PolicyWorld } from "./world.ts"

export type SiteCheckWorld = {
  readonly rules: SiteRules
  readonly policy: PolicyWorld
  /** The gate without the site's rules. */
  readonly gate: Gate
}

/** What rules noted of each session, and which fields they look at, beside the world. */
export type Site = SiteCheckWorld & {
  readonly notes: ReturnType<typeof sessionNotes>
  readonly headers: ReadonlyMap<string, HeaderCheck>
}

/** What the site's rules said about a question; a pass leaves it to us. */
export type Said = Decision<"accept" | "noted">

export type Question = {
  /** The ruleset. */
  readonly name: string
  /** Several parts stand with `$|` between them. */
  readonly input: string | readonly string[]
  readonly arrival: Arrival
  readonly envelope?: Envelope
  readonly more?: Readonly<Record<string, string>>
  readonly comments?: "keep" | "drop"
}

const nobody: Envelope = {
  reversePath: "null",
  recipients: [],
  body: "7bit",
  smtputf8: false,
  ret: undefined,
  envid: undefined,
}

/** What stands in for an answer where the site has no such ruleset. */
export const nothingSaid: Said = {
  outcome: "pass",
  reason: because("site rules", "there are none for this"),
}

/** Asks, and reads the answer as a check's. */
export async function check(question: Question, site: Site): Promise<Said> {
  const outcome = await ask(question, site)
  return outcome === undefined ? nothingSaid : verdictOf(question, outcome, site)
}

/** What the rules leave; undefined where there are none. */
export async function ask(question: Question, site: Site): Promise<RuleOutcome | undefined> {
  const { rules, policy, gate, notes: sessions } = site
  const { name, input, arrival, envelope = nobody, more, comments = "drop" } = question
  if (!rules.has(name)) return undefined
  const { settings } = policy.routing
  const { macros } = sessions.of(arrival)
  const given = { ...arrivalMacros(arrival, settings), ...pathMacros(envelope), ...more }
  for (const [macro, value] of Object.entries(given)) macros.set(macro, value)
  return rules.run(name, inputTokens(input, settings, comments), {
    macros,
    bridges: checkBridges({ arrival, envelope, gate, policy }),
  })
}

/** A question's words as rules see them, `$|` between its parts. */
export function inputTokens(
  input: string | readonly string[],
  settings: Settings,
  comments: "keep" | "drop" = "drop",
): readonly Token[] {
  const scan = { operators: option(settings, "OperatorChars"), comments, balance: false } as const
  if (typeof input === "string") return tokenize(input, scan).tokens
  return input.flatMap((part, n) => [...(n === 0 ? [] : [marks.or]), ...tokenize(part, scan).tokens])
}

/** What `$#…` says; tokens without it leave the question to us. */
function verdictOf(question: Question, outcome: RuleOutcome, { policy, notes }: Site): Said {
  const { name, arrival } = question
  const { settings } = policy.routing
  const [, mailer, mark, host] = isResolved(outcome.tokens) ? outcome.tokens : []
  const word = typeof mailer === "string" ? mailer.toLowerCase() : ""
  const session = notes.of(arrival)
  if (word === "discard")
    return note(
      "discard",
      rulesReason(name, "$#discard: it is thrown away", outcome),
      byOf(question),
      session,
    )
  if (word === "error" && mark === marks.host && host === "quarantine") {
    const why = withoutQuotes(untokenize(outcome.tokens.slice(5), " ", option(settings, "OperatorChars")))
    return note("hold", rulesReason(name, `quarantined: ${why}`, outcome), byOf(question, why), session)
  }
  return ruleVerdict(name, outcome, settings)
}

function withoutQuotes(text: string): string {
  return text.replace(/^"([^"]*)"$/, "$1")
}

/** `$#error` is a no or a later, any other `$#` a yes, anything else a pass. */
export function ruleVerdict(name: string, outcome: RuleOutcome, settings: Settings): Decision<"accept"> {
  if (!isResolved(outcome.tokens)) {
    const silent = { ...rulesReason(name, "says nothing", outcome), role: "passed" } as const
    return cannotTell(name, outcome) ?? { outcome: "pass", reason: silent }
  }
  const [, mailer] = outcome.tokens
  const word = typeof mailer === "string" ? mailer : ""
  if (word.toLowerCase() !== "error")
    return yes("accept", rulesReason(name, `$#${word}: no more is asked`, outcome))
  const refusal = routeLeft(name, outcome, settings)
  if (refusal?.outcome === "no" || refusal?.outcome === "later") return refusal
  return { outcome: "pass", reason: rulesReason(name, "says nothing", outcome) }
}

/** What stands behind `$#`, as text; a pass where there is none. */
export function wordsSaid(name: string, outcome: RuleOutcome, settings: Settings): Decision<string> {
  if (!isResolved(outcome.tokens)) {
    const silent = { ...rulesReason(name, "says nothing", outcome), role: "passed" } as const
    return cannotTell(name, outcome) ?? { outcome: "pass", reason: silent }
  }
  const words = untokenize(outcome.tokens.slice(1), " ", option(settings, "OperatorChars")).trim()
  const said = ruleVerdict(name, outcome, settings)
  if (said.outcome === "no" || said.outcome === "later") return said
  return yes(words, rulesReason(name, `$# ${words}`, outcome))
}

function note(
  keep: "discard" | "hold",
  reason: Reason,
  by: MessageVerdict["by"],
  session: SessionNotes,
): Said {
  session.verdict = { keep, reason, by }
  return yes("noted", reason)
}

/** sendmail's name of the ruleset whose first words the site's are, and what it was asked about. */
function byOf({ name, input }: Question, why?: string): NonNullable<MessageVerdict["by"]> {
  const argument = typeof input === "string" ? input : (input[0] ?? "")
  return { question: name.replace(/^Local_/, ""), argument, ...(why === undefined ? {} : { why }) }
}
