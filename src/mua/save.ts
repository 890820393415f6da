// A message saved into another folder: appended to an mbox, or delivered into a Maildir; on disk before anyone is told.
import { closeSync, existsSync, fsync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import type { MakeDurable } from "../mailbox/durable.ts"
import { deliverToMaildir } from "../mailbox/maildir.ts"
import { deliverToMbox } from "../mailbox/mbox.ts"
import { failed, type MailboxOutcome } from "../mailbox/outcome.ts"
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
    : await appended(path, octets, senderOf(octets) ?? summary.from.address, received)
  if (outcome.outcome !== "done") throw new MailboxError(outcome.text)
}

async function appended(path: string, octets: Buffer, sender: string, date: number): Promise<MailboxOutcome> {
  const messages = [{ sender, date, body: [octets] }]
  const world = { durable, lockWaitMilliseconds: 15_000 }
  const [outcome] = await deliverToMbox({ path, owner: ourselves(), messages }, world)
  return outcome ?? failed("5.3.5", `${path}: nothing was appended`)
}

let serial = 0

function senderOf(octets: Buffer): string | undefined {
  return personsOf(first(scanHeader(octets), "return-path") ?? "")[0]?.address
}
