// Checks of what others say they have verified: whose Authentication-Results can be believed, whether an ARC set is whole, what a
// DKIM signature covers. Nothing is verified here; "not verified" is no sign of danger.
import type { Case } from "./case.ts"
import type { Remark } from "./finding.ts"
import { isOneOf } from "./hops.ts"
import type { AuthClaim, Line } from "./message.ts"
import { houseOf, isInnerName, isOneOwner } from "./owners.ts"

type About = Pick<Case, "fields" | "chain" | "hops">

/** The results that our own server wrote: above the hop at which the message came in (RFC 8601 §5). */
export function ourResults({ fields, chain, hops }: About): readonly AuthClaim[] {
  const boundary = hops[chain.boundary - 1]?.received.field.start
  if (boundary === undefined) return []
  return fields.authResults.filter(({ line }) => line.field.start < boundary)
}

/** auth_results_trust: results that claim to be ours but stand where the sender wrote. */
export function authResultsTrust(about: About): readonly Remark[] {
  const { fields, chain, hops } = about
  const ours = ourResults(about)
  const believed = new Set(ours)
  const names = [
    chain.receiver ?? "",
    ...chain.authservIds,
    ...hops.slice(0, chain.boundary).map(({ received }) => received.host ?? ""),
    ...ours.map(({ server }) => server),
  ]
  const known = names.filter((name) => name !== "")
  return fields.authResults.flatMap((claim) => {
    if (believed.has(claim)) return []
    const passes = claim.passed.length > 0 || [...claim.results.values()].includes("pass")
    if (isOurs(claim.server, known)) return passes ? [claimsOurs(claim)] : []
    return passes ? [fromStranger(claim, about, ours)] : []
  })
}

function isOurs(server: string, names: readonly string[]): boolean {
  return names.some(
    (name) => name === server || (!isInnerName(name) && server.includes(".") && isOneOf(name, [server])),
  )
}

function claimsOurs({ line, server }: AuthClaim): Remark {
  return {
    check: "auth_results_trust",
    severity: "high",
    telling: true,
    header: line.name,
    explanation: `A field ${line.name} claims to be written by ${server}, our own server, but stands below the hop at which the mail came in: the sender wrote it.`,
    evidence: [line.span],
    honest:
      "The mail was here before, and came back by a forwarder; a server must remove such fields (RFC 8601 §5).",
  }
}

function fromStranger(claim: AuthClaim, { fields, hops, chain }: About, ours: readonly AuthClaim[]): Remark {
  const domain = fields.from[0]?.domain ?? ""
  const house = houseOf(domain) !== undefined && claim.passed.some((passed) => isOneOwner(passed, domain))
  const contradicts = ours.some(({ results }) =>
    [...claim.results].some(([method, result]) => result === "pass" && results.get(method) === "fail"),
  )
  // A forwarder's own result, whose hop stands in the trace, is what it found when the mail was still whole.
  const forwarder = hops
    .slice(chain.boundary)
    .some(({ received }) => received.host !== undefined && isOneOwner(received.host, claim.server))
  const strong = house || (contradicts && !forwarder)
  const server = claim.server === "" ? "nobody in particular" : claim.server
  return {
    check: "auth_results_trust",
    severity: strong ? "high" : "low",
    header: claim.line.name,
    explanation:
      `${claim.line.name} of ${server} says that ${claim.passed[0] ?? "it"} passed, but ${server} is no server of ours: anybody can write that` +
      `${contradicts ? ", and our own server found the contrary" : ""}.`,
    evidence: [claim.line.span],
  }
}

/** arc_structure: instances of an ARC chain (RFC 8617 §4.2.1, §5.1.1.1). */
export function arcStructure({ fields }: About): readonly Remark[] {
  if (fields.arc.length === 0) return []
  const wrong = wrongArc(fields.arc)
  if (wrong === undefined) return []
  const says = `The ARC chain is broken: ${wrong.why}.`
  return [
    {
      check: "arc_structure",
      severity: "medium",
      header: wrong.line.name,
      explanation: says,
      evidence: [wrong.line.span],
    },
  ]
}

