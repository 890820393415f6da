// Which software wrote a trace field, guessed from its form; with the signs it was guessed by. A guess is evidence of what the
// field pretends to be, not of who wrote it.
import type { Clause } from "./received-tokens.ts"

export type MakerName =
  | "sendmail"
  | "Postfix"
  | "Exim"
  | "qmail"
  | "Exchange"
  | "Microsoft SMTPSVC"
  | "Gmail"
  | "Yahoo"
  | "Domino"
  | "amavis"
  | "fetchmail"
  | "Dovecot"
  | "Cyrus"
  | "Zimbra"
  | "Amazon SES"
  | "SendGrid"
  | "PowerMTA"
  | "Momentum"
  | "Kerio"
  | "CommuniGate"
  | "XMail"
  | "iPlanet"
  | "InterMail"
  | "Scalix"
  | "Vircom"
  | "Waypost"
  | "Internet Mail Service"
  | "Haraka"
  | "OpenSMTPD"
  | "unknown"

export type Maker = {
  readonly name: MakerName
  /** As the field tells it. */
  readonly version: string | undefined
  /** The words that gave it away. */
  readonly signs: readonly string[]
  /** Others that the field names just as clearly: no software calls itself two names. */
  readonly others: readonly MakerName[]
}

export type MakerQuestion = {
  readonly from: Clause | undefined
  readonly by: Clause | undefined
  readonly protocol: Clause | undefined
  readonly id: Clause | undefined
  /** Comments before the first clause. */
  readonly leading: readonly string[]
}

type Sign = {
  readonly name: MakerName
  /** How a comment of this maker begins; the rest of the comment has its version. Lower case. */
  readonly begins: readonly string[]
}

/** Comments that makers sign with. */
const signatures: readonly Sign[] = [
  { name: "Postfix", begins: ["postfix"] },
  { name: "Exim", begins: ["exim"] },
  { name: "qmail", begins: ["qmail", "qp "] },
  { name: "Domino", begins: ["lotus domino", "ibm domino", "hcl domino", "lotus smtp"] },
  { name: "amavis", begins: ["amavis", "amavisd"] },
  { name: "fetchmail", begins: ["fetchmail", "getmail", "fdm"] },
  { name: "Dovecot", begins: ["dovecot"] },
  { name: "Cyrus", begins: ["cyrus"] },
  { name: "Zimbra", begins: ["zimbra"] },
  { name: "SendGrid", begins: ["sg", "sendgrid"] },
  { name: "PowerMTA", begins: ["powermta"] },
  { name: "Momentum", begins: ["ecelerity", "momentum"] },
  { name: "Kerio", begins: ["kerio"] },
  { name: "CommuniGate", begins: ["communigate"] },
  { name: "XMail", begins: ["xmail"] },
  {
    name: "iPlanet",
    begins: ["iplanet", "sun java", "netscape messaging", "oracle communications messaging"],
  },
  { name: "InterMail", begins: ["intermail"] },
  { name: "Scalix", begins: ["scalix"] },
  { name: "Vircom", begins: ["vircom"] },
  { name: "Waypost", begins: ["waypost"] },
  { name: "Amazon SES", begins: ["simpleemailservice"] },
  { name: "Haraka", begins: ["haraka"] },
  { name: "OpenSMTPD", begins: ["opensmtpd"] },
  { name: "Exchange", begins: ["microsoft exchange"] },
  { name: "sendmail", begins: ["sendmail"] },
]

/** Protocols that one maker alone names so. Lower case. */
const protocols: readonly Sign[] = [
  { name: "Exchange", begins: ["microsoft smtp server", "mapi", "microsoft exchange"] },
  { name: "Microsoft SMTPSVC", begins: ["microsoft smtpsvc"] },
  { name: "Internet Mail Service", begins: ["internet mail service"] },
  { name: "Yahoo", begins: ["nnfmp"] },
  { name: "fetchmail", begins: ["imap", "pop3"] },
  { name: "qmail", begins: ["qmqp", "qmail"] },
  { name: "XMail", begins: ["xmail"] },
]

/** The maker of a field with these clauses. */
export function makerOf(question: MakerQuestion): Maker {
  const signed = fromComments(question)
  const [first, ...rest] = signed
  if (first !== undefined) {
    const others = [...new Set(rest.map(({ name }) => name))].filter(
      (name) => name !== first.name && mayNotMeet(first.name, name),
    )
    return { ...first, others }
  }
  return fromShape(question)
}

/** Comments of one field that are looked at: no software writes half as many. */
const mostComments = 16

type Signed = Omit<Maker, "others">

