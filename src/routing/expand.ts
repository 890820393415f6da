// What one recipient becomes: aliases, lists, .forward and routing applied until nothing is left but places to deliver to.
// Nothing is visited twice, so lists of any size are linear; loops are broken where somebody really lives, never losing mail.
import { type ForwardPath, printMailbox, printPath } from "../mail/address.ts"
import { because, type Decision, type Origin, type Reason } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"
import type { Account, BornRule } from "../mail/world.ts"
import { parseAddressList } from "../message/addresses.ts"
import { notSafeFor } from "../config/blame.ts"
import { option } from "../config/options.ts"
import { parseTargets } from "../maps/aliases.ts"
import type { Entry, LookupTable } from "../maps/table.ts"
import { canonical, canonify } from "./canonify.ts"
import type { Branch } from "./explain.ts"
import {
  branchOf,
  breakLoop,
  bury,
  buryTooDeep,
  buryUnsafe,
  type Dead,
  type Leaf,
  type Member,
  type Node,
  place,
  push,
  rootNode,
  type Run,
  seenAgain,
  toMailbox,
} from "./expansion.ts"
import { forwardFiles, noForward, readForward } from "./forward.ts"
import { findLocal, type LocalName, localName } from "./local-user.ts"
import { resolver } from "./members.ts"
import { askTables, changed, refused, silent } from "./reasons.ts"
import { parseError } from "./target.ts"
import { type Canonical, type RoutingWorld, tablesOf } from "./world.ts"

export type Expansion = {
  readonly leaves: readonly Leaf[]
  readonly dead: readonly Dead[]
  /** The same as a tree, for people. */
  readonly tree: Branch
}

/** Expands a recipient of the queue. */
export function expand(path: ForwardPath, world: RoutingWorld): Promise<Expansion> {
  return run(rootNode(addressed(printPath(path)), path, canonical(path, world)), world)
}

/** Expands an address that was canonified just now: it may be a bare name. `typed` is how it was asked for. */
export function expandCanonical(address: Canonical, world: RoutingWorld, typed?: string): Promise<Expansion> {
  const text = typed ?? (address.bare ? address.mailbox.localPart : printMailbox(address.mailbox))
  return run(rootNode(addressed(text), address.mailbox, address), world)
}

function addressed(text: string, at?: Origin): Member {
  return { kind: "address", text, plain: false, at }
}

async function run(root: Node, world: RoutingWorld): Promise<Expansion> {
  const state: Run = {
    world,
    resolve: resolver(world),
    most: option(world.settings, "MaxAliasRecursion"),
    leaves: [],
    dead: [],
    visited: new Map(),
    places: new Set(),
    waiting: [root],
    loops: [],
  }
  for (let next = state.waiting.pop(); next !== undefined; next = state.waiting.pop()) {
    await visit(next, state)
  }
  for (const loop of state.loops) await breakLoop(loop.from, loop.to, state)
  // Few look at the tree: for a list of thousands it is not made before.
  return {
    leaves: state.leaves,
    dead: state.dead,
    get tree() {
      return branchOf(root)
    },
  }
}

async function visit(one: Node, state: Run): Promise<void> {
  const { kind, text, at } = one.member
  if (one.depth > state.most) return buryTooDeep(one, state)
  switch (kind) {
    case "address":
      return await visitAddress(one, state)
    case "program":
      if (one.unsafe !== undefined) return buryUnsafe(one, one.unsafe, state)
      return place(one, { mailer: "prog", host: "", user: text }, because("program", `|${text}`, at), state)
    case "file":
      if (one.unsafe !== undefined) return buryUnsafe(one, one.unsafe, state)
      return place(one, { mailer: "*file*", host: "", user: text }, because("file", text, at), state)
    case "include":
      return await visitInclude(one, state)
    case "error":
      return bury(one, "no", parseError(text, true), refused("aliases", `error:${text}`, at), state)
  }
}

