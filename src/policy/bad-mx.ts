// FEATURE(badmx): senders whose domain names mail servers that cannot be ones. Such domains take no answer and no bounce.
import { type Decision, later, no, pass } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { FeatureUse } from "../config/settings.ts"
import { misconfigured, passed, refused, unknown } from "../routing/reasons.ts"
import type { PolicyWorld } from "./world.ts"

/** Private, loopback and no addresses, as sendmail's default has it. */
const usual = String.raw`^(127\.|10\.|0\.0\.0\.0)`

/** An address in the place of a name, or no name at all. */
const noName = /^(?:\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})?\.?$/

/** A pass when the domain's mail servers can be ones. */
export async function checkMx(
  domain: string,
  { args, at }: FeatureUse,
  dns: PolicyWorld["dns"],
): Promise<Decision<never>> {
  const pattern = addressPattern(args[0] ?? "")
  if (pattern === undefined)
    return misconfigured(refused("badmx", `"${args[0]}"`, at), "it is no regular expression")
  const answer = await dns.mx(domain)
  if (answer.found === "unavailable") {
    const said = reply(450, "4.1.2", `MX lookup failure for ${domain}`)
    return later(said, unknown("badmx", `no MX of ${domain}: ${answer.why}`, at))
  }
  const hosts = answer.found === "records" ? answer.records.map(({ exchange }) => exchange) : [domain]
  const illegal = hosts.find((host) => noName.test(host))
  if (illegal !== undefined) {
    const said = reply(550, "5.1.2", `Illegal MX record for host ${domain}`)
    return no(said, refused("badmx", `"${illegal}" is no host name`, at))
  }
  for (const host of hosts) {
    const found = await dns.addresses(host)
    const address = found.found === "records" ? found.records.find((one) => pattern.test(one)) : undefined
    if (address === undefined) continue
    const said = reply(550, "5.1.2", `Invalid MX record for host ${domain}`)
    return no(said, refused("badmx", `${host}, an MX of ${domain}, is ${address}`, at))
  }
  return pass(passed("badmx", `the mail servers of ${domain} can be ones`, at))
}

function addressPattern(text: string): RegExp | undefined {
  try {
    return new RegExp(text === "" ? usual : text)
  } catch {
    return undefined
  }
}
