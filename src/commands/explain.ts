// `waypost explain ADDRESS`: the way an address takes in the running system, step by step, each with the line that decided.
// With --from and --client also whether that sender and that client would be let in. A queue id, as mail and sendmail -v tell it,
// is a message that went its way already: what happened to it is shown.
import { isIP } from "node:net"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { type Answer, askOnce } from "./control-client.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost explain",
  operands: "ADDRESS | ID",
  mostOperands: 1,
  about:
    "Shows where mail for an address goes, and why; or what became of the message with this queue id. Ends with 67 when it goes nowhere, 75 when that cannot be told now.",
  options: {
    from: { value: "ADDRESS", says: "also ask whether this sender would be taken" },
    client: { value: "IP", says: "also ask whether this client may send to the address" },
    json: { says: "as one JSON object" },
    state: stateOption,
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [address] = given.operands
  if (address === undefined) return refuse(io, "waypost explain: which address?", exits.usage)
  const client = given.text("client")
  if (client !== undefined && isIP(client) === 0) {
    return refuse(io, `waypost explain: --client is an IP address, which "${client}" is not`, exits.usage)
  }
  const state = runningState(given.text("state"), io)
  if (mayBeId.test(address) && (await isKnown(state, address))) {
    const options = [...(given.has("json") ? ["--json"] : []), "--state", state]
    return await (await import("./show.ts")).run([...options, address], io)
  }
  const request = { verb: "explain", address, from: given.text("from"), client }
  const answer = await askOnce(state, request)
  io.stdout.write(given.has("json") ? `${JSON.stringify(answer)}\n` : linesOf(answer))
  return codeOf(answer)
}

/** The form of our ids; a user may be called so, and then he is asked about when no message is. */
const mayBeId = /^(?=.*\d)[A-Za-z0-9]{10,20}$/

async function isKnown(state: string, id: string): Promise<boolean> {
  try {
    await askOnce(state, { verb: "show", id })
    return true
  } catch (error) {
    if (error instanceof Refusal && error.code === exits.noUser) return false
    throw error
  }
}

/** Our own daemon of our own version answers: a look at the shape is enough. */
function linesOf({ lines }: Answer): string {
  if (!Array.isArray(lines)) throw new Error("the answer to explain has no lines")
  return lines.map((line) => `${String(line)}\n`).join("")
}

/** As sendmail -bv ends, and what the client would hear counts too. */
function codeOf({ failed, admission, sender, connection }: Answer): number {
  const all = [...(Array.isArray(failed) ? failed : []), admission, sender, connection]
  const outcomes = new Set(all.map(outcomeOf))
  if (outcomes.has("later")) return exits.tryAgain
  return outcomes.has("no") ? exits.noUser : exits.ok
}

function outcomeOf(one: unknown): unknown {
  return typeof one === "object" && one !== null && "outcome" in one ? one.outcome : undefined
}
