// The conditions of a recipe: expressions, sizes, programs, variables, negation, and scores (procmailrc(5), procmailsc(5)).
import { noMatch } from "./automaton.ts"
import type { Steps } from "./procmail-effects.ts"
import { type Flags, type Machine, programOf } from "./procmail-machine.ts"
import { matched, search } from "./procmail-match.ts"
import { Source } from "./procmail-source.ts"

/** procmail's infinity: a score this high or low decides. */
const infinity = 2_147_483_647

type Test = {
  readonly machine: Machine
  readonly distinguishCase: boolean
  /** What is searched, and what the size is of. */
  text: Buffer
  size: number
  negated: boolean
  /** The weight and exponent of a condition that is scored. */
  weight: number | undefined
  exponent: number
  /** What is looked for in the end, as the log says it. */
  wanted: string
}

/** The recipe's conditions as they are read, one after the other; whether all were met, or undefined when no action follows. */
export function* conditions(
  machine: Machine,
  flags: Flags,
  count: number,
): Steps<{ readonly matches: boolean; readonly hasAction: boolean }> {
  const { source } = machine
  if (source === undefined) throw new Error("conditions are read from an rcfile")
  const sum = { score: 0, scored: false }
  let matches = mayBeTried(machine, flags)
  let left = count
  let emptyLines = false
  for (;;) {
    source.skipBlanks()
    left--
    if (!source.takes("*") && left < 0) {
      if (source.takes("#")) source.restOfLine()
      else if (source.takes("\n")) emptyLines = true
      else if (emptyLines && source.takes(":")) {
        machine.say("Missing action")
        return { matches: false, hasAction: false }
      } else break
      continue
    }
    source.skipBlanks()
    const at = source.at
    const line = trimmed(source.longLine())
    if (!matches) continue
    matches = line.length <= machine.limit && (yield* condition(machine, flags, line, sum, at))
    if (line.length > machine.limit) machine.say("Exceeded LINEBUF")
  }
  machine.lastScore = sum.score > 0 && sum.score < 1 ? 1 : Math.trunc(sum.score)
  return { matches: matches && !(sum.scored && sum.score <= 0), hasAction: true }
}

function trimmed(line: string): string {
  let end = line.length
  while (end > 0 && (line[end - 1] === " " || line[end - 1] === "\t")) end--
  return line.slice(0, end)
}

/** What the flags A, a, E and e say of the recipes before. */
function mayBeTried(machine: Machine, flags: Flags): boolean {
  const { previousMatched, lastMatched, lastSucceeded } = machine
  if (machine.passed > 0) return false
  if (flags.has("e")) {
    if (flags.has("E")) machine.say("Conflicting else-if-flag suppressed")
    if (flags.has("a")) machine.say("Conflicting also-if-succeeded-flag suppressed")
    return previousMatched && !lastSucceeded && (!flags.has("A") || lastMatched)
  }
  if (flags.has("E") && previousMatched) return false
  if (flags.has("a") && !(lastMatched && lastSucceeded)) return false
  return !flags.has("A") || lastMatched
}

type Sum = { score: number; scored: boolean }

function* condition(machine: Machine, flags: Flags, line: string, sum: Sum, at: number): Steps<boolean> {
  const whole = flags.has("B") ? (flags.has("H") ? "all" : "body") : "head"
  if (whole !== "body") machine.mail.isJoined = true
  const test: Test = {
    machine,
    distinguishCase: flags.has("D"),
    text: machine.mail.part(whole),
    size: machine.mail.bytes.length,
    negated: false,
    weight: undefined,
    exponent: 0,
    wanted: line,
  }
  const before = sum.score
  let holds = yield* evaluate(test, line, sum)
  if (sum.score > infinity) sum.score = infinity
  if (sum.score <= -infinity) {
    sum.score = -infinity
    holds = false
  }
  report(test, { line, holds, before, after: sum.score, at })
  return holds
}

type Report = {
  readonly line: string
  readonly holds: boolean
  readonly before: number
  readonly after: number
  readonly at: number
}

function report(
  { machine, weight, negated, wanted }: Test,
  { line, holds, before, after, at }: Report,
): void {
  const scored = weight !== undefined
  const what = `${negated ? " !" : ""} "${wanted}"`
  const isSettled = before >= infinity && weighted(line) !== undefined // a weight that was not looked at
  if (machine.verbose && !isSettled) {
    const score = (text: string) => text.padStart(7)
    const sum = after > 0 && after < 1 ? "+0" : after < 0 && after > -1 ? "-0" : String(Math.trunc(after))
    if (scored) machine.say(`Score: ${score(String(Math.trunc(after - before)))} ${score(sum)}${what}`)
    else machine.say(`${holds ? "M" : "No m"}atch on${what}`)
  }
  if (!machine.setup.tellAll) return
  const says = scored ? `${line}: ${Math.trunc(after - before)} points, ${Math.trunc(after)} in all` : line
  machine.tell({ at: machine.origin(at), kind: "condition", says, matches: holds })
}

