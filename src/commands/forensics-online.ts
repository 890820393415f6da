// What the world says now of a message: SPF of its envelope at the host where it came in, the From domain's DMARC record, the name of
// the client's address, and block lists. The mail is older than the answers, so each is marked "as of now".
import { checkHost } from "../auth/spf.ts"
import type { Case } from "../forensics/case.ts"
import type { Check, Finding, Severity } from "../forensics/finding.ts"
import { asFinding } from "../forensics/findings.ts"
import type { Trust } from "../forensics/hops.ts"
import { organisation } from "../forensics/owners.ts"
import { patience } from "../host/patience.ts"
import type { Dns } from "../mail/world.ts"
import { lookUp } from "../policy/dnsbl-check.ts"
import { resolverFor } from "./resolver-option.ts"

/** Looks up what there is to ask about a case. */
export type Online = (about: Case) => Promise<readonly Finding[]>

/** What a message is judged with. */
export type Means = { readonly trust: Trust; readonly online: Online | undefined }

export type OnlineOptions = { readonly resolver: string | undefined; readonly lists: readonly string[] }

/** Opens the resolver; block lists are asked only where they are named. */
export function openOnline({ resolver, lists }: OnlineOptions): Online {
  const dns = resolverFor(resolver)
  return async (about) => {
    const asked = await Promise.all([
      spfNow(about, dns),
      dmarcNow(about, dns),
      reverseNow(about, dns),
      listsNow(about, lists, dns),
    ])
    return [...asked.flat(), ...notChecked(about)]
  }
}

type Said = {
  readonly check: Check
  readonly severity: Severity
  readonly says: string
  readonly hop?: number | undefined
  readonly header?: string
}

function now(
  { check, severity, says, hop, header }: Said,
  evidence: Parameters<typeof asFinding>[0]["evidence"] = [],
): Finding {
  return asFinding({ check, severity, hop, header, explanation: `As of now: ${says}`, evidence })
}

async function spfNow({ entry, fields, chain }: Case, dns: Dns): Promise<readonly Finding[]> {
  const address = entry?.address
  const helo = entry?.received.source?.helo?.text ?? ""
  if (entry === undefined || address?.kind !== "public") return []
  const path = fields.returnPath
  const domain = path?.domain === undefined || path.domain === "" ? helo : path.domain
  if (domain === "") return []
  const localPart =
    path?.address.includes("@") === true ? path.address.slice(0, path.address.lastIndexOf("@")) : "postmaster"
  const question = { address: address.text, localPart, domain, helo, receiver: chain.receiver ?? "localhost" }
  const { result, why } = await checkHost(question, { dns, clock: Date.now })
  const reason = why === undefined ? "" : ` (${why})`
  const severity = result === "fail" ? "medium" : result === "softfail" ? "low" : "info"
  const says = `SPF of ${domain} for ${address.text}: ${result}${reason}.`
  return [
    now({ check: "spf_now", severity, says, hop: entry.number }, [
      entry.received.source?.address,
      path?.line.span,
    ]),
  ]
}

async function dmarcNow({ fields }: Case, dns: Dns): Promise<readonly Finding[]> {
  const person = fields.from[0]
  if (person === undefined || person.domain === "") return []
  const names = [...new Set([person.domain, organisation(person.domain)])]
  for (const name of names) {
    const answer = await dns.txt(`_dmarc.${name}`)
    if (answer.found === "unavailable") {
      const says = `the DMARC record of ${name} cannot be told (${answer.why}).`
      return [now({ check: "dmarc_now", severity: "info", says, header: "From" }, [person.span])]
    }
    const record =
      answer.found === "records" ? answer.records.find((text) => /^v=DMARC1\s*(?:;|$)/.test(text)) : undefined
    if (record === undefined) continue
    const says = `${name} publishes "${record.slice(0, 200)}".`
    return [now({ check: "dmarc_now", severity: "info", says, header: "From" }, [person.span])]
  }
  return [
    now(
      {
        check: "dmarc_now",
        severity: "info",
        says: `${person.domain} publishes no DMARC record.`,
        header: "From",
      },
      [person.span],
    ),
  ]
}

async function reverseNow({ entry }: Case, dns: Dns): Promise<readonly Finding[]> {
  const address = entry?.address
  if (entry === undefined || address?.kind !== "public") return []
  const answer = await dns.names(address.text)
  const about = { check: "reverse_now", hop: entry.number, severity: "info" } as const
  const evidence = [entry.received.source?.address]
  if (answer.found === "unavailable")
    return [now({ ...about, says: `the name of ${address.text} cannot be told (${answer.why}).` }, evidence)]
  const names = answer.found === "records" ? answer.records.join(", ") : "no name"
  const then = entry.received.source?.reverse?.text
  const same = then === undefined || names.toLowerCase().includes(then.toLowerCase().replace(/\.$/, ""))
  return [
    now(
      {
        ...about,
        severity: same ? "info" : "low",
        says: `${address.text} has ${names}${same ? "" : `; at the time it was ${then}`}.`,
      },
      evidence,
    ),
  ]
}

async function listsNow({ entry }: Case, lists: readonly string[], dns: Dns): Promise<readonly Finding[]> {
  const address = entry?.address
  if (entry === undefined || address?.kind !== "public") return []
  const answers = await Promise.all(lists.map((list) => lookUp(list, address.text, { dns, patience })))
  return answers.map(({ server, is, says }) =>
    now(
      {
        check: "block_list_now",
        severity: is === "listed" ? "low" : "info",
        hop: entry.number,
        says: `${server} says of ${address.text}: ${is} (${says}).`,
      },
      [entry.received.source?.address],
    ),
  )
}

/** What is not verified is said to be so: it is no sign of danger. */
function notChecked({ fields }: Case): readonly Finding[] {
  const found: Finding[] = []
  const [signature] = fields.dkim
  if (signature !== undefined) {
    found.push(
      now(
        {
          check: "dkim_now",
          severity: "info",
          says: "the DKIM signature was not checked.",
          header: signature.name,
        },
        [signature.span],
      ),
    )
  }
  const [seal] = fields.arc
  if (seal !== undefined)
    found.push(
      now(
        { check: "arc_now", severity: "info", says: "the ARC seals were not checked.", header: seal.name },
        [seal.span],
      ),
    )
  return found
}
