// Decisions as lines that a person reads: one line a step, what it said, and the line of text that made it say so. For the
// log, `waypost explain`, sendmail -bv and the console; never for the peer.
import { type Decision, type Origin, printOrigin, type Reason } from "../mail/decision.ts"
import { printable, replyLine } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"

/** What a step was to the decision, in one word. */
const words = { passed: "no:", changed: "now:", cause: "", refused: "no:", unknown: "??:" } as const

const stepWidth = 15
/** Places stand in one column, unless a line is longer than this. */
const widest = 72

type Line = { readonly step: string; readonly text: string; readonly at: Origin | undefined }

/**
 * The trail of a reason, oldest step first, the deciding step last and below it the line that put that step there. Trails
 * that meet again (an alias that led to several addresses) are told once.
 */
export function printReason(reason: Reason): string[] {
  const lines: Line[] = []
  collect(reason, lines, new Set())
  const width = lines.reduce(
    (most, { text, at }) => (at === undefined || text.length > widest ? most : Math.max(most, text.length)),
    0,
  )
  return lines.map((line) => printLine(line, width))
}

function collect(reason: Reason, lines: Line[], seen: Set<Reason>): void {
  if (seen.has(reason)) return
  seen.add(reason)
  const causes = reason.after.filter((one) => one.role === "cause")
  for (const one of reason.after) if (one.role !== "cause") collect(one, lines, seen)
  const word = reason.role === undefined ? "yes:" : words[reason.role]
  lines.push({ step: reason.step, text: `${word.padEnd(4)} ${reason.says}`, at: reason.at })
  for (const one of causes) lines.push({ step: "", text: `     consulted ${one.says}`, at: one.at })
}

function printLine({ step, text, at }: Line, width: number): string {
  const shown = printable(text)
  const left = `${step.padEnd(stepWidth)} ${at === undefined ? shown : shown.padEnd(width)}`
  return at === undefined ? left.trimEnd() : `${left}  ${printOrigin(at)}`
}

/** A decision with its trail; `what` says what was decided about, `value` what a yes means. */
export function printDecision<T>(what: string, decision: Decision<T>, value: (value: T) => string): string[] {
  return [
    `${printable(what)} → ${verdict(decision, value)}`,
    ...printReason(decision.reason).map((line) => `  ${line}`),
  ]
}

function verdict<T>(decision: Decision<T>, value: (value: T) => string): string {
  switch (decision.outcome) {
    case "yes":
      return value(decision.value)
    case "no":
      return `refused: ${replyLine(decision.reply)}`
    case "later":
      return `not now: ${replyLine(decision.reply)}`
    case "pass":
      return "nothing to say"
  }
}

/** "mailer esmtp, host example.org, user bob@example.org": sendmail -bv's words. */
export function printRoute({ mailer, host, user }: Route): string {
  return host === "" ? `mailer ${mailer}, user ${user}` : `mailer ${mailer}, host ${host}, user ${user}`
}

/** A reason in one line, for the log's reason= and a list: the deciding step and where it stands. */
export function summarize(reason: Reason): string {
  const place = reason.at === undefined ? "" : ` (${printOrigin(reason.at)})`
  return printable(`${reason.step}: ${reason.says}${place}`)
}

/** What an address became by aliases, .forward and lists, as a tree. */
export type Branch = {
  /** The address, program or file. */
  readonly name: string
  /** What became of it: "alias", "mailbox", "mailer esmtp, host example.org …", "User unknown". */
  readonly what: string
  readonly at: Origin | undefined
  readonly under: readonly Branch[]
  /** It was there already: 0: in another branch; else so many levels above, so that it is a loop. */
  readonly again?: number
}

/** The most branches of one list that are printed; the rest is counted. */
const mostBranches = 100

/** The tree, two blanks for each level. */
export function printTree(branch: Branch, indent = ""): string[] {
  const { name, what, at, under } = branch
  const place = at === undefined ? "" : `  ${printOrigin(at)}`
  const lines = [`${indent}${printable(name)}: ${printable(what)}${place}`]
  for (const one of under.slice(0, mostBranches)) lines.push(...printTree(one, `${indent}  `))
  if (under.length > mostBranches) lines.push(`${indent}  … and ${under.length - mostBranches} more`)
  return lines
}
