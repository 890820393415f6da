// Waiting for a message: `waypost wait` and the API's long poll, for tests of other people's software. What was accepted in the last
// minute counts, too: a test that is slower than the mail system does not miss its message.
import type { Clock } from "../mail/world.ts"
import { decodeWords } from "../message/encoded-words.ts"
import type { MessageLine, Told, Waited } from "./api.ts"
import type { Ask } from "./asking.ts"
import { lineOf } from "./messages.ts"

/** All that is given must hold; parts, in any case. */
export type Wish = {
  readonly to: string | undefined
  readonly from: string | undefined
  readonly subject: string | undefined
  /** Milliseconds. */
  readonly timeout: number
}

/** How far back a message counts, in milliseconds. */
const lately = 60_000
/** Of the newest timelines, so many are looked at. */
const mostLooked = 200

/** Resolves with the message when it has been accepted, or with none when the time is over. */
export async function waitFor(ask: Ask, wish: Wish, clock: Clock, gone?: AbortSignal): Promise<Waited> {
  const over = AbortSignal.timeout(wish.timeout)
  const signal = gone === undefined ? over : AbortSignal.any([over, gone])
  try {
    for await (const answer of ask({ verb: "live" }, signal)) {
      // Looked for after looking on has begun: nothing falls between the two.
      const id = answer["following"] === true ? undefined : idOfAccepted(answer["event"])
      if (answer["following"] !== true && id === undefined) continue
      const message = await among(ask, wish, clock() - lately, id)
      if (message !== undefined) return { found: true, message }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return { found: false }
}

function idOfAccepted(event: unknown): string | undefined {
  if (typeof event !== "object" || event === null || !("what" in event) || !("id" in event)) return undefined
  return event.what === "accepted" && typeof event.id === "string" ? event.id : undefined
}

/** The newest message that is meant: of all, or this one alone. */
async function among(
  ask: Ask,
  wish: Wish,
  since: number,
  id: string | undefined,
): Promise<MessageLine | undefined> {
  for await (const { id: found, events } of ask(
    id === undefined
      ? { verb: "recent", words: [], limit: mostLooked }
      : { verb: "recent", words: [id], limit: 1 },
  )) {
    if (typeof found !== "string" || !Array.isArray(events)) continue
    const line = lineOf(found, events as Told[])
    if (id === undefined && line.at < since) continue
    if (isMeant(line, wish)) return line
  }
  return undefined
}

function isMeant({ session, recipients, sender, subject }: MessageLine, wish: Wish): boolean {
  const has = (text: string, part: string | undefined) =>
    part === undefined || text.toLowerCase().includes(part.toLowerCase())
  if (session || sender === undefined) return false
  return (
    recipients.some((one) => has(one, wish.to)) &&
    has(sender, wish.from) &&
    (has(subject, wish.subject) || has(decodeWords(subject), wish.subject))
  )
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }

/** `30s`, `500ms`, `2m`, or seconds alone; undefined when it is no time, or longer than ten minutes. */
export function timeoutOf(text: string): number | undefined {
  const [, number, unit = "s"] = /^(\d{1,6})(ms|s|m)?$/.exec(text) ?? []
  const milliseconds = Number(number) * (units[unit] ?? 0)
  return milliseconds >= 0 && milliseconds <= 600_000 ? milliseconds : undefined
}
