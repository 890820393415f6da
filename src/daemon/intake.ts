// What a session of this system may use: the world of connection.ts, made from the parts of the mail process.
import type { Log } from "../host/log.ts"
import { printPath } from "../mail/address.ts"
import type { Content } from "../mail/content.ts"
import { replyLine } from "../mail/reply.ts"
import type { Clock, NewId } from "../mail/world.ts"
import type { Queued } from "../queue/entry.ts"
import type { Event, Remembered, Spool } from "../spool/spool.ts"
import { clientName } from "../smtp/session.ts"
import type { Decisions } from "./decisions.ts"
import { sessionTimeouts } from "./offers.ts"
import type { Watchers } from "./watchers.ts"
import type { World } from "./world.ts"

export type IntakeParts = {
  readonly spool: Spool
  readonly log: Log
  readonly clock: Clock
  readonly newId: NewId
  readonly watchers: Watchers
  readonly stopping: AbortSignal
  readonly deliver: (queued: Queued, content: Content) => void
  readonly runQueue: (node: string) => void
}

/** The world of every session under these settings. */
export function sessionWorld(
  { gate, settings, tls, authenticator }: Pick<Decisions, "gate" | "settings" | "tls" | "authenticator">,
  parts: IntakeParts,
): World {
  const { spool, log, clock, newId, watchers, stopping } = parts
  return {
    gate,
    spool,
    newId,
    clock,
    stopping,
    tls,
    authenticator,
    timeouts: sessionTimeouts(settings),
    log: {
      refused: (id, text, reason) => log.refused(id, text, reason),
      note: (id, text) => log.note(id, text),
      bug: (error) => log.bug(error),
    },
    note: (events) => spool.note(events),
    watch: (arrival, reply, reason) =>
      watchers.tell(arrival.client, () => ({ reply: replyLine(reply), reason })),
    runQueue: parts.runQueue,
    onAccepted(queued, content) {
      log.accepted(queued)
      spool.note(acceptedEvents(queued, content))
      parts.deliver(queued, content)
    },
  }
}

/** Recipients of one message that its timeline names one by one; of a longer list the first ones stand for all. */
const mostNamed = 50

/** Octets of header that are remembered. */
const mostHeader = 4096

function acceptedEvents(queued: Queued, content: Content): readonly Event[] {
  const { entry, pending } = queued
  const detail = `from ${printPath(entry.envelope.reversePath) || "<>"}, ${entry.size} octets, ${pending.length} recipients`
  return pending.slice(0, mostNamed).map(({ recipient }, n) => ({
    at: entry.acceptedAt,
    id: entry.id,
    what: "accepted" as const,
    address: printPath(recipient.path),
    status: "2.0.0",
    detail,
    remote: clientName(entry.arrival),
    reason: recipient.admitted,
    ...(n === 0 ? { message: remembered(queued, content) } : {}),
  }))
}

/** A message too large for memory is remembered without its header: no disk is read for it. */
function remembered({ entry, pending }: Queued, { bytes, headerSize }: Content): Remembered {
  const recipients = pending.slice(0, mostNamed).map(({ recipient }) => printPath(recipient.path))
  const header = bytes === undefined ? "" : bytes.toString("latin1", 0, Math.min(headerSize, mostHeader))
  return { entry, recipients, header }
}
