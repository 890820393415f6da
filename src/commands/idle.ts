// `waypost idle`: waits until nothing is being delivered and nothing is due now. For tests and scripts that sent mail.
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { askOnce } from "./control-client.ts"
import { exits, type Io, refuse } from "./io.ts"
import { seconds } from "./seconds.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost idle",
  operands: "",
  mostOperands: 0,
  about:
    "Waits until no message is being delivered and none is due now; ends with 75 when that takes too long.",
  options: {
    state: stateOption,
    timeout: { value: "SECONDS", says: "how long to wait (20 when not given)" },
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const timeout = seconds(given.text("timeout"), 20)
  if (timeout === undefined) return refuse(io, "waypost idle: --timeout is a number of seconds", exits.usage)
  await askOnce(runningState(given.text("state"), io), { verb: "idle", timeout }, io.alone)
  return exits.ok
}
