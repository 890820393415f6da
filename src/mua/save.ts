// A message saved into another folder: appended to an mbox, or delivered into a Maildir; on disk before anyone is told.
import { closeSync, existsSync, fsync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import type { MakeDurable } from "../mailbox/durable.ts"
import { deliverToMaildir } from "../mailbox/maildir.ts"
import { deliverToMbox } from "../mailbox/mbox.ts"
import { ourselves } from "../mailbox/owner.ts"
import { first, scanHeader } from "../message/header.ts"
import { MailboxError } from "./mailbox.ts"
import { type Listed, personsOf } from "./summary.ts"

const sync = promisify(fsync)

const durable: MakeDurable = async ({ fd, directory }) => {
  await sync(fd)
  if (directory === undefined) return
  const above = directory()
  try {
    await sync(above)
  } finally {
    closeSync(above)
  }
}

/** Saves these octets, which are the message's own or the same with other marks. */
export async function saveMessage(
  path: string,
  octets: Buffer,
  { received, summary }: Listed,
): Promise<void> {
  const owner = ourselves()
  const isMaildir = path.endsWith("/") || existsSync(join(path, "cur"))
  const outcome = isMaildir
    ? await deliverToMaildir(
        {
          path,
          owner,
          delivery: `${Date.now()}.${process.pid}.${serial++}`,
          date: received,
          repeat: false,
          body: [octets],
        },
        { durable },
      )
    : await deliverToMbox(
        { path, owner, sender: senderOf(octets) ?? summary.from.address, date: received, body: [octets] },
        { durable, lockWaitMilliseconds: 15_000 },
      )
  if (outcome.outcome !== "done") throw new MailboxError(outcome.text)
}

let serial = 0

function senderOf(octets: Buffer): string | undefined {
  return personsOf(first(scanHeader(octets), "return-path") ?? "")[0]?.address
}
