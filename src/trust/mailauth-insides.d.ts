// The parts of mailauth that it has no types of: its verifier, which can be given a memory for keys, and the reading of a key's record.
declare module "mailauth/lib/dkim/dkim-verifier.js" {
  import type { Writable } from "node:stream"
  import type { dkimVerify } from "mailauth/lib/dkim/verify.js"
  import type { KeyMemory } from "./mailauth-keys.ts"

  type Found = Awaited<ReturnType<typeof dkimVerify>>

  export const DkimVerifier: new (
    options: object,
  ) => Writable & {
    keyCache: KeyMemory
    readonly results: Found["results"]
    readonly arc: NonNullable<Found["arc"]> & { keyCache: KeyMemory }
  }
}

declare module "mailauth/lib/tools.js" {
  import type { KeyMemory } from "./mailauth-keys.ts"

  /** Asks for a key's record and reads it; throws what is wrong with it. */
  export function getPublicKey(
    type: string,
    name: string,
    minBitLength: number | undefined,
    resolver: KeyMemory["resolver"],
    options: { readonly strict?: boolean; readonly hashAlgo?: string },
  ): Promise<{ readonly publicKey: string } & Readonly<Record<string, unknown>>>
}
