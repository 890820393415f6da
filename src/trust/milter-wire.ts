// The milter protocol's packets, version 6: a length, a letter, octets. What libmilter's mfdef.h calls SMFIC_, SMFIR_, SMFIF_ and
// SMFIP_ has here the name that its documentation has for it.

export type Packet = { readonly letter: string; readonly octets: Buffer }

/** What a filter may change (SMFIF_). */
export const actions = {
  addHeader: 0x1,
  changeBody: 0x2,
  addRecipient: 0x4,
  deleteRecipient: 0x8,
  changeHeader: 0x10,
  quarantine: 0x20,
  changeFrom: 0x40,
  addRecipientWithParameters: 0x80,
  setSymbols: 0x100,
} as const
export const allActions = 0x1ff

/** What a filter need not be told (SMFIP_NO…), will not answer to (SMFIP_NR_…), and how it wants it. */
export const steps = {
  noConnect: 0x1,
  noHelo: 0x2,
  noMail: 0x4,
  noRcpt: 0x8,
  noBody: 0x10,
  noHeaders: 0x20,
  noEndOfHeader: 0x40,
  silentHeader: 0x80,
  noUnknown: 0x100,
  noData: 0x200,
  skip: 0x400,
  rejectedRcpt: 0x800,
  silentConnect: 0x1000,
  silentHelo: 0x2000,
  silentMail: 0x4000,
  silentRcpt: 0x8000,
  silentData: 0x1_0000,
  silentUnknown: 0x2_0000,
  silentEndOfHeader: 0x4_0000,
  silentBody: 0x8_0000,
  leadingSpace: 0x10_0000,
} as const
export const allSteps = 0x1f_ffff

export const version = 6
/** Octets of body in one packet. */
export const bodyChunk = 65_535
/** No filter has more to say at once. */
const mostOctets = 1024 * 1024 + 1

/** A packet; strings are text as it came from the wire (Latin-1). */
export function printPacket(letter: string, ...parts: readonly (Buffer | string)[]): Buffer {
  const octets = parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(octets.reduce((sum, part) => sum + part.length, 1))
  head.write(letter, 4, "latin1")
  return Buffer.concat([head, ...octets])
}

/** Numbers as the negotiation has them. */
export function words(...numbers: readonly number[]): Buffer {
  const octets = Buffer.alloc(numbers.length * 4)
  for (const [n, number] of numbers.entries()) octets.writeUInt32BE(number, n * 4)
  return octets
}

/** Strings, each ended by a NUL; a NUL within one would make two of it, so it goes. */
export function strings(...texts: readonly string[]): string {
  return texts.map((text) => `${text.replaceAll("\0", "")}\0`).join("")
}

/** The strings of a packet; a last one without its NUL counts. */
export function readStrings(octets: Buffer): readonly string[] {
  const texts = octets.toString("latin1").split("\0")
  if (texts.at(-1) === "") texts.pop()
  return texts
}

/** Puts packets together from what comes, however it is cut. */
export class PacketReader {
  #held: Buffer = Buffer.alloc(0)

  feed(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
  }

  /** The next whole packet; "nonsense" when these are no packets. */
  next(): Packet | "nonsense" | undefined {
    if (this.#held.length < 4) return undefined
    const length = this.#held.readUInt32BE()
    if (length === 0 || length > mostOctets) return "nonsense"
    if (this.#held.length < length + 4) return undefined
    const letter = this.#held.toString("latin1", 4, 5)
    const octets = this.#held.subarray(5, length + 4)
    this.#held = this.#held.subarray(length + 4)
    return { letter, octets }
  }
}
