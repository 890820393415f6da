// A heavy load of the machine, as the daemon meets it: what a client that comes is told of it, how commands are slowed, which mail is
// left in the queue, and what the log says, in sendmail's words. The limits are policy's (policy/load-average.ts).
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import type { LoadAverage } from "../host/load-average.ts"
import type { Log } from "../host/log.ts"
import type { Reason } from "../mail/decision.ts"
import type { Clock } from "../mail/world.ts"
import { commandDelay, leftByLoad, loadLimit } from "../policy/load-average.ts"
import type { Entry, Pending } from "../queue/entry.ts"

export type HeavyLoadParts = {
  readonly loadAverage: LoadAverage
  readonly clock: Clock
  readonly log: Pick<Log, "note">
}

/** How often the log tells that commands wait (srvrsmtp.c). */
const tellDelaysEvery = 90_000

/** A line for the log, no more often than so many milliseconds for each subject. */
class Seldom {
  readonly #told = new Map<string, number>()

  says(subject: string, now: number, every: number, say: () => void): void {
    if (now < (this.#told.get(subject) ?? Number.NEGATIVE_INFINITY) + every) return
    this.#told.set(subject, now)
    say()
  }
}

/** What clients find who come while it is heavy. */
export class HeavyLoad {
  readonly #parts: HeavyLoadParts
  readonly #seldom = new Seldom()

  constructor(parts: HeavyLoadParts) {
    this.#parts = parts
  }

  /** A client comes by this door: the load, where RefuseLA has to be asked about it, and how long it waits before (DelayLA). */
  arrive(door: string, settings: Settings): { readonly average: number | undefined; readonly wait: number } {
    const refuse = loadLimit(settings, door, "RefuseLA")
    const delay = loadLimit(settings, door, "DelayLA")
    if (refuse === undefined && delay === undefined) return light
    const average = this.#parts.loadAverage()
    const wait = delay === undefined ? 0 : commandDelay("", average, delay)
    if (refuse === undefined) return { average: undefined, wait }
    if (average >= refuse.most) this.#tell(door, average, settings)
    return { average, wait }
  }

  #tell(door: string, average: number, settings: Settings): void {
    const { clock, log } = this.#parts
    this.#seldom.says(door, clock(), option(settings, "RejectLogInterval") * 1000, () =>
      log.note(`rejecting connections on daemon ${door}: load average: ${average}`),
    )
  }
}

const light = { average: undefined, wait: 0 } as const

/** How long each command of a session at this door waits; undefined where no line sets DelayLA. */
export function commandDelays(
  settings: Settings,
  door: string,
  { loadAverage, clock, log }: HeavyLoadParts,
): ((line: string) => number) | undefined {
  const limit = loadLimit(settings, door, "DelayLA")
  if (limit === undefined) return undefined
  const seldom = new Seldom()
  return (line) => {
    const average = loadAverage()
    const wait = commandDelay(line, average, limit)
    if (wait > 0)
      seldom.says(door, clock(), tellDelaysEvery, () => {
        const [verb = ""] = line.split(" ", 1)
        log.note(`delaying=${verb.toUpperCase()}, load average=${average} >= ${limit.most}`)
      })
    return wait
  }
}

/** Why mail is left where it is, and until when. */
export type Left = { readonly reason: Reason; readonly until: number }

/** Mail that is too heavy is looked at again after so many milliseconds. */
const lookAgainAfter = 5 * 60_000

/** QueueLA: whether a message is left for another time; undefined where no line sets it. */
export function makePutOff(
  settings: Settings,
  { loadAverage, clock }: Pick<HeavyLoadParts, "loadAverage" | "clock">,
): ((entry: Entry, pending: readonly Pending[]) => Left | undefined) | undefined {
  const doors = ["", ...settings.daemons.map(({ name }) => name)]
  if (doors.every((door) => loadLimit(settings, door, "QueueLA") === undefined)) return undefined
  return ({ arrival, size, summary }, pending) => {
    const weight = {
      door: arrival.door,
      size,
      recipients: pending.length,
      precedence: summary.precedence ?? 0,
    }
    const reason = leftByLoad(weight, loadAverage(), settings)
    return reason && { reason, until: clock() + lookAgainAfter }
  }
}
