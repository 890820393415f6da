// Writes DER (X.690), as far as a certificate needs it: a value is its tag, the length of its content, and the content.

/** One value. */
export function value(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body])
}

// X.690 §8.1.3: one octet up to 127, else the number of octets that follow and they.
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Buffer.from([0x80 | octets.length, ...octets])
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return value(0x30, ...parts)
}

export function set(...parts: readonly Buffer[]): Buffer {
  return value(0x31, ...parts)
}

/** A positive integer of these octets, most significant first. */
export function integer(octets: Buffer): Buffer {
  const first = octets.findIndex((octet) => octet !== 0)
  const short = first < 0 ? Buffer.from([0]) : octets.subarray(first)
  return value(0x02, (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), short]) : short)
}

export function bitString(octets: Buffer, unusedBits = 0): Buffer {
  return value(0x03, Buffer.from([unusedBits]), octets)
}

export function octetString(octets: Buffer): Buffer {
  return value(0x04, octets)
}

export function boolean(is: boolean): Buffer {
  return value(0x01, Buffer.from([is ? 0xff : 0]))
}

/** "2.5.4.3" */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number)
  return value(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(number: number): number[] {
  const octets = [number % 128]
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128))
    octets.unshift((rest % 128) | 0x80)
  return octets
}

export function utf8(text: string): Buffer {
  return value(0x0c, Buffer.from(text, "utf8"))
}

/** A moment: UTCTime up to 2049, GeneralizedTime after it (RFC 5280 §4.1.2.5). */
export function time(moment: Date): Buffer {
  const text = moment.toISOString().replaceAll(/[-:T]|\.\d+/g, "")
  return moment.getUTCFullYear() < 2050
    ? value(0x17, Buffer.from(text.slice(2), "latin1"))
    : value(0x18, Buffer.from(text, "latin1"))
}

/** A value in the context of its parent: [n]; constructed unless it is a plain string of octets. */
export function tagged(number: number, constructed: boolean, ...content: readonly Buffer[]): Buffer {
  return value(0x80 | (constructed ? 0x20 : 0) | number, ...content)
}
