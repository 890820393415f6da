// What the agent does for each verb. Mailboxes are written one delivery at a time (a Maildir needs no such order: each delivery
// has a file of its own); everything is done with the rights of the mailbox's owner.
import { type Body, isInMemory } from "../mailbox/body.ts"
import type { MakeDurable } from "../mailbox/durable.ts"
import { appendToFile } from "../mailbox/file.ts"
import { deliverToMaildir } from "../mailbox/maildir.ts"
import { isFolderThere } from "../mailbox/folder-there.ts"
import { deliverToMbox } from "../mailbox/mbox.ts"
import { deliverToMboxFolder } from "../mailbox/mbox-folder.ts"
import { outcomeOf } from "../mailbox/outcome.ts"
import type { Owner } from "../mailbox/owner.ts"
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
import { Serial } from "./serial.ts"
import type { Serve } from "./server.ts"
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
  const serial = new Serial()
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
    const { mailbox, sender, date, delivery, repeat = true } = request
    const { path } = mailbox
    if (mailbox.format === "mbox") {
      const { folder } = mailbox
      if (folder === undefined)
        return serial.run(path, () => deliverToMbox({ path, owner, sender, date, body }, world))
      return serial.run(`${folder.directory}/${folder.name}`, () =>
        deliverToMboxFolder({ owner, sender, date, body }, folder, world),
      )
    }
    const { format: _, ...place } = mailbox
    return deliverToMaildir({ ...place, owner, delivery, date, repeat, body }, world)
  }

  function append({ path, sender, date }: AppendRequest, owner: Owner, body: Body): Promise<AgentAnswer> {
    return serial.run(path, () => appendToFile({ path, owner, sender, date, body }, world))
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
