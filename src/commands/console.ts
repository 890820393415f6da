// `waypost console link`: a fresh one-time link into the console, for the owner of the system and root.
import { layoutOf } from "../daemon/layout.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { Control } from "./control-client.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost console",
  operands: "link",
  mostOperands: 1,
  about: "Prints a link that lets you into the console, once, within ten minutes.",
  options: { state: stateOption },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  if (given.operands[0] !== "link") return refuse(io, "waypost console: link is all it knows", exits.usage)
  const state = runningState(given.text("state"), io)
  const control = await Control.open(state, { path: layoutOf(state).console })
  try {
    for await (const { link } of control.ask({ verb: "link" })) io.stdout.write(`${String(link)}\n`)
    return exits.ok
  } finally {
    control.close()
  }
}
