// Which mailer takes a batch: the definition's path says it (sendmail: the P= of an M line). Destinations are limited one by
// one, so that a slow host never holds up another.
import { macro, mailer, type Settings } from "../config/settings.ts"
import type { Leaving } from "../host/leaving.ts"
import { parseMailbox } from "../mail/address.ts"
import type { Content } from "../mail/content.ts"
import { because, withTrail } from "../mail/decision.ts"
import type { EnhancedCode } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Clock } from "../mail/world.ts"
import type { SmtpMailer } from "../mailers/esmtp.ts"
import { interrupted } from "../mailers/esmtp-attempt.ts"
import { deliverFiles } from "../mailers/file.ts"
import { deliverLocal, type LocalWorld } from "../mailers/local.ts"
import { deliverPrograms } from "../mailers/program.ts"
import type { Batch } from "../queue/batch.ts"
import type { Entry } from "../queue/entry.ts"
import { asDated } from "../queue/steady.ts"
import { forwardedSender } from "../routing/forwarded.ts"
import type { RoutingWorld } from "../routing/world.ts"
import type { Followers } from "./followers.ts"
import { makeDestinationRate } from "./destination-rate.ts"
import { outgoing } from "./outgoing.ts"
import type { QueueGroups } from "./queue-groups.ts"
import type { Sign } from "./signing.ts"
import { NamedSlots } from "./slots.ts"
import { isTlsReport } from "./tls-reports.ts"

export type DeliveryWorld = LocalWorld & {
  /** Who looks on (sendmail -v). */
  readonly followers: Pick<Followers, "connecting" | "listenerFor">
  readonly settings: Settings
  readonly clock: Clock
  /** How far the machine's clock is ahead of it. */
  readonly ahead: () => number
  readonly smtp: SmtpMailer
  readonly routing: RoutingWorld
  /** Queue groups, where the configuration has some. */
  readonly groups?: Pick<QueueGroups, "run"> | undefined
  /** Fires when the system stops and waits no longer for those who are silent. */
  readonly leaving: Leaving
  /** FEATURE(dkim_sign), FEATURE(arc). */
  readonly sign?: Sign | undefined
}

export type Deliver = (entry: Entry, batch: Batch, content: Content) => Promise<readonly DeliveryStatus[]>

/** Messages on their way to one destination at once: one in each session, and one behind it. */
const perDestination = 40

export function makeDelivery(world: DeliveryWorld): Deliver {
  const destinations = new NamedSlots(perDestination)
  const rate = makeDestinationRate(world.routing, world.clock)
  const one: Deliver = async (accepted, batch, content) => {
    const entry = asOwner(accepted, batch, world)
    if (world.leaving.begun) return leftAlone(batch, world.clock)
    world.followers.connecting(entry, batch)
    const path = builtIn(batch.mailer) ?? mailer(world.settings, batch.mailer)?.path
    switch (path) {
      case "[IPC]":
      case "[TCP]":
      case "[LMTP]":
        return destinations.run(`${batch.mailer} ${batch.host}`, async () => {
          const asked = rate(batch.host)
          const waits = asked instanceof Promise ? await asked : asked
          return waits === undefined
            ? deliverRemote(entry, batch, content, world)
            : everybody(batch, "delayed", "4.3.2", waits.says, world.clock)
        })
      case "mbox":
      case "maildir":
        return deliverHere(entry, batch, content, deliverLocal, world)
      case "[FILE]":
        return deliverFiles({ entry: dated(entry, world), batch, content }, world)
      case "[DISCARD]":
        return everybody(batch, "delivered", "2.0.0", "discarded", world.clock)
      case undefined:
        return everybody(
          batch,
          "delayed",
          "4.3.5",
          `the configuration has no mailer ${batch.mailer}`,
          world.clock,
        )
      default:
        return deliverHere(entry, batch, content, deliverPrograms, world)
    }
  }
  const { groups } = world
  if (groups === undefined) return one
  return (entry, batch, content) => groups.run(batch.queueGroup, () => one(entry, batch, content))
}

