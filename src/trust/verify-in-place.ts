// Signatures of a small letter looked at where it is, in the mail process itself: for most letters a question to a thread costs more than
// the look. What may take longer than some milliseconds, and what is not plainly good, is for the threads.
import type { Asked, Verification } from "../auth/verification.ts"
import { fields, type Header } from "../message/header.ts"
import type { Dns } from "../mail/world.ts"
import { askOnce } from "./key-questions.ts"
import { quickVerify, type QuickWants } from "./quick-verify.ts"

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
  txt: Dns["txt"],
): Promise<Verification | undefined> {
  if (header.bodyStart > largestHeader || body.length > largestBody) return undefined
  if (fields(header, "dkim-signature").length + fields(header, "arc-seal").length > mostChecks)
    return undefined
  const asked: Asked[] = []
  const world = { ask: askOnce(txt, asked), now: Math.floor(Date.now() / 1000) }
  const found = await quickVerify(header, body, wants, world)
  return found === undefined ? undefined : { ...found, asked }
}
