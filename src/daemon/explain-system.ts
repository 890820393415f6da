// `waypost explain ADDRESS` in a running system: the way of the address, and what beyond routing would be done with mail for it: the
// checks and filters before it is taken, the signature and the proofs that hosts owe before it leaves.
import { wordsOf } from "../config/feature-words.ts"
import { feature, type Settings } from "../config/settings.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, type Reason } from "../mail/decision.ts"
import { makePolicy, type GateParts } from "../policy/check.ts"
import { isKnownClient } from "../policy/known.ts"
import { printReason } from "../routing/explain.ts"
import {
  type Explained,
  type ExplainedStep,
  explainAddress,
  type ExplainWorld,
  type Question,
  stepsOf,
} from "../routing/explain-address.ts"
import { readKeys } from "../trust/dkim-keys.ts"
import { filtersOf, type MilterUse } from "../trust/milter-definition.ts"
import type { SmtpMailer } from "../mailers/esmtp.ts"
import { clientOf } from "./clients.ts"
import { groupReasons } from "./queue-groups.ts"
import { keysByDefault, keysFor } from "./signing.ts"

export type ExplainSystem = ExplainWorld & {
  readonly settings: Settings
  readonly smtp: Pick<SmtpMailer, "foresee">
  readonly clock: GateParts["clock"]
  readonly dns: GateParts["dns"]
}

/** What is done beyond routing, under a heading. */
export type Beyond = { readonly heading: string; readonly steps: readonly ExplainedStep[] }

/** Hosts whose proofs are told. */
const mostHosts = 5

/** Explains an address; `beyond` is what routing does not know. */
export async function explainSystem(
  question: Question,
  world: ExplainSystem,
): Promise<Explained & { readonly beyond: readonly Beyond[] }> {
  const explained = await explainAddress(await withName(question, world), world)
  const sections: [string, readonly Reason[]][] = []
  const coming = await incoming(question, world)
  if (coming.length > 0) sections.push(["Before mail for it is taken:", coming])
  const routes = new Map<string, { readonly mailer: string; readonly host: string; readonly to: string }>()
  for (const { mailer, host, address } of explained.deliverable) {
    const key = `${mailer} ${host}`
    if (host !== "" && routes.size < mostHosts && !routes.has(key))
      routes.set(key, { mailer, host, to: address })
  }
  for (const { mailer, host, to } of routes.values()) {
    const leaving = [
      ...signing(question.from, world.settings),
      ...(await world.smtp.foresee({ mailer, host }, to)),
    ]
    if (leaving.length > 0) sections.push([`Before it leaves for ${host}:`, leaving])
  }
  const groups = await groupReasons(explained.deliverable, world.routing)
  if (groups.length > 0) sections.push(["While it waits:", groups])
  const lines = sections.flatMap(([heading, reasons]) => [
    "",
    heading,
    ...reasons.flatMap((reason) => printReason(reason).map((line) => `  ${line}`)),
  ])
  const beyond = sections.map(([heading, reasons]) => ({ heading, steps: reasons.flatMap(stepsOf) }))
  return { ...explained, lines: [...explained.lines, ...lines], beyond }
}

/** The client as its connection would be named. */
async function withName(question: Question, { dns }: ExplainSystem): Promise<Question> {
  const { client, clientName } = question
  if (client === undefined || clientName !== undefined) return question
  const { name } = await clientOf({ remoteAddress: client, remotePort: 0 }, dns)
  return { ...question, clientName: name }
}

const judged = [
  ["spf", "spf", "who may send for the sender's domain is asked"],
  ["dkim_verify", "dkim", "signatures are checked"],
  ["dmarc", "dmarc", "what the author's domain asks for is done"],
  ["arc", "arc", "the seals of forwarders are checked"],
  ["bimi", "bimi", "which indicator the author's domain wants shown is looked up"],
] as const

/** Checks of who vouches for a message, and the filters of the first door. */
async function incoming({ client }: Question, world: ExplainSystem): Promise<readonly Reason[]> {
  const { settings } = world
  const used = judged.flatMap(([word, step, says]) => {
    const line = feature(settings, word)
    return line === undefined ? [] : [because(step, says, line.at)]
  })
  const ours = client !== undefined && used.length > 0 && (await isOurs(client, world))
  const checks = ours
    ? [
        {
          ...because("trust", `${client} is a client of ours: nobody has to vouch for it`),
          role: "passed" as const,
        },
      ]
    : used
  const filters = filtersOf(settings, settings.daemons[0])
  return [...checks, ...(filters.ok ? filters.value.map(filterInWords) : [because("milters", filters.error)])]
}

const without = {
  pass: "while it does not answer, mail passes without it",
  tempfail: "while it does not answer, mail is put off (F=T)",
  reject: "while it does not answer, mail is refused (F=R)",
  close: "while it does not answer, sessions end with 421 (F=4)",
} as const

function filterInWords({ name, place, without: flag, at }: MilterUse): Reason {
  const where = "path" in place ? place.path : `${place.address}:${place.port}`
  return because("milter", `${name} at ${where} is asked; ${without[flag]}`, at)
}

async function isOurs(address: string, { settings, routing, clock, dns }: ExplainSystem): Promise<boolean> {
  const arrival: Arrival = {
    session: "explain",
    protocol: "ESMTP",
    client: { address, port: 0, name: undefined },
    helo: undefined,
    authenticated: undefined,
    door: settings.daemons[0]?.name ?? "MTA",
    submission: false,
    tls: undefined,
  }
  return isKnownClient(arrival, makePolicy({ settings, routing, clock, dns }))
}

/** FEATURE(dkim_sign) and FEATURE(arc)'s seal; which key depends on the author. */
function signing(from: string | undefined, settings: Settings): readonly Reason[] {
  const line = feature(settings, "dkim_sign")
  if (line === undefined) return []
  const ring = readKeys(line.args[0] || keysByDefault)
  if (!ring.ok) return [because("dkim", `keys cannot be read: ${ring.error}`, line.at)]
  const author = from
    ?.slice(from.lastIndexOf("@") + 1)
    .replace(/>$/, "")
    .toLowerCase()
  const arc = feature(settings, "arc")
  const seal = arc === undefined ? undefined : wordsOf(arc).get("seal")
  const sealed =
    seal === undefined
      ? []
      : [because("arc", `what is not ours and passes through is sealed by ${seal}`, arc?.at)]
  if (author === undefined || author === "") {
    const domains = [...ring.value.keys()].toSorted().join(", ")
    const says =
      domains === ""
        ? "there are no keys, so nothing is signed"
        : `mail of ours is signed whose author is of ${domains}`
    return [because("dkim", says, line.at), ...sealed]
  }
  const found = keysFor(author, ring.value)
  const which = found?.keys.map(({ selector, algorithm }) => `s=${selector}, ${algorithm}`).join(" and ")
  return found === undefined
    ? [{ ...because("dkim", `there is no key for ${author}`, line.at), role: "passed" }, ...sealed]
    : [because("dkim", `mail of ours is signed as ${found.domain} (${which})`, line.at), ...sealed]
}
