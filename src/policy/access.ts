// The access table: which key of which tag answers for a client, a sender or a recipient, and what the answer means
// (proto.m4: SearchList, LookUpDomain, LookUpAddress). What follows from it is for check.ts and relay.ts.
import { isIPv6 } from "node:net"
import type { Domain, Mailbox } from "../mail/address.ts"
import type { Decision, Reason } from "../mail/decision.ts"
import type { Reply } from "../mail/reply.ts"
import type { Soon } from "../mail/soon.ts"
import type { Found } from "../mail/world.ts"
import { feature, type Settings } from "../config/settings.ts"
import { splitDetail } from "../maps/keys.ts"
import type { Entry, LookupTable } from "../maps/table.ts"
import { byEntry, tableSilent } from "../routing/reasons.ts"
import { codeAndText, parseError } from "../routing/target.ts"
import { type Canonical, withParents } from "../routing/world.ts"

/** What an entry says. */
export type Verdict =
  | { readonly word: "OK" | "RELAY" | "REJECT" | "DISCARD" | "SKIP" }
  | { readonly word: "ERROR"; readonly reply: Reply }
  | { readonly word: "QUARANTINE"; readonly why: string }

export type Answer =
  | { readonly found: "entry"; readonly verdict: Verdict; readonly entry: Entry; readonly reason: Reason }
  | { readonly found: "nothing" }
  | { readonly found: "silent"; readonly decision: Decision<never> }

/** The tag that a key is looked up with; the key without a tag is asked after it, but for Spam:. */
export type Tag = "Connect" | "From" | "To" | "Spam"

/** Whether FEATURE(access_db, …) names this option behind its map: skip, lookupdotdomain, relaytofulladdress. */
export function accessOption(settings: Settings, name: string): boolean {
  return (
    feature(settings, "access_db")
      ?.args.slice(1)
      .some((word) => word.toLowerCase() === name) === true
  )
}

/** One list of keys, most exact first; SKIP ends it. */
export type Keys = readonly string[]

const nothing: Answer = { found: "nothing" }

/** The lists as they are looked up: `Tag:key` and then `key` for each key. */
export function tagged(tag: Tag, lists: readonly Keys[]): readonly Keys[] {
  return lists.map((keys) =>
    keys.flatMap((bare) => (tag === "Spam" ? [`${tag}:${bare}`] : [`${tag}:${bare}`, bare])),
  )
}

/** Asks list after list. Every message asks a dozen times, so there is a promise only where a table makes one. */
export function askAccess(tables: readonly LookupTable[], lists: readonly Keys[]): Soon<Answer> {
  for (const table of tables) {
    for (const keys of lists) {
      const answer = askList(table, keys)
      if (answer === "later") return askSlowly(tables, lists)
      if (answer.found !== "nothing") return answer
    }
  }
  return nothing
}

function askList(table: LookupTable, keys: Keys): Answer | "later" {
  for (const key of keys) {
    const found = table.lookup(key)
    if (found instanceof Promise) return "later"
    const answer = answerFrom(table, key, found)
    if (answer !== undefined) return answer
  }
  return nothing
}

async function askSlowly(tables: readonly LookupTable[], lists: readonly Keys[]): Promise<Answer> {
  for (const table of tables) {
    for (const keys of lists) {
      for (const key of keys) {
        const answer = answerFrom(table, key, await table.lookup(key))
        if (answer?.found === "nothing") break
        if (answer !== undefined) return answer
      }
    }
  }
  return nothing
}

/** What the table says under this key; `nothing` ends the list (SKIP), undefined leaves it to the next key. */
function answerFrom(table: LookupTable, key: string, found: Found<Entry>): Answer | undefined {
  switch (found.found) {
    case "unavailable":
      return { found: "silent", decision: tableSilent(table, key, found.why) }
    case "nothing":
      return undefined
    case "entry": {
      const verdict = parseVerdict(found.entry.value)
      if (verdict.word === "SKIP") return nothing
      return { found: "entry", verdict, entry: found.entry, reason: byEntry(table, found.entry) }
    }
  }
}

