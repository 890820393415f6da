// `waypost config`: the configuration as it was understood, each value with the line it comes from; or the built-in one.
import { defaultMc } from "../config/default.ts"
import { printSettings, settingsAsJson } from "../config/print.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { loadConfiguration } from "./configuration.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost config",
  operands: "",
  mostOperands: 0,
  about: "Prints the configuration as it was understood, each value with the line it comes from.",
  options: {
    config: {
      value: "FILE",
      says: "a sendmail.mc (else /etc/mail/sendmail.mc as root, else the built-in default)",
    },
    state: stateOption,
    default: { says: "print the built-in configuration, a sendmail.mc to begin with" },
    diff: { says: "only what differs from sendmail's defaults" },
    json: { says: "as JSON" },
  },
}

/** Prints the configuration; 78 when it cannot be used. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  if (given.has("default")) {
    io.stdout.write(defaultMc)
    return exits.ok
  }
  const configured = loadConfiguration(given.text("config"), runningState(given.text("state"), io))
  if (!configured.ok) return refuse(io, `waypost config: ${configured.error}`, exits.config)
  const { settings, warnings } = configured.value
  for (const warning of warnings) io.stderr.write(`${warning}\n`)
  const which = given.has("diff") ? "set" : "all"
  io.stdout.write(
    given.has("json")
      ? `${JSON.stringify(settingsAsJson(settings, which), undefined, 2)}\n`
      : printSettings(settings, which),
  )
  return exits.ok
}
