// `waypost certificate`: shows the certificates that a configuration names, and gets one by ACME now instead of at the next look.
import { X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import { acmeWish } from "../daemon/acme-wish.ts"
import { layoutOf } from "../daemon/layout.ts"
import { dueReason, obtainCertificate } from "../trust/acme.ts"
import { readArguments, stateOption, type Usage } from "./arguments.ts"
import { loadConfiguration } from "./configuration.ts"
import { exits, type Io, refuse } from "./io.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost certificate",
  operands: "show|obtain",
  mostOperands: 1,
  about:
    "The certificate of this host: show it, or get a new one by ACME (confACME_DIRECTORY), which a running system takes up within a minute.",
  options: {
    state: stateOption,
    config: { value: "FILE", says: "the configuration (else the built-in one)" },
    force: { says: "obtain: also when the one that is there is good" },
  },
}

/** Runs the command. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [action = "show"] = given.operands
  const state = runningState(given.text("state"), io)
  const loaded = loadConfiguration(given.text("config"), state)
  if (!loaded.ok) return refuse(io, loaded.error, exits.config)
  const { settings } = loaded.value
  if (action === "show") return show(settings, io)
  if (action !== "obtain")
    return refuse(io, "waypost certificate: show or obtain; see waypost certificate --help", exits.usage)
  const wish = acmeWish(settings, layoutOf(state))
  if (!wish.ok) return refuse(io, `waypost certificate: ${wish.error}`, exits.config)
  if (wish.value === undefined)
    return refuse(io, "waypost certificate: confACME_DIRECTORY names no authority", exits.config)
  const due = given.has("force") ? "it was asked for" : dueReason(wish.value, new Date())
  if (due === undefined) {
    io.stdout.write(`${wish.value.certificateFile}: it is good; --force gets another\n`)
    return exits.ok
  }
  const got = await obtainCertificate(wish.value)
  if (!got.ok) return refuse(io, `waypost certificate: ${got.error}`, exits.tryAgain)
  io.stdout.write(`${got.value}\n`)
  return exits.ok
}

function show(settings: Settings, io: Io): number {
  const named = option(settings, "ServerCertFile")
  if (named === undefined) {
    io.stdout.write("no certificate: confSERVER_CERT is not set, so STARTTLS is not offered\n")
    return exits.ok
  }
  for (const file of named.split(",").map((one) => one.trim())) {
    try {
      const certificate = new X509Certificate(readFileSync(file))
      const { subject, issuer, subjectAltName, validFrom, validTo, fingerprint256 } = certificate
      const own = subject === issuer ? "itself" : nameOf(issuer)
      io.stdout.write(
        `${file}\n  for       ${nameOf(subject)}\n  names     ${subjectAltName ?? "none"}\n  by        ${own}\n  good      ${validFrom} to ${validTo}\n  SHA-256   ${fingerprint256}\n`,
      )
    } catch (error) {
      return refuse(
        io,
        `${file}: ${error instanceof Error ? error.message : String(error)}`,
        exits.noPermission,
      )
    }
  }
  return exits.ok
}

/** On one line. Authorities leave the subject out where the names stand in subjectAltName, and Node has none then. */
function nameOf(distinguished: string | undefined): string {
  return distinguished?.replaceAll("\n", ", ") ?? "those below"
}
