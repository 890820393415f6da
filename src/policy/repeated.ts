// Questions that busy clients repeat: the sender of a session's next message, and recipients that mail has just come for. Tables in
// memory and accounts say the same to the same question, and look only once a second whether their files have changed; so a yes is good
// for a second. What had to be waited for, and every refusal, is asked anew.
import type { ReversePath, TypedAddress } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Decision } from "../mail/decision.ts"
import type { MessageVerdict } from "../mail/gate.ts"
import type { Soon } from "../mail/soon.ts"
import type { Clock } from "../mail/world.ts"

/** Milliseconds. */
const goodFor = 1000

type Known<T> = { readonly at: number; readonly decision: Decision<T> }

function isGood<T>({ at }: Known<T>, now: number): boolean {
  return now >= at && now < at + goodFor
}

function maybeKept<T>(decision: Soon<Decision<T>>): decision is Decision<T> {
  return !(decision instanceof Promise) && decision.outcome === "yes"
}

type AskSender = (arrival: Arrival, path: TypedAddress | "null", size: number) => Soon<Decision<ReversePath>>

/** What was said of the sender of a session's last message. An arrival is another one after TLS and after a login. */
type KnownSender = Known<ReversePath> & { readonly text: string; readonly size: number }

/** A session's sender, asked about once a second. */
export function senderOncePerSecond(ask: AskSender, clock: Clock): AskSender {
  const known = new WeakMap<Arrival, KnownSender>()
  return (arrival, path, size) => {
    if (path === "null") return ask(arrival, path, size)
    const at = clock()
    const last = known.get(arrival)
    if (last !== undefined && last.text === path.text && size <= last.size && isGood(last, at))
      return last.decision
    const decision = ask(arrival, path, size)
    if (maybeKept(decision)) known.set(arrival, { text: path.text, size, at, decision })
    return decision
  }
}

type AskVerdict = (arrival: Arrival, sender: ReversePath) => Soon<Decision<MessageVerdict>>

/** What is to be done with a session's messages from one sender, asked once a second. */
export function verdictOncePerSecond(ask: AskVerdict, clock: Clock): AskVerdict {
  const known = new WeakMap<Arrival, Known<MessageVerdict> & { readonly sender: ReversePath }>()
  return (arrival, sender) => {
    const at = clock()
    const last = known.get(arrival)
    if (last !== undefined && last.sender === sender && isGood(last, at)) return last.decision
    const decision = ask(arrival, sender)
    if (maybeKept(decision)) known.set(arrival, { sender, at, decision })
    return decision
  }
}

/** Addresses that are remembered. */
const mostKnown = 1000

/** What an address is read as, asked once a second: the value is the same object, by which more may be remembered. */
export function addressOncePerSecond<T>(
  read: (path: TypedAddress) => Soon<Decision<T>>,
  clock: Clock,
): (path: TypedAddress) => Soon<Decision<T>> {
  const known = new Map<string, Known<T>>()
  return (path) => {
    const at = clock()
    const last = known.get(path.text)
    if (last !== undefined && isGood(last, at)) return last.decision
    const decision = read(path)
    if (!maybeKept(decision)) return decision
    if (known.size >= mostKnown) known.clear()
    known.set(path.text, { at, decision })
    return decision
  }
}
