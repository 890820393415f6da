// What a session of this system may use: the world of connection.ts, made from the parts of the mail process.
import type { LoadAverage } from "../host/load-average.ts"
import type { Log } from "../host/log.ts"
import type { Content } from "../mail/content.ts"
import { replyLine } from "../mail/reply.ts"
import type { Clock, NewId } from "../mail/world.ts"
import type { Queued } from "../queue/entry.ts"
import type { Spool } from "../spool/spool.ts"
import type { Decisions } from "./decisions.ts"
import { commandDelays } from "./heavy-load.ts"
import { acceptedEvents } from "./life-events.ts"
import type { Measures } from "./measures.ts"
import { sessionTimeouts } from "./offers.ts"
import type { Sampling } from "./sampling.ts"
import type { Watchers } from "./watchers.ts"
import type { World } from "./world.ts"

export type IntakeParts = {
  readonly spool: Spool
  readonly log: Log
  readonly clock: Clock
  readonly wall: Clock
  readonly loadAverage: LoadAverage
  readonly newId: NewId
  readonly watchers: Watchers
  readonly stopping: AbortSignal
  readonly measures: Pick<Measures, "sessionBegan" | "sessionEnded" | "accepted" | "refused">
  readonly sampling: Sampling
  readonly deliver: (queued: Queued, content: Content) => void
  readonly runQueue: (argument: string) => void
}

/** The world of a session at this door under these settings. */
export function sessionWorld(
  { gate, settings, tls, authenticator }: Pick<Decisions, "gate" | "settings" | "tls" | "authenticator">,
  parts: IntakeParts,
  door: string,
): World {
  const { spool, log, clock, wall, newId, watchers, stopping, measures, sampling } = parts
  return {
    gate,
    spool,
    newId,
    clock,
    wall,
    stopping,
    tls,
    authenticator,
    timeouts: sessionTimeouts(settings),
    delay: commandDelays(settings, door, parts),
    log: {
      refused: (id, text, reason) => log.refused(id, text, reason),
      accepted: (queued) => log.accepted(queued),
      note: (id, text) => log.note(id, text),
      bug: (error) => log.bug(error),
    },
    note: (events) => spool.note(events),
    watch: (arrival, reply, reason) =>
      watchers.tell(arrival.client, () => ({ reply: replyLine(reply), reason })),
    refused: (asked, said) => measures.refused(asked, said),
    samples: () => sampling.takes(clock()),
    runQueue: parts.runQueue,
    onAccepted(queued, content) {
      log.accepted(queued)
      spool.note(acceptedEvents(queued, content))
      measures.accepted(queued.entry)
      parts.deliver(queued, content)
    },
  }
}
