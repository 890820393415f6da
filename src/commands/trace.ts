// `waypost trace WORDS`: finds what happened by what somebody remembers of it: an id of the log, an address, a host, a Message-ID,
// a subject. Messages and refused sessions alike, the newest first, each with its timeline.
import type { Remembered } from "../spool/spool.ts"
import { printPath } from "../mail/address.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { type Answer, ask } from "./control-client.ts"
import { eventLines, type Look, lookOf, plain, type Told } from "./event-lines.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost trace",
  operands: "WORDS",
  mostOperands: 16,
  about:
    "Finds messages and refused sessions by id, address, host, Message-ID, subject: what has all the words in one event, each as " +
    "part of a word and in any case. Ends with 1 when nothing is found.",
  options: {
    limit: { value: "N", says: "at most so many timelines, the newest (20)" },
    reasons: { says: "below each event why, with the line that decided" },
    json: { says: "one JSON object a line for each message or session" },
    state: stateOption,
  },
}

/** A found timeline as the control socket tells it. */
type Found = { readonly id: string; readonly events: readonly Told[] }

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  if (given.operands.length === 0) return refuse(io, "waypost trace: which words?", exits.usage)
  const limit = Number(given.text("limit") ?? 20)
  if (!Number.isInteger(limit) || limit < 1)
    return refuse(io, "waypost trace: --limit is a number above 0", exits.usage)
  const look = lookOf(io)
  const request = { verb: "trace", words: given.operands, limit }
  let found = 0
  for await (const answer of ask(runningState(given.text("state"), io), request)) {
    if (answer["more"] === true) {
      io.stderr.write(`waypost trace: there are more than these ${limit}; --limit shows them\n`)
      continue
    }
    found++
    if (given.has("json")) io.stdout.write(`${JSON.stringify(answer)}\n`)
    else io.stdout.write(timeline(foundOf(answer), { ...look, reasons: given.has("reasons") }))
  }
  if (found > 0) return exits.ok
  io.stderr.write(`waypost trace: nothing in the timelines has ${given.operands.join(" and ")}\n`)
  return 1
}

/** Our own daemon of our own version answers: a look at the shape is enough. */
function foundOf(answer: Answer): Found {
  const { id, events } = answer
  if (typeof id !== "string" || !Array.isArray(events))
    throw new Error(`not an answer to trace: ${JSON.stringify(answer).slice(0, 200)}`)
  return { id, events: events as Told[] }
}

function timeline(
  { id, events }: Found,
  { paint, reasons }: Pick<Look, "paint"> & { readonly reasons: boolean },
): string {
  const message = events.find((event) => event.message !== undefined)?.message
  const lines = events.flatMap((event) => {
    const [first = "", ...why] = eventLines(event, paint)
    return reasons ? [first, ...why] : [first]
  })
  return `${paint("bold", plain(`${id}: ${message === undefined ? titleOf(events) : messageTitle(message)}`))}\n${lines.join("\n")}\n\n`
}

function messageTitle({ entry, recipients }: Remembered): string {
  const sender = printPath(entry.envelope.reversePath)
  const [first = ""] = recipients
  const others = recipients.length > 1 ? ` and ${recipients.length - 1} more` : ""
  const { subject, messageId } = entry.summary
  const about = subject === "" ? messageId : `"${subject}"`
  return `<${sender}> to <${first}>${others}${about === "" ? "" : `, ${about}`}`
}

function titleOf(events: readonly Told[]): string {
  const [first] = events
  return first?.what === "refused" ? `refused session of ${first.remote ?? "a client"}` : "message"
}