/** What a condition begins with says what it is; what stands before an expression can be several things, one after the other. */
function* evaluate(test: Test, line: string, sum: Sum): Steps<boolean> {
  let rest = line
  for (let round = 0; round < mostRounds; round++) {
    const scored = weighted(rest)
    if (scored !== undefined) {
      if (sum.score >= infinity) return true
      test.weight = scored.weight
      test.exponent = scored.exponent
      sum.scored = true
      rest = scored.rest
      continue
    }
    const partition = partitioned(test, rest)
    if (partition !== undefined) {
      rest = partition
      continue
    }
    test.wanted = rest.startsWith("?") ? rest.slice(1).trimStart() : rest
    switch (rest[0]) {
      case "$": {
        const source = new Source("", `"${squeezed(rest.slice(1))}`)
        const { words, overflow } = yield* test.machine.words(source, "text")
        if (overflow) return false
        rest = words.join(" ").replace(/^[ \t]+/, "")
        continue
      }
      case "!":
        test.negated = !test.negated
        rest = rest.slice(1).replace(/^[ \t]+/, "")
        continue
      case "?":
        return yield* program(test, rest.slice(1), sum)
      case ">":
      case "<":
        return yield* sizes(test, rest, sum)
      case "\\": {
        const holds = foundExpression(test, squeezed(rest.slice(1)), sum)
        test.wanted = squeezed(rest)
        return holds
      }
    }
    return foundExpression(test, squeezed(rest), sum)
  }
  test.machine.say("A condition goes round")
  return false
}

/** A $ that stands for a $ that stands for … */
const mostRounds = 50

/** `w^x`. */
function weighted(text: string): { weight: number; exponent: number; rest: string } | undefined {
  const found =
    /^([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+))[ \t]*\^[ \t]*([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+))[ \t]*/.exec(text)
  if (found === null) return undefined
  const [whole, weight = "", exponent = ""] = found
  return { weight: decimal(weight), exponent: decimal(exponent), rest: text.slice(whole.length) }
}

function decimal(text: string): number {
  return Number(text.replace(",", "."))
}

/** `B ??`, `H ??`, `HB ??`, `VARIABLE ??`: what is searched instead. */
function partitioned(test: Test, text: string): string | undefined {
  const found = /^(\w+)[ \t]*\?\?[ \t]*/.exec(text)
  if (found === null) return undefined
  const [whole, name = ""] = found
  const { mail } = test.machine
  if (name === "H" || name === "HB" || name === "BH") mail.isJoined = true
  if (name === "B") test.text = mail.part("body")
  else if (name === "H") test.text = mail.part("head")
  else if (name === "HB" || name === "BH") test.text = mail.part("all")
  else test.text = Buffer.from(test.machine.get(name), "latin1")
  test.size = test.text.length
  return text.slice(whole.length)
}

/** Without the backslashes that join lines, and the blanks that begin the lines after. */
function squeezed(text: string): string {
  return text.includes("\n") ? text.replaceAll(/\\\n[ \t]*/g, "").replaceAll(/\n[ \t]+/g, "\n") : text
}

function* program(test: Test, line: string, sum: Sum): Steps<boolean> {
  const { machine, weight, exponent } = test
  const command = yield* machine.command(line)
  if (command.kind === "shell") test.wanted = line
  const wish = { command, input: test.text, capture: false, use: "condition", wait: true } as const
  const { code } = yield* machine.run(wish)
  machine.lastExit = code
  if (code !== 0) machine.yell(`Non-zero exitcode (${code}) from "${programOf(command)}"`)
  if (weight === undefined || code < 0) return (code !== 0) === test.negated
  if (!test.negated) sum.score += code !== 0 ? exponent : weight
  else {
    let add = weight
    for (let n = code; n > 0 && Math.abs(sum.score) < infinity; n--) {
      sum.score += add
      add *= exponent
    }
  }
  return true
}

function* sizes(test: Test, text: string, sum: Sum): Steps<boolean> {
  const expanded = yield* test.machine.expanded(text)
  test.wanted = expanded
  const smaller = expanded[0] === "<"
  const [digits, number = ""] = /^[ \t]*([-+]?\d+)/.exec(expanded.slice(1)) ?? [""]
  const rest = expanded.slice(1 + digits.length).trim()
  if (rest !== "") test.machine.say(`Skipped "${rest}"`)
  const pivot = number === "" ? 0 : Number(number)
  const { size, weight } = test
  if (weight === undefined) return (smaller ? size < pivot : size > pivot) !== test.negated
  const ratio = smaller !== test.negated ? quotient(pivot, size) : pivot === 0 ? undefined : size / pivot
  if (ratio === undefined) {
    sum.score = infinity
    return true
  }
  if (ratio === Number.NEGATIVE_INFINITY) {
    sum.score = -infinity
    return false
  }
  sum.score += weight * ratio ** test.exponent
  return true
}

