// `waypost forensics --batch MANIFEST`: a list of messages, one JSON object a line with {id, file, receiver}; the answer is one verdict
// a line in the same order.
import { readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { drained } from "../agent/drained.ts"
import { openCase } from "../forensics/case.ts"
import type { Verdict } from "../forensics/findings.ts"
import { asRecord, judge } from "../forensics/judgement.ts"
import { readMessageFile } from "./forensics-input.ts"
import type { Means } from "./forensics-online.ts"
import { exits, type Io, Refusal } from "./io.ts"

type Entry = { readonly id: string; readonly file: string; readonly receiver: string | undefined }

/** Judges each; the result is the exit code of the worst. */
export async function judgeBatch(
  { manifest, trust, online }: Means & { readonly manifest: string },
  io: Io,
): Promise<number> {
  const entries = readManifest(resolve(io.cwd, manifest))
  let worst: Verdict = "genuine"
  for (const { id, file, receiver } of entries) {
    const about = openCase(readMessageFile(file), receiver === undefined ? trust : { ...trust, receiver })
    const judgement = judge(about, online === undefined ? [] : await online.ask(about))
    if (judgement.verdict === "forged" || worst === "genuine") worst = judgement.verdict
    const line = `${JSON.stringify({ id, ...asRecord(judgement) })}\n`
    if (!io.stdout.write(line)) await drained(io.stdout)
  }
  return worst === "forged" ? 2 : worst === "suspicious" ? 1 : 0
}

function readManifest(path: string): readonly Entry[] {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch (error) {
    throw new Refusal(
      `forensics: ${path}: ${error instanceof Error ? error.message : String(error)}`,
      exits.noInput,
    )
  }
  return text.split("\n").flatMap((line, n) => (line.trim() === "" ? [] : [entryOf(line, path, n + 1)]))
}

function entryOf(line: string, path: string, number: number): Entry {
  const wrong = (why: string) => new Refusal(`forensics: ${path}:${number}: ${why}`, exits.dataError)
  let read: unknown
  try {
    read = JSON.parse(line)
  } catch {
    throw wrong("is no JSON object")
  }
  if (typeof read !== "object" || read === null || !("id" in read) || !("file" in read))
    throw wrong('needs "id" and "file"')
  const { id, file } = read
  const receiver = "receiver" in read ? read.receiver : undefined
  if (typeof id !== "string" || typeof file !== "string") throw wrong('"id" and "file" are texts')
  if (receiver !== undefined && receiver !== null && typeof receiver !== "string")
    throw wrong('"receiver" is a text')
  return { id, file: resolve(dirname(path), file), receiver: receiver ?? undefined }
}
