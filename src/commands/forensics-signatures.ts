// What a message's signatures are worth now, for `waypost forensics --online`: DKIM, ARC, and whether anybody who vouches for the
// message speaks for its author (DMARC). Keys are withdrawn and lists change bodies: a bad signature alone is no sign of forgery.
import { checkDmarc, type Voucher } from "../auth/dmarc.ts"
import type { Chain, Signature, Verification, Verify } from "../auth/verification.ts"
import type { Case } from "../forensics/case.ts"
import type { Check, Finding, Severity } from "../forensics/finding.ts"
import { asFinding } from "../forensics/findings.ts"
import type { Line } from "../forensics/message.ts"
import type { Dns } from "../mail/world.ts"
import type { Result } from "../mail/result.ts"
import { scanHeader } from "../message/header.ts"

export type Said = {
  readonly check: Check
  readonly severity: Severity
  readonly says: string
  readonly hop?: number | undefined
  readonly header?: string
}

/** A finding from outside the message, marked as such. */
export function now(
  { check, severity, says, hop, header }: Said,
  evidence: Parameters<typeof asFinding>[0]["evidence"] = [],
): Finding {
  return asFinding({ check, severity, hop, header, explanation: `As of now: ${says}`, evidence })
}

/** DKIM and ARC, and who vouches by a good signature. */
export async function signaturesNow(
  { fields, header }: Case,
  verify: Verify,
): Promise<{ readonly findings: readonly Finding[]; readonly vouchers: readonly Voucher[] }> {
  const [signature] = fields.dkim
  const [seal] = fields.arc
  if (signature === undefined && seal === undefined) return { findings: [], vouchers: [] }
  const found = await lookAt(header.bytes, verify)
  const vouchers = found.ok
    ? found.value.signatures.map(({ domain, result }) => ({ by: "dkim", domain, result }) as const)
    : []
  return {
    findings: [
      ...(signature === undefined ? [] : dkimFindings(signature, found)),
      ...(seal === undefined ? [] : [arcFinding(seal, found)]),
    ],
    vouchers,
  }
}

/** The message as it was signed: without an mbox's line before it, its lines ended by CRLF. */
async function lookAt(bytes: Buffer, verify: Verify): Promise<Result<Verification>> {
  const octets = bytes.includes("\r\n")
    ? bytes
    : Buffer.from(bytes.toString("latin1").replaceAll("\n", "\r\n"), "latin1")
  const { fields: all, bodyStart } = scanHeader(octets)
  const start = all[0]?.start ?? 0
  return verify(octets.subarray(start, bodyStart), async function* () {
    yield octets.subarray(bodyStart)
  })
}

function dkimFindings(line: Line, found: Result<Verification>): readonly Finding[] {
  const about = { check: "dkim_now", header: line.name } as const
  if (!found.ok) {
    const says = `the DKIM signatures could not be checked (${found.error}).`
    return [now({ ...about, severity: "info", says }, [line.span])]
  }
  return found.value.signatures.map((one) => now({ ...about, ...weighed(one) }, [line.span]))
}

/** RFC 6376 §6.1: a signature that fails is to be treated as if it were not there. */
function weighed({ result, domain, selector, why }: Signature): Pick<Said, "severity" | "says"> {
  const because = why === undefined ? "" : ` (${why})`
  const says = `the DKIM signature of ${domain} (key ${selector}): ${result}${because}.`
  switch (result) {
    case "pass":
    case "neutral":
    case "temperror":
    case "permerror":
      return { severity: "info", says }
    case "policy": // the key is too short, or the like
    case "fail":
      return { severity: "low", says }
  }
}

function arcFinding(line: Line, found: Result<Verification>): Finding {
  const about = { check: "arc_now", header: line.name } as const
  if (!found.ok) {
    const says = `the ARC seals could not be checked (${found.error}).`
    return now({ ...about, severity: "info", says }, [line.span])
  }
  const { chain } = found.value
  return now({ ...about, severity: chain.result === "fail" ? "low" : "info", says: chainSays(chain) }, [
    line.span,
  ])
}

function chainSays({ result, why, sets, sealer, dmarc }: Chain): string {
  const by = sealer === undefined ? "" : `, the newest sealed by ${sealer}`
  const found = dmarc === undefined ? "" : `, who found dmarc=${dmarc}`
  return `the ARC chain of ${sets} ${sets === 1 ? "set" : "sets"}${by}${found}: ${result}${why === undefined ? "" : ` (${why})`}.`
}

/** DMARC of the author's domain, with those who vouch for the message now. */
export async function dmarcNow(
  { fields }: Case,
  vouchers: readonly Voucher[],
  dns: Dns,
): Promise<readonly Finding[]> {
  const person = fields.from[0]
  if (person === undefined || person.domain === "") return []
  const verdict = await checkDmarc(person.domain, vouchers, {
    txt: dns.txt,
    addresses: dns.ipv4 ?? dns.addresses,
  })
  const { result, why, wish, at } = verdict
  const asks = at === undefined ? "" : ` _dmarc.${at} asks for ${wish}.`
  const strict = result === "fail" && wish !== "none" && !fields.bulk
  const severity = strict ? "medium" : result === "fail" ? "low" : "info"
  const says = `DMARC of ${person.domain}: ${result} (${why}).${asks}`
  return [now({ check: "dmarc_now", severity, says, header: "From" }, [person.span])]
}
