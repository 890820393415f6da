// A client that sends message after message in one name is judged once a second: tables in memory say the same to the same question,
// and each looks only once a second whether its file has changed. What had to be waited for, and every refusal, is asked anew.
import type { ReversePath, TypedAddress } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Decision } from "../mail/decision.ts"
import type { Soon } from "../mail/soon.ts"
import type { Clock } from "../mail/world.ts"

type AskSender = (arrival: Arrival, path: TypedAddress | "null", size: number) => Soon<Decision<ReversePath>>

/** What was said of the sender of a session's last message. An arrival is another one after TLS and after a login. */
type Known = {
  readonly text: string
  readonly size: number
  readonly at: number
  readonly decision: Decision<ReversePath>
}

/** Milliseconds for which a yes is good. */
const goodFor = 1000

/** The same question, asked less often. */
export function oncePerSecond(ask: AskSender, clock: Clock): AskSender {
  const known = new WeakMap<Arrival, Known>()
  return (arrival, path, size) => {
    if (path === "null") return ask(arrival, path, size)
    const at = clock()
    const last = known.get(arrival)
    if (last !== undefined && last.text === path.text && size <= last.size && isFresh(last, at))
      return last.decision
    const decision = ask(arrival, path, size)
    if (!(decision instanceof Promise) && decision.outcome === "yes")
      known.set(arrival, { text: path.text, size, at, decision })
    return decision
  }
}

function isFresh({ at }: Known, now: number): boolean {
  return now >= at && now < at + goodFor
}
