// Which hosts are ours where nobody says: class w of the configuration that this machine's system runs on, or of the one that is named.
import { classMembers } from "../config/settings.ts"
import { isInnerName } from "../forensics/owners.ts"
import { loadConfiguration } from "./configuration.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { runningConfiguration, runningState } from "./state.ts"

/** Our names that mean something outside: `localhost` wrote hops everywhere. */
export function ourNames(file: string | undefined, io: Io): readonly string[] {
  const state = runningState(undefined, io)
  const loaded = loadConfiguration(file ?? runningConfiguration(state), state)
  if (!loaded.ok) throw new Refusal(loaded.error, exits.config)
  return [...classMembers(loaded.value.settings, "w").keys()].filter(
    (name) => !name.startsWith("[") && !isInnerName(name),
  )
}
