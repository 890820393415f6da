// FEATURE(greylist): a stranger's first try for a sender and a recipient is put off for a few minutes; real mail servers come again,
// most programs that send spam do not. Who came again in time is not asked for weeks.
import { printPath, type ForwardPath, type ReversePath } from "../mail/address.ts"
import { because, type Decision, later, type Origin, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { secondsOf, wordsOf } from "../config/feature-words.ts"
import { feature, type Settings } from "../config/settings.ts"
import { cause, refused } from "../routing/reasons.ts"
import { networkOf } from "./known.ts"

/** What is remembered of a network, a sender and a recipient; times are milliseconds since 1970. */
export type Tried = { readonly first: number; readonly last: number; readonly passed: boolean }

/** Where it is remembered (host/greylist-file.ts). */
export type GreylistMemory = {
  readonly get: (key: string) => Tried | undefined
  readonly set: (key: string, tried: Tried) => void
}

export type Greylist = {
  readonly delay: number
  /** How long after the first try the second may come. */
  readonly window: number
  /** How long one who passed is remembered after the last mail. */
  readonly keep: number
  readonly at: Origin | undefined
}

/** As the FEATURE asks for it. */
export function greylistOf(settings: Settings): Greylist | undefined {
  const used = feature(settings, "greylist")
  if (used === undefined) return undefined
  const words = wordsOf(used)
  const time = (name: string, seconds: number) => secondsOf(words, name, seconds) * 1000
  return {
    delay: time("delay", 300),
    window: time("window", 2 * 86_400),
    keep: time("keep", 36 * 86_400),
    at: used.at,
  }
}

export type GreylistQuestion = {
  readonly address: string
  readonly sender: ReversePath
  readonly recipient: ForwardPath
  readonly now: number
}

/** A later for a first try, a pass for who came again. */
export function byGreylist(
  { address, sender, recipient, now }: GreylistQuestion,
  { delay, window, keep, at }: Greylist,
  memory: GreylistMemory,
): Decision<undefined> {
  const network = networkOf(address, 24)
  const key = `${network} ${printPath(sender).toLowerCase()} ${printPath(recipient).toLowerCase()}`
  const tried = memory.get(key)
  const forgotten = tried === undefined || now - tried.last > (tried.passed ? keep : window)
  const first = forgotten ? now : Math.min(tried.first, now) // a clock that was set back makes nobody wait for it
  const why = cause("FEATURE(greylist)", at)
  if (!forgotten && (tried.passed || now - first >= delay)) {
    memory.set(key, { first, last: now, passed: true })
    return yes(undefined, because("greylist", `${network} came again, as mail servers do`, at, why))
  }
  memory.set(key, { first, last: forgotten ? now : tried.last, passed: false })
  const seconds = Math.max(1, Math.ceil((first + delay - now) / 1000))
  const said = reply(451, "4.7.1", `Greylisted, please try again in ${seconds} seconds`)
  const says = `${network} tries ${printPath(sender) || "<>"} for ${printPath(recipient)} for the first time: put off for ${seconds} s`
  return later(said, refused("greylist", says, at, why))
}
