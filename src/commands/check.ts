// `waypost check`: before a site moves here. What of its configuration is understood, what is not, what would be otherwise; and with
// --compare its compiled sendmail.cf and our decisions side by side, address by address.
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { compareAddresses } from "./check-compare.ts"
import { checkConfiguration } from "./check-report.ts"
import { submitFindings } from "./check-submit.ts"
import { findSource } from "./check-source.ts"
import { hostFacts } from "../host/facts.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost check",
  operands: "[DIR|FILE] | --compare sendmail.cf ADDRESS…",
  mostOperands: 100_000,
  about:
    "Tells what of a sendmail configuration is understood, what is not, and what would be otherwise, each with file:line; nothing " +
    "is changed. Ends with 0 when all is well, 1 when something differs or has no effect, 2 when it cannot be used.",
  options: {
    compare: {
      value: "CF",
      says: "run each ADDRESS (- reads them from standard input) through this sendmail.cf and through our decisions",
    },
    config: {
      value: "FILE",
      says: "with --compare: the sendmail.mc or its directory (else that of the sendmail.cf)",
    },
    host: { value: "NAME", says: "the name of the host that the configuration is for; else this host's" },
    resolver: { value: "ADDR:PORT", says: "the DNS server to ask, instead of /etc/resolv.conf" },
    quiet: { says: "only what is not understood or differs" },
    json: { says: "as one JSON object" },
    state: stateOption,
  },
}

/** Ends with 0, 1 or 2. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const host = { ...hostFacts(), ...named(given.text("host")) }
  const options = {
    host,
    state: runningState(given.text("state"), io),
    resolver: given.text("resolver") ?? io.env["WAYPOST_RESOLVER"],
    quiet: given.has("quiet"),
    json: given.has("json"),
  }
  const cf = given.text("compare")
  if (cf !== undefined) {
    if (given.operands.length === 0)
      return refuse(io, "waypost check --compare: which addresses?", exits.usage)
    return compareAddresses(cf, given.text("config"), given.operands, options, io)
  }
  const extra = given.operands[1]
  if (extra !== undefined) {
    return refuse(
      io,
      `waypost check: "${extra}" is one argument too many; addresses need --compare`,
      exits.usage,
    )
  }
  const source = findSource(given.operands[0], io.cwd)
  if (!source.ok) return refuse(io, `waypost check: ${source.error}`, 2)
  return checkConfiguration(source.value, options, io, await submitFindings(source.value, options))
}

function named(name: string | undefined): { readonly hostname?: string } {
  return name === undefined ? {} : { hostname: name.toLowerCase() }
}
