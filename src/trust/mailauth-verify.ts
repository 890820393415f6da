// DKIM and ARC as mailauth verifies them, in its strict reading of the RFCs, and what it found in our words.
import type { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { arc } from "mailauth/lib/arc/index.js"
import { DkimVerifier } from "mailauth/lib/dkim/dkim-verifier.js"
import type { Chain, Signature, SignatureResult } from "../auth/verification.ts"
import { keyMemory, type Resolver } from "./mailauth-keys.ts"
import type { Found } from "./mailauth-requests.ts"
import { noChain } from "./quick-arc.ts"
import { fewestBits } from "./quick-keys.ts"

/** What mailauth finds. */
export async function verifyThoroughly(
  octets: Readable,
  wants: { readonly dkim: boolean; readonly arc: boolean },
  resolver: Resolver,
): Promise<Found & { readonly did: "verify" }> {
  const options = { resolver, strict: true, minBitLength: fewestBits }
  const found = await verified(octets, options)
  const signatures = wants.dkim ? found.results.flatMap(signatureOf) : []
  const chain = wants.arc ? await chainOf(found.arc, options) : noChain
  return { did: "verify", signatures, chain }
}

type Options = { readonly resolver: Resolver; readonly strict: boolean; readonly minBitLength: number }

/** mailauth's dkimVerify, with our memory for keys, which its check of the seals uses as well. */
async function verified(octets: Readable, options: Options) {
  const verifier = new DkimVerifier(options)
  const keys = keyMemory(options.resolver)
  verifier.keyCache = keys
  verifier.arc.keyCache = keys
  await pipeline(octets, verifier)
  return verifier
}

const results: ReadonlySet<string> = new Set(["pass", "fail", "neutral", "policy", "temperror", "permerror"])

function isResult(text: string): text is SignatureResult {
  return results.has(text)
}

type Verified = Awaited<ReturnType<typeof verified>>

function signatureOf({
  status,
  signingDomain,
  selector,
  algo,
  signature,
}: Verified["results"][number]): Signature[] {
  if (!isResult(status.result)) return [] // none: the message is not signed
  const identity = status.header?.["i"]
  const rules = status.policy?.["dkim-rules"]
  const why =
    typeof status.comment === "string" ? status.comment : typeof rules === "string" ? rules : undefined
  return [
    {
      result: status.result,
      why: status.result === "pass" ? undefined : why,
      domain: (signingDomain ?? "").toLowerCase(),
      selector: (selector ?? "").toLowerCase(),
      identity: typeof identity === "string" ? identity : `@${signingDomain ?? ""}`,
      algorithm: algo ?? "",
      mark: (signature ?? "").slice(0, 8),
    },
  ]
}

async function chainOf(found: NonNullable<Verified["arc"]>, options: Options): Promise<Chain> {
  const { lastEntry, error, keyCache, ...rest } = found
  const known = { ...rest, keyCache, chain: found.chain === false ? [] : found.chain }
  const asked = {
    ...known,
    ...(lastEntry === undefined ? {} : { lastEntry }),
    ...(error === undefined ? {} : { error }),
  }
  const { status, authenticationResults } = await arc(asked, options)
  const { chain } = found
  const sets = Array.isArray(chain) ? chain.length : 0
  const newest = Array.isArray(chain) ? chain.at(-1) : undefined
  const sealer = newest?.["arc-seal"]?.parsed?.["d"]?.value
  const dmarc = authenticationResults?.["dmarc"]?.result
  const { result } = status
  return {
    result: result === "pass" || result === "fail" ? result : "none",
    why:
      result === "fail"
        ? typeof status.comment === "string"
          ? status.comment
          : "the chain is broken"
        : undefined,
    sets,
    sealer: typeof sealer === "string" ? sealer.toLowerCase() : undefined,
    dmarc: typeof dmarc === "string" ? dmarc.toLowerCase() : undefined,
  }
}
