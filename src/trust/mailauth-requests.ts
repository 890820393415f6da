// What the mail process and its threads for signatures say to each other. Octets go over by piece; a piece is asked for before it is
// sent, so that a large message never waits in memory.
import type { Asked, Chain, Signature } from "../auth/verification.ts"

/** Which key signs: its pem, as node:crypto reads it. */
export type SigningKey = {
  readonly selector: string
  readonly algorithm: "rsa-sha256" | "ed25519-sha256"
  readonly pem: string
}

export type Job =
  | { readonly does: "verify"; readonly dkim: boolean; readonly arc: boolean }
  | {
      readonly does: "sign"
      /** Octets of the header, with the blank line. */
      readonly headerSize: number
      readonly domain: string
      readonly keys: readonly SigningKey[]
      readonly seconds: number
    }
  | {
      readonly does: "seal"
      readonly domain: string
      readonly key: SigningKey
      /** `host; spf=pass …`: what our Authentication-Results say. */
      readonly results: string
      readonly cv: "none" | "pass" | "fail"
      readonly seconds: number
    }

/** The fields to put on top, each with CRLF, or what was found. */
export type Found =
  | { readonly did: "verify"; readonly signatures: readonly Signature[]; readonly chain: Chain }
  | { readonly did: "sign" | "seal"; readonly fields: string }
  /** There are chains that cannot be sealed, now or later. */
  | { readonly did: "nothing"; readonly why: string }

export type ToThread =
  | {
      readonly say: "job"
      readonly number: number
      readonly job: Job
      readonly octets: Uint8Array
      readonly last: boolean
    }
  | { readonly say: "piece"; readonly number: number; readonly octets: Uint8Array; readonly last: boolean }
  | { readonly say: "given up"; readonly number: number }
  | { readonly say: "answer"; readonly number: number; readonly name: string; readonly answer: TxtAnswer }

export type TxtAnswer =
  | { readonly found: "records"; readonly records: readonly string[]; readonly ttl: number }
  | { readonly found: "nothing"; readonly why: string }
  | { readonly found: "unavailable"; readonly why: string }

export type FromThread =
  | { readonly say: "more"; readonly number: number }
  | { readonly say: "asks"; readonly number: number; readonly name: string }
  | { readonly say: "done"; readonly number: number; readonly found: Found; readonly asked: readonly Asked[] }
  | { readonly say: "failed"; readonly number: number; readonly why: string }
