// The letter that the benchmarks of signatures send: 10 KiB, signed with RSA and Ed25519, sealed once, and the records that prove it.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { DnsAnswer } from "../src/mail/world.ts"
import { makeKeys, recordOf } from "../src/trust/dkim-keys.ts"
import { SignatureThreads } from "../src/trust/mailauth.ts"
import type { Job, SigningKey } from "../src/trust/mailauth-requests.ts"

/** Our keys and their records by name. */
export function freshKeys(): {
  readonly keys: readonly SigningKey[]
  readonly published: ReadonlyMap<string, string>
} {
  const directory = mkdtempSync(join(tmpdir(), "waypost-bench-dkim-"))
  const made = makeKeys(directory, "napier.ac.uk", "bench")
  if (!made.ok) throw new Error(made.error)
  rmSync(directory, { recursive: true })
  const records = made.value.map((key) => recordOf("napier.ac.uk", key))
  return { keys: made.value, published: new Map(records.map(({ name, text }) => [name, text])) }
}

/** Threads that know these records. */
export function threadsWith(published: ReadonlyMap<string, string>): SignatureThreads {
  const txt = async (name: string): Promise<DnsAnswer<string>> => {
    const text = published.get(name)
    return text === undefined
      ? { found: "nothing", why: "no such name", secure: false }
      : { found: "records", records: [text], secure: false, ttl: 60 }
  }
  return new SignatureThreads(txt, (line) => process.stderr.write(`${line}\n`))
}

/** The letter before it is signed. */
export const plainLetter = `From: gordon@napier.ac.uk\r\nTo: bob@mx.test\r\nSubject: bench\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@napier.ac.uk>\r\n\r\n${"A line of text, as there are many in a letter.\r\n".repeat(200)}`

/** What signs a letter as the mail process has it signed. */
export function signingOf(keys: readonly SigningKey[]): Job {
  const headerSize = plainLetter.indexOf("\r\n\r\n") + 4
  return { does: "sign", domain: "napier.ac.uk", keys, headerSize, seconds: 1_790_000_000 }
}

/** The fields that a job makes for these octets. */
export async function fieldsOf(threads: SignatureThreads, job: Job, octets: string): Promise<string> {
  const done = await threads.do(job, () => [Buffer.from(octets)])
  if (!done.ok) throw new Error(done.error)
  return "fields" in done.value.found ? done.value.found.fields : ""
}

/** The letter signed twice, and sealed. */
export async function sealedLetter(threads: SignatureThreads, keys: readonly SigningKey[]): Promise<Buffer> {
  const [key] = keys
  if (key === undefined) throw new Error("no key was made")
  const signed = (await fieldsOf(threads, signingOf(keys), plainLetter)) + plainLetter
  const seal: Job = {
    does: "seal",
    domain: "napier.ac.uk",
    key,
    results: "mx.test; dmarc=pass",
    cv: "none",
    seconds: 1_790_000_000,
  }
  return Buffer.from((await fieldsOf(threads, seal, signed)) + signed)
}
