// FEATURE(`spf', …): what a result of SPF leads to. Asked at MAIL (or RCPT with delay_checks), of senders from outside alone; its verdict
// is kept for the message, whose fields tell it. Clients that are ours, logged in, or welcome by access are not asked.
import type { ReversePath } from "../mail/address.ts"
import { printLocalPart, printDomain } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Decision, later, no, type Origin, pass, type Reason } from "../mail/decision.ts"
import { reply, type Reply } from "../mail/reply.ts"
import type { Clock } from "../mail/world.ts"
import { wordsOf } from "../config/feature-words.ts"
import { feature, macro, type Settings } from "../config/settings.ts"
import { receivedSpf, spfInWords, type SpfIdentity, spfResult } from "../auth/results.ts"
import { checkHost, type SpfQuestion, type SpfResult, type SpfVerdict } from "../auth/spf.ts"
import type { SpfDns } from "../auth/spf-dns.ts"
import { cause, passed } from "../routing/reasons.ts"
import { isKnownClient } from "./known.ts"
import type { PolicyWorld, SpfPolicy } from "./world.ts"

type Action = "reject" | "defer" | "hold" | "discard" | "mark" | "none"

/** RFC 7208 §8.4, §8.6: fail may be refused, what cannot be told is asked again later; ~all is for debugging, so it only marks. */
const byDefault: Readonly<Record<SpfResult, Action>> = {
  pass: "mark",
  none: "mark",
  neutral: "mark",
  softfail: "mark",
  fail: "reject",
  temperror: "defer",
  permerror: "mark",
}

/** What SPF said of a sender, and who it was asked about. */
export type SpfJudgement = {
  readonly verdict: SpfVerdict
  readonly question: SpfQuestion
  readonly identity: SpfIdentity
}

/** As the FEATURE asks for it, or FEATURE(dmarc), which needs its result; undefined where no line does. */
export function makeSpfPolicy(settings: Settings, dns: SpfDns, clock: Clock): SpfPolicy | undefined {
  const own = feature(settings, "spf")
  const used = own ?? feature(settings, "dmarc")
  if (used === undefined) return undefined
  const words = own === undefined ? undefined : wordsOf(own)
  const actionFor = (result: SpfResult) =>
    words === undefined ? "mark" : (actionOf(words.get(result)) ?? byDefault[result])
  const receiver = macro(settings, "j") ?? "localhost"
  const judge = remembering((question) => checkHost(question, { dns, clock }))
  const helo = makeHeloJudge(words?.get("helo") ?? (own === undefined ? "none" : "mark"), receiver, {
    dns,
    clock,
  })
  const judged = async (arrival: Arrival, sender: ReversePath, world: PolicyWorld) => {
    if (await isKnownClient(arrival, world)) return undefined
    const { question, identity } = questionOf(arrival, sender, receiver)
    return { verdict: await judge(arrival.session, question), question, identity }
  }
  return {
    async ask(arrival, sender, world) {
      if (own === undefined) return onlyForDmarc
      const known = await judged(arrival, sender, world)
      if (known === undefined) return notAsked
      const named = helo.refuses ? await helo.judged(arrival, sender) : undefined
      if (named?.verdict.result === "fail") return decided(named, "reject", used.at)
      return decided(known, actionFor(known.verdict.result), used.at)
    },
    async ofMessage(arrival, sender, world) {
      const known = await judged(arrival, sender, world)
      if (known === undefined) return undefined
      return ofMessage(known, await helo.judged(arrival, sender), actionFor(known.verdict.result), used.at)
    },
  }
}

type HeloJudge = {
  readonly refuses: boolean
  judged(arrival: Arrival, sender: ReversePath): Promise<SpfJudgement | undefined>
}

/** RFC 7208 §2.3: the name in HELO is judged too where there is a sender; a name without a record says nothing. */
function makeHeloJudge(
  word: string,
  receiver: string,
  world: { readonly dns: SpfDns; readonly clock: Clock },
): HeloJudge {
  const judge = remembering((question) => checkHost(question, world))
  return {
    refuses: word.toLowerCase() === "reject",
    async judged(arrival, sender) {
      if (word.toLowerCase() === "none" || sender === "null") return undefined
      const { question, identity } = questionOf(arrival, "null", receiver)
      const verdict = await judge(arrival.session, question)
      return verdict.result === "none" ? undefined : { verdict, question, identity }
    },
  }
}

