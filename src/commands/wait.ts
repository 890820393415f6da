// `waypost wait`: ends when a message is there. For tests of other people's software: start it, or send first and then call it.
import { asking } from "../console/asking.ts"
import { timeoutOf, waitFor } from "../console/wait.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost wait",
  operands: "",
  mostOperands: 0,
  about:
    "Waits for a message and prints its id; one of the last minute counts, too. Parts are compared in any case. Ends with 1 when the time is over.",
  options: {
    to: { value: "PART", says: "a recipient's address has this part" },
    from: { value: "PART", says: "the sender's address has this part" },
    subject: { value: "PART", says: "the subject has this part" },
    timeout: { value: "TIME", says: "how long: 30s (when not given), 500ms, 2m" },
    json: { says: "the message as a JSON object" },
    state: stateOption,
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const timeout = timeoutOf(given.text("timeout") ?? "30s")
  if (timeout === undefined)
    return refuse(io, "waypost wait: --timeout is a time of at most ten minutes, such as 30s", exits.usage)
  const [to, from, subject] = [given.text("to"), given.text("from"), given.text("subject")]
  if ((to ?? from ?? subject) === undefined)
    return refuse(io, "waypost wait: for what? Name --to, --from or --subject", exits.usage)
  const wish = { to, from, subject, timeout }
  const { message } = await waitFor(asking(runningState(given.text("state"), io)), wish, Date.now)
  if (message === undefined) return refuse(io, "waypost wait: no such message came in time", 1)
  io.stdout.write(given.has("json") ? `${JSON.stringify(message)}\n` : `${message.id}\n`)
  return exits.ok
}
