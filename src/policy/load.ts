// How much of a client is borne: FEATURE(ratecontrol) and FEATURE(conncontrol), with limits from access (ClientRate: and
// ClientConn: an address, a net, or nothing for everybody).
import { because, type Decision, later, pass } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { Found } from "../mail/world.ts"
import { feature, type Settings } from "../config/settings.ts"
import type { Entry } from "../maps/table.ts"
import { byEntry, misconfigured, passed, tableSilent } from "../routing/reasons.ts"
import { addressKeys } from "./access.ts"
import { accessTables, type ConnectQuestion, type PolicyStep, type PolicyWorld } from "./world.ts"

type Control = {
  readonly feature: "ratecontrol" | "conncontrol"
  readonly tag: "ClientRate" | "ClientConn"
  readonly words: string
  readonly does: string
  readonly measure: (question: ConnectQuestion) => number | undefined
}

const controls: readonly Control[] = [
  {
    feature: "ratecontrol",
    tag: "ClientRate",
    words: "Connection rate limit exceeded.",
    does: "limits how often a client comes",
    measure: ({ arrival }) => arrival.load?.rate,
  },
  {
    feature: "conncontrol",
    tag: "ClientConn",
    words: "Too many open connections.",
    does: "limits how many connections a client holds",
    measure: ({ arrival }) => arrival.load?.open,
  },
]

/** The steps that lines ask for. */
export function loadSteps(settings: Settings): readonly PolicyStep<ConnectQuestion>[] {
  return controls.flatMap((control) => {
    const used = feature(settings, control.feature)
    if (used === undefined) return []
    const ask = (question: ConnectQuestion, world: PolicyWorld) => within(control, question, world)
    return [{ name: control.feature, does: control.does, at: used.at, ask }]
  })
}

async function within(
  control: Control,
  question: ConnectQuestion,
  world: PolicyWorld,
): Promise<Decision<undefined>> {
  const measured = control.measure(question)
  const nothing = pass(passed(control.feature, `no ${control.tag}: limits this client`))
  if (measured === undefined) return nothing
  const keys = [...addressKeys(question.client.address), ""].map((key) => `${control.tag}:${key}`)
  for (const table of accessTables(world)) {
    for (const key of keys) {
      const answer = table.lookup(key)
      const found: Found<Entry> = answer instanceof Promise ? await answer : answer
      if (found.found === "unavailable") return tableSilent(table, key, found.why)
      if (found.found === "entry")
        return judge(control, measured, byEntry(table, found.entry), found.entry.value, world)
    }
  }
  return nothing
}

function judge(
  { feature: name, words }: Control,
  measured: number,
  reason: ReturnType<typeof byEntry>,
  value: string,
  { routing }: PolicyWorld,
): Decision<undefined> {
  const limit = value.trim()
  if (!/^\d{1,9}$/.test(limit)) return misconfigured(reason, `"${limit}" is no number`)
  if (limit === "0" || measured <= Number(limit)) {
    return pass({
      ...because(name, `${measured} of ${limit === "0" ? "any number" : limit}`, reason.at, reason.after),
      role: "passed",
    })
  }
  const ends = feature(routing.settings, name)?.args.includes("terminate") === true
  const says = `${reason.says}, and this is number ${measured}`
  return later(reply(ends ? 421 : 452, "4.3.2", words), { ...reason, says, role: "refused" })
}
