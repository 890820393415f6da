// Signatures of a small letter looked at where it is, in the mail process itself: for most letters a question to a thread costs more than
// the look. What may take longer than some milliseconds, and what is not plainly good, is for the threads.
import { fields, type Header } from "../message/header.ts"
import type { Ask } from "./key-questions.ts"
import { type QuickFound, quickVerify, type QuickWants } from "./quick-verify.ts"

/** Octets. A header is read field by field and name by name, which is slower than to hash. */
const largestHeader = 16 * 1024
export const largestBody = 128 * 1024
/** Signatures and seals: each keeps the sessions waiting for some hundredths of a millisecond. */
const mostChecks = 8

/** What was found, when all of it is good; undefined: a thread has to look. */
export async function verifyInPlace(
  header: Header,
  body: Buffer,
  wants: QuickWants,
  ask: Ask,
): Promise<QuickFound | undefined> {
  if (header.bodyStart > largestHeader || body.length > largestBody) return undefined
  if (fields(header, "dkim-signature").length + fields(header, "arc-seal").length > mostChecks)
    return undefined
  return await quickVerify(header, body, wants, { ask, now: Math.floor(Date.now() / 1000) })
}
