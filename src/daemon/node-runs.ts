// ETRN (RFC 1985): what waits for a host, or in a queue group, is tried now. One run after the other, and one for all who ask for the
// same host meanwhile: whoever asks often costs no more than that.
import type { Limit } from "../queue/select.ts"
import type { Spool } from "../spool/spool.ts"
import { retriedFor } from "./life-events.ts"
import { change, type ChangeWorld } from "./queue-verbs.ts"

/** Runs asked for that wait; more are not remembered. */
const mostWaiting = 50

/** Tries what the limit names; never rejects. */
export type RunNode = (limit: Limit, argument: string) => Promise<void>

export class NodeRuns {
  readonly #run: RunNode
  readonly #waiting = new Set<string>()
  #running = false

  constructor(run: RunNode) {
    this.#run = run
  }

  ask(argument: string): void {
    if (this.#waiting.size >= mostWaiting) return
    this.#waiting.add(argument)
    if (!this.#running) void this.#runAll()
  }

  async #runAll(): Promise<void> {
    this.#running = true
    for (const argument of this.#waiting) {
      this.#waiting.delete(argument)
      await this.#run(limitOf(argument), argument)
    }
    this.#running = false
  }
}

export type RunWorld = ChangeWorld & {
  readonly spool: Pick<Spool, "retry" | "note">
  readonly bug: (error: unknown) => void
}

/** As `sendmail -qR` and `-qG` do it, with a line in the timeline of each message. */
export function makeRunNode(world: RunWorld): RunNode {
  const { spool, clock, bug } = world
  return async (limit, argument) => {
    const request = { verb: "retry", selection: { limits: [limit], held: "no" } }
    const retry = async (id: string) => {
      const done = await spool.retry(id)
      if (done) spool.note([retriedFor(argument, id, clock())])
      return done
    }
    try {
      for await (const _ of change(request, world, retry)) continue
    } catch (error) {
      bug(error)
    }
  }
}

/**
 * `example.org` is that domain, `@example.org` its subdomains, too, `#slow` a queue group (RFC 1985 §5.3). These letters are looked for in
 * the recipients, as sendmail does (srvrsmtp.c): a longer name may be meant as well, and its mail is tried once more than it need be.
 */
export function limitOf(argument: string): Limit {
  if (argument.startsWith("#")) return { field: "group", part: argument.slice(1), not: false }
  const part = argument.startsWith("@") ? argument.slice(1) : `@${argument}`
  return { field: "recipient", part: part.toLowerCase(), not: false }
}
