// waypost spf: what SPF says of an address and a sender, term by term, and what is wrong with a domain's record, in words.
import { parseMailbox, printDomain, printLocalPart } from "../mail/address.ts"
import { spfInWords } from "../auth/results.ts"
import { checkHost, isDomain, type SpfQuestion } from "../auth/spf.ts"
import { lintSpf } from "../auth/spf-lint.ts"
import { isIP } from "node:net"
import { readArguments, type Usage } from "./arguments.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { resolverFor } from "./resolver-option.ts"

const usage: Usage = {
  name: "spf",
  operands: "check IP FROM [HELO] | lint DOMAIN",
  mostOperands: 4,
  about: "Asks SPF: may IP send for FROM, or what is wrong with the record of DOMAIN.",
  options: {
    json: { says: "the answer as JSON" },
    resolver: { value: "ADDR:PORT", says: "the name server to ask, instead of /etc/resolv.conf" },
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [word, ...rest] = given.operands
  const dns = resolverFor(given.text("resolver"))
  const asks = { dns, clock: Date.now, json: given.has("json") }
  if (word === "check" && rest.length >= 2) return check(rest, asks, io)
  if (word === "lint" && rest.length === 1) return lint(rest[0] ?? "", asks, io)
  throw new Refusal("waypost spf check IP FROM [HELO], or waypost spf lint DOMAIN", exits.usage)
}

type Asks = {
  readonly dns: ReturnType<typeof resolverFor>
  readonly clock: () => number
  readonly json: boolean
}

async function check(
  [address = "", from = "", helo = ""]: readonly string[],
  asks: Asks,
  io: Io,
): Promise<number> {
  if (isIP(address) === 0) throw new Refusal(`"${address}" is no IP address`, exits.usage)
  const question = questionOf(address, from, helo)
  const verdict = await checkHost(question, asks)
  if (asks.json) io.stdout.write(`${JSON.stringify(verdict, undefined, 2)}\n`)
  else {
    const steps = verdict.trail.map(({ says }) => `  ${says}`)
    const told = verdict.explanation === undefined ? [] : [`it explains: ${verdict.explanation}`]
    const asked = `asked by ${verdict.terms} of 10 terms, ${verdict.voids} of 2 in vain`
    const lines = [`${verdict.result}: ${spfInWords(verdict, address)}`, ...steps, ...told, asked]
    io.stdout.write(`${lines.join("\n")}\n`)
  }
  return verdict.result === "temperror" ? exits.tryAgain : exits.ok
}

/** `<>` and nothing are judged by HELO; a domain alone is its postmaster. */
function questionOf(address: string, from: string, helo: string): SpfQuestion {
  const typed = from.replace(/^<|>$/g, "")
  const common = { address, helo, receiver: "localhost" }
  if (typed === "") return { ...common, localPart: "postmaster", domain: helo }
  if (!typed.includes("@")) return { ...common, localPart: "postmaster", domain: typed }
  const read = parseMailbox(typed)
  if (!read.ok) throw new Refusal(`"${from}" is no address: ${read.error}`, exits.usage)
  const { localPart, domain } = read.value
  return { ...common, localPart: printLocalPart(localPart), domain: printDomain(domain) }
}

async function lint(domain: string, asks: Asks, io: Io): Promise<number> {
  if (!isDomain(domain)) throw new Refusal(`"${domain}" is no domain`, exits.usage)
  const { lines, worst } = await lintSpf(domain, asks)
  if (asks.json) io.stdout.write(`${JSON.stringify({ domain, worst, lines }, undefined, 2)}\n`)
  else io.stdout.write(`${lines.map(({ level, says }) => `${level}: ${says}`).join("\n")}\n`)
  return worst === "error" ? exits.dataError : exits.ok
}
