// Everything the checks look at: the chain of hops, the fields that say who the message is from, and what its mbox line tells.
import { type ReadDate, readDate } from "../message/date-read.ts"
import { type Field, type Header, scanHeader } from "../message/header.ts"
import { longestTrace } from "../message/received-read.ts"
import type { Span } from "../message/received-tokens.ts"
import { type Chain, type Hop, mostHops, readChain, type Trust } from "./hops.ts"
import { type Fields, mostOfOne, readFields, readNames } from "./message.ts"

export type Case = {
  readonly header: Header
  readonly chain: Chain
  /** Those of the chain. */
  readonly hops: readonly Hop[]
  /** The hop at which the message came in; undefined when no hop can be believed. */
  readonly entry: Hop | undefined
  readonly fields: Fields
  /** The mbox's `From ` line before the header. */
  readonly mboxLine:
    | { readonly span: Span; readonly date: ReadDate | undefined; readonly sender: string }
    | undefined
}

/** Opens the case of one message. */
export function openCase(bytes: Buffer, trust: Trust = {}): Case {
  const reading: Reading = { counts: new Map(), octets: 0, unread: 0 }
  const header = scanHeader(bytes, (start, nameEnd, end) => isRead(bytes, { start, nameEnd, end }, reading))
  const chain = readChain(header, trust, reading.unread)
  return {
    header,
    chain,
    hops: chain.hops,
    entry: chain.hops[chain.boundary - 1],
    fields: readFields(header),
    mboxLine: mboxLineOf(bytes),
  }
}

type Place = Pick<Field, "start" | "nameEnd" | "end">

type Reading = { readonly counts: Map<string, number>; octets: number; unread: number }

/** Octets of trace fields that are read: a thousand hops of a thousand octets. */
const mostTraceOctets = 1 << 20

/** Fields of the names that matter, and of none more than are read. */
function isRead(bytes: Buffer, { start, nameEnd, end }: Place, reading: Reading): boolean {
  const name = byLength.get(nameEnd - start)?.find((one) => isCalled(bytes, start, one))
  if (name === undefined) return false
  const count = (reading.counts.get(name) ?? 0) + 1
  reading.counts.set(name, count)
  if (name !== "received") return count <= mostOfOne
  reading.octets += Math.min(end - start, longestTrace)
  if (count <= mostHops && reading.octets <= mostTraceOctets) return true
  reading.unread++
  return false
}

/** No string is made of a name: a hostile header has a hundred thousand. */
function isCalled(bytes: Buffer, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const c = bytes[start + i] ?? 0
    if ((c >= 0x41 && c <= 0x5a ? c + 0x20 : c) !== name.charCodeAt(i)) return false
  }
  return true
}

/** The names that matter, by length: most fields of a header that is made to be slow need no second look. */
const byLength: ReadonlyMap<number, readonly string[]> = Map.groupBy(readNames, (name) => name.length)

function mboxLineOf(bytes: Buffer): Case["mboxLine"] {
  if (bytes.length < 6 || bytes.toString("latin1", 0, 5) !== "From ") return undefined
  const newline = bytes.subarray(0, 1000).indexOf(0x0a)
  if (newline < 0) return undefined
  const line = bytes.toString("latin1", 5, newline).trimEnd()
  const sender = line.split(" ", 1)[0] ?? ""
  return { span: { start: 0, end: newline }, sender, date: readDate(line.slice(sender.length)) }
}
