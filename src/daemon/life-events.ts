// Events of a message's life that no delivery makes: how it came, what aliases made of its recipients, what an operator did to
// it. For the timelines (spool/history.ts).
import { printPath } from "../mail/address.ts"
import type { Content } from "../mail/content.ts"
import { because } from "../mail/decision.ts"
import type { Entry, Queued } from "../queue/entry.ts"
import type { Expanded } from "../queue/plan.ts"
import { clientName } from "../smtp/session.ts"
import type { Event, Remembered } from "../spool/spool.ts"

/** Recipients of one message that its timeline names one by one; of a longer list the first ones stand for all. */
const mostNamed = 50

/** Octets of header that are remembered. */
const mostHeader = 4096

/** A message was accepted, or made by us: an event for each recipient, and one more when a rule set it aside. */
export function acceptedEvents(queued: Queued, content: Content): readonly Event[] {
  const { entry, pending } = queued
  const people = pending.length === 1 ? "1 recipient" : `${pending.length} recipients`
  const detail = `from ${printPath(entry.envelope.reversePath) || "<>"}, ${entry.size} octets, ${people}`
  const accepted = pending.slice(0, mostNamed).map(({ recipient }, n) => ({
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
  return entry.held === undefined ? accepted : [...accepted, heldEvent(entry, entry.held)]
}

function heldEvent({ id, acceptedAt }: Entry, { reason, at }: NonNullable<Entry["held"]>): Event {
  return { ...plain(id, acceptedAt), what: "held", detail: reason, reason: because("held", reason, at) }
}

/** A message too large for memory is remembered without its header: no disk is read for it. */
function remembered({ entry, pending }: Queued, { bytes, headerSize }: Content): Remembered {
  const recipients = pending.slice(0, mostNamed).map(({ recipient }) => printPath(recipient.path))
  const header = bytes === undefined ? "" : bytes.toString("latin1", 0, Math.min(headerSize, mostHeader))
  return { entry, recipients, header }
}

/** What an operator did to a message, and who it was. */
export function steered(
  what: "held" | "released" | "removed" | "retried",
  id: string,
  { at, uid, why }: { readonly at: number; readonly uid: number; readonly why: string },
): Event {
  const who = uid === 0 ? "root" : `uid ${uid}`
  return { ...plain(id, at), what, detail: why, reason: because("by hand", `${who} asked for it`) }
}

/** A client asked for what waits for a host or in a queue group. */
export function retriedFor(argument: string, id: string, at: number): Event {
  const reason = because("ETRN", "a client asked for it")
  return { ...plain(id, at), what: "retried", detail: `ETRN ${argument}`, reason }
}

/** Damage was found, and the message set aside. */
export function setAside(id: string, at: number, why: string): Event {
  return { ...plain(id, at), what: "held", detail: `damaged: ${why}`, reason: because("checksum", why) }
}

/** An address led to others: aliases, a list, a .forward. Undefined when it is what it was. */
export function expandedEvent({ id }: Entry, expanded: Expanded, at: number): Event | undefined {
  const { pending, leaves, dead } = expanded
  if (pending.route !== undefined) return undefined
  const [first] = leaves
  if (
    leaves.length === 1 &&
    dead.length === 0 &&
    first !== undefined &&
    first.path === pending.recipient.path
  )
    return undefined
  if (leaves.length === 0) return undefined // it failed, or waits, which is told as that
  const names = leaves.slice(0, mostNamed).map(({ path, route }) => printPath(path) || route.user)
  const more = leaves.length > mostNamed ? ` and ${leaves.length - mostNamed} more` : ""
  const address = printPath(pending.recipient.path)
  if (names.length === 1 && names[0] === address) return undefined
  return {
    ...plain(id, at),
    what: "expanded",
    address,
    status: "2.0.0",
    detail: `to ${names.join(", ")}${more}`,
    reason: first?.reason,
  }
}

function plain(id: string, at: number) {
  return { at, id, address: "", status: "", remote: undefined }
}
