// What the agent does for each verb. A mailbox file is locked for one turn at a time, which may be several messages (a Maildir needs
// no turns: each message has a file of its own); everything is done with the rights of the mailbox's owner.
import { withRights } from "../host/posix.ts"
import { type Body, isInMemory } from "../mailbox/body.ts"
import type { MakeDurable } from "../mailbox/durable.ts"
import { appendToFile } from "../mailbox/file.ts"
import { deliverToMaildir } from "../mailbox/maildir.ts"
import { isFolderThere } from "../mailbox/folder-there.ts"
import { deliverToMbox, type MboxMessage } from "../mailbox/mbox.ts"
import { deliverToMboxFolder, type MboxFolder } from "../mailbox/mbox-folder.ts"
import { type MailboxOutcome, outcomeOf } from "../mailbox/outcome.ts"
import type { Owner } from "../mailbox/owner.ts"
import { areMissing, forwards } from "../mailbox/unless.ts"
import type { FindOwner } from "./identity.ts"
import type {
  AgentAnswer,
  AgentReply,
  AgentRequest,
  AppendRequest,
  DeliverRequest,
  FolderRequest,
  RunRequest,
} from "./protocol.ts"
import { checkLogin } from "./login.ts"
import { readUserFile } from "./read.ts"
import { runProgram } from "./run.ts"
import type { Serve } from "./server.ts"
import { Turns } from "./turns.ts"
import { WarmPrograms } from "./warm.ts"

export type AgentWorld = {
  readonly durable: MakeDurable
  readonly findOwner: FindOwner
  /** Why a request is not served, whoever its owner is; absent: every one is. */
  readonly mayServe?: (request: AgentRequest) => string | undefined
  readonly lockWaitMilliseconds: number
  /** We are root: programs are started as their user. */
  readonly asRoot: boolean
}

const nothing = Buffer.alloc(0)

/** Serves requests; each answer is final. Throws nothing: what goes wrong is an answer. */
export function makeVerbs(world: AgentWorld): Serve {
  const files = new Turns({ act: (appends: readonly Append[]) => appendAll(appends, world), mayJoin })
  const warm = new WarmPrograms()
  return async (request, body, gone) => {
    if (request.verb === "ping") return answer({ outcome: "done", status: "2.0.0", text: "alive" })
    if (request.verb === "login") {
      return answer(await checkLogin(request.login, await wholeOf(body), world.asRoot))
    }
    const refused = world.mayServe?.(request)
    if (refused !== undefined) return answer({ outcome: "later", status: "4.3.5", text: refused })
    const owner = await world.findOwner(request.owner)
    if (!owner.ok) return answer({ outcome: "later", status: "4.3.5", text: owner.error })
    switch (request.verb) {
      case "deliver":
        return answer(await deliver(request, owner.value, body))
      case "folder":
        return answer(folderThere(request, owner.value))
      case "append":
        return answer(await append(request, owner.value, body))
      case "run":
        return answer(await runOrServe(request, owner.value, body, gone))
      case "read":
        return readUserFile(request, owner.value)
    }
  }

  /** A large message has a process for itself; and nothing is started with root's rights, which runProgram says. */
  function runOrServe(
    request: RunRequest,
    owner: Owner,
    body: Body,
    gone: AbortSignal,
  ): Promise<AgentAnswer> {
    const { serve } = request
    const mayStay = isInMemory(body) && !(world.asRoot && owner.rights === undefined)
    return serve !== undefined && mayStay
      ? warm.run({ ...request, serve }, owner, body)
      : runProgram(request, owner, { body, gone, asRoot: world.asRoot })
  }

  function deliver(request: DeliverRequest, owner: Owner, body: Body): Promise<AgentAnswer> {
    const { mailbox, sender, date, delivery, repeat = true, unless } = request
    if (mailbox.format === "mbox") {
      if (unless !== undefined && !withRights(owner.rights, () => areMissing(unless)))
        return Promise.resolve(forwards)
      const { path, folder } = mailbox
      const place =
        folder === undefined ? { kind: "mailbox" as const, path } : { kind: "folder" as const, folder }
      return files.take(keyOf(place), { place, owner, message: { sender, date, body } })
    }
    const { format: _, ...place } = mailbox
    const beside = unless === undefined ? {} : { unless }
    return deliverToMaildir({ ...place, ...beside, owner, delivery, date, repeat, body }, world)
  }

  function append({ path, sender, date }: AppendRequest, owner: Owner, body: Body): Promise<AgentAnswer> {
    const place = { kind: "file", path } as const
    return files.take(keyOf(place), { place, owner, message: { sender, date, body } })
  }
}

/** A message for a file in mbox form. */
type Append = {
  readonly place:
    | { readonly kind: "mailbox" | "file"; readonly path: string }
    | { readonly kind: "folder"; readonly folder: MboxFolder }
  readonly owner: Owner
  readonly message: MboxMessage
}

function keyOf(place: Append["place"]): string {
  return place.kind === "folder" ? `${place.folder.directory}/${place.folder.name}` : place.path
}

/** With one lock and one sync: messages of one owner that are here already. */
function mayJoin(one: Append, first: Append): boolean {
  return (
    one.owner === first.owner &&
    one.place.kind === first.place.kind &&
    isInMemory(one.message.body) &&
    isInMemory(first.message.body)
  )
}

async function appendAll(appends: readonly Append[], world: AgentWorld): Promise<readonly MailboxOutcome[]> {
  const [first] = appends
  if (first === undefined) return []
  const { owner, place } = first
  const messages = appends.map(({ message }) => message)
  switch (place.kind) {
    case "mailbox":
      return deliverToMbox({ path: place.path, owner, messages }, world)
    case "folder":
      return deliverToMboxFolder({ owner, messages }, place.folder, world)
    case "file":
      return appendToFile({ path: place.path, owner, messages }, world)
  }
}

function folderThere({ mailbox }: FolderRequest, owner: Owner): AgentAnswer {
  try {
    return isFolderThere(mailbox, owner)
      ? { outcome: "done", status: "2.0.0", text: "it is there" }
      : { outcome: "nothing" }
  } catch (error) {
    return outcomeOf(error, mailbox.path)
  }
}

/** A password is small; what is not is none. */
async function wholeOf(body: Body): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces).subarray(0, 4096)
}

function answer(given: AgentAnswer): AgentReply {
  return { answer: given, body: nothing }
}
