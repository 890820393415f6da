// A thread that checks and makes signatures: mailauth verifies DKIM and ARC and seals, in its strict reading of the RFCs; our own
// signer signs (mailauth's cannot sign a field more often than it stands there). The only file that knows mailauth.
import { getPriority, setPriority } from "node:os"
import { PassThrough, type Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { parentPort } from "node:worker_threads"
import { Cache } from "../host/dns-cache.ts"
import { arc, createSeal } from "mailauth/lib/arc/index.js"
import { DkimVerifier } from "mailauth/lib/dkim/dkim-verifier.js"
import type { Asked, Chain, Signature, SignatureResult } from "../auth/verification.ts"
import type { Found, FromThread, Job, ToThread, TxtAnswer } from "./mailauth-requests.ts"
import { signMessage } from "./dkim-signer.ts"
import { keyMemory, type Resolver } from "./mailauth-keys.ts"

type InHand = {
  readonly octets: PassThrough
  readonly questions: Map<string, (answer: TxtAnswer) => void>
}

/** RFC 8301 §3.2: shorter RSA keys prove nothing. */
const fewestBits = 1024

const inHand = new Map<number, InHand>()

function say(message: FromThread): void {
  parentPort?.postMessage(message, [])
}

function hear(message: ToThread): void {
  const { number } = message
  switch (message.say) {
    case "job": {
      const job: InHand = { octets: new PassThrough(), questions: new Map() }
      inHand.set(number, job)
      void run(number, message.job, job)
      return take(number, message.octets, message.last)
    }
    case "piece":
      return take(number, message.octets, message.last)
    case "answer": {
      const questions = inHand.get(number)?.questions
      questions?.get(message.name)?.(message.answer)
      questions?.delete(message.name)
      return
    }
    case "given up":
      inHand.get(number)?.octets.destroy(new Error("given up"))
      inHand.delete(number)
  }
}

function take(number: number, octets: Uint8Array, last: boolean): void {
  const job = inHand.get(number)
  if (job === undefined) return
  const piece = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  if (last) job.octets.end(piece)
  else if (job.octets.write(piece)) say({ say: "more", number })
  else job.octets.once("drain", () => say({ say: "more", number }))
}

async function run(number: number, job: Job, { octets, questions }: InHand): Promise<void> {
  const ask = (name: string) =>
    new Promise<TxtAnswer>((resolve) => {
      questions.set(name, resolve)
      say({ say: "asks", number, name })
    })
  try {
    const asked: Asked[] = []
    const found = await done(job, octets, resolverOf(ask, asked))
    say({ say: "done", number, found, asked })
  } catch (error) {
    say({ say: "failed", number, why: error instanceof Error ? error.message : String(error) })
  }
  inHand.delete(number)
}

type Ask = (name: string) => Promise<TxtAnswer>

async function done(job: Job, octets: Readable, resolver: Resolver): Promise<Found> {
  switch (job.does) {
    case "verify":
      return verify(octets, job, resolver)
    case "sign":
      return { did: "sign", fields: await signMessage(octets, job) }
    case "seal":
      return { did: "seal", fields: await seal(octets, job) }
  }
}

/** Keys that were found, for as long as DNS lets them live: a question over to the mail process costs more than a signature's check. */
const keysFound = new Cache<TxtAnswer>(2000)

async function answerTo(name: string, ask: Ask): Promise<TxtAnswer> {
  const kept = keysFound.get(name, performance.now())
  if (kept !== undefined) return kept.value
  const answer = await ask(name)
  if (answer.found === "records") keysFound.set(name, answer, performance.now() + answer.ttl * 1000)
  return answer
}

function wordsFor(answer: TxtAnswer): string {
  return answer.found === "records" ? answer.records.map((text) => `"${text}"`).join(", ") : answer.why
}

/** DNS as mailauth wants it: node:dns' answers and error codes. One name is asked once a message, and what it said is noted. */
function resolverOf(ask: Ask, noted: Asked[]): Resolver {
  const asked = new Map<string, Promise<TxtAnswer>>()
  return async (name) => {
    const key = name.toLowerCase().replace(/\.$/, "")
    const known = asked.get(key)
    const question = known ?? answerTo(key, ask)
    asked.set(key, question)
    const answer = await question
    if (known === undefined) noted.push({ name: key, said: wordsFor(answer) })
    if (answer.found === "records") return answer.records.map((text) => [text])
    const code =
      answer.found === "unavailable" ? "ESERVFAIL" : answer.why === "no such name" ? "ENOTFOUND" : "ENODATA"
    throw Object.assign(new Error(answer.why), { code })
  }
}

async function verify(octets: Readable, wants: Job & { does: "verify" }, resolver: Resolver): Promise<Found> {
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

const noChain: Chain = { result: "none", why: undefined, sets: 0, sealer: undefined, dmarc: undefined }

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

async function seal(
  octets: Readable,
  { domain, key, results: authResults, cv, seconds }: Job & { does: "seal" },
): Promise<string> {
  const { headers, errors } = await createSeal(octets, {
    strict: true,
    seal: {
      signingDomain: domain,
      selector: key.selector,
      privateKey: key.pem,
      algorithm: key.algorithm,
      authResults,
      cv,
      signTime: new Date(seconds * 1000),
    },
  })
  const [wrong] = errors
  if (wrong !== undefined) throw wrong.err
  return headers.map((header) => `${header}\r\n`).join("")
}

/** The mathematics gives way to the sessions: on Linux a thread has a priority of its own, 0 being the calling one. */
function giveWay(): void {
  if (process.platform === "linux") setPriority(0, Math.min(19, getPriority(0) + 5))
}

giveWay()
parentPort?.on("message", hear)
