// Answering while its user is away: to whom an answer may go, what it says, and who has had one. vacation(1) and Sieve's vacation
// ask here; they read, write and send.
import { because, type Decision, pass, yes } from "../mail/decision.ts"
import { parseAddressList } from "../message/addresses.ts"
import { fields, first, has, type Header, valueOf } from "../message/header.ts"
import { splitDetail } from "../maps/keys.ts"

export type VacationQuestion = {
  /** The envelope's sender, "" for the null one. */
  readonly sender: string
  readonly header: Header
  /** The user's names and addresses, and those that he answers for. */
  readonly names: readonly string[]
  /** An answer is due even if none of the names stands in To: or Cc:. */
  readonly anyRecipient?: boolean
}

/** To whom an answer goes; a pass says why nobody gets one (RFC 3834 §2, RFC 5230 §4.6). */
export function answerTo(question: VacationQuestion): Decision<string> {
  const { sender, header, names, anyRecipient = false } = question
  const why =
    notToBeAnswered(sender) ??
    (names.some((name) => isNamed(sender, name)) ? `${sender} is the user himself` : undefined) ??
    notPersonal(header) ??
    (anyRecipient || isAddressedTo(header, names) ? undefined : "none of his names stands in To: or Cc:")
  return why === undefined
    ? yes(sender, because("vacation", `${sender} is a person who wrote to him`))
    : pass(because("vacation", why))
}

/** Local parts behind which no person reads (sendmail: vacation.c, junkmail; RFC 5230 §4.6). */
const programs =
  /^(?:owner-.*|.*-owner|.*-request|.*-relay|.*-bounces?|.*-errors|.*-outgoing|mailer-daemon|mailer|postmaster|uucp|listserv|majordomo|no-?reply)$/i

function notToBeAnswered(sender: string): string | undefined {
  if (sender === "" || sender === "<>") return "the null sender is never answered" // RFC 5321 §4.5.5
  const local = sender.includes("@") ? sender.slice(0, sender.lastIndexOf("@")) : sender
  return programs.test(splitDetail(local).user) || programs.test(local)
    ? `${sender} is no person's address`
    : undefined
}

/** RFC 3834 §2, RFC 2919, RFC 2369: what programs and lists send says so. */
function notPersonal(header: Header): string | undefined {
  const submitted = first(header, "auto-submitted")?.split(";")[0]?.trim().toLowerCase()
  if (submitted !== undefined && submitted !== "no") return `Auto-Submitted: ${submitted}`
  const precedence = first(header, "precedence")?.trim().toLowerCase() ?? ""
  if (/^(?:bulk|junk|list)$/.test(precedence)) return `Precedence: ${precedence}`
  const list = listFields.find((name) => has(header, name.toLowerCase()))
  if (list !== undefined) return `it came by a mailing list (${list})`
  return /\b(?:all|oof|autoreply)\b/i.test(first(header, "x-auto-response-suppress") ?? "")
    ? "X-Auto-Response-Suppress"
    : undefined
}

const listFields = [
  "List-Id",
  "List-Help",
  "List-Subscribe",
  "List-Unsubscribe",
  "List-Post",
  "List-Owner",
  "List-Archive",
] as const

function isAddressedTo(header: Header, names: readonly string[]): boolean {
  return ["to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"].some((name) =>
    fields(header, name).some((field) =>
      parseAddressList(valueOf(header, field)).some(({ address }) =>
        names.some((one) => isNamed(address, one)),
      ),
    ),
  )
}

/** A name without a domain is one of any domain: its user's. A detail changes nothing. */
function isNamed(address: string, name: string): boolean {
  const at = address.lastIndexOf("@")
  const local = splitDetail(at < 0 ? address : address.slice(0, at)).user.toLowerCase()
  const wanted = name.toLowerCase()
  return wanted.includes("@")
    ? `${local}${at < 0 ? "" : address.slice(at).toLowerCase()}` === wanted
    : local === wanted
}

export type Answer = {
  /** What the user has written: a header of his own, a blank line and a body; or a body alone. */
  readonly text: string
  readonly to: string
  /** The message that is answered. */
  readonly header: Header
}

