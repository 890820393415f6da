// A quiz: an honest message is made up, then one known fault is put into it, and a student finds out which. Chance is handed in, so
// that a number gives the same question again.
import { printDate } from "./quiz-date.ts"

/** A number from 0 up to, not including, `below`. */
export type Dice = (below: number) => number

/** The choices, one of which is right. */
export const faults = [
  { name: "backwards", says: "the dates go backwards (zones counted)" },
  { name: "hops", says: "two hops do not meet" },
  { name: "strings", says: "an id or a field that no such software writes" },
  { name: "data", says: "the message's own fields contradict the hops" },
  { name: "route", says: "a strange route for this sender" },
  { name: "none", says: "none: the message is honest" },
] as const

export type Fault = (typeof faults)[number]["name"]

export type Question = {
  readonly text: string
  readonly receiver: string
  readonly fault: Fault
  /** What was done to it, in a sentence. */
  readonly answer: string
}

type Draft = {
  /** Milliseconds since 1970 at which it was written. */
  readonly at: number
  readonly ids: readonly [string, string]
  readonly zones: readonly [number, number]
  readonly seconds: readonly [number, number]
  readonly client: string
  readonly relay: string
  readonly address: string
  readonly by: string
  readonly from: string
  readonly envelope: string
  readonly messageId: string
  readonly date: number
}

const receiver = "mail.grussell.org"

/** A question by these dice. */
export function makeQuestion(dice: Dice): Question {
  const fault = faults[dice(faults.length)]?.name ?? "none"
  const honest = honestDraft(dice)
  const { draft, answer } = spoil(honest, fault, dice)
  return { text: write(draft), receiver, fault, answer }
}

function honestDraft(dice: Dice): Draft {
  const at = Date.UTC(2026, dice(10), 1 + dice(28), dice(24), dice(60), dice(60))
  const first = at + (2 + dice(20)) * 1000
  const second = first + (2 + dice(90)) * 1000
  return {
    at,
    ids: [sendmailId(second, dice), eximId(first, dice)],
    zones: [(dice(5) - 2) * 60, (dice(9) - 4) * 60],
    seconds: [second, first],
    client: "pc236b.napier.ac.uk",
    relay: "mail.napier.ac.uk",
    address: `146.176.${1 + dice(250)}.${1 + dice(250)}`,
    by: "mail.napier.ac.uk",
    from: "g.russell@napier.ac.uk",
    envelope: "g.russell@napier.ac.uk",
    messageId: `<${isoDigits(at)}.${1000 + dice(8999)}@pc236b.napier.ac.uk>`,
    date: at,
  }
}

type Spoilt = { readonly draft: Draft; readonly answer: string }

/** One fault, and nothing else. */
function spoil(draft: Draft, fault: Fault, dice: Dice): Spoilt {
  const hours = 5 + dice(30)
  switch (fault) {
    case "backwards": {
      const later = draft.seconds[0] + hours * 3_600_000
      const spoilt = {
        ...draft,
        seconds: [draft.seconds[0], later] as const,
        ids: [draft.ids[0], eximId(later, dice)] as const,
        date: later - 9000,
      }
      return {
        draft: spoilt,
        answer: `The older hop is dated ${hours} hours after the newer one, once both are turned into UTC.`,
      }
    }
    case "hops":
      return {
        draft: { ...draft, by: "relay.hello.com" },
        answer:
          "relay.hello.com wrote the older hop, but the newer one took the mail from mail.napier.ac.uk.",
      }
    case "strings":
      return {
        draft: { ...draft, ids: [draft.ids[0], "A1B2C3D4E5"] },
        answer: 'Exim says "id A1B2C3D4E5", but its ids have three groups with hyphens, 6-6-2 (or 6-11-4).',
      }
    case "data":
      return {
        draft: { ...draft, messageId: `<20041115111215.${1000 + dice(8999)}@pc236b.napier.ac.uk>` },
        answer: "The Message-ID was made on 15 November 2004, years before the hops.",
      }
    case "route":
      return {
        draft: {
          ...draft,
          from: "service@paypal.com",
          envelope: "g.russell1987@hotmail.com",
          messageId: `<${isoDigits(draft.at)}.7@paypal.com>`,
        },
        answer:
          "paypal.com would not send by way of a university's server, with a free-mail address on the envelope.",
      }
    case "none":
      return {
        draft,
        answer: "Nothing was changed: the times run forwards in UTC, the hops meet, the ids fit.",
      }
  }
}

function write({
  ids,
  zones,
  seconds,
  client,
  relay,
  address,
  by,
  from,
  envelope,
  messageId,
  date,
}: Draft): string {
  return [
    `Return-Path: <${envelope}>`,
    `Received: from ${relay} (${relay} [146.176.2.10])`,
    `\tby ${receiver} (8.17.1/8.17.1) with ESMTP id ${ids[0]}`,
    `\tfor <me@grussell.org>; ${printDate(seconds[0], zones[0])}`,
    `Received: from ${client} ([${address}])`,
    `\tby ${by} with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.94.2)`,
    `\tid ${ids[1]} for me@grussell.org; ${printDate(seconds[1], zones[1])}`,
    `Date: ${printDate(date, zones[1])}`,
    `From: <${from}>`,
    "To: me@grussell.org",
    `Message-ID: ${messageId}`,
    "Subject: Wow",
    "",
    "Hi Gordon.",
    "",
  ].join("\n")
}

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

function sendmailId(at: number, dice: Dice): string {
  const date = new Date(at)
  const parts = [
    (date.getUTCFullYear() - 1900) % 60,
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ]
  return `${parts.map((part) => digits[part]).join("")}${digits[dice(60)]}${digits[dice(60)]}${100_000 + dice(899_999)}`
}

function eximId(at: number, dice: Dice): string {
  let rest = Math.floor(at / 1000)
  let seconds = ""
  for (let n = 0; n < 6; n++) {
    seconds = `${digits[rest % 62]}${seconds}`
    rest = Math.floor(rest / 62)
  }
  const some = () => digits[dice(62)]
  return `${seconds}-000${some()}${some()}${some()}-${some()}${some()}`
}

function isoDigits(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replaceAll(/[-T:]/g, "")
}
