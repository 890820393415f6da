// Everything the checks look at: the chain of hops, the fields that say who the message is from, and what its mbox line tells.
import { type ReadDate, readDate } from "../message/date-read.ts"
import { type Header, scanHeader } from "../message/header.ts"
import type { Span } from "../message/received-tokens.ts"
import { type Chain, type Hop, mostHops, readChain, type Trust } from "./hops.ts"
import { type Fields, mostOfOne, readFields, readNames } from "./message.ts"

export type Case = {
  readonly header: Header
  readonly chain: Chain
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
  const counts = new Map<string, number>()
  const header = scanHeader(bytes, (name) => isRead(name, counts))
  const chain = readChain(header, trust, Math.max(0, (counts.get("received") ?? 0) - mostHops))
  return {
    header,
    chain,
    hops: chain.hops,
    entry: chain.hops[chain.boundary - 1],
    fields: readFields(header),
    mboxLine: mboxLineOf(bytes),
  }
}

/** Fields of the names that matter, and of none more than are read. */
function isRead(name: string, counts: Map<string, number>): boolean {
  if (!readNames.has(name)) return false
  const count = (counts.get(name) ?? 0) + 1
  counts.set(name, count)
  return count <= (name === "received" ? mostHops : mostOfOne)
}

function mboxLineOf(bytes: Buffer): Case["mboxLine"] {
  if (bytes.length < 6 || bytes.toString("latin1", 0, 5) !== "From ") return undefined
  const newline = bytes.subarray(0, 1000).indexOf(0x0a)
  if (newline < 0) return undefined
  const line = bytes.toString("latin1", 5, newline).trimEnd()
  const sender = line.split(" ", 1)[0] ?? ""
  return { span: { start: 0, end: newline }, sender, date: readDate(line.slice(sender.length)) }
}
