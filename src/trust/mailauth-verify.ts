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
  const silent = new Set<string>()
  const options = { resolver: noting(resolver, silent), strict: true, minBitLength: fewestBits }
  const found = await verified(octets, options)
  const signatures = wants.dkim ? found.results.flatMap(signatureOf) : []
  const chain = wants.arc ? withSilence(await chainOf(found.arc, options), found.arc, silent) : noChain
  return { did: "verify", signatures, chain }
}

/** Notes the names that DNS does not answer for. */
function noting(resolver: Resolver, silent: Set<string>): Resolver {
  return async (name, type) => {
    try {
      return await resolver(name, type)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESERVFAIL") silent.add(name.toLowerCase())
      throw error
    }
  }
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
type Status = Verified["results"][number]["status"]

function signatureOf(found: Verified["results"][number]): Signature[] {
  const { status, signingDomain, selector, algo, signature, rr } = found
  if (!isResult(status.result)) return [] // none: the message is not signed
  const identity = status.header?.["i"]
  const unsigned = unsignedRest(status)
  return [
    {
      result: unsigned === undefined ? status.result : "policy",
      why: unsigned ?? wordsOf(status, rr),
      domain: (signingDomain ?? "").toLowerCase(),
      selector: (selector ?? "").toLowerCase(),
      identity: typeof identity === "string" ? identity : `@${signingDomain ?? ""}`,
      algorithm: algo ?? "",
      mark: (signature ?? "").slice(0, 8),
    },
  ]
}

/** RFC 6376 §8.2: behind l= anybody may put anything, which readers are shown as if it were signed; §6.1.3 lets us not take it. */
function unsignedRest({ result, underSized = 0 }: Status): string | undefined {
  return result === "pass" && underSized > 0
    ? `l= leaves ${underSized} octets of the body unsigned`
    : undefined
}

function wordsOf({ result, comment, policy, testing }: Status, record = ""): string | undefined {
  if (result === "pass") return testing === true ? "its key is for tests (t=y)" : undefined
  if (/(?:^|;)p=(?:;|$)/.test(record)) return "its key was revoked (p= is empty)" // RFC 6376 §3.6.1
  if (typeof comment === "string") return comment
  const rules = policy?.["dkim-rules"]
  return typeof rules === "string" ? rules : undefined
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
  const unsigned = lastEntry?.messageSignature && unsignedRest(lastEntry.messageSignature.status)
  const result = unsigned === undefined ? status.result : "fail"
  const comment = typeof status.comment === "string" ? status.comment : "the chain is broken"
  return {
    result: result === "pass" || result === "fail" ? result : "none",
    why: result === "fail" ? (unsigned ?? comment) : undefined,
    sets,
    sealer: typeof sealer === "string" ? sealer.toLowerCase() : undefined,
    dmarc: typeof dmarc === "string" ? dmarc.toLowerCase() : undefined,
  }
}

type Tags = Readonly<Record<string, { readonly value?: unknown } | undefined>> | undefined

/** A chain that failed because DNS is silent is told from one that is broken. */
function withSilence(
  chain: Chain,
  { chain: sets }: NonNullable<Verified["arc"]>,
  silent: ReadonlySet<string>,
): Chain {
  if (chain.result !== "fail" || silent.size === 0 || !Array.isArray(sets)) return chain
  const signed = [...sets.map((set) => set["arc-seal"]), sets.at(-1)?.["arc-message-signature"]]
  const names = signed.map((field) => keyName(field?.parsed))
  const name = names.find((one) => silent.has(one))
  return name === undefined ? chain : { ...chain, why: `DNS does not answer for ${name}`, silent: name }
}

function keyName(tags: Tags): string {
  return `${String(tags?.["s"]?.value)}._domainkey.${String(tags?.["d"]?.value)}`.toLowerCase()
}
