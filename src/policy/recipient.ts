// May this recipient be named here? An ordered list: FEATURE(blocklist_recipients), relaying, where it would go, whether there
// is such a user; with FEATURE(delay_checks) also the sender and the client (proto.m4: check_rcpt; then sendmail's recipient()).
import { type ForwardPath, type Mailbox, printMailbox } from "../mail/address.ts"
import { because, type Decision, type Origin, type Reason, withTrail, yes } from "../mail/decision.ts"
import type { Route } from "../mail/route.ts"
import { type Soon, whenThere } from "../mail/soon.ts"
import { feature, type Settings } from "../config/settings.ts"
import { findLocal, localName } from "../routing/local-user.ts"
import { passed } from "../routing/reasons.ts"
import { resolve } from "../routing/route.ts"
import type { Canonical, RoutingWorld } from "../routing/world.ts"
import { option } from "../config/options.ts"
import { askAccess, recipientKeys, tagged } from "./access.ts"
import { byVerdict } from "./client.ts"
import { checkConnection } from "./connect.ts"
import { isProtected } from "./friend.ts"
import { heloIsWell } from "./helo.ts"
import { mayRelay } from "./relay.ts"
import { mailboxDisabled } from "./replies.ts"
import { checkSenderDomain } from "./sender.ts"
import { accessTables, type PolicyStep, type PolicyWorld, type RecipientQuestion } from "./world.ts"

/** The steps in their order; each must say yes or pass, the first that does not decides. */
export function recipientSteps(settings: Settings): readonly Step[] {
  const steps: Step[] = []
  const blocks = feature(settings, "blocklist_recipients") ?? feature(settings, "blacklist_recipients")
  const delays = feature(settings, "delay_checks")
  if (blocks !== undefined) {
    const does = "refuses recipients that access names"
    steps.push({ name: "blocklist_recipients", does, at: blocks.at, ask: isNotBlocked })
  }
  steps.push({ name: "relay?", does: "lets mail pass for few", at: undefined, ask: mayPass })
  steps.push({
    name: "route",
    does: "finds the way, and refuses where there is none",
    at: undefined,
    ask: wayOnce(),
  })
  const helo = feature(settings, "block_bad_helo")
  const judges = [
    ...(delays === undefined ? [] : judgesAtRcpt(delays.at)),
    ...(helo === undefined ? [] : [heloJudge(helo.at)]),
  ]
  if (delays?.args[0] === undefined || delays.args[0] === "") return [...steps, ...judges]
  const does = `judges as the recipient wants it: ${judges.map((step) => step.name).join(", ")}`
  steps.push({
    name: "delay_checks",
    does,
    at: delays.at,
    ask: (question, world) => asWanted(judges, question, world),
  })
  return steps
}

type Step = PolicyStep<RecipientQuestion>

/** FEATURE(delay_checks): client and sender are judged here. */
function judgesAtRcpt(at: Origin | undefined): readonly Step[] {
  return [
    { name: "sender?", does: "judges the sender", at, ask: senderIsWell },
    { name: "client?", does: "judges the client", at, ask: clientIsWell },
  ]
}

function heloJudge(at: Origin | undefined): Step {
  return {
    name: "block_bad_helo",
    does: "refuses clients that say our name, or none that is one",
    at,
    ask: heloIsWell,
  }
}

/** With friend or hater, who is judged is the recipient's to say. */
async function asWanted(
  judges: readonly Step[],
  question: RecipientQuestion,
  world: PolicyWorld,
): Promise<Decision<undefined>> {
  const decision = await isProtected(question, world)
  if (decision.outcome === "no" || decision.outcome === "later") return decision
  const wanted = decision.outcome === "pass" || decision.value
  return wanted ? askAll(judges, question, world) : yes(undefined, decision.reason)
}

/** Asks the steps. */
export function checkRecipient(question: RecipientQuestion, world: PolicyWorld): Soon<Decision<undefined>> {
  return askAll(world.steps.recipient, question, world)
}

function askAll(
  steps: readonly Step[],
  question: RecipientQuestion,
  world: PolicyWorld,
): Soon<Decision<undefined>> {
  return askFrom(0, { steps, question, world, trail: [] })
}

type Search = {
  readonly steps: readonly Step[]
  readonly question: RecipientQuestion
  readonly world: PolicyWorld
  readonly trail: Reason[]
}

