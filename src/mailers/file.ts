// Delivery at the end of a file that an alias names: sendmail's *file* mailer. With the rights of the alias's user, else of the
// default user.
import type { DeliveryStatus } from "../mail/status.ts"
import { controllingUser } from "./controlling-user.ts"
import {
  askAgent,
  deliveryName,
  type FinalDelivery,
  type FinalWorld,
  forEachRecipient,
  identityOf,
  senderOf,
} from "./delivery.ts"
import { finalMessage, returnPath } from "./final.ts"

/** Appends to each recipient's file. */
export function deliverFiles(delivery: FinalDelivery, world: FinalWorld): Promise<readonly DeliveryStatus[]> {
  const { entry, content } = delivery
  const message = finalMessage(content, { start: [returnPath(entry.envelope)] })
  return forEachRecipient(delivery, world, async (pending) => {
    const user = await controllingUser(pending, world)
    if ("ending" in user) return user.ending
    const request = {
      verb: "append",
      owner: identityOf(user.account),
      path: pending.route.user,
      sender: senderOf(entry, world.settings),
      date: entry.acceptedAt,
      delivery: deliveryName(entry, pending),
    } as const
    return askAgent(world.agent, request, message)
  })
}
