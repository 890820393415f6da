// Who is judged by SPF: client, sender, domain; the values that stand for them in macros (RFC 7208 §7.2), and the client's names.
import { dotted, type Octets } from "./ip.ts"
import { asDomain, fillIn, type MacroLetter, type MacroString, needsName } from "./spf-macro.ts"
import { mostNames, type SpfQuestions } from "./spf-dns.ts"

export type SpfSubject = {
  readonly address: string
  readonly client: Octets
  readonly localPart: string
  /** %{o}: the sender's domain, whatever record is being read. */
  readonly senderDomain: string
  /** %{d}: whose record is being read. */
  readonly domain: string
  readonly helo: string
  readonly receiver: string
}

/** Macros filled in. With `seconds` it is an explanation; else a domain, which has an end and a longest length. */
export async function filled(
  macros: MacroString,
  subject: SpfSubject,
  questions: SpfQuestions,
  seconds?: number,
): Promise<string> {
  const [only] = macros.parts
  const plain = macros.parts.length === 1 && typeof only === "string"
  const text = plain
    ? only
    : fillIn(macros, valuesOf(subject, await nameFor(macros, subject, questions), seconds ?? 0))
  return seconds === undefined ? asDomain(text) : text
}

function valuesOf(
  { client, address, localPart, senderDomain, domain, helo, receiver }: SpfSubject,
  p: string,
  seconds: number,
): Readonly<Record<MacroLetter, string>> {
  return {
    s: `${localPart}@${senderDomain}`,
    l: localPart,
    o: senderDomain,
    d: domain,
    i: dotted(client),
    p,
    h: helo,
    c: client.length === 4 ? client.join(".") : address.toLowerCase(),
    r: receiver,
    t: String(seconds),
    v: client.length === 4 ? "in-addr" : "ip6",
  }
}

/** %{p}: a name that leads back, best the domain's own, else one below it, else any (RFC 7208 §7.3). */
async function nameFor(macros: MacroString, subject: SpfSubject, questions: SpfQuestions): Promise<string> {
  if (!needsName(macros)) return ""
  const names = await namesOf(subject, questions)
  if (names === "none") return "unknown"
  const domain = subject.domain.toLowerCase()
  return (
    names.find((name) => name === domain) ??
    names.find((name) => name.endsWith(`.${domain}`)) ??
    names[0] ??
    "unknown"
  )
}

/** The client's names that lead back to it; "none" when it has none, or DNS does not say (RFC 7208 §5.5). */
export async function namesOf(
  { address, client }: SpfSubject,
  questions: SpfQuestions,
): Promise<readonly string[] | "none"> {
  const answer = await questions.names(client.length === 4 ? client.join(".") : address)
  if (answer.found === "unavailable") return []
  if (answer.found === "nothing") return "none"
  const family = client.length === 4 ? 4 : 16
  const valid: string[] = []
  for (const name of answer.records.slice(0, mostNames)) {
    const addresses = await questions.addresses(name, family)
    if (addresses.found !== "records") continue
    if (addresses.records.some((record) => record.every((octet, n) => octet === client[n])))
      valid.push(name.toLowerCase())
  }
  return valid
}