// DMARC needs to know it of the message; MAIL is not answered by it.
const onlyForDmarc = pass(passed("spf", "asked for DMARC alone"))
const notAsked = pass(passed("spf", "the client is ours, or known"))

function actionOf(text: string | undefined): Action | undefined {
  const word = text?.toLowerCase()
  return (["reject", "defer", "hold", "discard", "mark", "none"] as const).find((one) => one === word)
}

function questionOf(
  { client, helo = "" }: Arrival,
  sender: ReversePath,
  receiver: string,
): Pick<SpfJudgement, "question" | "identity"> {
  const common = { address: client?.address ?? "", helo, receiver }
  if (sender === "null")
    return { identity: "helo", question: { ...common, localPart: "postmaster", domain: helo } }
  const { localPart, domain } = sender
  return {
    identity: "mailfrom",
    question: { ...common, localPart: printLocalPart(localPart), domain: printDomain(domain) },
  }
}

const mostKept = 2000

type Judge = (question: SpfQuestion) => Promise<SpfVerdict>

/** The same is asked at MAIL, at each RCPT and for the message: one answer for a session. */
function remembering(judge: Judge): (session: string, question: SpfQuestion) => Promise<SpfVerdict> {
  const kept = new Map<string, { readonly key: string; readonly verdict: Promise<SpfVerdict> }>()
  return (session, question) => {
    const key = `${question.localPart}@${question.domain} ${question.helo} ${question.address}`
    const known = kept.get(session)
    if (known?.key === key) return known.verdict
    const verdict = judge(question)
    kept.delete(session)
    kept.set(session, { key, verdict })
    if (kept.size > mostKept) {
      const [oldest] = kept.keys()
      if (oldest !== undefined) kept.delete(oldest)
    }
    return verdict
  }
}

function reasonOf({ verdict, question }: SpfJudgement, at: Origin | undefined): Reason {
  const after = [...verdict.trail, ...cause("FEATURE(spf)", at)]
  return because("spf", `${verdict.result}: ${spfInWords(verdict, question.address)}`, at, after)
}

/** Of what is only told. */
function told(reason: Reason, { verdict }: SpfJudgement): Reason {
  return verdict.result === "pass" ? reason : { ...reason, role: "passed" }
}

function decided(known: SpfJudgement, action: Action, at: Origin | undefined): Decision<never> {
  const reason = reasonOf(known, at)
  switch (action) {
    case "reject":
      return no(refusalOf(known), { ...reason, role: "refused" })
    case "defer": {
      const { domain } = known.verdict
      const said = reply(451, "4.7.24", `SPF of ${domain} could not be checked, try again later`)
      return later(said, { ...reason, role: "unknown" })
    }
    case "hold":
    case "discard":
    case "mark":
    case "none":
      return pass(told(reason, known))
  }
}

// RFC 7372 §3.2: 5.7.23 for what SPF refuses, 5.7.24 for records that are wrong.
function refusalOf({ verdict, question }: SpfJudgement): Reply {
  const { result, domain, explanation } = verdict
  if (result === "permerror") return reply(550, "5.7.24", `The SPF record of ${domain} is wrong`)
  const first = `${question.address} is not allowed to send mail from ${domain} (SPF ${result})`
  // RFC 7208 §6.2: the text is the domain's, and that has to be said.
  return explanation === undefined
    ? reply(550, "5.7.23", first)
    : reply(550, "5.7.23", first, `${domain} explains: ${explanation.slice(0, 400)}`)
}

function ofMessage(
  known: SpfJudgement,
  named: SpfJudgement | undefined,
  action: Action,
  at: Origin | undefined,
) {
  const all = named === undefined ? [known] : [known, named]
  const found = spfResult(known.verdict, known.question, known.identity)
  const results = all.map(({ verdict, question, identity }) => spfResult(verdict, question, identity))
  const fields = all
    .map(({ verdict, question, identity }) => receivedSpf(verdict, question, identity))
    .join("")
  const keep = action === "hold" || action === "discard" ? action : "deliver"
  return {
    verdict: { keep, ...(action === "none" ? {} : { fields, results }) } as const,
    reason: keep === "deliver" ? told(reasonOf(known, at), known) : reasonOf(known, at),
    found,
  }
}
