// `waypost ready`: does it answer? For scripts and service managers.
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { askOnce } from "./control-client.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"
import { seconds } from "./seconds.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost ready",
  operands: "",
  mostOperands: 0,
  about: "Ends with 0 when the mail system answers, with 69 when it does not.",
  options: {
    state: stateOption,
    timeout: { value: "SECONDS", says: "how long to wait for it (0 when not given)" },
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const patience = seconds(given.text("timeout"), 0)
  if (patience === undefined)
    return refuse(io, "waypost ready: --timeout is a number of seconds", exits.usage)
  const until = performance.now() + patience * 1000
  for (;;) {
    try {
      await askOnce(runningState(given.text("state"), io), { verb: "ready" }, io.alone)
      return exits.ok
    } catch (error) {
      // There is no event to wait for: the socket appears whenever the daemon has made it.
      if (!(error instanceof Refusal) || performance.now() >= until) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
