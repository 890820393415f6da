// Lists of addresses and domains that others keep in DNS (RFC 5782): FEATURE(dnsbl), FEATURE(enhdnsbl) for clients,
// FEATURE(rhsbl) for the domains of senders. A list that does not answer refuses nobody, unless the FEATURE says `t'.
import { because, type Decision, later, no, type Origin, pass, yes } from "../mail/decision.ts"
import type { DnsAnswer } from "../mail/world.ts"
import type { FeatureUse, Settings } from "../config/settings.ts"
import { features } from "../config/settings.ts"
import { cause, passed, refused, unknown } from "../routing/reasons.ts"
import { ipv6Groups } from "./access.ts"
import { fillInText, type MacroValues, textReply } from "./message-text.ts"
import type { PolicyWorld } from "./world.ts"

/** One list, as its FEATURE names it. */
export type Listing = {
  readonly feature: "dnsbl" | "enhdnsbl" | "rhsbl"
  readonly server: string
  /** What a refused one hears; undefined: sendmail's words. */
  readonly message: string | undefined
  /** What one hears when the list does not answer; undefined: nothing, and it may pass. */
  readonly whenSilent: string | undefined
  /** enhdnsbl: which answers count; none: all. */
  readonly results: readonly string[]
  /** dnsbl: what is done instead of a refusal. */
  readonly instead: "hold" | "discard" | undefined
  readonly at: Origin | undefined
}

const usual = "blackholes.mail-abuse.org"

/** The lists of clients in the order of their lines. */
export function clientListings(settings: Settings): readonly Listing[] {
  return [...listings(settings, "dnsbl"), ...listings(settings, "enhdnsbl")].toSorted(
    (a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0),
  )
}

/** The lists of senders' domains. */
export function senderListings(settings: Settings): readonly Listing[] {
  return listings(settings, "rhsbl")
}

function listings(settings: Settings, name: Listing["feature"]): readonly Listing[] {
  return features(settings, name).map((use) => listingOf(name, use))
}

function listingOf(name: Listing["feature"], { args, at }: FeatureUse): Listing {
  const [server = "", message = "", silent = "", ...results] = args
  const instead = message === "quarantine" ? "hold" : message === "discard" ? "discard" : undefined
  return {
    feature: name,
    server: server === "" ? usual : server,
    message: message === "" || instead !== undefined ? undefined : message,
    whenSilent: silent === "" ? undefined : silent,
    results: name === "enhdnsbl" ? results.filter((result) => result !== "") : [],
    instead: name === "dnsbl" ? instead : undefined,
    at,
  }
}

/** What is asked for: the name in the list's zone, and how texts name it. */
export type Listed = { readonly key: string; readonly shown: string; readonly macros: MacroValues }

/** The client's address backwards, octet by octet or, for IPv6, digit by digit (RFC 5782 §2.1, §2.4). */
export function reversed(address: string): string {
  if (!address.includes(":")) return address.split(".").toReversed().join(".")
  const digits = ipv6Groups(address)
    .map((group) => group.padStart(4, "0"))
    .join("")
  return [...digits].toReversed().join(".")
}

/**
 * Asks one list. A yes means that it is listed and that something else than a refusal is to be done about it; a pass that the
 * list has nothing to say.
 */
export async function askListing(
  listing: Listing,
  listed: Listed,
  dns: PolicyWorld["dns"],
): Promise<Decision<"hold" | "discard">> {
  const { server, instead, at } = listing
  const step = listing.feature
  const asked = `${listed.key}.${server}`
  const answer = await dns.addresses(asked)
  const why = cause(`FEATURE(${step})`, at)
  switch (answer.found) {
    case "nothing":
      return pass(passed(step, `${listed.shown} is not listed at ${server}`, at))
    case "unavailable":
      return silentList(listing, listed, answer.why)
    case "records": {
      const record = counting(answer, listing.results)
      if (record === undefined) return pass(passed(step, `${server} says nothing that counts`, at))
      const says = `${listed.shown} is listed at ${server}: ${asked} is ${record}`
      if (instead !== undefined) return yes(instead, because(step, says, at, why))
      return no(refusalOf(listing, listed), refused(step, says, at, why))
    }
  }
}

function refusalOf({ server, message }: Listing, { shown, macros }: Listed) {
  const text =
    message === undefined ? `550 Rejected: ${shown} listed at ${server}` : fillInText(message, macros)
  return textReply(text, "5.7.1")
}

function silentList(listing: Listing, { shown, macros }: Listed, why: string): Decision<never> {
  const { feature: step, server, whenSilent, at } = listing
  const says = `${server} does not answer for ${shown}: ${why}`
  if (whenSilent === undefined) return pass({ ...unknown(step, says, at), role: "passed" })
  const text =
    whenSilent === "t"
      ? `451 Temporary lookup failure of ${shown} at ${server}`
      : fillInText(whenSilent, macros)
  return later(textReply(text, "4.4.3"), unknown(step, says, at))
}

/** The first answer that counts; without results that were named every one does. */
function counting(
  { records }: DnsAnswer<string> & { found: "records" },
  results: readonly string[],
): string | undefined {
  if (results.length === 0) return records[0]
  return records.find((record) => results.some((result) => fits(record, result)))
}

/** `127.0.0.2.`, `127.0.0.$-.`: as many parts, each the same or anything. */
function fits(record: string, result: string): boolean {
  const parts = record.split(".")
  const wanted = result.replace(/\.$/, "").split(".")
  if (wanted.at(-1) === "$+" || wanted.at(-1) === "$*") {
    return (
      parts.length >= wanted.length &&
      wanted.slice(0, -1).every((part, n) => part === "$-" || part === parts[n])
    )
  }
  return (
    parts.length === wanted.length && wanted.every((part, n) => /^\$[-+*]$/.test(part) || part === parts[n])
  )
}
