// Final delivery into a user's mailbox: an mbox file or a Maildir, whichever the local mailer's definition names.
import type { DeliverRequest } from "../agent/protocol.ts"
import { feature, mailer, type Settings } from "../config/settings.ts"
import type { Content } from "../mail/content.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import type { Account } from "../mail/world.ts"
import type { Entry } from "../queue/entry.ts"
import { mailboxPath } from "../mailbox/place.ts"
import type { RoutedPending } from "../queue/plan.ts"
import { localName } from "../routing/local-user.ts"
import {
  askAgent,
  deliveryName,
  type Ending,
  type FinalDelivery,
  type FinalWorld,
  findAccount,
  forEachRecipient,
  identityOf,
  senderOf,
} from "./delivery.ts"
import { finalMessage, type FinalMessage, returnPath } from "./final.ts"
import { deliverBySieve } from "./sieve.ts"
import type { SieveDelivery, SieveServices } from "./sieve-world.ts"

export type LocalWorld = FinalWorld & {
  /** For users' Sieve scripts, where FEATURE(sieve) asks for them. */
  readonly sieve?: SieveServices
}

/** Delivers to every recipient of the batch; each answer is final or a reason to try again. */
export async function deliverLocal(
  delivery: FinalDelivery,
  world: LocalWorld,
): Promise<readonly DeliveryStatus[]> {
  const { entry, batch, content } = delivery
  const definition = mailer(world.settings, batch.mailer)
  if (definition?.maxSize !== undefined && content.size > definition.maxSize) {
    const text = `Message is too large; ${definition.maxSize} bytes max`
    return forEachRecipient(delivery, world, async () => ({ outcome: "failed", status: "5.2.3", text }))
  }
  const message = finalMessage(content, { start: [returnPath(entry.envelope)] })
  const place = placeOf(definition?.path, definition?.args ?? "", world.settings)
  return forEachRecipient(delivery, world, (pending) =>
    deliverOne({ entry, pending, content, message }, place, world),
  )
}

type OneDelivery = {
  readonly entry: Entry
  readonly pending: RoutedPending
  readonly content: Content
  readonly message: FinalMessage
}

type Place = (account: Account, detail: string | undefined) => DeliverRequest["mailbox"]

async function deliverOne(
  { entry, pending, content, message }: OneDelivery,
  place: Place,
  world: LocalWorld,
): Promise<Ending> {
  const { accounts, agent, settings, sieve } = world
  const { user, detail } = localName(pending.route.user)
  const found = await findAccount(accounts, user)
  if ("ending" in found) return found.ending
  const { account } = found
  if (!/^[^/\0]+$/.test(account.name) || /^\.\.?$/.test(account.name)) {
    return { outcome: "failed", status: "5.1.1", text: `"${account.name}" cannot be a mailbox's name` }
  }
  const request = {
    verb: "deliver",
    owner: identityOf(account),
    mailbox: place(account, pending.route.host || detail), // $h of a local route is the detail (ruleset 5)
    sender: senderOf(entry, settings),
    date: entry.acceptedAt,
    delivery: deliveryName(entry, pending),
    repeat: mayBeDelivered(entry, pending),
    ...(pending.forward === undefined ? {} : { unless: pending.forward }),
  } as const
  if (sieve === undefined) return await askAgent(agent, request, message)
  const { mailbox, delivery, repeat } = request
  const bySieve: SieveDelivery = {
    ...{ entry, pending, account, content, mailbox, delivery, repeat },
    store: (copy) => {
      const isSame = copy.content === content && copy.marks.length === 0
      const start = [returnPath(entry.envelope), ...copy.marks]
      const form = copy.marks.length === 0 ? { start } : ({ start, marked: true } as const)
      const octets = isSame ? message : finalMessage(copy.content, form)
      return askAgent(agent, { ...request, mailbox: copy.mailbox }, octets)
    },
  }
  return (await deliverBySieve(bySieve, { ...world, sieve })) ?? (await askAgent(agent, request, message))
}

/**
 * An attempt that a crash cut off leaves no trace in the spool, so everything an earlier process accepted may be in its mailbox
 * already. What this process accepted and never tried is new: then the agent need not look through the mailbox.
 */
function mayBeDelivered({ acceptedAt }: Entry, { attempts }: RoutedPending): boolean {
  return attempts > 0 || acceptedAt < Date.now() - performance.now() // our start, as the clock has it today
}

/** The path that FEATURE(maildir) or confLOCAL_MAILBOX_DIR gave; a detail is a folder where FEATURE(detail_folders) says so. */
export function placeOf(path: string | undefined, template: string, settings: Settings): Place {
  if (path !== "maildir") return (account) => ({ format: "mbox", path: mailboxPath(template, account) })
  const folders = feature(settings, "detail_folders")
  const make = folders?.args[0] === "make"
  const quota = feature(settings, "maildir")?.args[1] || undefined
  return (account, detail) => ({
    format: "maildir",
    path: mailboxPath(template, account),
    ...(folders === undefined || detail === undefined || !plainDetail.test(detail)
      ? {}
      : { folder: { name: detail, make } }),
    ...(quota === undefined ? {} : { quota }),
  })
}

/** A detail comes from whoever wrote the address: only plain names are folders. */
const plainDetail = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/
