// The keys under which a table is asked, most exact first. Which table uses which order is said where it is asked.
import { type Domain, type Mailbox, printDomain } from "../mail/address.ts"

/** Lower case for A to Z only, as compiled tables fold their keys: octets above 127 stay as they are. */
export function foldKey(key: string): string {
  return ascii.test(key) ? key.toLowerCase() : key.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

const ascii = /^[\u0000-\u007f]*$/

/** mailertable: the domain, each parent with a dot before it, then "." for all the rest. A literal has no parents. */
export function domainKeys(domain: Domain): readonly string[] {
  const name = printDomain(domain)
  if (domain.kind === "literal") return [name]
  const keys = [name]
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) keys.push(name.slice(dot))
  keys.push(".")
  return keys
}

/** virtusertable and genericstable: user+detail@domain, user+*@domain, user@domain, then @domain for all the rest. */
export function userKeys(mailbox: Mailbox): readonly string[] {
  const domain = printDomain(mailbox.domain)
  const { user, detail } = splitDetail(mailbox.localPart)
  const plain = [`${user}@${domain}`, `@${domain}`]
  if (detail === undefined) return plain
  const exact = `${user}+${detail}@${domain}`
  return detail === "" ? [exact, ...plain] : [exact, `${user}+*@${domain}`, ...plain]
}

/** aliases: user+detail, user+*, user. */
export function aliasKeys(localPart: string): readonly string[] {
  const { user, detail } = splitDetail(localPart)
  if (detail === undefined) return [localPart]
  return detail === "" ? [localPart, user] : [localPart, `${user}+*`, user]
}

/** A local part at its first plus sign; a sign at the very beginning parts nothing. */
export function splitDetail(localPart: string): {
  readonly user: string
  readonly detail: string | undefined
} {
  const plus = localPart.indexOf("+")
  if (plus <= 0) return { user: localPart, detail: undefined }
  return { user: localPart.slice(0, plus), detail: localPart.slice(plus + 1) }
}