/** The whole answer, with LF line ends: the user's text with what RFC 3834 §3 asks for in its header. */
export function writeAnswer({ text, to, header }: Answer): string {
  const { head, body } = partsOf(text.replaceAll("\r\n", "\n"))
  const subject = oneLine(first(header, "subject") ?? "")
  const fill = (words: string) =>
    words.replaceAll(/\$(SUBJECT|FROM)\b/g, (_, name) => (name === "FROM" ? to : subject))
  const own = head.map(fill)
  const names = new Set(own.map((field) => field.slice(0, field.indexOf(":")).trim().toLowerCase()))
  const id = oneLine(first(header, "message-id") ?? "")
  const thread = oneLine([first(header, "references") ?? "", id].join(" ")).trim()
  const lines = [
    `To: ${to}`,
    ...(names.has("subject") ? [] : [`Subject: Auto: ${subject === "" ? "your mail" : subject}`]), // §3.1.5
    ...own,
    "Auto-Submitted: auto-replied", // §3.1.7
    ...(names.has("precedence") ? [] : ["Precedence: bulk"]),
    ...(id === "" ? [] : [`In-Reply-To: ${id}`, `References: ${lastIds(thread)}`]), // §3.1.6
  ]
  return `${lines.join("\n")}\n\n${fill(body)}`
}

/** The user's own fields, but those that are ours to say; and his body. */
function partsOf(text: string): { readonly head: readonly string[]; readonly body: string } {
  const end = text.indexOf("\n\n")
  const top = end < 0 ? "" : text.slice(0, end)
  const found = top.split(/\n(?![ \t])/)
  if (!found.every((field) => /^[!-9;-~]+[ \t]*:/.test(field))) return { head: [], body: text }
  return {
    head: found.filter((field) => !/^(?:to|auto-submitted)[ \t]*:/i.test(field)),
    body: text.slice(end + 2),
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim()
}

/** A thread's newest ids: a line that no server finds too long (RFC 5322 §2.1.1). */
function lastIds(thread: string): string {
  return thread.split(" ").slice(-8).join(" ").slice(-900)
}

/** Who has had an answer, and when (seconds since 1970); whom nothing is to be said; how long an answer lasts. */
export type Memory = {
  readonly interval: number
  readonly told: ReadonlyMap<string, number>
  readonly never: readonly string[]
}

/** One answer a week, as sendmail's vacation. */
export const week = 7 * 86_400

/** Nothing remembered yet. */
export const emptyMemory: Memory = { interval: week, told: new Map(), never: [] }

const firstLine = "# vacation: who was answered (seconds since 1970, address)"

/** Reads what printMemory wrote. Undefined when it is something else. */
export function parseMemory(text: string): Memory | undefined {
  if (text === "") return emptyMemory
  const [title, ...lines] = text.split("\n")
  if (title !== firstLine) return undefined
  let interval = week
  const told = new Map<string, number>()
  const never: string[] = []
  for (const line of lines) {
    const [word = "", value = ""] = splitOnce(line)
    if (word === "interval") interval = value === "infinite" ? Number.POSITIVE_INFINITY : Number(value)
    else if (word === "never") never.push(value)
    else if (/^\d{1,12}$/.test(word)) told.set(value, Number(word))
  }
  return { interval: Number.isNaN(interval) ? week : interval, told, never }
}

function splitOnce(line: string): readonly string[] {
  const blank = line.indexOf(" ")
  return blank < 0 ? [line] : [line.slice(0, blank), line.slice(blank + 1)]
}

/** One line for each thing to remember. */
export function printMemory({ interval, told, never }: Memory): string {
  const lines = [
    firstLine,
    `interval ${Number.isFinite(interval) ? interval : "infinite"}`,
    ...never.map((one) => `never ${one}`),
    ...[...told].map(([address, at]) => `${at} ${address}`),
  ]
  return `${lines.join("\n")}\n`
}

/** Why this sender is not answered now, if he is not. */
export function alreadyTold(memory: Memory, sender: string, now: number): string | undefined {
  const key = sender.toLowerCase()
  const domain = key.slice(key.lastIndexOf("@"))
  if (memory.never.some((one) => one === key || (one.startsWith("@") && one === domain)))
    return `${sender} is never to be answered`
  const at = memory.told.get(key)
  return at !== undefined && now - at < memory.interval
    ? `${sender} was answered ${Math.max(0, Math.floor(now - at))} s ago`
    : undefined
}

/** The memory with this answer; those that count no longer are forgotten. */
export function remember(memory: Memory, sender: string, now: number): Memory {
  const kept = [...memory.told].filter(([, at]) => now - at < memory.interval)
  return { ...memory, told: new Map([...kept, [sender.toLowerCase(), now]]) }
}
