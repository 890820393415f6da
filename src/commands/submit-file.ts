// Where the submission program's configuration is (submit.mc), which most machines have not: then nothing else of it is loaded.
import { existsSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import type { SendmailOptions } from "./sendmail-options.ts"
import { runningConfiguration } from "./state.ts"

/** The one of -C, else the one beside the configuration that the machine's own system runs on; -Am asks for the mail system itself. */
export function submitFile({ queue, config }: SendmailOptions, state: string): string | undefined {
  if (queue === "main") return undefined
  if (config !== undefined && basename(config) === "submit.mc") return config
  const configuration = runningConfiguration(state)
  const file = configuration === undefined ? undefined : join(dirname(configuration), "submit.mc")
  return file !== undefined && existsSync(file) ? file : undefined
}
