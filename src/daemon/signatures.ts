// Checking and making signatures, put together: the threads for both begin with the first message that needs them.
import { makePolicy, type GateParts } from "../policy/check.ts"
import { isKnownClient } from "../policy/known.ts"
import type { Asked, Verify } from "../auth/verification.ts"
import { feature } from "../config/settings.ts"
import { ok, type Result } from "../mail/result.ts"
import type { Dns } from "../mail/world.ts"
import { scanHeader } from "../message/header.ts"
import { SignatureThreads } from "../trust/mailauth.ts"
import { askOnce } from "../trust/key-questions.ts"
import { Turns } from "../trust/turns.ts"
import { largestBody, verifyInPlace } from "../trust/verify-in-place.ts"
import { makeSigning, type Sign } from "./signing.ts"

export type Signatures = {
  readonly verify: Verify | undefined
  readonly sign: Sign | undefined
  close(): Promise<void>
}

export type SignatureParts = Pick<GateParts, "settings" | "routing" | "clock"> & {
  readonly dns: Dns
  readonly log: (line: string) => void
}

/** What the settings ask for; the error is one line. */
export function makeSignatures(parts: SignatureParts): Result<Signatures> {
  const { settings, dns, clock, log } = parts
  let threads: SignatureThreads | undefined
  const begun = () => {
    threads ??= new SignatureThreads(dns.txt, log)
    return threads
  }
  const policy = makePolicy(parts)
  const isOurs: Parameters<typeof makeSigning>[0]["isOurs"] = (arrival) => isKnownClient(arrival, policy)
  const sign = makeSigning({ settings, clock, threads: begun, isOurs, log })
  if (!sign.ok) return sign
  const dkim = feature(settings, "dkim_verify") ?? feature(settings, "dmarc")
  const arc = feature(settings, "arc")
  const wants = { does: "verify", dkim: dkim !== undefined, arc: arc !== undefined } as const
  const verify = (dkim ?? arc) === undefined ? undefined : verifier(begun, wants)
  return ok({ verify, sign: sign.value, close: async () => threads?.close() })
}

/** Milliseconds: a letter takes some tenths of one, and a hundred sessions may bring theirs at once. */
const longestTurn = 10

/** Looks at signatures: a small letter's in place, others' in the threads. */
export function verifier(
  threads: () => SignatureThreads,
  wants: { readonly does: "verify"; readonly dkim: boolean; readonly arc: boolean },
): Verify {
  const turns = new Turns(longestTurn)
  return async (header, body) => {
    const small = await smallBody(body())
    if (small !== undefined) await turns.hasTime()
    const asked: Asked[] = []
    const ask = askOnce(threads().txt, asked) // no name is asked for again by a thread
    const found = small && (await verifyInPlace(scanHeader(header), small, wants, ask))
    if (found !== undefined) return ok({ ...found, asked })
    const done = await threads().do(wants, () => whole(header, body()), ask)
    if (!done.ok) return done
    const { found: thorough } = done.value
    if (thorough.did !== "verify") throw new Error("a thread signed what it was to verify")
    return ok({ signatures: thorough.signatures, chain: thorough.chain, asked: done.value.asked })
  }
}

/** The body in one piece; undefined: it is larger. A piece is good until the next is asked for. */
async function smallBody(body: AsyncIterable<Buffer>): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of body) {
    length += piece.length
    if (length > largestBody) return undefined
    pieces.push(Buffer.from(piece))
  }
  const [only] = pieces
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces)
}

async function* whole(header: Buffer, body: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  yield header
  yield* body
}
