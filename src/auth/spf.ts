// SPF: may this address send for this domain (RFC 7208)? Each term that was looked at leaves a step in the trail. What a result
// leads to is policy's business.
import { because, type Reason } from "../mail/decision.ts"
import type { Clock, DnsAnswer } from "../mail/world.ts"
import { hostOctets, isWithin, type Octets } from "./ip.ts"
import { type MacroString, parseMacros } from "./spf-macro.ts"
import { SpfEnd, SpfQuestions, type SpfDns } from "./spf-dns.ts"
import { filled, namesOf, type SpfSubject } from "./spf-subject.ts"
import { type Directive, isSpf, type Mechanism, parseRecord, type Qualifier } from "./spf-record.ts"

export type SpfResult = "none" | "neutral" | "pass" | "fail" | "softfail" | "temperror" | "permerror"

export type SpfQuestion = {
  readonly address: string
  /** The identity: MAIL FROM's, or postmaster at the name in HELO where there is none (RFC 7208 §2.4). */
  readonly localPart: string
  readonly domain: string
  readonly helo: string
  /** Our name, for %{r}. */
  readonly receiver: string
}

export type SpfVerdict = {
  readonly result: SpfResult
  /** The domain whose record was read first. */
  readonly domain: string
  /** The term that decided, as it stands in its record. */
  readonly term: string | undefined
  /** What the domain says to those it does not let send (exp=). */
  readonly explanation: string | undefined
  /** In words why it is none, temperror or permerror. */
  readonly why: string | undefined
  readonly trail: readonly Reason[]
  /** Terms that asked DNS, and those that asked in vain. */
  readonly terms: number
  readonly voids: number
}

export type SpfWorld = { readonly dns: SpfDns; readonly clock: Clock }

/** check_host() (RFC 7208 §4). */
export async function checkHost(question: SpfQuestion, { dns, clock }: SpfWorld): Promise<SpfVerdict> {
  const client = hostOctets(question.address)
  const questions = new SpfQuestions(dns, clock)
  const trail: Reason[] = []
  const domain = question.domain.replace(/\.$/, "")
  const subject: SpfSubject = {
    ...question,
    domain,
    senderDomain: domain,
    localPart: question.localPart === "" ? "postmaster" : question.localPart,
    client: client ?? [],
  }
  const run: Run = { questions, trail, seconds: Math.floor(clock() / 1000) }
  const end = client === undefined ? none("the client has no address") : await check(domain, subject, run)
  const { result } = end
  const explanation = end.exp === undefined ? undefined : await explain(end.exp, subject, run)
  const { terms, voids } = questions
  return { result, domain, term: end.term, explanation, why: end.why, trail, terms, voids }
}

type Run = { readonly questions: SpfQuestions; readonly trail: Reason[]; readonly seconds: number }

type End = {
  readonly result: SpfResult
  readonly term?: string | undefined
  readonly why?: string | undefined
  /** exp= of the record that said fail, with the domain it stands in. */
  readonly exp?: { readonly domain: string; readonly macros: MacroString } | undefined
}

function none(why: string): End {
  return { result: "none", why }
}

function ended({ result, why }: SpfEnd): End {
  return { result, why }
}

/** One record, from its lookup to its result. */
async function check(domain: string, subject: SpfSubject, run: Run): Promise<End> {
  if (!isDomain(domain)) return none(`"${domain}" is no domain`) // RFC 7208 §4.3
  const answer = await run.questions.txt(domain)
  if (answer.found === "unavailable") {
    return { result: "temperror", why: `DNS does not say what ${domain} publishes: ${answer.why}` }
  }
  const records = answer.found === "records" ? answer.records.filter(isSpf) : []
  const [text, ...more] = records
  if (text === undefined) return none(`${domain} has no SPF record`)
  if (more.length > 0) return { result: "permerror", why: `${domain} has ${records.length} SPF records` } // §4.5
  run.trail.push(because("spf", `${domain} says "${text}"`))
  const record = parseRecord(text)
  if (!record.ok) return { result: "permerror", why: `the record of ${domain} is wrong: ${record.error}` }
  const here = { ...subject, domain }
  const { directives, redirect, exp } = record.value
  for (const directive of directives) {
    const matched = await matches(directive.mechanism, here, run)
    if (matched instanceof SpfEnd) return ended(matched)
    noteTerm(directive, matched, here, run)
    if (!matched) continue
    const result = results[directive.qualifier]
    const told = result === "fail" && exp !== undefined ? { domain, macros: exp } : undefined
    return { result, term: directive.text, exp: told }
  }
  if (redirect !== undefined) return await redirected(redirect, here, run)
  return { result: "neutral", why: "no term matches" } // §4.7
}

const results: Readonly<Record<Qualifier, SpfResult>> = {
  "+": "pass",
  "-": "fail",
  "~": "softfail",
  "?": "neutral",
}

function noteTerm({ text }: Directive, matched: boolean, { address, domain }: SpfSubject, { trail }: Run) {
  const says = `${domain}: ${text} ${matched ? "matches" : "does not match"} ${address}`
  trail.push(matched ? because("spf", says) : { step: "spf", says, at: undefined, after: [], role: "passed" })
}