function wrongArc(lines: readonly Line[]): { readonly line: Line; readonly why: string } | undefined {
  const seen = new Map<string, Line>()
  let highest = 0
  for (const line of lines) {
    const instance = Number(tag(line.text, "i") ?? "0")
    const kind = line.name.toLowerCase()
    if (!(instance >= 1 && instance <= 50))
      return { line, why: `${line.name} has no instance number from 1 to 50` }
    if (seen.has(`${kind} ${instance}`)) return { line, why: `${line.name} stands twice with i=${instance}` }
    seen.set(`${kind} ${instance}`, line)
    highest = Math.max(highest, instance)
    const cv = kind === "arc-seal" ? tag(line.text, "cv")?.toLowerCase() : undefined
    if (cv === "none" && instance > 1)
      return { line, why: `cv=none at i=${instance}: only the first can have seen no chain` }
    if (cv === "pass" && instance === 1) return { line, why: "cv=pass at i=1: there was no chain yet" }
  }
  const [first] = lines
  for (let n = 1; n <= highest; n++)
    for (const kind of ["arc-seal", "arc-message-signature", "arc-authentication-results"])
      if (first !== undefined && !seen.has(`${kind} ${n}`))
        return { line: first, why: `${kind} with i=${n} is missing` }
  return undefined
}

/** The value of a tag in a tag list (RFC 6376 §3.2). */
export function tag(text: string, name: string): string | undefined {
  for (const piece of text.split(";")) {
    const equals = piece.indexOf("=")
    if (equals > 0 && piece.slice(0, equals).trim() === name) return piece.slice(equals + 1).trim()
  }
  return undefined
}

/** dkim_scope: what a signature leaves out, and times that cannot be. */
export function dkimScope({ fields, chain, hops }: About): readonly Remark[] {
  const came = hops[Math.max(chain.boundary, 1) - 1]?.at
  return fields.dkim.slice(0, 20).flatMap((line) => {
    const about = { check: "dkim_scope", header: line.name, evidence: [line.span] } as const
    const domain = tag(line.text, "d") ?? "?"
    const signed = (tag(line.text, "h") ?? "")
      .toLowerCase()
      .split(":")
      .map((name) => name.trim())
    const found: Remark[] = []
    // RFC 6376 §5.4: From must be signed.
    if (!signed.includes("from"))
      found.push({
        ...about,
        severity: "medium",
        explanation: `The signature of ${domain} does not cover the From field.`,
      })
    if (tag(line.text, "l") !== undefined)
      found.push({
        ...about,
        severity: "medium",
        explanation: `The signature of ${domain} covers only the first ${tag(line.text, "l")} octets of the body (l=): anything can stand after them.`,
      })
    return [...found, ...signedHow(line, domain, came).map((one) => ({ ...about, ...one }))]
  })
}

type Weakness = Pick<Remark, "severity" | "explanation">

function signedHow(line: Line, domain: string, came: number | undefined): readonly Weakness[] {
  return [...signedWhen(line, domain, came), ...shortKey(line, domain)]
}

/**
 * RFC 8301 §3.2: RSA keys of less than 1024 bits vouch for nothing. A signature is as long as its key, but it may have been cut; the
 * key itself is in the DNS (--online).
 */
function shortKey({ text }: Line, domain: string): readonly Weakness[] {
  const signature = tag(text, "b")?.replaceAll(/\s/g, "") ?? ""
  const algorithm = tag(text, "a")?.toLowerCase() ?? "rsa-sha256"
  const bits = Math.floor((signature.replaceAll("=", "").length * 6) / 8) * 8
  if (!algorithm.startsWith("rsa") || bits < 384 || bits >= 1024 || bits % 128 !== 0) return []
  const says = `The signature of ${domain} is made with a key of ${bits} bits: such a key can be broken, so it vouches for nothing.`
  return [{ severity: "low", explanation: says }]
}

function signedWhen({ text }: Line, domain: string, came: number | undefined): readonly Weakness[] {
  const made = Number(tag(text, "t") ?? Number.NaN) * 1000
  const ends = Number(tag(text, "x") ?? Number.NaN) * 1000
  if (came === undefined) return []
  if (made > came + 3_600_000)
    return [
      { severity: "medium", explanation: `The signature of ${domain} was made after the message came in.` },
    ]
  if (ends < came)
    return [
      { severity: "low", explanation: `The signature of ${domain} had expired when the message came in.` },
    ]
  return []
}
