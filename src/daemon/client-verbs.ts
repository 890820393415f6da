// What the commands may ask of the client queue: to list it, to hand it over now, to empty it.
import { parseMailbox } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import { type Pending, type Queued, untried } from "../queue/entry.ts"
import { readSelection, selects } from "../queue/select.ts"
import type { ClientQueue, Kept } from "./client-queue.ts"
import type { Answer, Request, Verb } from "./control.ts"

/** The verbs; `trusted` makes one that is for root and the owner of the system. */
export function clientVerbs(
  queue: ClientQueue,
  trusted: (verb: Verb) => Verb,
): readonly (readonly [string, Verb])[] {
  return [
    ["client queue", (request) => list(request, queue)],
    ["client count", () => count(queue)],
    ["client run", () => run(queue)],
    ["client remove", trusted(() => remove(queue))],
  ]
}

async function* list(request: Request, queue: ClientQueue): AsyncIterable<Answer> {
  const selection = readSelection(request["selection"])
  if (selection === undefined) {
    yield { error: `${request.verb}: the selection cannot be understood`, code: 64 }
    return
  }
  for await (const kept of queue.list()) {
    const queued = queuedOf(kept)
    if (selects(selection, queued)) yield { queued }
  }
}

async function* count(queue: ClientQueue): AsyncIterable<Answer> {
  let messages = 0
  for await (const _ of queue.list()) messages++
  yield { ok: true, messages }
}

async function* run(queue: ClientQueue): AsyncIterable<Answer> {
  await queue.run()
  yield { ok: true }
}

async function* remove(queue: ClientQueue): AsyncIterable<Answer> {
  for await (const kept of queue.list()) {
    await queue.remove(kept.id)
    yield { queued: queuedOf(kept) }
  }
}

/** In the form that lists of the other queue have. */
function queuedOf({ id, login, file }: Kept): Queued {
  const { sender, recipients, body, acceptedAt, size, headerSize, ret, envid } = file
  return {
    entry: {
      id,
      envelope: {
        reversePath: mailboxOf(sender) ?? "null",
        typedSender: sender,
        body,
        smtputf8: false,
        ret,
        envid,
      },
      arrival: {
        session: "",
        protocol: "local",
        client: undefined,
        helo: undefined,
        authenticated: login,
        door: "MSP",
        submission: true,
        tls: undefined,
      },
      acceptedAt,
      size,
      headerSize,
      summary: { messageId: "", subject: "", from: "" },
      held: undefined,
    },
    pending: recipients.map(pendingOf),
  }
}

function mailboxOf(address: string) {
  const parsed = parseMailbox(address.includes("@") ? address : `${address}@localhost`)
  return parsed.ok ? parsed.value : undefined
}

function pendingOf(address: string, number: number): Pending {
  const admitted = because("client queue", "the sendmail command was given it")
  const path = mailboxOf(address) ?? "postmaster"
  return untried(number, { path, original: undefined, notify: [], admitted, typed: address })
}
