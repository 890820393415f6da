// Checks of what our own server found out when the mail came, and of fields that only claim to tell it: SPF (Received-SPF, RFC 7208
// §9.1) and the results of Authentication-Results. A forwarder breaks SPF, a list breaks signatures: alone they are no proof.
import type { Case } from "./case.ts"
import type { Remark } from "./finding.ts"
import { clientNames, isOneOf } from "./hops.ts"
import type { Line } from "./message.ts"
import { houseOf, isOneOwner } from "./owners.ts"
import { ourResults, tag } from "./rules-authentication.ts"

/** received_spf: SPF as a server noted it at delivery. */
export function receivedSpf(about: Case): readonly Remark[] {
  const { fields, entry, chain } = about
  return fields.receivedSpf.flatMap((line) => {
    const result = /^\s*([a-z]{4,9})/i.exec(line.text.slice(0, 40))?.[1]?.toLowerCase()
    if (result === undefined) return []
    const ours = entry !== undefined && line.field.start < entry.received.field.start
    if (ours) return failedSpf(line, result, about)
    const receiver = receiverIn(line)
    const names = [chain.receiver ?? "", ...chain.authservIds].filter((name) => name !== "")
    return result === "pass" && receiver !== undefined && isOneOf(receiver, names)
      ? [claimed(line, receiver)]
      : []
  })
}

/** `receiver=mx.example.org`, or the comment's first word: `(mx.example.org: domain of …)`. */
function receiverIn({ text }: Line): string | undefined {
  const named = tag(text.replaceAll(" ", ";"), "receiver")
  return (named ?? /\(([\w.-]{1,255}): /.exec(text.slice(0, 400))?.[1])?.toLowerCase()
}

function failedSpf(line: Line, result: string, { fields }: Case): readonly Remark[] {
  if (result !== "fail" && result !== "softfail") return []
  const domain = fields.returnPath?.domain ?? "the envelope's domain"
  const says = `Our own server found when the mail came that its client may not send for ${domain} (SPF ${result}).`
  const severity = result === "fail" && !fields.bulk ? "medium" : "low"
  return [{ check: "received_spf", severity, header: line.name, explanation: says, evidence: [line.span] }]
}

function claimed(line: Line, receiver: string): Remark {
  return {
    check: "received_spf",
    severity: "high",
    telling: true,
    header: line.name,
    explanation: `A field ${line.name} says that ${receiver}, our own server, found SPF good, but stands below the hop at which the mail came in: the sender wrote it.`,
    evidence: [line.span],
    honest: "The mail was here before, and came back by a forwarder.",
  }
}

/** own_results: our own server found that the owner of the From domain does not want such mail (DMARC). */
export function ownResults(about: Case): readonly Remark[] {
  const { fields } = about
  return ourResults(about).flatMap(({ line, results }): readonly Remark[] => {
    if (results.get("dmarc") !== "fail") return []
    const domain = fields.from[0]?.domain ?? "the From field"
    const says = `Our own server found when the mail came that neither SPF nor a signature vouches for ${domain} (DMARC failed).`
    return [
      {
        check: "own_results",
        severity: fields.bulk ? "low" : houseOf(domain) === undefined ? "medium" : "high",
        header: line.name,
        explanation: says,
        evidence: [line.span],
      },
    ]
  })
}

/** dkim_scope: signatures only of domains that nobody else in the message or its way names. */
export function strangeSigner({ fields, hops }: Case): readonly Remark[] {
  const [first] = fields.dkim
  const domains = fields.dkim.flatMap((line) => tag(line.text, "d")?.toLowerCase() ?? [])
  if (first === undefined || domains.length === 0) return []
  const known = [
    ...fields.from.map(({ domain }) => domain),
    fields.sender?.domain ?? "",
    fields.returnPath?.domain ?? "",
    ...hops.flatMap(({ received }) => [...clientNames(received), received.host ?? ""]),
  ]
  if (domains.some((domain) => known.some((name) => isOneOwner(name, domain)))) return []
  const says = `It is signed by ${domains[0]}, which is neither the sender nor on the mail's way: that says nothing of ${fields.from[0]?.domain ?? "the sender"}.`
  return [
    { check: "dkim_scope", severity: "low", header: first.name, explanation: says, evidence: [first.span] },
  ]
}
