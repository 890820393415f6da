// Reading .forward files and :include: lists through the agent: the mail process itself may not look into homes.
import type { Agent } from "../agent/protocol.ts"
import type { ReadUserFile } from "../mail/world.ts"
import { identityOf } from "./delivery.ts"

/** Lists of a hundred thousand members fit. */
const limit = 16 * 1024 * 1024

/** A reader that asks the agent; `nobody` is read for where no user owns the file. */
export function userFileReader(agent: Agent): ReadUserFile {
  return async (path, owner) => {
    const identity = owner === undefined ? defaultReader : identityOf(owner)
    const anyOwner = owner === undefined || !path.startsWith(`${owner.home}/`)
    const { answer, body } = await agent.ask({ verb: "read", owner: identity, path, limit, anyOwner }, [])
    switch (answer.outcome) {
      case "text":
        return { found: "text", text: body.toString("utf8") }
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
}

// sendmail reads an alias's list as its trusted user; for root's aliases that is nobody in particular.
const defaultReader = { name: "nobody", uid: 65_534, gid: 65_534, home: "/" } as const
