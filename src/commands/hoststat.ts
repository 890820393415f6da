// hoststat (and sendmail -bh): what other hosts said last, in sendmail's table.
import { printDuration } from "../message/date.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { type Answer, ask } from "./control-client.ts"
import { exits, type Io } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "hoststat",
  operands: "[HOST…]",
  mostOperands: Number.POSITIVE_INFINITY,
  about: "Lists other hosts with what they said last; kept where HostStatusDirectory is set.",
  options: { state: stateOption, v: { says: "the whole of what was said" } },
}

const heading = "-------------- Hostname --------------- How long ago ---------Results---------"

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, plainFlags(argv), io)
  if (typeof given === "number") return given
  const lines: string[] = []
  const named = new Set(given.operands.map((host) => host.toLowerCase()))
  for await (const { host } of ask(runningState(given.text("state"), io), { verb: "hosts" })) {
    const known = hostOf(host)
    if (named.size > 0 && !named.has(known.host)) continue
    lines.push(lineOf(known, Date.now(), given.has("v") ? 1000 : 27))
  }
  if (lines.length > 0) io.stdout.write(`${[heading, ...lines].join("\n")}\n`)
  return exits.ok
}

/** -v as scripts write it. */
function plainFlags(argv: readonly string[]): readonly string[] {
  return argv.map((word) => (word === "-v" ? "--v" : word))
}

type Known = { readonly host: string; readonly at: number; readonly status: string; readonly says: string }

/** Our own daemon of our own version answers: a look at the shape is enough. */
function hostOf(value: Answer[string]): Known {
  if (typeof value !== "object" || value === null || !("host" in value) || !("says" in value))
    throw new Error(`not a host: ${JSON.stringify(value)}`)
  return value as Known
}

function lineOf({ host, at, says }: Known, now: number, most: number): string {
  return ` ${host.padEnd(38).slice(0, 38)} ${printDuration(now - at).padStart(12)} ${says.slice(0, most)}`
}
