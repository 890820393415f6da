// Lists of addresses and domains that others keep in DNS (RFC 5782): FEATURE(dnsbl), FEATURE(enhdnsbl) for clients,
// FEATURE(rhsbl) for the domains of senders, FEATURE(dnswl) for clients that are welcome. A list that does not answer refuses nobody, unless the FEATURE says `t'.
import type { Reply } from "../mail/reply.ts"
import { because, type Decision, later, no, type Origin, pass, yes } from "../mail/decision.ts"
import type { DnsAnswer } from "../mail/world.ts"
import type { FeatureUse, Settings } from "../config/settings.ts"
import { features } from "../config/settings.ts"
import { cause, passed, refused, unknown } from "../routing/reasons.ts"
import { ipv6Groups } from "./access.ts"
import { codeOf, placeToLook } from "./dnsbl-codes.ts"
import { fillInText, type MacroValues, textReply } from "./message-text.ts"
import type { PolicyWorld } from "./world.ts"

/** One list, as its FEATURE names it. */
export type Listing = {
  readonly feature: "dnsbl" | "enhdnsbl" | "rhsbl" | "dnswl"
  readonly server: string
  /** What a refused one hears; undefined: sendmail's words. */
  readonly message: string | undefined
  /** What one hears when the list does not answer; undefined: nothing, and it may pass. */
  readonly whenSilent: string | undefined
  /** enhdnsbl, dnswl: which answers count; none: all. */
  readonly results: readonly string[]
  /** What is done instead of a refusal: dnsbl may hold or discard, dnswl welcomes. */
  readonly instead: "hold" | "discard" | "welcome" | undefined
  readonly at: Origin | undefined
}

const usual = "blackholes.mail-abuse.org"
const usualWelcome = "list.dnswl.org"

/** FEATURE(dnswl): lists of clients that no other list is asked about. */
export function welcomeListings(settings: Settings): readonly Listing[] {
  return listings(settings, "dnswl")
}

/** The lists of clients in the order of their lines. */
export function clientListings(settings: Settings): readonly Listing[] {
  return [...listings(settings, "dnsbl"), ...listings(settings, "enhdnsbl")].toSorted(
    (a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0),
  )
}

/** Those of them that have mail held or thrown away. */
export function settlingListings(settings: Settings): readonly Listing[] {
  if (features(settings, "dnsbl").length === 0) return none // asked with each message
  return clientListings(settings).filter(({ instead }) => instead !== undefined)
}

const none: readonly Listing[] = []

/** The lists of senders' domains. */
export function senderListings(settings: Settings): readonly Listing[] {
  return listings(settings, "rhsbl")
}

function listings(settings: Settings, name: Listing["feature"]): readonly Listing[] {
  return features(settings, name).map((use) => listingOf(name, use))
}

function listingOf(name: Listing["feature"], { args, at }: FeatureUse): Listing {
  if (name === "dnswl") return welcoming(args, at)
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

function welcoming([server = "", ...results]: readonly string[], at: Origin | undefined): Listing {
  const counts = results.filter((result) => result !== "")
  const plain = { message: undefined, whenSilent: undefined, instead: "welcome" } as const
  return { feature: "dnswl", server: server === "" ? usualWelcome : server, results: counts, at, ...plain }
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
  world: Pick<PolicyWorld, "dns" | "patience">,
): Promise<Decision<"hold" | "discard" | "welcome">> {
  const { server, instead, at } = listing
  const step = listing.feature
  const asked = `${listed.key}.${server}`
  const answer = await answerOf(asked, world)
  switch (answer.found) {
    case "nothing":
      return pass(passed(step, `${listed.shown} is not listed at ${server}`, at))
    case "unavailable":
      return silentList(listing, listed, answer.why)
    case "records": {
      const record = counting(answer, listing)
      if (record === undefined) return notCounting(listing, listed, answer.records)
      const code = codeOf(server, record)
      const words = code.is === "listing" && code.words !== undefined ? ` (${code.words})` : ""
      const says = `${listed.shown} is listed at ${server}: ${asked} is ${record}${words}`
      const why = cause(`FEATURE(${step})`, at)
      if (instead !== undefined) return yes(instead, because(step, says, at, why))
      return no(await refusalOf(listing, listed, record, world), refused(step, says, at, why))
    }
  }
}

/** A list is waited for no longer than this (milliseconds), nor is its text. */
const longestWait = 5000
const longestTextWait = 1000

/** What DNS says, or that it took too long. */
export async function answerOf(
  asked: string,
  { dns, patience }: Pick<PolicyWorld, "dns" | "patience">,
): Promise<DnsAnswer<string>> {
  const answer = dns.ipv4 === undefined ? dns.addresses(asked) : dns.ipv4(asked)
  if (patience === undefined) return await answer
  return (await patience(answer, longestWait)) ?? { found: "unavailable", why: "no answer within 5 seconds" }
}

/** Not one of the results that were named, an error of the list's own, or no list at all: nobody is refused for that. */
function notCounting(listing: Listing, listed: Listed, records: readonly string[]): Decision<never> {
  const { feature: step, server, at } = listing
  for (const record of records) {
    const code = codeOf(server, record)
    if (code.is === "error") return silentList(listing, listed, code.why)
    if (code.is === "no list") {
      const says = `${server} answers ${record} for ${listed.shown}: it is no list any more`
      return pass({ ...unknown(step, says, at), role: "passed" })
    }
  }
  return pass(passed(step, `${server} says nothing that counts`, at))
}

/** The words of the FEATURE; without any sendmail's, with why it is listed and where to look. */
async function refusalOf(
  { server, message }: Listing,
  { key, shown, macros }: Listed,
  record: string,
  world: Pick<PolicyWorld, "dns" | "patience">,
): Promise<Reply> {
  if (message !== undefined) return textReply(fillInText(message, macros), "5.7.1")
  const code = codeOf(server, record)
  const words = code.is === "listing" ? code.words : undefined
  const place = placeToLook(server, shown)
  const why =
    words === undefined
      ? await textOf(`${key}.${server}`, world)
      : `${words}${place === undefined ? "" : `; see ${place}`}`
  return textReply(
    `550 Rejected: ${shown} listed at ${server}${why === undefined ? "" : `: ${why}`}`,
    "5.7.1",
  )
}

/** What the list says itself, mostly with a link (RFC 5782 §2.1). */
export async function textOf(
  asked: string,
  { dns, patience }: Pick<PolicyWorld, "dns" | "patience">,
): Promise<string | undefined> {
  const answer = await (patience === undefined ? dns.txt(asked) : patience(dns.txt(asked), longestTextWait))
  const [text] = answer?.found === "records" ? answer.records : []
  return text === undefined ? undefined : text.replaceAll(/\s+/g, " ").slice(0, 300)
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

/** The first listing that counts; without results that were named every one does. */
function counting(
  { records }: DnsAnswer<string> & { found: "records" },
  { results, server }: Listing,
): string | undefined {
  if (results.length > 0) return records.find((record) => results.some((result) => fits(record, result)))
  return records.find((record) => codeOf(server, record).is === "listing")
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
