// FEATURE(`forensics'): each message that comes from outside is judged as it is taken, and one field on top of it tells the verdict and
// the strongest finding. It never refuses mail.
import { feature, macro, type Settings } from "../config/settings.ts"
import { openCase } from "../forensics/case.ts"
import { writeField } from "../forensics/field.ts"
import { judge } from "../forensics/judgement.ts"
import type { Arrival } from "../mail/arrival.ts"
import { because, withTrail, yes } from "../mail/decision.ts"
import type { Gate } from "../mail/gate.ts"
import type { Clock } from "../mail/world.ts"
import { printDate } from "../message/date.ts"
import { writeReceived } from "../message/received.ts"

/** The gate, with the field added where the FEATURE asks for it. */
export function withForensics(gate: Gate, settings: Settings, clock: Clock): Gate {
  const used = feature(settings, "forensics")
  if (used === undefined) return gate
  const host = macro(settings, "j") ?? "localhost"
  return {
    ...gate,
    async message(arrival, envelope, octets, size, body) {
      const decision = await gate.message(arrival, envelope, octets, size, body)
      if (decision.outcome !== "yes" || decision.value.keep === "discard" || !isFromOutside(arrival))
        return decision
      const judgement = judge(
        openCase(withOurHop(arrival, octets, { host, now: clock() }), { receiver: host }),
      )
      const field = writeField(judgement, host)
      const reason = because("forensics", judgement.sentence, used.at)
      return yes(
        { ...decision.value, fields: (decision.value.fields ?? "") + field },
        withTrail(decision.reason, [{ ...reason, role: "passed" }]),
      )
    },
  }
}

function isFromOutside({ client, authenticated, submission }: Arrival): boolean {
  return client !== undefined && authenticated === undefined && !submission
}

type Taken = { readonly host: string; readonly now: number }

/** The header as it will be: what we saw of the client is the one hop that can be believed. */
function withOurHop(arrival: Arrival, octets: Buffer, { host, now }: Taken): Buffer {
  const trace = writeReceived({
    arrival,
    by: host,
    id: "00000000000000000",
    software: "8.17.1/Waypost",
    recipient: undefined,
    date: printDate(now),
  })
  return Buffer.concat([Buffer.from(trace), octets])
}
