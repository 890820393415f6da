// purgestat (and sendmail -bH): what is remembered of other hosts is forgotten; the next message asks each of them again.
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { askOnce } from "./control-client.ts"
import { exits, type Io } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "purgestat",
  operands: "",
  mostOperands: 0,
  about: "Forgets what other hosts said, and which did not answer.",
  options: { state: stateOption },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  await askOnce(runningState(given.text("state"), io), { verb: "forget" })
  return exits.ok
}
