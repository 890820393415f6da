// What a look at a message's signatures came to: DKIM (RFC 6376) and ARC (RFC 8617). trust/ looks, in threads of its own; here are
// only the words for what it found, and the function policy is handed.
import type { MessageBody } from "../mail/gate.ts"
import type { Result } from "../mail/result.ts"

/** RFC 8601 §2.7.1, and `none` is no signature at all. */
export type SignatureResult = "pass" | "fail" | "neutral" | "policy" | "temperror" | "permerror"

export type Signature = {
  readonly result: SignatureResult
  /** In words, where it is no pass, or one with a flaw. */
  readonly why: string | undefined
  /** d= and s=, in lower case. */
  readonly domain: string
  readonly selector: string
  /** i=, or @d. */
  readonly identity: string
  readonly algorithm: string
  /** The first letters of b=: which signature is meant (RFC 6008). */
  readonly mark: string
}

export type Chain = {
  readonly result: "none" | "pass" | "fail"
  readonly why: string | undefined
  /** Sets of the chain. */
  readonly sets: number
  /** d= of the newest seal. */
  readonly sealer: string | undefined
  /** What the newest ARC-Authentication-Results say of DMARC. */
  readonly dmarc: string | undefined
  /** A key without which nobody can tell: DNS did not answer for it, so the chain fails (RFC 8617 knows no third result). */
  readonly silent?: string | undefined
}

/** A question to DNS and what came back, in words. */
export type Asked = {
  readonly name: string
  readonly found: "records" | "nothing" | "unavailable"
  readonly said: string
}

export type Verification = {
  readonly signatures: readonly Signature[]
  readonly chain: Chain
  readonly asked: readonly Asked[]
}

/** Looks at the signatures of a message; an error when it could not be done now. */
export type Verify = (header: Buffer, body: MessageBody) => Promise<Result<Verification>>
