// `waypost reload`: the running system reads its configuration anew; a wrong one is said and changes nothing.
import { resolve } from "node:path"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { loadConfiguration } from "./configuration.ts"
import { askOnce } from "./control-client.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningConfiguration, runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost reload",
  operands: "",
  mostOperands: 0,
  about:
    "Checks the sendmail.mc and has the running system take it up; ends with 78 when it cannot be used, and the old one stays.",
  options: {
    config: {
      value: "FILE",
      says: "check this sendmail.mc first, where the system was started with --config",
    },
    state: stateOption,
  },
}

/** Asks for a reload. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const state = runningState(given.text("state"), io)
  const file = given.text("config") ?? runningConfiguration(state)
  if (file !== undefined) {
    const configured = loadConfiguration(resolve(io.cwd, file), state)
    if (!configured.ok) return refuse(io, `waypost reload: ${configured.error}`, exits.config)
    for (const warning of configured.value.warnings) io.stderr.write(`${warning}\n`)
  }
  await askOnce(state, { verb: "reload" })
  return exits.ok
}