function quotient(pivot: number, size: number): number | undefined {
  if (size !== 0) return pivot / size
  return pivot > 0 ? undefined : Number.NEGATIVE_INFINITY
}

/** procmail's own names for long expressions, put in where they stand and are not escaped. */
function withNames(text: string): { readonly text: string; readonly anyCase: boolean } {
  let out = text
  let anyCase = false
  for (const [name, stands] of names) {
    let at = out.indexOf(name)
    for (let n = 0; at >= 0 && n < mostNames; n++) {
      if (at > 0 && out[at - 1] === "\\") {
        at = out.indexOf(name, at + 1)
        continue
      }
      out = out.slice(0, at) + stands + out.slice(at + name.length)
      anyCase ||= name === daemonName
      at = out.indexOf(name, at + stands.length)
    }
  }
  return { text: out, anyCase }
}

const mostNames = 20
const daemonName = "^FROM_DAEMON"
const to = String.raw`(^((Original-)?(Resent-)?(To|Cc|Bcc)|(X-Envelope|Apparently(-Resent)?)-To):`
const before = String.raw`(((Resent-)?(From|Sender)|X-Envelope-From):|>?From )([^>]*[^(.%@a-z0-9])?(`
const behind =
  String.raw`(([^).!:a-z0-9][-_a-z0-9]*)?[%@>` + "\t" + String.raw` ][^<)]*(\(.*\).*)?)?$([^>]|$))`
const names: readonly (readonly [string, string])[] = [
  [
    daemonName,
    `(^(Mailing-List:|Precedence:.*(junk|bulk|list)|To: Multiple recipients of |${before}` +
      "Post(ma?(st(e?r)?|n)|office)|(send)?Mail(er)?|daemon|m(mdf|ajordomo)|n?uucp|LIST(SERV|proc)|NETSERV|o(wner|ps)|" +
      String.raw`r(e(quest|sponse)|oot)|b(ounce|bs\.smtp)|echo|mirror|s(erv(ices?|er)|mtp(error)?|ystem)|` +
      `A(dmin(istrator)?|MMGR|utoanswer))${behind})`,
  ],
  ["^TO_", String.raw`${to}(.*[^-a-zA-Z0-9_.])?)`],
  ["^TO", `${to}(.*[^a-zA-Z])?)`],
  [
    "^FROM_MAILER",
    `(^${before}Post(ma(st(er)?|n)|office)|(send)?Mail(er)?|daemon|mmdf|n?uucp|ops|r(esponse|oot)|` +
      String.raw`(bbs\.)?smtp(error)?|s(erv(ices?|er)|ystem)|A(dmin(istrator)?|MMGR))${behind}`,
  ],
]

function foundExpression(test: Test, source: string, sum: Sum): boolean {
  const { machine, text, weight } = test
  const { text: full, anyCase } = source.includes("^") ? withNames(source) : { text: source, anyCase: false }
  test.wanted = full
  if (full === "" && weight === undefined) return !test.negated // nothing to look for is found everywhere
  const expression = machine.expression(full, test.distinguishCase && !anyCase)
  if (expression === undefined) return false
  if (weight !== undefined) {
    sum.score += test.negated
      ? search(expression, text) === noMatch
        ? weight
        : 0
      : points(test, sum.score, (from) => search(expression, text, from))
    return true
  }
  const isThere = search(expression, text) !== noMatch
  const behindMark = isThere ? matched(expression, text) : undefined
  if (behindMark !== undefined) {
    machine.yell('Assigning "MATCH="')
    machine.yell(`Matched "${behindMark}"`)
    machine.variables.set("MATCH", behindMark)
  }
  return isThere !== test.negated
}

/** Each match behind the last one weighs what the one before it did, times the exponent (procmailsc(5)). */
function points({ text, weight = 0, exponent }: Test, score: number, find: (from: number) => number): number {
  let sum = 0
  let add = weight
  let square = add * add
  for (let from = 0; add !== 0 && Math.abs(score + sum) < infinity && from <= text.length; ) {
    const end = find(from)
    if (end === noMatch) break
    sum += add
    add *= exponent
    if (from >= end) {
      // An empty match would be found for ever.
      if (exponent > 0 && exponent < 1) sum += add / (1 - exponent)
      else if (exponent >= 1 && add !== 0) sum += add < 0 ? -infinity : infinity
      break
    }
    const next = add * add
    if (next < square && square < 1) break
    square = next
    from = end
  }
  return sum
}