/** Reads a right-hand side: a word, ERROR:D.S.N:code text, QUARANTINE:why, or a code and text alone. */
export function parseVerdict(value: string): Verdict {
  const text = value.trim()
  const word = text.toUpperCase()
  if (word === "OK" || word === "RELAY" || word === "REJECT" || word === "DISCARD" || word === "SKIP") {
    return { word }
  }
  if (word.startsWith("ERROR:")) return { word: "ERROR", reply: parseError(text.slice(6).trim(), false) }
  if (word.startsWith("QUARANTINE:")) return { word: "QUARANTINE", why: text.slice(11).trim() }
  return { word: "ERROR", reply: codeAndText(text, undefined) }
}

/** user@domain, user@, then the domain and its parents (sendmail: F, U, D); for user+detail@domain also user+*@ and user@. */
export function mailboxKeys({ localPart, domain }: Mailbox, dots = false): readonly Keys[] {
  const host = domain.kind === "name" ? domain.ascii : domain.text
  return [addressKeysOf(localPart, host), [`${localPart}@`], domainKeys(domain, dots)]
}

const keysOfSenders = new WeakMap<Mailbox, readonly Keys[]>()

/** The same under From: for a sender, who is asked about at MAIL and again when the message is there: kept as long as its transaction. */
export function senderKeys(sender: Mailbox, dots: boolean): readonly Keys[] {
  const known = keysOfSenders.get(sender)
  if (known !== undefined) return known
  const keys = tagged("From", mailboxKeys(sender, dots))
  keysOfSenders.set(sender, keys)
  return keys
}

/** The same for a recipient: `user@` means users of this host alone. */
export function recipientKeys({ mailbox, bare, local }: Canonical, dots: boolean): readonly Keys[] {
  if (bare) return [[`${mailbox.localPart}@`]]
  const [whole = [], user = [], domain = []] = mailboxKeys(mailbox, dots)
  return local ? [whole, user, domain] : [whole, domain]
}

/** The whole address, and with a detail all of the user's (proto.m4: LookUpFull). */
export function addressKeysOf(localPart: string, host: string): Keys {
  const { user, detail } = splitDetail(localPart)
  const whole = `${localPart}@${host}`
  return detail === undefined ? [whole] : [whole, `${user}+*@${host}`, `${user}@${host}`]
}

/** The domain and its parents; for an address literal the address and its prefixes. */
export function domainKeys(domain: Domain, dots = false): Keys {
  if (domain.kind === "name") return nameKeys(domain.ascii, dots)
  return addressKeys(domain.text.slice(1, -1).replace(/^IPv6:/i, ""))
}

/** "a.b.c", "b.c", "c"; with FEATURE(lookupdotdomain) ".b.c" before "b.c", for what lies below it alone. */
export function nameKeys(name: string, dots: boolean): Keys {
  const keys = withParents(name)
  return dots ? keys.flatMap((key, n) => (n === 0 ? [key] : [`.${key}`, key])) : keys
}

/** 192.0.2.7, 192.0.2, 192.0, 192; for IPv6 with its prefix word, in full and in short form, group by group. */
export function addressKeys(address: string): Keys {
  if (!address.includes(":") || !isIPv6(address)) {
    const parts = address.split(".")
    return parts.map((_, n) => parts.slice(0, parts.length - n).join("."))
  }
  const groups = ipv6Groups(address)
  const full = groups.map((_, n) => `IPv6:${groups.slice(0, groups.length - n).join(":")}`)
  return [...new Set([full[0] ?? "", `IPv6:${address.toLowerCase()}`, ...full.slice(1)])]
}

/** The eight groups of an IPv6 address without leading zeros (sendmail: UseCompressedIPv6Addresses is off). */
export function ipv6Groups(address: string): readonly string[] {
  const [head = "", tail] = address.toLowerCase().split("::")
  const left = groupsOf(head)
  if (tail === undefined) return left
  const right = groupsOf(tail)
  return [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right]
}

function groupsOf(text: string): readonly string[] {
  if (text === "") return []
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [group.replace(/^0+(?=.)/, "")]
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number)
    return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)]
  })
}
