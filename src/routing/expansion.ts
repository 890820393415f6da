// The state of one expansion: addresses on their way, where they led, and how a loop is broken where somebody really lives.
// expand.ts walks; this keeps the books.
import type { ForwardPath } from "../mail/address.ts"
import { because, type Origin, type Reason } from "../mail/decision.ts"
import { reply, type Reply } from "../mail/reply.ts"
import type { Route } from "../mail/route.ts"
import type { Account, Found } from "../mail/world.ts"
import { optionAt } from "../config/options.ts"
import type { Target } from "../maps/aliases.ts"
import { type Branch, printRoute } from "./explain.ts"
import type { LocalName } from "./local-user.ts"
import type { resolver } from "./members.ts"
import { refused } from "./reasons.ts"
import type { Canonical, RoutingWorld } from "./world.ts"

/** A place to deliver to. */
export type Leaf = {
  /** The address in its last form; for programs and files that of the alias or user they belong to. */
  readonly path: ForwardPath
  readonly route: Route
  /** Who answers for errors of the list's members (owner-list). */
  readonly owner: string | undefined
  /** The login whose rights programs and files are used with; undefined: the default user. */
  readonly user: string | undefined
  /** The name as the list or the person wrote it: `\\bob`, `Jim Smith <jim@hello.com>`. */
  readonly typed: string
  /** The .forward files that nobody has looked for yet (RoutingWorld.forward): who delivers looks first. */
  readonly forward?: readonly string[]
  readonly reason: Reason
}

/** An address that leads nowhere, now or for good. */
export type Dead = {
  readonly path: ForwardPath
  readonly outcome: "no" | "later"
  readonly reply: Reply
  /** The name as the list or the person wrote it. */
  readonly typed: string
  /** Who answers for errors of the list that named it; absent when none did. */
  readonly owner?: string
  readonly reason: Reason
}

/** What a list, an alias or a .forward names; the recipient itself stands on no line. */
export type Member = Omit<Target, "at"> & { readonly at: Origin | undefined }

/** An address on its way. */
export type Node = {
  readonly member: Member
  /** Known from the beginning for the recipient itself. */
  readonly address: Canonical | undefined
  readonly parent: Node | undefined
  readonly depth: number
  /** Whose .forward (or the like) it stood in. */
  readonly user: Account | undefined
  readonly owner: string | undefined
  /** It stood in a file that others may write: it may be no program and no file. */
  readonly unsafe: string | undefined
  /** The line that named it, and how that line came to be read. */
  readonly reason: Reason | undefined
  /** Where it was last known to be, for reports. */
  path: ForwardPath
  name: LocalName | undefined
  /** The account it is, when its .forward led on. */
  account: Account | undefined
  /** The .forward files that who delivers looks for. */
  forward: readonly string[] | undefined
  /** It led back to where it came from, and to nothing else. */
  back: boolean
  /** What it came to again: so many steps up, where it came from; 0: another branch. */
  again: number | undefined
  what: string
  readonly under: Node[]
}

/** One expansion: what was visited, and what came of it. */
export type Run = {
  readonly world: RoutingWorld
  /** Where an address goes, asked about once for a domain where that is enough (members.ts). */
  readonly resolve: ReturnType<typeof resolver>
  /** MaxAliasRecursion. */
  readonly most: number
  readonly leaves: Leaf[]
  readonly dead: Dead[]
  /** Local names that were looked at: a name that comes again is a duplicate or a loop. */
  readonly visited: Map<string, Node>
  readonly places: Set<string>
  /** Last first. */
  readonly waiting: Node[]
  readonly loops: { readonly from: Node; readonly to: Node }[]
  /** The trail of the last place, for the next one. */
  last?: { readonly named: Reason | undefined; readonly way: Reason; readonly trail: Reason }
}

/** The recipient that an expansion begins with. */
export function rootNode(member: Member, path: ForwardPath, address: Canonical): Node {
  return childless(member, undefined, path, { address })
}

type Known = Partial<Pick<Node, "address" | "depth" | "user" | "owner" | "unsafe" | "reason">>

function childless(member: Member, parent: Node | undefined, path: ForwardPath, known: Known): Node {
  return {
    member,
    address: known.address,
    parent,
    depth: known.depth ?? 0,
    user: known.user,
    owner: known.owner,
    unsafe: known.unsafe,
    reason: known.reason,
    path,
    name: undefined,
    account: undefined,
    forward: undefined,
    back: false,
    again: undefined,
    what: "",
    under: [],
  }
}

/** How members came to be read: the reason that names them, and whose rights and errors they are from now on. */
export type By = {
  readonly reason: Reason
  readonly owner?: string | undefined
  readonly user?: Account
  readonly unsafe?: string | undefined
}

/** Members wait for their turn, the first of them on top. Each cites the line it stands on. */
export function push(parent: Node, members: readonly Member[], by: By, run: Run): void {
  const trail = { ...by.reason, after: [...trailOf(parent), ...by.reason.after] }
  const owner = by.owner ?? parent.owner
  const user = by.user ?? parent.user
  const unsafe = by.unsafe ?? parent.unsafe
  const first = parent.under.length
  for (const member of members) {
    const reason = member.at === undefined || member.at === trail.at ? trail : { ...trail, at: member.at }
    parent.under.push(
      childless(member, parent, parent.path, { depth: parent.depth + 1, user, owner, unsafe, reason }),
    )
  }
  for (let n = parent.under.length - 1; n >= first; n--) {
    const child = parent.under[n]
    if (child !== undefined) run.waiting.push(child)
  }
}

