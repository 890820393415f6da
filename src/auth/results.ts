// What SPF, DKIM, ARC, DMARC and BIMI came to, as the fields that tell it: parts of Authentication-Results (RFC 8601), and Received-SPF
// (RFC 7208 §9.1).
import { type AuthResult, commentText, quoted } from "../message/auth-results.ts"
import type { BimiVerdict } from "./bimi.ts"
import type { DmarcVerdict } from "./dmarc.ts"
import type { SpfQuestion, SpfVerdict } from "./spf.ts"
import type { Chain, Signature } from "./verification.ts"

/** Who was judged: the sender of the envelope, or the name in HELO where there is none (RFC 7208 §2.4). */
export type SpfIdentity = "mailfrom" | "helo"

/** Received-SPF, whole, with CRLF. */
export function receivedSpf(verdict: SpfVerdict, question: SpfQuestion, identity: SpfIdentity): string {
  const { address, localPart, domain, helo, receiver } = question
  const sender = identity === "helo" ? "" : `${localPart}@${domain}`
  const pairs = [
    `client-ip=${value(address)}`,
    `envelope-from=${quoted(visible(sender))}`,
    `helo=${value(helo)}`,
    `receiver=${value(receiver)}`,
    `identity=${identity}`,
    ...(verdict.term === undefined ? [] : [`mechanism=${value(verdict.term)}`]),
    ...(verdict.why === undefined || !verdict.result.endsWith("error")
      ? []
      : [`problem=${value(verdict.why)}`]),
  ]
  const comment = commentText(`${receiver}: ${spfInWords(verdict, address)}`)
  return `Received-SPF: ${verdict.result} (${comment})\r\n\t${pairs.join(";\r\n\t")}\r\n`
}

/** The result of SPF among those of other methods. */
export function spfResult(verdict: SpfVerdict, question: SpfQuestion, identity: SpfIdentity): AuthResult {
  const { localPart, domain, helo, address } = question
  const properties =
    identity === "helo" ? { "smtp.helo": helo } : { "smtp.mailfrom": `${localPart}@${domain}` }
  return { method: "spf", result: verdict.result, comment: spfInWords(verdict, address), properties }
}

/** One sentence for people. */
export function spfInWords({ result, domain, term, why }: SpfVerdict, address: string): string {
  const by = term === undefined ? (why ?? "") : `its record says ${term}`
  switch (result) {
    case "pass":
      return `domain ${domain} lets ${address} send: ${by}`
    case "fail":
      return `domain ${domain} does not let ${address} send: ${by}`
    case "softfail":
      return `domain ${domain} does not expect ${address} to send: ${by}`
    case "neutral":
      return `domain ${domain} does not say whether ${address} may send: ${by}`
    case "none":
      return `domain ${domain} says nothing about who may send: ${by}`
    case "temperror":
    case "permerror":
      return `who may send for ${domain} could not be found out: ${by}`
  }
}

function visible(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 320)
}

// RFC 7208 §9.1: a dot-atom or a quoted string.
function value(text: string): string {
  const clean = visible(text)
  return /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/.test(clean)
    ? clean
    : quoted(clean)
}

/** DKIM's results, one for each signature (RFC 8601 §2.7.1); none for a message without any. */
export function dkimResults(signatures: readonly Signature[]): readonly AuthResult[] {
  if (signatures.length === 0)
    return [{ method: "dkim", result: "none", comment: "the message is not signed", properties: {} }]
  return signatures.map(({ result, why, domain, selector, identity, algorithm, mark }) => ({
    method: "dkim",
    result,
    comment: why,
    properties: {
      "header.d": domain,
      "header.i": identity,
      "header.s": selector,
      "header.a": algorithm,
      "header.b": mark,
    },
  }))
}

/** One sentence for people. */
export function signatureInWords({ result, why, domain, selector, algorithm }: Signature): string {
  const which = `the signature of ${domain} (s=${selector}, ${algorithm})`
  const said = why === undefined ? "" : `, ${why}`
  return result === "pass" ? `${which} is good${said}` : `${which}: ${result}${said}`
}

/** ARC's result (RFC 8617 §6). */
export function arcResult(chain: Chain, address: string | undefined): AuthResult {
  const properties = address === undefined ? {} : { "smtp.remote-ip": address }
  return { method: "arc", result: chain.result, comment: chainInWords(chain), properties }
}

/** One sentence for people. */
export function chainInWords({ result, why, sets, sealer, dmarc }: Chain): string {
  switch (result) {
    case "none":
      return "nobody has sealed it"
    case "pass":
      return `i=${sets}, sealed last by ${sealer ?? "?"}, who says dmarc=${dmarc ?? "nothing"}`
    case "fail":
      return `i=${sets}: ${why ?? "the chain is broken"}`
  }
}

/** DMARC's result (RFC 9989 §12, RFC 8601). */
export function dmarcResult({ result, domain, wish, record, why }: DmarcVerdict): AuthResult {
  const asked = record === undefined ? "" : `p=${record.p} sp=${record.sp}, `
  const author = domain === "" ? {} : { "header.from": domain }
  const policy = record === undefined ? {} : { "policy.dmarc": wish }
  return { method: "dmarc", result, comment: asked + why, properties: { ...author, ...policy } }
}

/** BIMI's result (the draft's §7.7). The evidence is not checked here: its authority is none, and readers are told where it is. */
export function bimiResult({ result, at, record, why }: BimiVerdict): AuthResult {
  const place = at === undefined ? {} : { "header.d": at.domain, "header.selector": at.selector }
  if (result !== "pass" || record === undefined)
    return { method: "bimi", result, comment: why, properties: place }
  const { evidence, preference } = record
  const properties = {
    ...place,
    "policy.authority": "none",
    ...(evidence === "" ? {} : { "policy.authority-uri": evidence }),
    ...(preference === undefined ? {} : { "policy.logo-preference": preference }),
  }
  return { method: "bimi", result, properties }
}

/** The fields for readers of mail, whole (§7.9, §7.11). a= is for who has held the evidence against the indicator, so it has no place. */
export function bimiFieldsFor({ result, record }: BimiVerdict): string {
  if (result !== "pass" || record === undefined) return ""
  const { location, preference } = record
  const preferred = preference === undefined ? "" : `BIMI-Logo-Preference: avp=${preference};\r\n`
  return `BIMI-Location: v=BIMI1; l=${location}\r\n${preferred}`
}
