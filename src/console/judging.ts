// The forensics page: a pasted message, or one that the system still knows, judged by the code of `waypost forensics`.
import { openCase } from "../forensics/case.ts"
import { asRecord, judge } from "../forensics/judgement.ts"
import { drawRoute } from "../forensics/svg.ts"
import type { Forensics } from "./api-forensics.ts"
import { type Ask, first, Refused } from "./asking.ts"
import { Fields, idOf } from "./input.ts"

/** Octets that are read of a message: its header, never its whole body. */
export const longestRead = 8 << 20

/** Judges what is asked for. `ours` are the names of this host that mean something outside. */
export async function forensics(ask: Ask, body: unknown, ours: readonly string[]): Promise<Forensics> {
  const fields = new Fields(body)
  const text = fields.optional("text")
  const bytes = text === undefined ? await octetsOf(ask, idOf(fields.text("id"))) : Buffer.from(text, "utf8")
  if (bytes.length === 0) throw new Refused(400, "there is nothing to judge: paste a message with its header")
  const receiver = fields.optional("receiver")
  const trusted = fields.texts("trusted") ?? []
  const trust = receiver === undefined || receiver === "" ? { trusted, ours } : { receiver, trusted }
  const judgement = judge(openCase(bytes, trust))
  // asRecord is what --json prints; its test holds it to the names that api.ts has.
  const record = asRecord(judgement) as Omit<Forensics, "header" | "svg">
  return { ...record, header: headerIn(bytes), svg: drawRoute(judgement) }
}

function headerIn(bytes: Buffer): string {
  const ends = [bytes.indexOf("\r\n\r\n"), bytes.indexOf("\n\n")].filter((at) => at >= 0)
  return bytes.toString("latin1", 0, ends.length === 0 ? bytes.length : Math.min(...ends) + 1)
}

/** The message from the queue, else the header that the timelines remember. */
async function octetsOf(ask: Ask, id: string): Promise<Buffer> {
  try {
    const pieces: Buffer[] = []
    let size = 0
    for await (const { octets } of ask({ verb: "export", id })) {
      if (typeof octets !== "string") continue
      const piece = Buffer.from(octets, "base64")
      size += piece.length
      pieces.push(piece)
      if (size > longestRead) break
    }
    return Buffer.concat(pieces)
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 404) throw error
  }
  const { headerText } = await first(ask({ verb: "show", id }))
  if (typeof headerText !== "string") throw new Refused(404, `${id}: its header is not known any more`)
  return Buffer.from(headerText, "latin1")
}
