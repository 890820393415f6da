// From a request's identity to the rights that are taken. As root every request must name a user; without root there is only us.
import { groupsByName, type GroupsOf } from "../host/groups.ts"
import { type Owner, ourselves } from "../mailbox/owner.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Refusal } from "./permits.ts"
import type { Identity } from "./protocol.ts"

export type FindOwner = (identity: Identity) => Result<Owner> | Promise<Result<Owner>>

const rememberMilliseconds = 600_000
const mostRemembered = 10_000

/** Whether an identity is one that may be asked for; undefined when it is. */
export type JudgeIdentity = (identity: Identity) => Promise<Refusal | undefined>

const everybody: JudgeIdentity = () => Promise.resolve(undefined)

/** Finds owners; who may be one, and his supplementary groups, are remembered for ten minutes. */
export function makeFindOwner(
  asRoot: boolean,
  judge: JudgeIdentity = everybody,
  groupsOf: GroupsOf = groupsByName,
): FindOwner {
  if (!asRoot) {
    const owner = ok(ourselves())
    return () => owner
  }
  const known = new Map<string, { readonly owner: Result<Owner>; readonly until: number }>()
  return (identity) => {
    const key = `${identity.name}:${identity.uid}:${identity.gid}:${identity.home}`
    const found = known.get(key)
    if (found !== undefined && found.until > performance.now()) return found.owner
    return look(identity).then((owner) => {
      if (known.size >= mostRemembered) known.clear()
      if (owner.ok) known.set(key, { owner, until: performance.now() + rememberMilliseconds })
      return owner
    })
  }

  async function look(identity: Identity): Promise<Result<Owner>> {
    const { name, uid, gid } = identity
    const refusal = await judge(identity)
    if (refusal !== undefined) return fail(refusal.why)
    if (uid === undefined || gid === undefined) return fail(`the user ${name} has no uid to deliver with`)
    if (!isId(uid) || !isId(gid)) return fail(`the user ${name} has no possible uid and gid: ${uid}, ${gid}`)
    if (uid === 0) return ok({ uid, gid, rights: undefined })
    return ok({ uid, gid, rights: { uid, gid, groups: await groupsOf(name, gid) } })
  }
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < 0xffff_ffff
}
