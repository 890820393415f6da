// Checks of queue ids and of the field's form: ids no such software makes, clocks in them, the same id twice, hops nobody writes.
import { makersOf } from "./id-clocks.ts"
import type { Case } from "./case.ts"
import type { Remark, Severity } from "./finding.ts"
import type { Hop } from "./hops.ts"
import { isOneOwner } from "./owners.ts"
import { releaseYear } from "./releases.ts"
import { inUtc, inWords } from "./words.ts"

const hour = 3_600_000

/** queue_id: an id that this maker's software cannot have made. */
export function queueId({ hops, chain }: Case): readonly Remark[] {
  return hops.flatMap((hop) => {
    const { id, maker } = hop.received
    if ((hop.believed && !chain.assumed) || hop.id?.formed !== false || id === undefined) return []
    const others = makersOf(id.value).filter((name) => name !== maker.name)
    const looks = others.length === 0 ? "" : `; it looks like one of ${others.join(" or ")}`
    return [
      {
        check: "queue_id",
        severity: "medium",
        telling: true,
        hop: hop.number,
        explanation: `The id "${id.value}" of hop ${hop.number} is not one that ${maker.name} makes (${hop.id.form})${looks}.`,
        evidence: [id],
      },
    ]
  })
}

/** queue_id_clock: the time hidden in the id against the hop's date. */
export function queueIdClock({ hops }: Case): readonly Remark[] {
  return hops.flatMap((hop) => {
    const { id, date, maker } = hop.received
    const about = { check: "queue_id_clock", hop: hop.number, evidence: [id, hop.received.dateSpan] } as const
    if (hop.id?.hour !== undefined && date !== undefined && hop.id.hour !== date.hour) {
      const says = `The id ${id?.value} of hop ${hop.number} was made in hour ${hop.id.hour} of the day (its first letter), its date says hour ${date.hour}.`
      return [{ ...about, severity: hourSeverity(hop.id.hour, date.hour), explanation: says }]
    }
    if (hop.id?.clock === undefined || hop.at === undefined || date?.offset === undefined) return []
    const apart = Math.abs(hop.id.clock - hop.at)
    // Gmail's are good to an hour; the worst of 7,842 honest ids of others was 6.6 minutes off.
    if (apart <= (maker.name === "Gmail" ? 2 * hour : hour)) return []
    const says = `The id ${id?.value} of hop ${hop.number} was made at ${inUtc(hop.id.clock)}, but the hop is dated ${inUtc(hop.at)}: ${inWords(apart)} apart.`
    return [{ ...about, severity: hop.believed ? "low" : "high", explanation: says }]
  })
}

/** A message that was queued at the turn of the hour is no sign. */
function hourSeverity(a: number, b: number): Severity {
  const apart = Math.abs(a - b)
  return Math.min(apart, 24 - apart) <= 1 ? "low" : "medium"
}

/** duplicate_id: one id, two hosts. */
export function duplicateId({ hops }: Case): readonly Remark[] {
  const seen = new Map<string, Hop>()
  return hops.flatMap((hop) => {
    const { id, maker, host } = hop.received
    const word = id?.value.split(" ", 1)[0] ?? ""
    // The id of Exchange is its version; LMTP and filters hand on the id of their own host.
    if (word.length < 6 || maker.name === "Exchange" || /^\d+(?:\.\d+)+$/.test(word) || host === undefined)
      return []
    const earlier = seen.get(word)
    if (earlier === undefined) seen.set(word, hop)
    const other = earlier?.received.host
    if (earlier === undefined || other === undefined || isOneOwner(other, host)) return []
    return [
      {
        check: "duplicate_id",
        severity: hop.believed ? "low" : "high",
        hop: hop.number,
        explanation: `Hop ${hop.number} (${host}) has the same id as hop ${earlier.number} (${other}): ${word}. Two hosts never choose the same.`,
        evidence: [id, earlier.received.id],
      },
    ]
  })
}

/** hop_syntax: a field that no mail software writes. */
export function hopSyntax({ hops }: Case): readonly Remark[] {
  return hops.flatMap((hop) =>
    hop.believed
      ? []
      : [...makers(hop), ...oddities(hop), ...literals(hop), ...protocol(hop), ...twoProtocols(hop)],
  )
}

function makers({ received, number }: Hop): readonly Remark[] {
  const { maker } = received
  if (maker.others.length === 0) return []
  return [
    {
      check: "hop_syntax",
      severity: "high",
      hop: number,
      explanation: `Hop ${number} is signed by ${[maker.name, ...maker.others].join(" and ")} at once: ${maker.signs.join(" ")}.`,
      evidence: [received.by?.comments[0] ?? received.by],
    },
  ]
}

/** Oddities of one hop that are told. */
const mostOddities = 5