/** How this address came to be named; nothing for the recipient itself. */
export function trailOf(one: Node): readonly Reason[] {
  return one.reason === undefined ? [] : [one.reason]
}

function withTrailOf(one: Node, reason: Reason): Reason {
  return one.reason === undefined ? reason : { ...reason, after: [one.reason, ...reason.after] }
}

/** A place to deliver to, once. */
export function place(one: Node, route: Route, reason: Reason, run: Run): void {
  one.what = printRoute(route)
  const key = `${route.mailer}\n${route.host}\n${route.user}`
  if (run.places.has(key)) return
  run.places.add(key)
  const user = route.mailer === "prog" || route.mailer === "*file*" ? one.user?.name : undefined
  const typed = typedForm(one.member)
  run.leaves.push({
    path: one.path,
    route,
    owner: one.owner,
    user,
    typed,
    ...(one.forward === undefined ? {} : { forward: one.forward }),
    reason: trailFor(one, reason, run),
  })
}

/** Members that one line named and that go one way share one trail, which is made once. */
function trailFor(one: Node, reason: Reason, run: Run): Reason {
  const { last } = run
  if (last !== undefined && last.named === one.reason && last.way === reason) return last.trail
  const trail = withTrailOf(one, reason)
  run.last = { named: one.reason, way: reason, trail }
  return trail
}

function typedForm({ kind, text, plain }: Member): string {
  if (kind === "program") return `"|${text}"`
  return plain && !text.startsWith("\\") ? `\\${text}` : text
}

/** The mailbox of an account; the detail it was addressed by is the local mailer's host, its $h (proto.m4: CanonLocal). */
export function toMailbox(one: Node, account: Account, reason: Reason, run: Run): void {
  place(one, { mailer: "local", host: one.name?.detail ?? "", user: account.name }, reason, run)
}

/** An address that leads nowhere. */
export function bury(one: Node, outcome: "no" | "later", said: Reply, reason: Reason, run: Run): void {
  one.what = said.text.join(" ")
  const typed = typedForm(one.member)
  const owned = one.owner === undefined ? {} : { owner: one.owner }
  run.dead.push({ path: one.path, outcome, reply: said, typed, ...owned, reason: withTrailOf(one, reason) })
}

/** More aliases in a row than MaxAliasRecursion. */
export function buryTooDeep(one: Node, run: Run): void {
  const words = `aliasing/forwarding loop broken (${one.depth} aliases deep; ${run.most} max)`
  const at: Origin | undefined = one.member.at ?? optionAt(run.world.settings, "MaxAliasRecursion")
  bury(one, "no", reply(554, "5.4.6", words), refused("aliases", words, at), run)
}

/** A program or a file in a list that others may write (recipient.c: QUNSAFEADDR). */
export function buryUnsafe(one: Node, why: string, run: Run): void {
  const [named, what] =
    one.member.kind === "program" ? [`|${one.member.text}`, "programs"] : [one.member.text, "files"]
  const said = reply(550, "5.7.1", `Address ${named} is unsafe for mailing to ${what}`)
  const at = one.member.at ?? optionAt(run.world.settings, "DontBlameSendmail")
  bury(one, "no", said, refused("safety", why, at), run)
}

/** The name was seen before: the same place twice, or the way leads back to where it came from. */
export function seenAgain(one: Node, before: Node, run: Run): void {
  one.what = "was there already"
  one.again = 0
  let levels = 0
  for (let up = one.parent; up !== undefined; up = up.parent) {
    levels++
    if (up !== before) continue
    one.again = levels
    one.what = `leads back to ${before.name?.user ?? before.member.text}`
    one.back = true
    run.loops.push({ from: one, to: before })
    return
  }
}

/**
 * Breaks a loop. The mail stays with whom the way leads back to, when he has an account, and with the last one before, when
 * all of his own led back (sendmail: self_reference); else with the nearest one in the loop who has an account.
 */
export async function breakLoop(from: Node, to: Node, run: Run): Promise<void> {
  let kept = await keep(to, run)
  let last = from.parent
  if (last !== undefined && last !== to && last.under.every((child) => child.back)) {
    kept = (await keep(last, run)) || kept
  }
  for (; !kept && last !== undefined && last !== to; last = last.parent) kept = await keep(last, run)
  if (kept) return
  const words = "aliasing/forwarding loop broken"
  const says = `${to.name?.user ?? ""} leads back to itself, and nobody in the loop has an account`
  bury(to, "no", reply(554, "5.4.6", words), refused("aliases", says, from.reason?.at, trailOf(from)), run)
}

/** Delivers to the account of this name, whatever its alias or .forward says. */
async function keep(one: Node, run: Run): Promise<boolean> {
  const account = one.account ?? (await accountOf(one, run))
  if (account === undefined) return false
  toMailbox(one, account, because("self-reference", `${account.name} leads back to itself`, account.at), run)
  return true
}

async function accountOf(one: Node, { world }: Run): Promise<Account | undefined> {
  if (one.name === undefined) return undefined
  const answer = world.accounts.lookup(one.name.user)
  const found: Found<Account> = answer instanceof Promise ? await answer : answer
  return found.found === "entry" ? found.entry : undefined
}

/** The tree for people. */
export function branchOf(one: Node): Branch {
  const { member, what, again, under } = one
  const name =
    member.kind === "program"
      ? `|${member.text}`
      : member.kind === "include"
        ? `:include:${member.text}`
        : `${member.plain ? "\\" : ""}${member.text}`
  const branch = { name, what, at: one.reason?.at, under: under.map(branchOf) }
  return again === undefined ? branch : { ...branch, again }
}