/** RFC 7208 §6.1 */
async function redirected(macros: MacroString, subject: SpfSubject, run: Run): Promise<End> {
  const over = run.questions.count()
  if (over !== undefined) return ended(over)
  const target = await filled(macros, subject, run.questions)
  run.trail.push(because("spf", `${subject.domain}: redirect=${macros.text} leads to ${target}`))
  const end = await check(target, subject, run)
  return end.result === "none"
    ? { result: "permerror", why: `${subject.domain} redirects to ${target}: ${end.why}` }
    : end
}

async function matches(mechanism: Mechanism, subject: SpfSubject, run: Run): Promise<boolean | SpfEnd> {
  switch (mechanism.is) {
    case "all":
      return true
    case "ip4":
    case "ip6":
      return isWithin(subject.client, mechanism.network, mechanism.bits)
    case "include":
    case "a":
    case "mx":
    case "ptr":
    case "exists":
      return run.questions.count() ?? (await asked(mechanism, subject, run))
  }
}

async function asked(
  mechanism: Exclude<Mechanism, { is: "all" | "ip4" | "ip6" }>,
  subject: SpfSubject,
  run: Run,
): Promise<boolean | SpfEnd> {
  const { questions } = run
  const { domain: macros } = mechanism
  const target = macros === undefined ? subject.domain : await filled(macros, subject, questions)
  switch (mechanism.is) {
    case "include":
      return included(target, subject, run)
    case "a":
      return among(await questions.addresses(target, family(subject)), mechanism, subject, questions)
    case "mx":
      return byExchangers(target, mechanism, subject, questions)
    case "ptr":
      return byName(target, subject, questions)
    case "exists": {
      const answer = await questions.addresses(target, 4) // RFC 7208 §5.7: A, whatever the client's family
      if (answer.found === "records") return true
      return answer.found === "nothing" ? (questions.countVoid() ?? false) : silent(target, answer.why)
    }
  }
}

function family({ client }: SpfSubject): 4 | 16 {
  return client.length === 4 ? 4 : 16
}

function silent(name: string, why: string): SpfEnd {
  return new SpfEnd("temperror", `DNS does not answer for ${name}: ${why}`)
}

/** RFC 7208 §5.2: the other record's pass is a match; what it says otherwise is not ours. */
async function included(target: string, subject: SpfSubject, run: Run): Promise<boolean | SpfEnd> {
  const end = await check(target, subject, run)
  switch (end.result) {
    case "pass":
      return true
    case "fail":
    case "softfail":
    case "neutral":
      return false
    case "temperror":
      return new SpfEnd("temperror", end.why ?? "")
    case "permerror":
    case "none":
      return new SpfEnd("permerror", `include:${target}: ${end.why}`)
  }
}

function among(
  answer: DnsAnswer<Octets>,
  { bits4, bits6 }: { readonly bits4: number; readonly bits6: number },
  { client, domain }: SpfSubject,
  questions: SpfQuestions,
): boolean | SpfEnd {
  if (answer.found === "unavailable") return silent(domain, answer.why)
  if (answer.found === "nothing") return questions.countVoid() ?? false
  const bits = client.length === 4 ? bits4 : bits6
  return answer.records.some((record) => isWithin(client, record, bits))
}

/** RFC 7208 §5.4: no more than ten exchangers are looked at. */
async function byExchangers(
  target: string,
  lengths: { readonly bits4: number; readonly bits6: number },
  subject: SpfSubject,
  questions: SpfQuestions,
): Promise<boolean | SpfEnd> {
  const answer = await questions.mx(target)
  if (answer.found === "unavailable") return silent(target, answer.why)
  if (answer.found === "nothing") return questions.countVoid() ?? false
  const bits = subject.client.length === 4 ? lengths.bits4 : lengths.bits6
  for (const [n, { exchange }] of answer.records.entries()) {
    if (n === 10) return new SpfEnd("permerror", `${target} has more than 10 exchangers`)
    if (exchange === ".") continue // RFC 7505
    const addresses = await questions.addresses(exchange, family(subject))
    if (addresses.found === "unavailable") return silent(exchange, addresses.why)
    if (addresses.found === "nothing") continue
    if (addresses.records.some((record) => isWithin(subject.client, record, bits))) return true
  }
  return false
}

/** RFC 7208 §5.5: a name of the client that leads back to it and is the domain or below it. */
async function byName(
  target: string,
  subject: SpfSubject,
  questions: SpfQuestions,
): Promise<boolean | SpfEnd> {
  const names = await namesOf(subject, questions)
  if (names === "none") return questions.countVoid() ?? false
  const wanted = target.toLowerCase()
  return names.some((name) => name === wanted || name.endsWith(`.${wanted}`))
}

/** RFC 7208 §6.2: whatever is wrong with it, there is then no explanation. */
async function explain(
  { domain, macros }: NonNullable<End["exp"]>,
  subject: SpfSubject,
  run: Run,
): Promise<string | undefined> {
  const here = { ...subject, domain }
  const target = await filled(macros, here, run.questions)
  if (!isDomain(target)) return undefined
  const answer = await run.questions.txt(target)
  const [text, ...more] = answer.found === "records" ? answer.records : []
  if (text === undefined || more.length > 0) return undefined
  const read = parseMacros(text, true)
  return read.ok ? await filled(read.value, here, run.questions, run.seconds) : undefined
}

/** RFC 7208 §4.3: several labels of 1 to 63 octets. */
export function isDomain(name: string): boolean {
  const labels = name.split(".")
  return (
    labels.length > 1 &&
    name.length <= 253 &&
    !name.startsWith("[") &&
    labels.every((label) => label.length > 0 && label.length <= 63)
  )
}
