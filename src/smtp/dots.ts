// The dots of a message on its way out by DATA (RFC 5321 §4.5.2), for content that comes in pieces of whole or half lines.

const lf = 0x0a
const dot = 0x2e

/** The octets with a second dot before each that begins a line (RFC 5321 §4.5.2). */
export async function* dotStuffed(lines: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let atStart = true
  for await (const octets of lines) {
    const pieces: Buffer[] = []
    let from = 0
    if (atStart && octets[0] === dot) pieces.push(octets.subarray(0, 1))
    for (let at = octets.indexOf("\n."); at >= 0; at = octets.indexOf("\n.", at + 2)) {
      pieces.push(octets.subarray(from, at + 2))
      from = at + 1
    }
    pieces.push(octets.subarray(from))
    if (octets.length > 0) atStart = octets.at(-1) === lf
    yield pieces.length === 1 ? octets : Buffer.concat(pieces)
  }
}
