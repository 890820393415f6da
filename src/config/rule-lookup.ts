// $(map key $@ argument $: default $) and $[ host $: default $] in what a rule made: the answer takes their place.
import { because, type Reason } from "../mail/decision.ts"
import type { MapAnswer, RuleMap } from "./rule-maps.ts"
import { addressScan, complain, type Run } from "./rule-run.ts"
import {
  type Mark,
  marks,
  stripQuotes,
  type Token,
  tokenize,
  tokenizeParts,
  untokenize,
} from "./rule-tokens.ts"

/** The tokens with each lookup answered, from left to right; undefined when an answer is no text of an address. */
export async function lookUpAll(
  tokens: readonly Token[],
  run: Run,
  asked: Reason[],
): Promise<readonly Token[] | undefined> {
  if (!tokens.includes(marks.mapBegin) && !tokens.includes(marks.hostBegin)) return tokens
  const out: Token[] = []
  for (let n = 0; n < tokens.length; n++) {
    const token = tokens[n]
    if (token === undefined) continue
    if (token !== marks.mapBegin && token !== marks.hostBegin) {
      out.push(token)
      continue
    }
    const question = readQuestion(tokens, n)
    const answer = await ask(question, run, asked)
    if (answer === undefined) return undefined
    out.push(...answer)
    n = question.end
  }
  return out
}

type Question = {
  readonly map: string
  readonly key: readonly Token[]
  readonly parameters: readonly (readonly Token[])[]
  readonly byDefault: readonly Token[] | undefined
  /** Where the closing mark stands. */
  readonly end: number
}

function readQuestion(tokens: readonly Token[], begin: number): Question {
  const isHost = tokens[begin] === marks.hostBegin
  const close: Mark = isHost ? marks.hostEnd : marks.mapEnd
  const found = tokens.indexOf(close, begin)
  const end = found < 0 ? tokens.length : found
  const name = tokens[begin + 1]
  const parts = partsOf(tokens.slice(begin + (isHost ? 1 : 2), end))
  return {
    map: isHost ? "host" : typeof name === "string" ? name : (name?.mark ?? ""),
    key: parts.find((part) => part.kind === "key")?.tokens ?? [],
    parameters: parts.filter((part) => part.kind === "parameter").map((part) => part.tokens),
    byDefault: parts.findLast((part) => part.kind === "default")?.tokens,
    end,
  }
}

type QuestionPart = { readonly kind: "key" | "parameter" | "default"; readonly tokens: Token[] }

function partsOf(tokens: readonly Token[]): readonly QuestionPart[] {
  let part: QuestionPart = { kind: "key", tokens: [] }
  const parts = [part]
  for (const token of tokens) {
    if (token !== marks.host && token !== marks.user) {
      part.tokens.push(token)
      continue
    }
    part = { kind: token === marks.host ? "parameter" : "default", tokens: [] }
    parts.push(part)
  }
  return parts
}

async function ask(question: Question, run: Run, asked: Reason[]): Promise<readonly Token[] | undefined> {
  const { world } = run
  const map = world.map(question.map)
  if (map === undefined) {
    complain(run, `554 5.3.0 rewrite: map ${question.map} not found`)
    return question.byDefault ?? question.key
  }
  const text = untokenize(question.key, map.blank ?? world.blank, world.operators)
  const key = map.keepQuotes ? text : stripQuotes(text)
  const parameters = question.parameters.map((one) => untokenize(one, world.blank, world.operators))
  const answer = await map.lookup(key, [key, ...parameters], world.setMacro)
  asked.push(reasonOf(map, key, answer))
  if (answer.found === "value") return scanAnswer(answer.parts ?? [answer.value], run)
  if (answer.found === "unavailable") {
    // -T puts a word behind the key, which rules look for; without it the address cannot be told now.
    if (map.onFailure !== undefined) return scanAnswer([key + map.onFailure], run)
    if (run.status === "ok" && !map.neverDefers) run.status = "unavailable"
  }
  return question.byDefault === undefined ? question.key : again(question.byDefault, run)
}

/** The parts of an answer with `$|` between them. */
function scanAnswer(parts: readonly string[], run: Run): readonly Token[] | undefined {
  const out: Token[] = []
  for (const [n, part] of parts.entries()) {
    if (n > 0) out.push(marks.or)
    const scanned = tokenize(part, addressScan(run.world))
    for (const says of scanned.complaints) complain(run, says)
    if (part !== "" && scanned.tokens.length === 0) return undefined
    out.push(...scanned.tokens)
  }
  return out
}

/** A default is put together and cut once more: words side by side become one with BlankSub between them. */
function again(tokens: readonly Token[], { world }: Run): readonly Token[] {
  const parts: (string | Mark)[] = []
  let words: Token[] = []
  const put = () => {
    if (words.length > 0) parts.push(untokenize(words, world.blank, world.operators))
    words = []
  }
  for (const token of tokens) {
    if (typeof token === "string") words.push(token)
    else {
      put()
      parts.push(token)
    }
  }
  put()
  return tokenizeParts<Mark>(parts, { ...addressScan(world), balance: false }).tokens
}

function reasonOf(map: RuleMap, key: string, answer: MapAnswer): Reason {
  switch (answer.found) {
    case "value":
      return because(map.name, `"${key}" is "${answer.value}"`, answer.at ?? map.at)
    case "nothing":
      return { ...because(map.name, `"${key}" is not there`, map.at), role: "passed" }
    case "unavailable":
      return { ...because(map.name, `no answer for "${key}": ${answer.why}`, map.at), role: "unknown" }
  }
}
