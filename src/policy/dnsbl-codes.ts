// What the answers of DNS lists mean. 127.255.255.x is the list's own trouble with us and never a listing; the codes of the lists that
// everybody asks are told apart, with the place where the one who is listed can look (RFC 5782 §2.1, and the lists' own pages).

/** What one answer is: a listing, with its words where they are known, or something else. */
export type Code =
  | { readonly is: "listing"; readonly words?: string | undefined }
  | { readonly is: "error"; readonly why: string }
  /** Not in 127.0.0.0/8: the zone answers for every name, and is no list any more (RFC 5782 §2.1). */
  | { readonly is: "no list" }

const errors: Readonly<Record<string, string>> = {
  "127.255.255.252": "the list's name is misspelt",
  "127.255.255.254": "it does not answer public resolvers: ask it through a resolver of your own",
  "127.255.255.255": "we ask it too often",
}

/** Reads an answer of this list. */
export function codeOf(server: string, record: string): Code {
  if (!record.startsWith("127.")) return { is: "no list" }
  if (record.startsWith("127.255.255."))
    return { is: "error", why: errors[record] ?? `it says ${record}, which is an error` }
  if (record === "127.0.1.255")
    return { is: "error", why: "it is asked for an address, and knows domains only" }
  return { is: "listing", words: wordsOf(server, record) }
}

const sbl = "SBL: addresses of spammers"
const xbl = "XBL: hosts that are exploited or infected"
const pbl = "PBL: addresses that should not send mail by themselves"

/** By the last octet: https://www.spamhaus.org/faqs/dnsbl-usage/ */
const spamhaus: Readonly<Record<string, string>> = {
  "2": sbl,
  "3": "CSS: addresses of snowshoe spammers",
  "4": xbl,
  "5": xbl,
  "6": xbl,
  "7": xbl,
  "9": "DROP: networks of criminals",
  "10": pbl,
  "11": pbl,
}

const dbl: Readonly<Record<string, string>> = {
  "2": "a domain of spammers",
  "4": "a domain of phishing",
  "5": "a domain of malware",
  "6": "a domain that steers a botnet",
  "102": "a good domain, abused for spam",
  "103": "a good domain, abused to redirect",
  "104": "a good domain, abused for phishing",
  "105": "a good domain, abused for malware",
  "106": "a good domain, abused to steer a botnet",
}

function wordsOf(server: string, record: string): string | undefined {
  const last = record.slice(record.lastIndexOf(".") + 1)
  switch (spamhausZone(server)) {
    case "zen":
    case "sbl":
    case "xbl":
    case "pbl":
    case "sbl-xbl":
      return record.startsWith("127.0.0.") ? spamhaus[last] : undefined
    case "dbl":
      return record.startsWith("127.0.1.") ? dbl[last] : undefined
    default:
      return undefined
  }
}

/** `zen` of zen.spamhaus.org and of KEY.zen.dq.spamhaus.net. */
function spamhausZone(server: string): string | undefined {
  const found = /(?:^|\.)([a-z-]+)(?:\.dq)?\.spamhaus\.(?:org|net)\.?$/i.exec(server)
  return found?.[1]?.toLowerCase()
}

/** Where the one who is listed can look; undefined where only the list's own text may say. */
export function placeToLook(server: string, shown: string): string | undefined {
  const zone = spamhausZone(server)
  if (zone === undefined) return undefined
  return `https://check.spamhaus.org/query/${zone === "dbl" ? "domain" : "ip"}/${shown}`
}