/** The reason of a yes is the last one's, with all that was asked before it. */
function askFrom(first: number, search: Search): Soon<Decision<undefined>> {
  const { steps, question, world, trail } = search
  const step = steps[first]
  if (step === undefined) throw new Error("relaying is always asked") // a bug in recipientSteps
  return whenThere(step.ask(question, world), (decision) => {
    const { outcome, reason } = decision
    if (outcome === "no" || outcome === "later") return { ...decision, reason: withTrail(reason, trail) }
    if (first === steps.length - 1) return yes(undefined, withTrail(reason, trail))
    trail.push(reason)
    return askFrom(first + 1, search)
  })
}

const notBlocked: Decision<undefined> = {
  outcome: "pass",
  reason: passed("access", "the recipient is not listed"),
}

function isNotBlocked({ to }: RecipientQuestion, world: PolicyWorld): Soon<Decision<undefined>> {
  return whenThere(askAccess(accessTables(world), tagged("To", recipientKeys(to, world.dots))), (answer) => {
    if (answer.found === "silent") return answer.decision
    return answer.found === "nothing" ? notBlocked : byVerdict(answer, mailboxDisabled)
  })
}

function mayPass(question: RecipientQuestion, world: PolicyWorld): Soon<Decision<undefined>> {
  const trail: Reason[] = []
  return whenThere(mayRelay(question, world, trail), (decision) =>
    trail.length === 0 ? decision : { ...decision, reason: withTrail(decision.reason, trail) },
  )
}

/** Where the mail of those goes who were asked about; for as long as somebody has the address. */
const places = new WeakMap<Mailbox, string>()

/** The place that its mail goes to, equal for all that lead there; undefined where that is not known. */
export function placeOf(path: ForwardPath): string | undefined {
  return path === "postmaster" ? undefined : places.get(path)
}

function remember({ mailbox }: Canonical, { mailer, host, user }: Route, settings: Settings): void {
  const name = typeof user === "string" ? user : printMailbox(user)
  // No local part is folded but that of a mailbox here (sendmail: mailer flag u).
  const folded = mailer === option(settings, "LocalMailer") ? 0 : name.lastIndexOf("@") + 1
  const place = name.slice(0, folded) + name.slice(folded).toLowerCase()
  places.set(mailbox, `${mailer}\n${host.toLowerCase()}\n${place}`)
}

/** Where it would go, asked once of each address that is remembered (repeated.ts). */
function wayOnce(): Step["ask"] {
  const ways = new WeakMap<Canonical, Decision<undefined>>()
  return ({ to }, { routing }) => {
    const known = ways.get(to)
    if (known !== undefined) return known
    const way = hasWay(to, routing)
    if (!(way instanceof Promise) && way.outcome === "yes") ways.set(to, way)
    return way
  }
}

/** Where it would go: a refusal of virtusertable or mailertable, and unknown users, are told now and not by a bounce. */
function hasWay(to: Canonical, routing: RoutingWorld): Soon<Decision<undefined>> {
  return whenThere(resolve(to, routing), (resolved) => {
    if (resolved.outcome !== "yes") return resolved
    const { route, to: end } = resolved.value
    remember(to, route, routing.settings)
    if (route.mailer !== option(routing.settings, "LocalMailer")) return yes(undefined, resolved.reason)
    return whenThere(findLocal(localName(route.user), end, routing), (found) => {
      const reason = withTrail(found.reason, [resolved.reason])
      return found.outcome === "yes" ? yes(undefined, reason) : { ...found, reason }
    })
  })
}

async function senderIsWell(
  { arrival, envelope }: RecipientQuestion,
  world: PolicyWorld,
): Promise<Decision<undefined>> {
  const { reversePath } = envelope
  if (arrival.authenticated !== undefined) return loggedIn
  const typed = reversePath === "null" ? "" : printMailbox(reversePath)
  return await checkSenderDomain(arrival, reversePath, typed, world)
}

const loggedIn = yes(undefined, because("client?", "the client is logged in"))

function clientIsWell(
  { arrival }: RecipientQuestion,
  world: PolicyWorld,
): Decision<undefined> | Promise<Decision<undefined>> {
  return arrival.authenticated === undefined ? checkConnection(arrival, world) : loggedIn
}
