// mailq (and sendmail -bp): what waits and why, in sendmail's form or as JSON.
import { layoutOf } from "../daemon/layout.ts"
import type { Limit, LimitField } from "../queue/select.ts"
import { exits, type Io, print, refuse } from "./io.ts"
import { listQueue } from "./queue-list.ts"
import { runningState } from "./state.ts"

const usage = `Usage: mailq [-v] [-q[!]I[ID]] [-q[!]R[RECIPIENT]] [-q[!]S[SENDER]] [-q[!]Q[REASON]] [-q[!]GGROUP] [-Ac] [--json] [--state DIR]
Lists what waits in the queue, each message with the last words of who put it off.

  -v           with priority, and with attempts, the time of the next one and the last words for every recipient
  -qIPART      only messages whose id has this part; likewise -qR for a recipient, -qS for the sender; with ! those without
  -qGNAME      only messages with a recipient of this queue group
  -qQPART      messages in quarantine instead, for a reason that has this part
  -Ac          mail that the sendmail command keeps until it can be handed over, or until sendmail -Ac -q
  --json       one object a line
  --state DIR  the state directory (else $WAYPOST_STATE, ./var of the checkout, /var/lib/waypost)
`

type Wish = {
  verbose: boolean
  json: boolean
  clientQueue: boolean
  quarantine: boolean
  state: string | undefined
  readonly limits: Limit[]
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes("--help")) {
    print(io, usage)
    return exits.ok
  }
  const wish = readWish(argv)
  if (typeof wish === "string") return refuse(io, `mailq: ${wish}; see mailq --help`, exits.usage)
  const { verbose, json, limits, clientQueue } = wish
  const state = runningState(wish.state, io)
  const layout = layoutOf(state)
  const selection = { limits, held: wish.quarantine ? "only" : "no" }
  const listing = clientQueue
    ? {
        directory: layout.clientQueue,
        request: { verb: "client queue", selection },
        count: "client count" as const,
      }
    : { directory: layout.queue, request: { verb: "queue", selection }, count: "count" as const }
  return listQueue(state, { verbose, json, ...listing }, io)
}

const fieldOf: Readonly<Record<string, LimitField>> = {
  I: "id",
  R: "recipient",
  S: "sender",
  Q: "reason",
  G: "group",
}

function readWish(argv: readonly string[]): Wish | string {
  const wish: Wish = {
    verbose: false,
    json: false,
    clientQueue: false,
    quarantine: false,
    state: undefined,
    limits: [],
  }
  for (let n = 0; n < argv.length; n++) {
    const argument = argv[n] ?? ""
    if (argument === "-v") wish.verbose = true
    else if (argument === "--json") wish.json = true
    else if (argument === "-Ac") wish.clientQueue = true
    else if (argument === "--state") wish.state = argv[++n] ?? ""
    else if (argument.startsWith("--state=")) wish.state = argument.slice("--state=".length)
    else if (!readPart(wish, argument) && argument !== "-Am") return `unknown option or argument ${argument}`
  }
  return wish.state === "" ? "--state needs DIR" : wish
}

function readPart(wish: Wish, argument: string): boolean {
  const [, not, letter = "", part = ""] = /^-q(!?)([IRSQG])(.*)$/s.exec(argument) ?? []
  const field = fieldOf[letter]
  if (field === undefined) return false
  if (field === "reason" && not === "") wish.quarantine = true // -q!Q: those that are not in quarantine, as ever
  if (field !== "reason" || part !== "") wish.limits.push({ field, part, not: not === "!" })
  return true
}
