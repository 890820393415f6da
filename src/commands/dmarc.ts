// waypost dmarc: aggregate reports of DMARC, those that others send about our domains and those that we send about theirs.
import { type Arguments, readArguments, stateOption, type Usage } from "./arguments.ts"
import { tellReports } from "./dmarc-read.ts"
import { sendReports, tellDrafts } from "./dmarc-send.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost dmarc",
  operands: "report FILE|- … | pending [DOMAIN…] | send [DOMAIN…]",
  mostOperands: 10_000,
  about:
    "Aggregate reports of DMARC (what rua= asks for). report reads those of others: each FILE is XML, gzip, ZIP, or a letter with one of these, and all reports of a domain are summed up: how much was vouched for, where the rest came from, and what to do. pending tells what we have counted of other domains' mail and who wants to hear of it (confDMARC_REPORTS); send sends the reports of days that are over, which happens by itself after midnight (UTC).",
  options: {
    svg: { says: "report: a drawing instead of words" },
    json: { says: "report, pending: the reports as JSON" },
    "dry-run": { says: "send: only show what would be sent" },
    state: stateOption,
  },
}

/** Runs the command. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [word, ...operands] = given.operands
  switch (word) {
    case "report":
      return await report(operands, given, io)
    case "pending": {
      allow(["json", "state"], word, given)
      const state = runningState(given.text("state"), io)
      return await tellDrafts(operands, { state, form: given.has("json") ? "json" : "words" }, io)
    }
    case "send": {
      allow(["dry-run", "state"], word, given)
      const state = runningState(given.text("state"), io)
      if (given.has("dry-run")) return await tellDrafts(operands, { state, form: "xml" }, io)
      if (operands.length > 0) throw new Refusal("send sends all that is due: name no domain", exits.usage)
      return await sendReports(state, io)
    }
    default:
      throw new Refusal("report FILE, pending or send; see waypost dmarc --help", exits.usage)
  }
}

async function report(files: readonly string[], given: Arguments, io: Io): Promise<number> {
  allow(["svg", "json"], "report", given)
  if (files.length === 0) throw new Refusal("report FILE; see waypost dmarc --help", exits.usage)
  if (given.has("svg") && given.has("json")) throw new Refusal("--svg or --json, not both", exits.usage)
  return await tellReports(files, given.has("svg") ? "drawing" : given.has("json") ? "json" : "words", io)
}

function allow(options: readonly string[], word: string, given: Arguments): void {
  for (const name of Object.keys(usage.options)) {
    if (options.includes(name) || (!given.has(name) && given.text(name) === undefined)) continue
    throw new Refusal(`--${name} is nothing for ${word}; see waypost dmarc --help`, exits.usage)
  }
}
