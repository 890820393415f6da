// Which recipients travel together: one transaction for each host and mailer, in portions that every server takes.
import type { RoutedPending } from "./plan.ts"

/** Recipients of one message that one delivery serves. */
export type Batch = {
  readonly mailer: string
  readonly host: string
  /** owner-list of the list whose members these are: their mail is from him. */
  readonly owner?: string | undefined
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
    const place = `${leaf.route.mailer}\n${leaf.route.host.toLowerCase()}\n${leaf.expandedFrom?.owner ?? ""}`
    const known = places.get(place)
    if (known === undefined) places.set(place, [leaf])
    else known.push(leaf)
  }
  return [...places.values()].flatMap((members) => portions(members, most))
}

function portions(members: readonly RoutedPending[], most: number): Batch[] {
  const batches: Batch[] = []
  for (let start = 0; start < members.length; start += most) {
    const first = members[start]
    if (first !== undefined) batches.push(batchOf(members.slice(start, start + most), first))
  }
  return batches
}

function batchOf(recipients: readonly RoutedPending[], { route, expandedFrom }: RoutedPending): Batch {
  return { mailer: route.mailer, host: route.host, owner: expandedFrom?.owner, recipients }
}
