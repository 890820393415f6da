// sendmail -v: who handed in a message on this machine may see its first attempt as it goes. What was said is kept for a moment, for
// the attempt may be over before the command asks.
import { printPath } from "../mail/address.ts"
import { diagnosticText } from "../mail/status.ts"
import type { Batch } from "../queue/batch.ts"
import type { Entry, Queued } from "../queue/entry.ts"
import type { Settled } from "../queue/settle.ts"

/** Messages that are remembered; the oldest are forgotten. */
const most = 128
/** Lines of each. */
const mostLines = 2000

type Followed = {
  readonly login: string | undefined
  readonly lines: string[]
  ended: boolean
  wake: () => void
}

export class Followers {
  readonly #messages = new Map<string, Followed>()

  /** A message that is to be tried now; those of the network have nobody who could ask. */
  expect({ entry }: Queued): void {
    if (entry.arrival.protocol !== "local" || entry.held !== undefined) return
    for (const oldest of this.#messages.keys()) {
      if (this.#messages.size < most) break
      this.#messages.delete(oldest)
    }
    const login = entry.arrival.authenticated
    this.#messages.set(entry.id, { login, lines: [], ended: false, wake: () => {} })
  }

  /** Hears a delivery's conversation; undefined when nobody could follow it. */
  listenerFor(id: string): ((direction: ">>>" | "<<<", line: string) => void) | undefined {
    return this.#messages.get(id)?.ended === false
      ? (direction, line) => this.#say(id, direction === ">>>" ? `>>> ${line}` : line)
      : undefined
  }

  /** `gor... Connecting to local...` */
  connecting({ id }: Entry, { mailer, host, recipients }: Batch): void {
    if (!this.#messages.has(id)) return
    const names = recipients.map(({ recipient }) => recipient.typed ?? printPath(recipient.path)).join(",")
    this.#say(id, `${names}... Connecting to ${host === "" ? mailer : `${host} via ${mailer}`}...`)
  }

  /** `gor... Sent` */
  settled({ id }: Entry, { pending, status }: Settled): void {
    if (!this.#messages.has(id)) return
    const { recipient } = pending
    const says = diagnosticText(status.diagnostic)
    const name = recipient.typed ?? printPath(recipient.path)
    this.#say(id, `${name}... ${ending(words[status.action], says)}`)
  }

  /** The attempt is over. */
  end(id: string): void {
    const one = this.#messages.get(id)
    if (one === undefined) return
    one.ended = true
    one.wake()
  }

  /** Whose message it is; undefined when it is none that can be followed. */
  loginOf(id: string): string | undefined {
    return this.#messages.get(id)?.login
  }

  /** What was said, and what is being said until the attempt is over. */
  async *follow(id: string, signal: AbortSignal): AsyncIterable<string> {
    const one = this.#messages.get(id)
    if (one === undefined) return
    signal.addEventListener("abort", () => one.wake())
    for (let n = 0; !signal.aborted; ) {
      for (; n < one.lines.length; n++) yield one.lines[n] ?? ""
      if (one.ended) return
      await new Promise<void>((resolve) => {
        one.wake = resolve
        if (signal.aborted || one.ended || n < one.lines.length) resolve()
      })
    }
  }

  #say(id: string, line: string): void {
    const one = this.#messages.get(id)
    if (one === undefined || one.ended || one.lines.length >= mostLines) return
    one.lines.push(line)
    one.wake()
  }
}

/** `Sent (ok)`, `Deferred: Connection refused` */
function ending(word: string, says: string | undefined): string {
  if (says === undefined) return word
  return word === "Sent"
    ? `Sent (${says.replace(/^\d{3}[ -](?:\d\.\d{1,3}\.\d{1,3} )?/, "")})`
    : `${word}: ${says}`
}

/** sendmail's words (deliver.c, giveresponse). */
const words = {
  delivered: "Sent",
  relayed: "Sent",
  expanded: "Expanded",
  delayed: "Deferred",
  failed: "Failed",
} as const