async function visitAddress(one: Node, state: Run): Promise<void> {
  const { world } = state
  const address = one.address ?? (await readAddress(one, state))
  if (address === undefined) return
  const asked = state.resolve(address)
  const resolved = asked instanceof Promise ? await asked : asked
  if (resolved.outcome === "pass") throw new Error("routing must decide") // a bug in route.ts
  if (resolved.outcome !== "yes") {
    return bury(one, resolved.outcome, resolved.reply, resolved.reason, state)
  }
  const { route, to } = resolved.value
  if (one.path !== "postmaster") one.path = to.mailbox
  if (route.mailer !== option(world.settings, "LocalMailer")) return place(one, route, resolved.reason, state)
  await visitLocal(one, localName(route.user), to, resolved.reason, state)
}

/** A member as it stands in the list: "Jim Smith <jim@hello.com>", "bob (Bob)", bob. */
async function readAddress(one: Node, state: Run): Promise<Canonical | undefined> {
  const { text } = one.member
  const plain = /[<(]/.test(text) ? (parseAddressList(text)[0]?.address ?? text) : text
  const decision = await canonify(one.member.plain ? `\\${plain}` : plain, state.world)
  if (decision.outcome === "yes") return decision.value
  if (decision.outcome !== "pass") bury(one, decision.outcome, decision.reply, decision.reason, state)
  return undefined
}

async function visitLocal(
  one: Node,
  typed: LocalName,
  to: Canonical,
  routed: Reason,
  state: Run,
): Promise<void> {
  const name = isOwnAlias(one, typed) ? ({ ...typed, ownAlias: true } as const) : typed
  one.name = name
  if (name.plain) one.path = { ...to.mailbox, localPart: to.mailbox.localPart.replace(/^\\+/, "") }
  const key = keyOf(name)
  const before = state.visited.get(key)
  if (before !== undefined) return seenAgain(one, before, state)
  state.visited.set(key, one)
  const found = await findLocal(name, to, state.world)
  if (found.outcome === "pass") throw new Error("a local name is somebody or nobody") // a bug in local-user.ts
  const reason = following(found.reason, routed)
  if (found.outcome !== "yes") return bury(one, found.outcome, found.reply, reason, state)
  switch (found.value.kind) {
    case "alias":
      return await openAlias(one, found.value.entry, found.value.table, reason, state)
    case "route":
      return elsewhere(one, found.value.route, reason, state)
    case "mailbox":
      return await openMailbox(one, found.value.account, reason, state)
  }
}

function keyOf({ user, detail, plain, ownAlias }: LocalName): string {
  return `${plain ? "\\" : ownAlias === true ? "=" : ""}${user}+${detail ?? ""}`
}

/** The name stands on the right-hand side of its own alias. */
function isOwnAlias({ parent }: Node, { user, detail, plain }: LocalName): boolean {
  const name = parent?.name
  if (parent === undefined || name === undefined || parent.account !== undefined || plain) return false
  return name.user === user && name.detail === detail && name.ownAlias !== true
}

/** A reason that has another before it. */
function following(reason: Reason, earlier: Reason): Reason {
  return { ...reason, after: [earlier, ...reason.after] }
}

/** A host for names that are nobody's here, or `local:` with another name. */
function elsewhere(one: Node, route: Route, reason: Reason, state: Run): void {
  if (route.mailer !== "local") return place(one, route, reason, state)
  one.what = `goes to ${route.user}`
  push(one, [addressed(route.user, reason.at)], { reason }, state)
}

async function openAlias(
  one: Node,
  entry: Entry,
  table: LookupTable,
  reason: Reason,
  state: Run,
): Promise<void> {
  one.what = `alias "${entry.key}"`
  const owner = await ownerOf(entry.key, state.world)
  if (owner.outcome === "later")
    return bury(one, "later", owner.reply, following(owner.reason, reason), state)
  const members = parseTargets(entry.value, entry.at)
  if (members.length === 0) {
    const nobody = refused(table.name, `"${entry.key}" names nobody`, entry.at, [reason])
    return bury(one, "no", reply(550, "5.1.1", "User unknown"), nobody, state)
  }
  const named: Reason = { ...reason, role: "changed" }
  push(one, members, { reason: named, owner: owner.outcome === "yes" ? owner.value : undefined }, state)
}

const unowned: Decision<string> = { outcome: "pass", reason: because("aliases", "no owner") }

/**
 * Who answers for a list: where owner-list is an alias of one address, that address; of several or of a program, owner-list
 * itself (sendmail: alias.c).
 */
async function ownerOf(list: string, world: RoutingWorld): Promise<Decision<string>> {
  if (list.startsWith("owner-")) return unowned
  const asked = await askTables(tablesOf(world.tables, "aliases"), [`owner-${list}`])
  if (asked.found === "silent") return asked.decision
  if (asked.found === "nothing") return unowned
  const { key, value, at } = asked.entry
  const owner = /[,:/|"]/.test(value) ? `owner-${list}` : value.trim()
  return { outcome: "yes", value: owner, reason: because("aliases", `"${key}" says "${value}"`, at) }
}

async function openMailbox(one: Node, account: Account, reason: Reason, state: Run): Promise<void> {
  if (one.name?.plain === true) return toMailbox(one, account, reason, state)
  if (isLeftToDelivery(one, state)) {
    one.forward = forwardFiles(account, one.name?.detail, state.world)
    const none = noForward(account, state.world).reason
    return toMailbox(one, account, { ...reason, after: [...reason.after, none] }, state)
  }
  one.account = account
  const forward = await readForward(account, one.name?.detail, state.world)
  if (forward.outcome === "later")
    return bury(one, "later", forward.reply, following(forward.reason, reason), state)
  const members =
    forward.outcome === "yes" ? parseTargets(forward.value.text, firstLine(forward.value.path)) : []
  if (members.length === 0) {
    return toMailbox(one, account, { ...reason, after: [...reason.after, forward.reason] }, state)
  }
  one.what = "forwards"
  push(
    one,
    members,
    {
      reason: following({ ...forward.reason, role: "changed" }, reason),
      user: account,
      unsafe: forward.outcome === "yes" ? unsafeBy("forward", forward.value, state) : undefined,
    },
    state,
  )
}

/** The recipient himself, by an address that is his own: if he has a .forward after all, nothing was made of this expansion yet. */
function isLeftToDelivery({ parent, path, member }: Node, { world }: Run): boolean {
  return world.forward === "at delivery" && parent === undefined && printPath(path) === member.text
}

/** Why what the file names may be no program and no file; undefined: it may (confDONT_BLAME_SENDMAIL). */
function unsafeBy(
  kind: "forward" | "include",
  { path, despite = [] }: { readonly path: string; readonly despite?: readonly BornRule[] },
  { world }: Run,
): string | undefined {
  const [rule] = notSafeFor(world.settings, kind, despite)
  return rule && `${path}: ${rule}`
}

function firstLine(path: string): Origin {
  return { file: path, line: 1, column: 1 }
}

async function visitInclude(one: Node, state: Run): Promise<void> {
  const { text: path, at } = one.member
  const file = await state.world.readUserFile(path, one.user, "include")
  switch (file.found) {
    case "text": {
      const members = parseTargets(file.text, firstLine(path))
      one.what = `a list of ${members.length}`
      const unsafe = unsafeBy("include", { path, ...file }, state)
      return push(one, members, { reason: changed(":include:", `${path} names it`, at), unsafe }, state)
    }
    case "unavailable": {
      const unread = silent(":include:", `${path} cannot be read now: ${file.why}`, at)
      if (unread.outcome === "later") bury(one, "later", unread.reply, unread.reason, state)
      return
    }
    case "nothing":
    case "unsafe": {
      const why = file.found === "unsafe" ? file.why : "there is no such file"
      const said = reply(550, "5.2.4", "The list of members cannot be read")
      return bury(one, "no", said, refused(":include:", `${path} is not used: ${why}`, at), state)
    }
  }
}
