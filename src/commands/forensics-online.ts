// What the world says now of a message: SPF of its envelope at the host where it came in, its signatures, DMARC of its author, the
// name of the client's address, and block lists. The mail is older than the answers, so each is marked "as of now".
import type { Voucher } from "../auth/dmarc.ts"
import { checkHost } from "../auth/spf.ts"
import { verifier } from "../daemon/signatures.ts"
import type { Case } from "../forensics/case.ts"
import type { Finding } from "../forensics/finding.ts"
import type { Trust } from "../forensics/hops.ts"
import { patience } from "../host/patience.ts"
import type { Dns } from "../mail/world.ts"
import { lookUp } from "../policy/dnsbl-check.ts"
import { SignatureThreads } from "../trust/mailauth.ts"
import { dmarcNow, now, signaturesNow } from "./forensics-signatures.ts"
import { resolverFor } from "./resolver-option.ts"

/** Looks up what there is to ask about a case; closed by whoever opened it. */
export type Online = {
  readonly ask: (about: Case) => Promise<readonly Finding[]>
  readonly close: () => Promise<void>
}

/** What a message is judged with. */
export type Means = { readonly trust: Trust; readonly online: Online | undefined }

export type OnlineOptions = { readonly resolver: string | undefined; readonly lists: readonly string[] }

/** Opens the resolver; block lists are asked only where they are named. */
export function openOnline({ resolver, lists }: OnlineOptions, say: (line: string) => void): Online {
  const dns = resolverFor(resolver)
  const threads = new SignatureThreads(dns.txt, say)
  const verify = verifier(() => threads, { does: "verify", dkim: true, arc: true })
  return {
    close: () => threads.close(),
    async ask(about) {
      const [spf, signatures, ...others] = await Promise.all([
        spfNow(about, dns),
        signaturesNow(about, verify),
        reverseNow(about, dns),
        listsNow(about, lists, dns),
      ])
      const dmarc = await dmarcNow(about, [...spf.vouchers, ...signatures.vouchers], dns)
      return [...spf.findings, ...signatures.findings, ...dmarc, ...others.flat()]
    },
  }
}

type Vouched = { readonly findings: readonly Finding[]; readonly vouchers: readonly Voucher[] }

async function spfNow({ entry, fields, chain }: Case, dns: Dns): Promise<Vouched> {
  const address = entry?.address
  const helo = entry?.received.source?.helo?.text ?? ""
  if (entry === undefined || address?.kind !== "public") return { findings: [], vouchers: [] }
  const path = fields.returnPath
  const domain = path?.domain === undefined || path.domain === "" ? helo : path.domain
  if (domain === "") return { findings: [], vouchers: [] }
  const localPart =
    path?.address.includes("@") === true ? path.address.slice(0, path.address.lastIndexOf("@")) : "postmaster"
  const question = { address: address.text, localPart, domain, helo, receiver: chain.receiver ?? "localhost" }
  const { result, why } = await checkHost(question, { dns, clock: Date.now })
  const reason = why === undefined ? "" : ` (${why})`
  const severity = result === "fail" ? "medium" : result === "softfail" ? "low" : "info"
  const says = `SPF of ${domain} for ${address.text}: ${result}${reason}.`
  const evidence = [entry.received.source?.address, path?.line.span]
  return {
    findings: [now({ check: "spf_now", severity, says, hop: entry.number }, evidence)],
    vouchers: [{ by: "spf", domain, result }],
  }
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
