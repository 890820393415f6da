// The fields of an ARC chain as RFC 8617 §4.1 wants them, looked over before any signature is checked: verifiers that read tags
// generously take a seal for good that others do not.
import { isNamed, type Header, valueOf } from "../message/header.ts"
import { base64Of, parseTags, type Tags } from "./tag-list.ts"

/** RFC 8617 §4.2.1 */
const mostSets = 50

type Kind = "arc-seal" | "arc-message-signature"

const needed: Readonly<Record<Kind, readonly string[]>> = {
  "arc-seal": ["i", "a", "b", "cv", "d", "s"], // RFC 8617 §4.1.3
  "arc-message-signature": ["i", "a", "b", "bh", "d", "h", "s"], // RFC 8617 §4.1.2
}

/** What is wrong with the fields of the chain; undefined when nothing is, or when there is no chain. */
export function wrongArcFields(header: Header): string | undefined {
  for (const field of header.fields) {
    for (const kind of ["arc-seal", "arc-message-signature"] as const) {
      if (!isNamed(header, field, kind)) continue
      const wrong = wrongField(kind, valueOf(header, field))
      if (wrong !== undefined) return `${kind}: ${wrong}`
    }
  }
  return undefined
}

/** Whether a message has fields of ARC at all. */
export function hasArc(header: Header): boolean {
  return header.fields.some((field) =>
    ["arc-seal", "arc-message-signature", "arc-authentication-results"].some((name) =>
      isNamed(header, field, name),
    ),
  )
}

function wrongField(kind: Kind, value: string): string | undefined {
  const tags = parseTags(value)
  if (!tags.ok) return tags.error
  const missing = needed[kind].find((name) => !tags.value.has(name))
  if (missing !== undefined) return `${missing}= is missing`
  return wrongCommon(tags.value) ?? (kind === "arc-seal" ? wrongSeal(tags.value) : wrongSignature(tags.value))
}

function wrongCommon(tags: Tags): string | undefined {
  const value = (name: string) => tags.get(name) ?? ""
  const instance = value("i")
  if (!/^\d{1,2}$/.test(instance) || Number(instance) < 1 || Number(instance) > mostSets)
    return `i=${instance} is no number from 1 to ${mostSets}`
  if (!/^(?:rsa|ed25519)-sha256$/.test(value("a"))) return `a=${value("a")} is no algorithm of ARC`
  if (base64Of(value("b")) === undefined) return "b= is no base64"
  if (!isName(value("d"))) return `d=${value("d")} is no domain`
  if (!isName(value("s"))) return `s=${value("s")} is no selector`
  const time = tags.get("t")
  return time === undefined || /^\d{1,12}$/.test(time) ? undefined : `t=${time} is no time`
}

function wrongSeal(tags: Tags): string | undefined {
  if (tags.has("h")) return "h= must not stand in a seal" // RFC 8617 §4.1.3
  const status = tags.get("cv") ?? ""
  return /^(?:none|fail|pass)$/i.test(status) ? undefined : `cv=${status} is none, pass or fail`
}

function wrongSignature(tags: Tags): string | undefined {
  if (base64Of(tags.get("bh") ?? "") === undefined) return "bh= is no base64"
  const names = (tags.get("h") ?? "")
    .split(":")
    .map((name) => name.replaceAll(/[ \t\r\n]/g, "").toLowerCase())
  if (names.some((name) => !/^[\x21-\x39\x3b-\x7e]+$/.test(name))) return "h= has a name that is none"
  if (names.includes("arc-seal")) return "h= covers the seal" // RFC 8617 §4.1.2
  return undefined
}

/** Labels of letters, digits, hyphens and (in selectors) underscores. */
function isName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/.test(text)
  )
}
