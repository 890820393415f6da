// A guided reading of a message by the five signs of forged mail: what to look at, what is to be seen here, and what it means.
import { checks } from "./checks.ts"
import { type Check, type Finding, rank } from "./finding.ts"
import type { Judgement } from "./judgement.ts"
import { markedLines, plain } from "./marked.ts"
import { pictureOf } from "./report.ts"

type Sign = {
  readonly title: string
  readonly look: string
  readonly checks: readonly Check[]
  readonly clean: string
}

/** The five signs. */
export const signs: readonly Sign[] = [
  {
    title: "Dates that go backwards",
    look:
      "Read the Received fields from the bottom up and write down each time in UTC (subtract the zone: 11:12 -0500 is 16:12 UTC). " +
      "Each must be a little later than the one below. A few minutes of difference are bad clocks. Is the weekday right? Is there such a zone?",
    checks: ["time_order", "date_header", "timezone", "date_syntax", "mbox_line"],
    clean: "The times run forwards, the days and zones exist.",
  },
  {
    title: "Hops that don't match",
    look:
      "The host after `by` wrote the field. It must be the client (after `from`) of the field above. " +
      "And within a field: the first name is what the client said, the name in the brackets is what its address is called.",
    checks: ["continuity", "helo_rdns", "helo_self", "ip_sanity"],
    clean: "Each hop was written by a host that the hop above spoke with, as far as names tell.",
  },
  {
    title: "Strange strings in hop data",
    look:
      "Each mail server writes its field and its ids in its own way. A sendmail id like g7LKaMT26316 holds year, month, day, hour, " +
      "minute and second, one character each; Exim's and long Postfix ids hold the seconds since 1970. An id that is none, or that tells another time, was typed.",
    checks: ["queue_id", "queue_id_clock", "duplicate_id", "hop_syntax", "anachronism", "unread"],
    clean: "The ids have the forms of their software, and the clocks in them agree with the dates.",
  },
  {
    title: "Message data and hop data that contradict",
    look:
      "From, Reply-To, Message-ID and Date are written by the sender's program; the hops by servers. Does the Message-ID belong to the mailer and " +
      "the host? Who wrote the Authentication-Results: a server that you trust, above the line?",
    checks: [
      "message_id",
      "auth_results_trust",
      "display_name",
      "homograph",
      "from_alignment",
      "reply_to",
      "arc_structure",
      "dkim_scope",
      "list_headers",
    ],
    clean: "The message's own fields fit its trace.",
  },
  {
    title: "Routes that sound strange",
    look: "Why would a bank send its mail by way of a free-mail provider, or from a customer's line? The host at the trust line is the one that nobody can invent.",
    checks: ["route_origin"],
    clean:
      "The host that handed the mail to your server fits the sender, or the sender is nobody in particular.",
  },
]

/** The reading. */
export function printLesson(judgement: Judgement): string {
  const { about, findings, sentence, verdict } = judgement
  const lines = [
    "Can this message be believed? Five signs tell. First, draw the line.",
    "",
    "Anybody can write any number of Received fields into his message. But each server puts its own on TOP. So find the topmost field that",
    "your own server wrote: it and what is above can be believed. What is below it is hearsay until it proves itself.",
    "",
    ...pictureOf(about.chain),
    ...signs.flatMap((sign, n) => signLines(sign, n + 1, judgement)),
    `What do you say? Waypost says: ${verdict}.`,
    plain(sentence, 1000),
  ]
  if (findings.length === 0) lines.push("No sign was found. That does not prove who wrote it.")
  return `${lines.join("\n")}\n`
}

function signLines(sign: Sign, number: number, { findings, about }: Judgement): readonly string[] {
  const found = findings.filter(({ check }) => sign.checks.includes(check))
  const strong = found.filter(({ severity }) => rank(severity) >= rank("low"))
  const hints = found.filter(({ severity }) => severity === "info")
  return [
    `Sign ${number}: ${sign.title}`,
    `  What to look at: ${sign.look}`,
    ...(strong.length === 0
      ? [`  Here: ${sign.clean}`]
      : strong.flatMap((finding) => seen(finding, about.header.bytes))),
    ...hints.map(({ explanation }) => `  A trap: ${plain(explanation, 400)}`),
    "",
  ]
}

function seen({ severity, explanation, evidence, check, honest }: Finding, bytes: Buffer): readonly string[] {
  return [
    `  Here (${severity}): ${plain(explanation, 500)}`,
    ...markedLines(bytes, evidence).map((line) => `      ${line}`),
    `    ${checks[check].why}`,
    `    But ask first: ${honest ?? "there is no honest explanation known."}`,
  ]
}
