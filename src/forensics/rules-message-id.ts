// Checks of the Message-ID: is there one, has it a form, do the times in it fit, is it of the mailer that the message names.
import type { Case } from "./case.ts"
import type { Remark } from "./finding.ts"
import { isInside } from "./ip-kinds.ts"
import { domainOf, type Line } from "./message.ts"
import { isInnerName, isOneOwner } from "./owners.ts"
import { inUtc, inWords } from "./words.ts"

const day = 86_400_000

/** message_id. */
export function messageId(about: Case): readonly Remark[] {
  const { fields } = about
  const line = fields.messageId
  if (line === undefined) return missing(about)
  const text = line.text.trim()
  const malformed = wrongForm(text)
  if (malformed !== undefined) {
    const says = `The ${line.name} ${malformed}: ${text.slice(0, 80)}`
    return [
      {
        check: "message_id",
        severity: "medium",
        telling: true,
        header: line.name,
        explanation: says,
        evidence: [line.span],
      },
    ]
  }
  const added = addedHere(text, about)
  return added === undefined ? [...clocks(line, about), ...ofMailer(line, about)] : [added]
}

/** RFC 5322 §3.6.4 says only SHOULD: printers and scripts often make none, people's mailers always do. */
function missing(about: Case): readonly Remark[] {
  const { fields } = about
  const generated = fields.returnPath?.address === "" || fields.from.length === 0
  const person = byPerson(about) ?? (fields.date === undefined ? "and no Date either" : undefined)
  return [
    {
      check: "message_id",
      severity: generated || isFromInside(about) ? "low" : "medium",
      telling: !generated && person !== undefined,
      header: "Message-ID",
      explanation: `There is no Message-ID${person === undefined ? "" : `, ${person}`}: neither the sender's mailer nor its server made one.`,
      evidence: [fields.mailer?.span],
      honest:
        "A printer, a script or a very old mailer that left it to the server, and a server that did not add one.",
    },
  ]
}

/** Programs that people write with: each has made ids in all its versions. */
const peoplesMailers =
  /outlook|thunderbird|mozilla|apple mail|iphone|ipad|mutt|pine|gnus|kmail|evolution|sylpheed|claws|eudora|the bat|exmh|lotus notes|roundcube|squirrelmail|horde|zimbra|entourage|mew|wanderlust|mulberry|pegasus/i

/** What says that a person wrote it with a program, so that there should be an id. */
function byPerson({ fields }: Case): string | undefined {
  const mailer = fields.mailer?.text.trim().slice(0, 60)
  if (mailer !== undefined && peoplesMailers.test(mailer)) return `though ${mailer} always makes one`
  return fields.isReply ? "though it answers another message" : undefined
}

/** The host itself or its network handed it in, under a name of the house: a program that may leave the id to its server. */
function isFromInside({ entry }: Case): boolean {
  if (entry?.submission !== undefined) return true
  if (entry?.address === undefined || !isInside(entry.address.kind)) return false
  const host = entry.received.host ?? ""
  const helo = entry.received.source?.helo?.text ?? "localhost"
  return helo.startsWith("[") || isInnerName(helo) || isOneOwner(helo, host)
}

/** sendmail and Waypost make a missing one of their own queue id and name: then the sender had made none. */
function addedHere(text: string, about: Case): Remark | undefined {
  const { entry, fields } = about
  const { id, host } = entry?.received ?? {}
  const word = id?.value.split(" ", 1)[0] ?? ""
  if (entry === undefined || host === undefined || word.length < 6) return undefined
  if (!text.includes(word) || domainOf(text.slice(1, -1)) !== host) return undefined
  const dated = fields.date?.date?.at === entry.at ? "and its Date is that of the arrival" : undefined
  const person = byPerson(about) ?? dated
  return {
    check: "message_id",
    severity: isFromInside(about) ? "low" : "medium",
    telling: person !== undefined,
    header: fields.messageId?.name ?? "Message-ID",
    explanation: `The sender's mailer made no Message-ID: ${host} had to add one (it holds the id of hop ${entry.number})${person === undefined ? "" : `, ${person}`}.`,
    evidence: [fields.messageId?.span, id],
    honest: "A printer, a script, or a person who speaks SMTP by hand; every mailer makes one.",
  }
}

