// Searching the texts of messages for words: raw octets first, which is quick and finds most; messages whose text is encoded are
// read as MIME where the octets alone cannot tell. Tells how far it is, and can be called off.
import { setImmediate as breathe } from "node:timers/promises"
import { first, scanHeader } from "../message/header.ts"
import { contentOf } from "./content.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Query } from "./search.ts"

export type Progress = (done: number, all: number) => "go on" | "stop"

/** Which of these messages have all the words in their text; `undefined` when it was called off. */
export async function searchBodies(
  mailbox: Mailbox,
  keys: readonly string[],
  words: Query["body"],
  progress: Progress,
): Promise<ReadonlySet<string> | undefined> {
  const found = new Set<string>()
  const room = Buffer.allocUnsafe(1 << 18)
  for (const [i, key] of keys.entries()) {
    const octets = await mailbox.read(key, room)
    if (octets !== undefined && (await meets(octets, words))) found.add(key)
    if (i % 512 !== 511) continue
    await breathe()
    if (progress(i, keys.length) === "stop") return undefined
  }
  return found
}

async function meets(octets: Buffer, words: Query["body"]): Promise<boolean> {
  const text = plainText(octets, words) ?? (await contentOf(octets)).text.toLowerCase()
  return words.every(({ not, text: word }) => text.includes(word) !== not)
}

/** The text in lower case where the octets say all: it is not encoded, and ASCII words are the same in every charset. */
function plainText(octets: Buffer, words: Query["body"]): string | undefined {
  if (!words.every(({ text }) => ascii.test(text))) return undefined
  const header = scanHeader(octets)
  const coding = (first(header, "content-transfer-encoding") ?? "").trim().toLowerCase()
  if (coding !== "" && coding !== "7bit" && coding !== "8bit") return undefined
  if ((first(header, "content-type") ?? "").toLowerCase().startsWith("multipart/")) return undefined
  return octets.toString("latin1", header.bodyStart).toLowerCase()
}

const ascii = /^[\u0000-\u007f]*$/
