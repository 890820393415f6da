// A thread that checks and makes signatures: mailauth verifies DKIM and ARC and seals, in its strict reading of the RFCs, after a quick
// look of our own that knows only plain and good ones; our own signer signs (mailauth's cannot sign a field more often than it stands
// there).
import { getPriority, setPriority } from "node:os"
import { PassThrough, type Readable } from "node:stream"
import { parentPort } from "node:worker_threads"
import { createSeal } from "mailauth/lib/arc/index.js"
import type { Asked } from "../auth/verification.ts"
import { scanHeader } from "../message/header.ts"
import type { Found, FromThread, Job, ToThread, TxtAnswer } from "./mailauth-requests.ts"
import { quickVerify } from "./quick-verify.ts"
import { signMessage } from "./dkim-signer.ts"
import { type Ask, askOnce, remembered, resolverOf } from "./key-questions.ts"
import type { Resolver } from "./mailauth-keys.ts"
import { verifyThoroughly } from "./mailauth-verify.ts"

type InHand = {
  readonly octets: PassThrough
  readonly questions: Map<string, (answer: TxtAnswer) => void>
}

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
      const piece = bufferOf(message.octets)
      void run(number, message.job, job, message.last ? piece : undefined)
      if (!message.last) take(job, number, piece)
      return
    }
    case "piece": {
      const job = inHand.get(number)
      const piece = bufferOf(message.octets)
      if (message.last) job?.octets.end(piece)
      else if (job !== undefined) take(job, number, piece)
      return
    }
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

function bufferOf(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
}

function take({ octets }: InHand, number: number, piece: Buffer): void {
  if (octets.write(piece)) say({ say: "more", number })
  else octets.once("drain", () => say({ say: "more", number }))
}

/** `whole`: the message, when it is here already. */
async function run(
  number: number,
  job: Job,
  { octets, questions }: InHand,
  whole: Buffer | undefined,
): Promise<void> {
  const asked: Asked[] = []
  const overThere: Ask = (name) =>
    new Promise((resolve) => {
      questions.set(name, resolve)
      say({ say: "asks", number, name })
    })
  const ask = askOnce(remembered(overThere), asked)
  try {
    const quick = job.does === "verify" && whole !== undefined ? await quickly(whole, job, ask) : undefined
    if (whole !== undefined && quick === undefined) octets.end(whole)
    const found = quick ?? (await done(job, octets, resolverOf(ask)))
    say({ say: "done", number, found, asked })
  } catch (error) {
    say({ say: "failed", number, why: error instanceof Error ? error.message : String(error) })
  }
  inHand.delete(number)
}

async function done(job: Job, octets: Readable, resolver: Resolver): Promise<Found> {
  switch (job.does) {
    case "verify":
      return verifyThoroughly(octets, job, resolver)
    case "sign":
      return { did: "sign", fields: await signMessage(octets, job) }
    case "seal":
      return await seal(octets, job)
  }
}

/** A message that is here as a whole is looked at quickly first; mailauth judges what is not plainly good. */
async function quickly(
  octets: Buffer,
  wants: Job & { does: "verify" },
  ask: Ask,
): Promise<Found | undefined> {
  const header = scanHeader(octets)
  const world = { ask, now: Math.floor(Date.now() / 1000) }
  const found = await quickVerify(header, octets.subarray(header.bodyStart), wants, world)
  return found === undefined ? undefined : { did: "verify", ...found }
}

async function seal(
  octets: Readable,
  { domain, key, results: authResults, cv, seconds }: Job & { does: "seal" },
): Promise<Found> {
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
  if (wrong === undefined) return { did: "seal", fields: headers.map((header) => `${header}\r\n`).join("") }
  if (ofChain.has(wrong.err.code ?? "")) return { did: "nothing", why: wrong.err.message }
  throw wrong.err
}

/** mailauth's codes where what is wrong is the chain that is there: too long, or not one. */
const ofChain: ReadonlySet<string> = new Set(["EINVALIDINSTANCE", "EINVALIDCV", "EARCCHAINFAILED"])

/** The mathematics gives way to the sessions: on Linux a thread has a priority of its own, 0 being the calling one. */
function giveWay(): void {
  if (process.platform === "linux") setPriority(0, Math.min(19, getPriority(0) + 5))
}

giveWay()
parentPort?.on("message", hear)
