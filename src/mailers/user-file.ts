// Reading .forward files and :include: lists through the agent: the mail process itself may not look into homes.
import type { Agent, AgentReply } from "../agent/protocol.ts"
import { bornRules, type UserFileKind } from "../config/blame.ts"
import type { Settings } from "../config/settings.ts"
import type { Account, BornRule, ReadUserFile, UserFile } from "../mail/world.ts"
import { identityOf } from "./delivery.ts"

/** Lists of a hundred thousand members fit. */
const limit = 16 * 1024 * 1024

/** Files of one user that were asked for in one turn of the loop: one question for all of them. */
type Together = {
  readonly kind: UserFileKind
  readonly owner: Account
  readonly further: string[]
  readonly reply: Promise<AgentReply>
}

/**
 * A reader that asks the agent; `nobody` is read for where no user owns the file. Most users have none of the files that
 * ForwardPath names, and then one answer is enough for all of them.
 */
export function userFileReader(agent: Agent, settings: Pick<Settings, "options">): ReadUserFile {
  const bears = { forward: bornRules(settings, "forward"), include: bornRules(settings, "include") }
  let together: Together | undefined
  const askTogether = (path: string, owner: Account, kind: UserFileKind): Together => {
    const further: string[] = []
    const reply = Promise.resolve().then(() => {
      if (together?.further === further) together = undefined
      return ask(agent, path, owner, { further, bears: bears[kind] })
    })
    return { kind, owner, further, reply }
  }
  return async (path, owner, kind) => {
    const alone = { further: [], bears: bears[kind] }
    if (owner === undefined) return fileOf(await ask(agent, path, owner, alone))
    if (together?.owner === owner && together.kind === kind) {
      const { further, reply } = together
      further.push(path)
      const { answer } = await reply
      const none = answer.outcome === "nothing" && answer.further === undefined
      return none ? { found: "nothing" } : fileOf(await ask(agent, path, owner, alone))
    }
    together = askTogether(path, owner, kind)
    return fileOf(await together.reply)
  }
}

function ask(
  agent: Agent,
  path: string,
  owner: Account | undefined,
  { further, bears }: { readonly further: readonly string[]; readonly bears: readonly BornRule[] },
): Promise<AgentReply> {
  const identity = owner === undefined ? defaultReader : identityOf(owner)
  const anyOwner = owner === undefined || !path.startsWith(`${owner.home}/`)
  const request = { verb: "read", owner: identity, path, limit, anyOwner, further } as const
  return agent.ask(bears.length === 0 ? request : { ...request, bears }, [])
}

function fileOf({ answer, body }: AgentReply): UserFile {
  switch (answer.outcome) {
    case "text":
      return {
        found: "text",
        text: body.toString("utf8"),
        ...(answer.despite === undefined ? {} : { despite: answer.despite }),
      }
    case "nothing":
      return { found: "nothing" }
    case "unsafe":
      return { found: "unsafe", why: answer.text }
    case "later":
    case "failed":
      return { found: "unavailable", why: answer.text }
    case "done":
      throw new Error('the agent answered a question with "done"') // its bug or ours
  }
}

// sendmail reads an alias's list as its trusted user; for root's aliases that is nobody in particular.
const defaultReader = { name: "nobody", uid: 65_534, gid: 65_534, home: "/" } as const
