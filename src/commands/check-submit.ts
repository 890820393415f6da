// What `waypost check` and `waypost dns check` say of the submit.mc beside a sendmail.mc: what of it is not understood, what has no
// effect here, and a server that it names and nobody knows. Without that server the sendmail command keeps all mail.
import { existsSync } from "node:fs"
import { isIP } from "node:net"
import { join } from "node:path"
import { loadSettings } from "../config/load.ts"
import type { SubmissionHop } from "../config/settings.ts"
import { asksForExchangers, hostOfHop, submissionHop } from "../config/submission.ts"
import { printOrigin } from "../mail/decision.ts"
import type { Dns } from "../mail/world.ts"
import { type CheckOptions, type Finding, findingOf, optionFindings } from "./check-report.ts"
import { type CheckSource, reader } from "./check-source.ts"
import { readText } from "./configuration.ts"
import { resolverFor } from "./resolver-option.ts"

/** Nothing where there is no submit.mc. */
export async function submitFindings(
  { directory }: CheckSource,
  options: CheckOptions,
): Promise<readonly Finding[]> {
  const file = join(directory, "submit.mc")
  if (!existsSync(file)) return []
  const text = readText(file)
  if (!text.ok) return [{ severity: "error", text: text.error, at: undefined }]
  const { settings, issues } = loadSettings({
    source: { file, text: text.value },
    read: reader(directory),
    place: { ...options.host, state: options.state, root: true },
  })
  const found = issues.map(findingOf)
  const hop = settings && submissionHop(settings)
  if (settings === undefined) return found
  if (hop === undefined) {
    const says = `${file} has no FEATURE(msp): the sendmail command hands mail over by the submission socket`
    return [...found, { severity: "note", text: says, at: undefined }]
  }
  found.push(...optionFindings(settings))
  const missing = await missingServer(hop, resolverFor(options.resolver))
  return missing === undefined ? found : [...found, missing]
}

/** The finding about a server that DNS does not know, or does not tell of now. */
export async function missingServer(
  hop: SubmissionHop,
  dns: Pick<Dns, "mx" | "addresses">,
): Promise<Finding | undefined> {
  const name = hostOfHop(hop)
  if (isIP(name) > 0) return undefined
  const at = hop.at && printOrigin(hop.at)
  if (asksForExchangers(hop)) {
    const exchangers = await dns.mx(name)
    if (exchangers.found === "records") return undefined
  }
  const answer = await dns.addresses(name)
  if (answer.found === "records") return undefined
  const server = `${name}, the server of submit.mc,`
  return answer.found === "nothing"
    ? {
        severity: "warning",
        text: `${server} has no address (${answer.why}): what the sendmail command sends waits until it has`,
        at,
      }
    : { severity: "note", text: `${server} cannot be looked up now: ${answer.why}`, at }
}