function fromComments({ by, protocol, from, id, leading }: MakerQuestion): readonly Signed[] {
  const found: Signed[] = []
  let left = mostComments
  for (const clause of [by, protocol, id])
    for (const { text } of clause?.comments ?? []) if (left-- > 0) takeSigns(found, text)
  // `(postfix@mail.example.org [192.0.2.7])` is the client and its user, not who wrote the field.
  for (const { text } of from?.comments ?? []) if (left-- > 0 && !/[@[=]/.test(text)) takeSigns(found, text)
  for (const text of leading) if (left-- > 0) takeSigns(found, text)
  return found.length < 2 ? found : found.toSorted((a, b) => place(a) - place(b))
}

/** The makers that this comment names with its first or second word. */
function takeSigns(found: Signed[], comment: string): void {
  const lower = comment.slice(0, 200).toLowerCase().trimStart()
  const blank = lower.indexOf(" ")
  const first = lower.charCodeAt(0)
  const second = blank > 0 && blank < 16 ? lower.charCodeAt(blank + 1) : first
  for (const { letter, word, name } of beginnings) {
    if (letter !== first && letter !== second) continue
    if (
      (letter === first && startsWithWord(lower, word)) ||
      (second === letter && blank > 0 && blank < 16 && startsWithWord(lower, word, blank + 1))
    )
      found.push({ name, version: versionIn(comment), signs: [`(${comment})`] })
  }
}

/** Every word of the signatures with its first letter: most comments begin like none. */
const beginnings = signatures.flatMap(({ name, begins }) =>
  begins.map((word) => ({ name, word, letter: word.charCodeAt(0) })),
)

/** A comment that begins with the maker's own name counts before one that has it inside. */
function place({ name, signs }: Signed): number {
  return signs[0]?.toLowerCase().startsWith(`(${name.toLowerCase()}`) === true ? 0 : 1
}

/** "Exim Postfix 8.9.3": the second word names a maker too, so it may begin elsewhere. */
function startsWithWord(text: string, word: string, at = 0): boolean {
  if (!text.startsWith(word, at)) return false
  const next = text.charCodeAt(at + word.length)
  return word.endsWith(" ") || !(next >= 0x61 && next <= 0x7a)
}

/** Content filters and list software sign beside the mail server they sit in. */
function mayNotMeet(a: MakerName, b: MakerName): boolean {
  return servers.has(a) && servers.has(b)
}

const servers: ReadonlySet<MakerName> = new Set([
  "sendmail",
  "Postfix",
  "Exim",
  "qmail",
  "Domino",
  "PowerMTA",
  "CommuniGate",
  "XMail",
  "Waypost",
])

function versionIn(comment: string): string | undefined {
  return /\d[\w.]{0,20}/.exec(comment.slice(0, 120))?.[0]
}

// sendmail signs with its versions alone: `(8.12.3/8.12.3)`, with a vendor's words after the first (`8.12.3 da nor stuldap/8.12.3`).
const sendmailVersion = /^\(?[58]\.\d{1,2}(?:\.\d{1,3})?(?:[.+\- ][\w.+\- ]{0,40})?(?:\/|$)/

/** Houses whose hosts all run software of their own. */
const hosts: readonly { readonly ends: string; readonly name: MakerName }[] = [
  { ends: ".google.com", name: "Gmail" },
  { ends: ".gmail.com", name: "Gmail" },
  { ends: ".yahoo.com", name: "Yahoo" },
  { ends: ".outlook.com", name: "Exchange" },
  { ends: ".exchangelabs.com", name: "Exchange" },
  { ends: ".amazonses.com", name: "Amazon SES" },
]

function fromShape({ by, protocol, id, from }: MakerQuestion): Maker {
  for (const { text } of by?.comments ?? []) {
    if (sendmailVersion.test(text)) return maker("sendmail", versionIn(text), `(${text})`)
  }
  const word = protocol?.value.toLowerCase() ?? ""
  for (const { name, begins } of protocols) {
    if (begins.some((begin) => startsWithWord(word, begin)))
      return maker(name, undefined, `with ${protocol?.value}`)
  }
  const host = by?.value.toLowerCase() ?? ""
  const given = id?.value ?? ""
  const owner = hosts.find(({ ends }) => host.endsWith(ends))
  if (owner !== undefined) return maker(owner.name, undefined, `by ${host}`)
  if (host.endsWith(".sendgrid.net") || /^filter[-\w]/.test(given)) return maker("SendGrid", undefined, given)
  if (from?.comments[0]?.text.startsWith("LHLO ") === true) return maker("Zimbra", undefined, "(LHLO …)")
  if (from?.comments.some(({ text }) => text.startsWith("HELO ")) === true && id === undefined)
    return maker("qmail", undefined, "(HELO …) and no id")
  return { name: "unknown", version: undefined, signs: [], others: [] }
}

function maker(name: MakerName, version: string | undefined, sign: string): Maker {
  return { name, version, signs: [sign], others: [] }
}
