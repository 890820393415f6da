// Public keys as mailauth asks for them: one question a message, and what a record says is read only once, for to read a key costs
// more than to check a signature with it.
import { createPublicKey, type KeyObject } from "node:crypto"
import { getPublicKey } from "mailauth/lib/tools.js"

export type Resolver = (name: string, type: string) => Promise<string[][]>

type KeyOptions = { readonly strict?: boolean; readonly hashAlgo?: string }

/** What mailauth has found of a key. */
export type FoundKey = Readonly<Record<string, unknown>> & { readonly publicKey: KeyObject | string }

/** The memory of one message, as mailauth wants it. */
export type KeyMemory = {
  readonly resolver: Resolver
  get(type: string, name: string, minBitLength: number | undefined, options?: KeyOptions): Promise<FoundKey>
}

/** Records that were read, by what they say. */
const readBefore = new Map<string, FoundKey>()
const mostRead = 2000

/** A memory for one message. */
export function keyMemory(resolver: Resolver): KeyMemory {
  const asked = new Map<string, Promise<FoundKey>>()
  return {
    resolver,
    get(type, name, minBitLength, options = {}) {
      const question = `${options.hashAlgo ?? ""}:${name}`
      const before = asked.get(question)
      if (before !== undefined) return before
      const answer = keyOf({ type, name, minBitLength, options }, resolver)
      answer.catch(() => {}) // whoever awaits it hears of it
      asked.set(question, answer)
      return answer
    },
  }
}

type Question = {
  readonly type: string
  readonly name: string
  readonly minBitLength: number | undefined
  readonly options: KeyOptions
}

async function keyOf({ type, name, minBitLength, options }: Question, resolver: Resolver): Promise<FoundKey> {
  const ask = (answering: Resolver) => getPublicKey(type, name, minBitLength, answering, options)
  if (/[^\x21-\x7e]/.test(name)) return await ask(resolver) // it is asked by another name
  const records = keysFirst(await resolver(name, "TXT"))
  const text = `${options.hashAlgo ?? ""} ${minBitLength ?? ""} ${records[0]?.join("") ?? ""}`
  const before = readBefore.get(text)
  if (before !== undefined) return before
  const read = await ask(async () => records)
  const kept = { ...read, publicKey: createPublicKey(read.publicKey) }
  if (readBefore.size >= mostRead) readBefore.clear()
  readBefore.set(text, kept)
  return kept
}

/** Other texts may stand at the name, by a wildcard say. Of several keys one may be taken (RFC 6376 §6.1.2 step 4). */
function keysFirst(records: string[][]): string[][] {
  return records.toSorted((a, b) => Number(isKey(b)) - Number(isKey(a)))
}

function isKey(record: readonly string[]): boolean {
  return /(?:^|;)\s*p\s*=/.test(record.join(""))
}
