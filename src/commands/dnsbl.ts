// waypost dnsbl: what the DNS lists of the configuration, or others that are named, say of an address.
import { isIP } from "node:net"
import { type ListingAnswer, lookUp } from "../policy/dnsbl-check.ts"
import { clientListings, welcomeListings } from "../policy/dnsbl.ts"
import { patience } from "../host/patience.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { loadConfiguration } from "./configuration.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { resolverFor } from "./resolver-option.ts"
import { runningConfiguration, runningState } from "./state.ts"

const usage: Usage = {
  name: "dnsbl",
  operands: "check IP [LIST…]",
  mostOperands: Number.POSITIVE_INFINITY,
  about: "Asks the DNS lists of the configuration, or those that are named, for an address.",
  options: {
    state: stateOption,
    config: { value: "FILE", says: "the configuration whose lists are asked" },
    json: { says: "one line of JSON for each list" },
    resolver: { value: "ADDR:PORT", says: "the name server to ask, instead of /etc/resolv.conf" },
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [word, address = "", ...named] = given.operands
  if (word !== "check" || address === "") throw new Refusal("waypost dnsbl check IP [LIST…]", exits.usage)
  if (isIP(address) === 0) throw new Refusal(`"${address}" is no IP address`, exits.usage)
  const state = runningState(given.text("state"), io)
  const lists =
    named.length > 0 ? named : configured(given.text("config") ?? runningConfiguration(state), state)
  if (lists.length === 0)
    throw new Refusal("the configuration asks no list: name one, as in zen.spamhaus.org", exits.usage)
  const dns = resolverFor(given.text("resolver"))
  const answers = await Promise.all(lists.map((server) => lookUp(server, address, { dns, patience })))
  for (const answer of answers)
    io.stdout.write(`${given.has("json") ? JSON.stringify(answer) : lineOf(answer)}\n`)
  return answers.some(({ is }) => is === "silent") ? exits.tryAgain : exits.ok
}

function configured(file: string | undefined, state: string): readonly string[] {
  const loaded = loadConfiguration(file, state)
  if (!loaded.ok) throw new Refusal(loaded.error, exits.config)
  const { settings } = loaded.value
  return [...welcomeListings(settings), ...clientListings(settings)].map(({ server }) => server)
}

function lineOf({ server, address, is, says }: ListingAnswer): string {
  switch (is) {
    case "listed":
      return `${server}: ${address} is listed: ${says}`
    case "not listed":
      return `${server}: ${address} is not listed`
    case "silent":
      return `${server}: cannot tell: ${says}`
  }
}