function oddities({ received, number }: Hop): readonly Remark[] {
  return received.oddities.slice(0, mostOddities).map((odd): Remark => {
    const about = { check: "hop_syntax", hop: number, evidence: [odd] } as const
    switch (odd.what) {
      case "date in a comment":
        return {
          ...about,
          severity: "high",
          explanation: `Hop ${number} has a date where the client's name or address stands: (${odd.text}). No software writes that.`,
        }
      case "second semicolon":
        return {
          ...about,
          severity: "medium",
          telling: true,
          explanation: `Hop ${number} has a semicolon in its middle: only the date follows one.`,
        }
      case "clause twice":
        return {
          ...about,
          severity: "medium",
          explanation: `Hop ${number} says twice "${odd.text.slice(0, 60)}".`,
        }
      case "unbalanced":
        return {
          ...about,
          severity: "low",
          explanation: `Hop ${number} has a bracket or quote that is not closed.`,
        }
      case "stray words":
        return {
          ...about,
          severity: "low",
          explanation: `Hop ${number} begins with words that belong nowhere: "${odd.text.slice(0, 60)}".`,
        }
      case "no date":
        return { ...about, severity: "low", explanation: `Hop ${number} has no date that can be read.` }
      case "too long":
        return {
          ...about,
          severity: "low",
          explanation: `Hop ${number} is longer than any software writes; only its beginning was read.`,
        }
      case "nothing read":
        return { ...about, severity: "low", explanation: `Hop ${number} could not be read.` }
    }
  })
}

/**
 * `by 192.168.2.60 … id <6574760@example.org>`: a host that calls itself by a bare address, and a Message-ID for an id. L-Soft's
 * servers write `by [192.168.2.60] (LSMTP …)`, InterMail such ids: it is odd, and no more.
 */
function literals({ received, number }: Hop): readonly Remark[] {
  const { by, id, maker, source } = received
  if (by === undefined || id === undefined || maker.name !== "unknown" || by.comments.length > 0) return []
  if (
    !/^\d+(?:\.\d+){3}$/.test(by.value) ||
    !/^<[^>]*@[^>]*>$/.test(id.value) ||
    source?.address !== undefined
  )
    return []
  return [
    {
      check: "hop_syntax",
      severity: "medium",
      hop: number,
      explanation: `Hop ${number} names its host by a bare address, its queue id by a Message-ID, and no address of the client: hardly any mail server writes such a field.`,
      evidence: [by, id],
    },
  ]
}

/** `with SMTP with ESMTP`: a message comes by one of them (RFC 3848). `with SMTP with TLS` is written. */
function twoProtocols({ received: { clauses }, number }: Hop): readonly Remark[] {
  const spoken = clauses.filter(({ name, value }) => name === "with" && isSmtp(value))
  const [first, second] = spoken
  if (first === undefined || second === undefined) return []
  return [
    {
      check: "hop_syntax",
      severity: "medium",
      telling: true,
      hop: number,
      explanation: `Hop ${number} was taken "with ${first.value}" and "with ${second.value}": a message comes by one protocol.`,
      evidence: [first, second],
    },
  ]
}

function isSmtp(value: string): boolean {
  return /^(?:UTF8)?(?:E?SMTP|LMTP)S?A?$/i.test(value.slice(0, 20))
}

const protocols =
  /smtp|lmtp|mail|http|imap|pop|uucp|mapi|nnfmp|qmqp|local|tls|utf8|scan|filter|spam|exim|postfix|stdio|bsmtp|pipe|dmsp|socket|submission|wall|gateway|server|service|rpc|lists?|mms|notes|x400|x\.400|decnet|nntp|webdav|ews|activesync|api|sendgrid|novell|groupwise|domino/i

/** `with VENSEN304P`: a protocol that nobody speaks. Filters and gateways put their own name and version there. */
function protocol({ received, number }: Hop): readonly Remark[] {
  const clause = received.with
  if (
    clause === undefined ||
    clause.value === "" ||
    /[ /]/.test(clause.value) ||
    protocols.test(clause.value)
  )
    return []
  const odd = /^[A-Z0-9]{6,}$/.test(clause.value) && /\d/.test(clause.value)
  return [
    {
      check: "hop_syntax",
      severity: odd ? "medium" : "low",
      telling: odd,
      hop: number,
      explanation: `Hop ${number} was taken "with ${clause.value.slice(0, 40)}": no such protocol is known.`,
      evidence: [clause],
    },
  ]
}

/** anachronism: software that did not exist yet, or was very old. */
export function anachronism({ hops }: Case): readonly Remark[] {
  return hops.flatMap((hop): readonly Remark[] => {
    const { maker, date, by } = hop.received
    const released = releaseYear(maker.name, maker.version)
    if (released === undefined || date === undefined || hop.believed) return []
    const early = released - date.year
    const about = {
      check: "anachronism",
      hop: hop.number,
      evidence: [by?.comments[0] ?? by, hop.received.dateSpan],
    } as const
    const software = `${maker.name} ${maker.version}`
    if (early >= 1) {
      const says = `Hop ${hop.number} is dated ${date.year}, but ${software} came out in ${released}.`
      // A clock that is some years off is an honest cause; a decade is not.
      return [{ ...about, severity: early > 8 ? "medium" : "low", explanation: says } as const]
    }
    if (early > -12) return []
    return [
      {
        ...about,
        severity: "info",
        explanation: `${software} was ${-early} years old when hop ${hop.number} was written.`,
      } as const,
    ]
  })
}
