// The explain page: an address, a session or a pasted message as a dry run through the running system's own code.
import { parseAddressList } from "../message/addresses.ts"
import { fieldNamed } from "./header-fields.ts"
import type { ExplainAnswer, RehearsedStep } from "./api-explain.ts"
import { type Ask, Refused } from "./asking.ts"
import { Fields } from "./input.ts"

/** Recipients of one question. */
const mostRecipients = 50
/** Octets of a pasted message. */
export const longestMessage = 8 << 20

type Rehearsal = Readonly<Record<string, unknown>> & {
  readonly verb: "rehearse"
  readonly to: readonly string[]
}

/** Reads what is asked, and asks it. */
export async function explain(ask: Ask, body: unknown): Promise<ExplainAnswer> {
  const request = requestFor(new Fields(body))
  if (request.to.length === 0) throw new Refused(400, "to whom? An address is needed")
  if (request.to.length > mostRecipients)
    throw new Refused(400, `at most ${mostRecipients} recipients are explained at once`)
  const explained: ExplainAnswer["explained"][number][] = []
  const session: RehearsedStep[] = []
  const header: ExplainAnswer["header"][number][] = []
  for await (const answer of ask(request)) {
    // Our own daemon of our own version answers: which of the three it is, is enough to know.
    if (answer["explained"] !== undefined)
      explained.push(answer["explained"] as ExplainAnswer["explained"][number])
    else if (answer["step"] !== undefined) session.push(answer["step"] as RehearsedStep)
    else if (answer["field"] !== undefined) header.push(answer["field"] as ExplainAnswer["header"][number])
  }
  return { explained, session, header }
}

function requestFor(fields: Fields): Rehearsal {
  switch (fields.text("kind")) {
    case "address":
      return {
        verb: "rehearse",
        to: [fields.text("address").trim()].filter((one) => one !== ""),
        from: fields.optional("from"),
        client: fields.client("client"),
      }
    case "session":
      return {
        verb: "rehearse",
        to: fields.texts("to") ?? [],
        from: fields.text("from"),
        client: fields.client("client") ?? "127.0.0.1",
        helo: fields.optional("helo"),
      }
    case "message":
      return messageRequest(fields)
    default:
      throw new Refused(400, "kind is address, session or message")
  }
}

function messageRequest(fields: Fields): Rehearsal {
  const text = fields
    .text("message")
    .replaceAll(/\r?\n/g, "\r\n")
    .replace(/^(?:\r\n)+/, "")
  const octets = Buffer.from(text, "utf8")
  if (octets.length > longestMessage) throw new Refused(413, "the message is larger than 8 MiB")
  const end = octets.indexOf("\r\n\r\n")
  const header = end < 0 ? octets : octets.subarray(0, end + 2)
  const to = fields.texts("to") ?? [...addressesIn(header, "to"), ...addressesIn(header, "cc")]
  const from = fields.optional("from") ?? addressesIn(header, "from")[0] ?? ""
  return {
    verb: "rehearse",
    to,
    from: from.replace(/^<(.*)>$/, "$1"),
    client: fields.client("client") ?? "127.0.0.1",
    helo: fields.optional("helo"),
    header: header.toString("latin1"),
    size: octets.length,
  }
}

function addressesIn(header: Buffer, name: string): readonly string[] {
  const value = fieldNamed(header, name)
  return value === undefined ? [] : parseAddressList(value).map(({ address }) => address)
}
