// sendmail -d0.1: which program this is, what it can, and under which names it goes, in the form that scripts read.
import { macro } from "../config/settings.ts"
import { hostFacts } from "../host/facts.ts"
import { version } from "../host/version.ts"
import { loadConfiguration } from "./configuration.ts"
import { exits, Refusal } from "./io.ts"
import { runningConfiguration } from "./state.ts"

/** What sendmail calls the parts that are there too. */
const parts = [
  "DANE DNSMAP DNSSEC_TEST EAI IPV6_FULL LOG MAP_REGEX MILTER",
  "NAMED_BIND NETINET NETINET6 NETUNIX PIPELINING SASL STARTTLS",
  "TLS_EC _FFR_MTA_STS",
]

/** Whether the flags of -d ask for this: category 0 from level 1. */
export function asksForIdentity(flags: string): boolean {
  if (flags === "") return true
  return flags.split(",").some((flag) => {
    const [, first, last = first, level = "1"] = /^(\d+)(?:-(\d+))?(?:\.(\d+))?$/.exec(flag) ?? []
    return first !== undefined && Number(first) === 0 && Number(last) >= 0 && Number(level) >= 1
  })
}

/** The lines, by the configuration that -C names or the system runs on. */
export function identity(config: string | undefined, state: string): string {
  const file = config?.endsWith(".cf") === true ? undefined : config
  const loaded = loadConfiguration(file ?? runningConfiguration(state), state)
  if (!loaded.ok) throw new Refusal(loaded.error, exits.config)
  const { settings } = loaded.value
  const canonical = macro(settings, "j") ?? ""
  return [
    `Version ${version} (Waypost)`,
    ` Compiled with: ${parts.join("\n\t\t")}`,
    "",
    "============ SYSTEM IDENTITY (after readcf) ============",
    `      (short domain name) $w = ${macro(settings, "w")?.split(".")[0] ?? canonical.split(".")[0]}`,
    `  (canonical domain name) $j = ${canonical}`,
    `         (subdomain name) $m = ${macro(settings, "m") ?? ""}`,
    `              (node name) $k = ${hostFacts().hostname}`,
    "========================================================",
    "",
    "",
  ].join("\n")
}
