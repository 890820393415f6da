// Which recipients travel together: one transaction for each host and mailer, in portions that every server takes.
import type { QueueGroup } from "../config/settings.ts"
import type { RoutedPending } from "./plan.ts"

/** Recipients of one message that one delivery serves. */
export type Batch = {
  readonly mailer: string
  readonly host: string
  /** owner-list of the list whose members these are: their mail is from him. */
  readonly owner?: string | undefined
  /** Where the configuration has queue groups. */
  readonly queueGroup?: QueueGroup
  readonly recipients: readonly RoutedPending[]
}

/** A server must take at least 100 recipients in one transaction (RFC 5321 §4.5.3.1.8), so no batch is larger. */
const mostInOne = 100

/** Groups by mailer and host, both in order of first appearance, recipients in their own order. */
export function group(leaves: readonly RoutedPending[], most = mostInOne): readonly Batch[] {
  if (leaves.length === 1 && leaves[0] !== undefined) return [batchOf([leaves[0]], leaves[0])]
  const places = new Map<string, RoutedPending[]>()
  for (const leaf of leaves) {
    // Members of a list leave as mail of its owner, so never together with others.
    const { route, expandedFrom, queueGroup } = leaf
    const place = `${route.mailer}\n${route.host.toLowerCase()}\n${expandedFrom?.owner ?? ""}\n${queueGroup?.name ?? ""}`
    const known = places.get(place)
    if (known === undefined) places.set(place, [leaf])
    else known.push(leaf)
  }
  return [...places.values()].flatMap((members) => portions(members, most))
}

function portions(members: readonly RoutedPending[], mostOfAll: number): Batch[] {
  const batches: Batch[] = []
  const most = Math.min(mostOfAll, members[0]?.queueGroup?.recipients ?? mostOfAll)
  for (let start = 0; start < members.length; start += most) {
    const first = members[start]
    if (first !== undefined) batches.push(batchOf(members.slice(start, start + most), first))
  }
  return batches
}

function batchOf(
  recipients: readonly RoutedPending[],
  { route, expandedFrom, queueGroup }: RoutedPending,
): Batch {
  const batch = { mailer: route.mailer, host: route.host, owner: expandedFrom?.owner, recipients }
  return queueGroup === undefined ? batch : { ...batch, queueGroup }
}
