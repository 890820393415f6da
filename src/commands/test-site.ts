// What sendmail -bt is asked of: a sendmail.mc by our own decisions (test-decisions.ts), or a compiled sendmail.cf by its rules
// (test-compiled.ts). And what both print in the same way.
import type { RuleMap } from "../config/rule-maps.ts"
import type { NamedRules } from "../config/rulesets.ts"
import type { TraceEvent } from "../config/rule-run.ts"
import { printPart, type RulePart } from "../config/rule-text.ts"
import { printTokens } from "../config/rule-tokens.ts"
import type { AddressUse } from "./test-line.ts"

/** Told each line of output as it comes. */
export type Print = (line: string) => void

export type TestSite = {
  /** What was wrong or doubtful in the configuration; printed before the first prompt. */
  readonly notices: readonly string[]
  /** /parse: the mailer's triple. */
  parse(address: string, use: AddressUse, print: Print): Promise<void>
  /** /try: the address as that mailer gets it. */
  tryMailer(mailer: string, address: string, use: AddressUse, print: Print): Promise<void>
  /** `3,0 address`. */
  rulesets(names: readonly string[], address: string, print: Print): Promise<void>
  readonly map: (name: string) => RuleMap | undefined
  readonly macro: (name: string) => string | undefined
  readonly define: (name: string, value: string) => void
  readonly members: (name: string) => Iterable<string>
  readonly add: (name: string, members: readonly string[]) => void
  readonly ruleset: (name: string) => Pick<NamedRules, "rules"> | "ours" | undefined
  readonly mailers: () => readonly string[]
  readonly expand: (text: string) => string
  /** -d21.12 and the like. */
  readonly trace: (flags: string) => void
  close(): void
}

/** How loud rules are traced: level 12 tells each rule that is tried. */
export function traceLevel(flags: string): number {
  if (flags === "") return 99
  for (const part of flags.split(",")) {
    const [from, to, level] = /^(\d+)(?:-(\d+))?(?:\.(\d+))?$/.exec(part)?.slice(1) ?? []
    if (from !== undefined && Number(from) <= 21 && Number(to ?? from) >= 21) return Number(level ?? 1)
  }
  return 0
}

/** The line for a step of the rules; undefined when that level says nothing of it. */
export function traceLine(event: TraceEvent, level: number): string | undefined {
  switch (event.kind) {
    case "input":
      return `${event.ruleset.slice(0, 16).padEnd(16)}   input:${printTokens(event.tokens)}`
    case "returns":
      return `${event.ruleset.slice(0, 16).padEnd(16)} returns:${printTokens(event.tokens)}`
    case "trying":
      if (level < 12) return undefined
      return `-----trying rule${level >= 15 ? ` (line ${event.rule.at.line})` : ""}:${printParts(event.rule.pattern)}`
    case "fails":
      return level < 10 ? undefined : "----- rule fails"
    case "matches":
      return level < 12 ? undefined : `-----rule matches:${result(event.rule)}`
    case "rewritten":
      return level < 4 ? undefined : `rewritten as:${printTokens(event.tokens)}`
    case "complaint":
      return undefined
  }
}

function result({
  after,
  becomes,
}: {
  readonly after: string
  readonly becomes: readonly RulePart[]
}): string {
  return `${after === "next" ? " $:" : after === "return" ? " $@" : ""}${printParts(becomes)}`
}

function printParts(parts: readonly RulePart[]): string {
  return parts.map((part) => ` ${printPart(part)}`).join("")
}

/** =S: the rules of a ruleset. */
export function printRules({ rules }: Pick<NamedRules, "rules">): string[] {
  return rules.map((rule) => {
    const pattern = rule.pattern.map((part) => `${printPart(part)} `).join("")
    return `R${pattern}\t\t${result(rule).trimStart()} `
  })
}

/** A complaint as -bt shows it: the code is left out, the address stands before it. */
export function complaintLine(says: string, address: string): string {
  const text = says.replace(/^[245]\d\d (?:[245]\.\d+\.\d+ )?/, "")
  return /^554|^rewrite:|^buildaddr:/.test(says) ? text : `${address}... ${text}`
}

/** `mailer esmtp, host example.org, user bob@example.org`. */
export function mailerLine(mailer: string, host: string, user: string): string {
  return host === "" ? `mailer ${mailer}, user ${user}` : `mailer ${mailer}, host ${host}, user ${user}`
}