/** Mail to members of a list is from its owner: he hears of what goes wrong on the way (sendmail: deliver.c, sendall). */
function asOwner(entry: Entry, { owner }: Batch, { settings }: DeliveryWorld): Entry {
  if (owner === undefined) return entry
  const bare = !owner.includes("@")
  const reversePath = parseMailbox(bare ? `${owner}@${macro(settings, "j") ?? "localhost"}` : owner)
  if (!reversePath.ok) return entry
  const { typedSender: _, ...envelope } = entry.envelope
  const own = { ...envelope, reversePath: reversePath.value }
  return { ...entry, envelope: bare ? { ...own, typedSender: owner } : own }
}

/** Mailers that are ours, whatever a MAILER() line says of them. */
function builtIn(name: string): string | undefined {
  return name === "discard" ? "[DISCARD]" : name === "*file*" ? "[FILE]" : undefined
}

/** Mailboxes and programs: the header as the local mailer writes it. */
async function deliverHere(
  entry: Entry,
  batch: Batch,
  content: Content,
  deliver: typeof deliverLocal,
  world: DeliveryWorld,
): Promise<readonly DeliveryStatus[]> {
  const out = await outgoing(entry, content, batch.mailer, world.routing)
  if (out.outcome !== "yes") return everybody(batch, "delayed", "4.3.0", out.reason.says, world.clock)
  const { envelope, content: written } = out.value
  const leaving = envelope === entry.envelope ? entry : { ...entry, envelope }
  return deliver({ entry: dated(leaving, world), batch, content: written }, world)
}

/** With the machine's date, as mailboxes have it. */
function dated(entry: Entry, { ahead }: DeliveryWorld): Entry {
  return asDated({ entry, pending: [] }, ahead()).entry
}

async function deliverRemote(
  entry: Entry,
  batch: Batch,
  content: Content,
  world: DeliveryWorld,
): Promise<readonly DeliveryStatus[]> {
  const first = batch.recipients[0]
  if (first === undefined) return []
  const written = outgoing(entry, content, batch.mailer, world.routing)
  const out = written instanceof Promise ? await world.leaving.unless(written) : written
  if (out === undefined) return leftAlone(batch, world.clock)
  if (out.outcome !== "yes") return everybody(batch, "delayed", "4.3.0", out.reason.says, world.clock)
  const signed = await world.sign?.(entry, out.value.content)
  if (signed?.outcome === "later" || signed?.outcome === "no")
    return everybody(batch, "delayed", "4.3.0", signed.reason.says, world.clock)
  const srs = forwardedSender(
    { arrival: entry.arrival, sender: out.value.envelope.reversePath, recipients: batch.recipients },
    world.routing,
  )
  const { envelope } = out.value
  const route: Route = { mailer: batch.mailer, host: batch.host, user: first.route.user }
  const listener = world.followers.listenerFor(entry.id)
  const message = {
    id: entry.id,
    envelope: srs === undefined ? envelope : { ...envelope, reversePath: srs },
    recipients: batch.recipients.map((one) => one.recipient),
    addresses: batch.recipients.map((one) => one.route.user),
    route,
    first: batch.recipients.every(({ attempts }) => attempts === 0),
    content: signed?.outcome === "yes" ? signed.value : out.value.content,
    ...(listener === undefined ? {} : { listener }),
    despiteTls: isTlsReport(entry),
  }
  const statuses = await world.smtp.deliver(message, world.leaving)
  if (signed === undefined) return statuses
  return statuses.map((status) => ({ ...status, reason: withTrail(status.reason, [signed.reason]) }))
}

async function leftAlone({ recipients }: Batch, clock: Clock): Promise<readonly DeliveryStatus[]> {
  const end = interrupted(new Date(clock()))
  return recipients.map(({ recipient }) => ({ recipient, ...end }))
}

async function everybody(
  batch: Batch,
  action: DeliveryStatus["action"],
  status: EnhancedCode,
  says: string,
  clock: Clock,
): Promise<readonly DeliveryStatus[]> {
  const reason = because(batch.mailer, says)
  const at = new Date(clock())
  return batch.recipients.map(({ recipient }) => ({
    recipient,
    action,
    status,
    diagnostic: says,
    remote: undefined,
    at,
    reason,
  }))
}
