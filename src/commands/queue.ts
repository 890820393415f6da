// `waypost queue`: the queue seen and steered by its postmaster, by id or by filter; what changes something is shown first and done
// with --yes.
import { readArguments, stateOption, type Arguments, type Option, type Usage } from "./arguments.ts"
import { Control } from "./control-client.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"
import { layoutOf } from "../daemon/layout.ts"
import { printAngled } from "../mail/address.ts"
import type { Queued } from "../queue/entry.ts"
import { type Asked, askedFor, filterOptions } from "./queue-filter.ts"
import { listQueue, queuedOf } from "./queue-list.ts"
import { runningState } from "./state.ts"

type Action = "list" | "show" | "hold" | "release" | "remove" | "retry" | "export" | "summary"

const filters: Readonly<Record<string, Option>> = { ...filterOptions, state: stateOption }
const changing: Readonly<Record<string, Option>> = {
  ...filters,
  yes: { says: "do it; without, it is only shown" },
}

const actions: Readonly<
  Record<Action, { readonly about: string; readonly options: Readonly<Record<string, Option>> }>
> = {
  list: {
    about: "Lists what waits and what is held, as mailq does.",
    options: {
      ...filters,
      json: { says: "one object a line" },
      verbose: { says: "attempts and last words of each recipient" },
    },
  },
  summary: {
    about: "How many recipients wait for which destination, and for how long (minutes).",
    options: { ...filters, json: { says: "one object a line" } },
  },
  show: { about: "A message: envelope, header, and what happened to it.", options: { state: stateOption } },
  hold: {
    about: "Sets messages aside: they are not tried until they are released.",
    options: { ...changing, because: { value: "WORDS", says: "why, for whoever looks at it later" } },
  },
  release: { about: "Lets messages that are held be tried again, at once.", options: changing },
  remove: { about: "Takes messages out of the queue. Nobody is told, and they are gone.", options: changing },
  retry: { about: "Tries messages now, whatever their schedule says.", options: changing },
  export: {
    about: "Writes messages as they are: one to standard output, many into a directory.",
    options: { ...filters, directory: { value: "DIR", says: "a file ID.eml for each" } },
  },
}

const overview = `Usage: waypost queue ACTION [ID…] [FILTER…]
${Object.entries(actions)
  .map(([name, { about }]) => `  ${name.padEnd(8)}  ${about}`)
  .join("\n")}

waypost queue ACTION --help tells the filters.
`

/** Runs one of the actions. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === "--help" || name === "-h") {
    io.stdout.write(overview)
    return name === undefined ? exits.usage : exits.ok
  }
  if (!isAction(name))
    return refuse(io, `waypost queue: there is no "${name}"; see waypost queue --help`, exits.usage)
  const usage: Usage = {
    name: `waypost queue ${name}`,
    operands: name === "show" ? "ID" : "[ID…]",
    mostOperands: Number.POSITIVE_INFINITY,
    ...actions[name],
  }
  const given = readArguments(usage, rest, io)
  return typeof given === "number" ? given : act(name, given, io)
}

function isAction(name: string): name is Action {
  return Object.hasOwn(actions, name)
}

async function act(action: Action, given: Arguments, io: Io): Promise<number> {
  switch (action) {
    case "show":
      return (await import("./show.ts")).run([...given.operands, ...stateOf(given)], io)
    case "list":
      return list(given, io)
    case "summary":
      return (await import("./queue-summary.ts")).summarise(given, asked(given, false), io)
    case "export":
      return (await import("./queue-export.ts")).exportMessages(given, asked(given, true), io)
    case "hold":
    case "release":
    case "remove":
    case "retry":
      return change(action, given, io)
  }
}

function list(given: Arguments, io: Io): Promise<number> {
  const state = stateFor(given, io)
  return listQueue(
    state,
    {
      json: given.has("json"),
      verbose: given.has("verbose"),
      directory: layoutOf(state).queue,
      request: { verb: "queue", ...asked(given, false) },
      count: "count",
    },
    io,
  )
}

function stateFor(given: Arguments, io: Io): string {
  return runningState(given.text("state"), io)
}

function stateOf(given: Arguments): readonly string[] {
  const state = given.text("state")
  return state === undefined ? [] : ["--state", state]
}

/** A user's mistake is a Refusal. */
function asked(given: Arguments, needed: boolean): Asked {
  const read = askedFor(given, given.operands, Date.now(), needed)
  if (!read.ok) throw new Refusal(read.error, exits.usage)
  return read.value
}

const done = { hold: "held", release: "released", remove: "removed", retry: "tried now" } as const

/** Shows what is meant; does it with --yes. */
async function change(action: keyof typeof done, given: Arguments, io: Io): Promise<number> {
  const request = {
    verb: action,
    ...asked(given, true),
    ...(given.has("yes") ? {} : { preview: true }),
    ...(given.text("because") === undefined ? {} : { because: given.text("because") }),
  }
  const everything = request.ids === undefined && request.all === true && request.selection.held === "any"
  const control = await Control.open(stateFor(given, io))
  try {
    let count = 0
    for await (const answer of control.ask(request)) {
      count++
      if (!given.has("yes")) io.stdout.write(previewLine(queuedOf(answer)))
    }
    const client = action === "remove" && everything ? await emptyClientQueue(control, given.has("yes")) : 0
    if (client > 0 && !given.has("yes")) io.stdout.write(`and ${messages(client)} of the client queue\n`)
    io.stdout.write(lastLine(action, count + client, given.has("yes")))
    return count === 0 && request.ids !== undefined ? exits.noUser : exits.ok
  } finally {
    control.close()
  }
}

/** Everything is everything: mail that users' commands have kept, too. */
async function emptyClientQueue(control: Control, really: boolean): Promise<number> {
  let count = 0
  for await (const _ of control.ask({ verb: really ? "client remove" : "client queue" })) count++
  return count
}

function previewLine({ entry, pending }: Queued): string {
  const whom = pending.map(({ recipient }) => printAngled(recipient.path)).join(" ")
  return `${entry.id}  ${printAngled(entry.envelope.reversePath)} to ${whom}\n`
}

function lastLine(action: keyof typeof done, count: number, really: boolean): string {
  if (really) return `${messages(count)} ${done[action]}\n`
  return count === 0
    ? "no message is meant\n"
    : `${messages(count)} would be ${done[action]}; say --yes to do it\n`
}

function messages(count: number): string {
  return `${count} message${count === 1 ? "" : "s"}`
}