function wrongForm(text: string): string | undefined {
  if (!text.startsWith("<") || !text.includes(">")) return "has no angle brackets"
  const inner = text.slice(1, text.indexOf(">"))
  if (!inner.includes("@")) return "has no @ and so no host"
  if (domainOf(inner) === "" || inner.startsWith("@")) return "has an empty part"
  // RFC 5322 §4.5.4: of old, a quoted part may hold blanks (X.400 gateways).
  return /\s/.test(inner.replaceAll(/"[^"]*"/g, "")) ? "has a blank in it" : undefined
}

/** The times that ids hide: a date in digits, or Windows' count of 100 ns since 1601. */
function clocks(line: Line, { fields, hops }: Case): readonly Remark[] {
  const hidden = clockIn(line.text.trim())
  const told = fields.date?.date?.at ?? hops.findLast(({ at }) => at !== undefined)?.at
  if (hidden === undefined || told === undefined) return []
  const apart = Math.abs(hidden - told)
  if (apart <= 7 * day) return []
  const says = `The ${line.name} was made at ${inUtc(hidden)}, but the message is dated ${inUtc(told)}: ${inWords(apart)} apart.`
  return [
    {
      check: "message_id",
      severity: "medium",
      telling: apart > 365 * day,
      header: line.name,
      explanation: says,
      evidence: [line.span],
    },
  ]
}

/** Milliseconds since 1970 that this id holds in one of the known ways. */
export function clockIn(text: string): number | undefined {
  const filetime = /^<[0-9a-f]{4}([0-9a-f]{8})\$([0-9a-f]{8})\$[0-9a-f]{8}@/.exec(text)
  if (filetime !== null)
    return fromFiletime(Number.parseInt(filetime[1] ?? "", 16), Number.parseInt(filetime[2] ?? "", 16))
  const digits =
    /^<(?:[A-Za-z]{1,12}\.)?((?:19|20)\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])([0-5]\d)([0-5]\d)?[.@\-A-Za-z]/.exec(
      text,
    )
  if (digits === null) return undefined
  const [year = 0, month = 0, date = 0, hours = 0, minutes = 0] = digits.slice(1, 6).map(Number)
  return Date.UTC(year, month - 1, date, hours, minutes)
}

function fromFiletime(high: number, low: number): number | undefined {
  const at = (high * 2 ** 32 + low) / 10_000 - 11_644_473_600_000
  return at > Date.UTC(1993, 0, 1) && at < Date.UTC(2100, 0, 1) ? at : undefined
}

const anyForm = /@/

type Habit = { readonly mailer: RegExp; readonly form: RegExp; readonly name: string }

/** Mailers with one way of making ids, as their makers left it through all their versions. */
const habits: readonly Habit[] = [
  {
    name: "Outlook Express",
    mailer: /^\s*Microsoft Outlook Express [56]/i,
    form: /^<(?:[0-9a-f]{12}\$[0-9a-f]{8}\$[0-9a-f]{8}@|BAY|[A-Z]{2,5}\d+-)/i,
  },
  {
    name: "Outlook",
    mailer: /^\s*Microsoft Outlook(?: IMO|,|CWS| 1\d\.)/i,
    form: /^<(?:[0-9a-f]{12}\$[0-9a-f]{8}\$[0-9a-f]{8}@|!~!|[A-Z0-9]{20,40}\.[\w.+-]+@|[A-P]{24,32}|[0-9A-F]{20,64}@)/i,
  },
  { name: "Pine", mailer: /^\s*Pine /i, form: /^<Pine\./ },
  { name: "Gnus", mailer: /^\s*Gnus/i, form: anyForm },
  {
    name: "Apple Mail",
    mailer: /^\s*Apple Mail/i,
    form: /^<[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}@/i,
  },
  {
    name: "Thunderbird",
    mailer: /^\s*Mozilla(?: Thunderbird|\/[45])/i,
    form: /^<(?:[0-9A-F]{8}\.[0-9A-F.]{4,12}@|[0-9a-f]{8}-[0-9a-f-]{27}@)/i,
  },
  { name: "The Bat!", mailer: /^\s*The Bat!/i, form: /^<\d{4,12}\.\d{14}@/ },
  {
    name: "Eudora",
    mailer: /^\s*(?:QUALCOMM Windows )?Eudora/i,
    form: /^<(?:\d+\.\d|[a-z]\d{8}|v\d{8}|p\d{8})/i,
  },
]

function ofMailer(line: Line, { fields, hops }: Case): readonly Remark[] {
  const mailer = fields.mailer
  const habit =
    mailer === undefined ? undefined : habits.find((one) => one.mailer.test(mailer.text.slice(0, 200)))
  const text = line.text.trim().slice(0, 500)
  if (mailer === undefined || habit === undefined || habit.form.test(text)) return []
  // The first server adds what is missing, and puts its own name into it.
  const host = domainOf(text)
  if (hops.some(({ received }) => received.host !== undefined && received.host === host)) return []
  const says = `The message says that ${mailer.text.trim().slice(0, 60)} wrote it, but ${habit.name} makes no ids like ${text.slice(0, 80)}.`
  const strong =
    !fields.bulk || habits.some((other) => other !== habit && other.form !== anyForm && other.form.test(text))
  return [
    {
      check: "message_id",
      severity: strong ? "medium" : "low",
      telling: true,
      header: line.name,
      explanation: says,
      evidence: [line.span, mailer.span],
      honest: "A list or gateway that gave the message a new id; a mailer whose habits changed.",
    },
  ]
}
