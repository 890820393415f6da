// Which name servers are asked, and how: resolv.conf(5) or the one server that was named instead.
import { isIP, isIPv6 } from "node:net"
import { fail, ok, type Result } from "../mail/result.ts"

export type NameserverAddress = { readonly address: string; readonly port: number }

export type ResolverConf = {
  readonly servers: readonly NameserverAddress[]
  /** Suffixes tried for names with fewer dots than `ndots`. */
  readonly search: readonly string[]
  readonly ndots: number
  readonly timeoutMs: number
  /** Rounds over all servers. */
  readonly attempts: number
  readonly rotate: boolean
  /** Whether the AD bit means something: the way to the server is our own, or the administrator says so. */
  readonly trusted: boolean
}

const mostServers = 3 // MAXNS of resolv.conf(5)

/** Reads resolv.conf(5). Unknown words are passed over, as the C library does. */
export function parseResolvConf(text: string): ResolverConf {
  const servers: NameserverAddress[] = []
  let search: readonly string[] = []
  const options = new Map<string, string>()
  for (const line of text.split("\n")) {
    const [word, ...rest] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/)
    const [first = ""] = rest
    if (word === "nameserver") {
      const address = first.replace(/%.*/, "")
      if (isIP(address) !== 0 && servers.length < mostServers) servers.push({ address: first, port: 53 })
    } else if (word === "search" || word === "domain") {
      search = (word === "domain" ? [first] : rest).map((name) => name.toLowerCase().replace(/\.$/, ""))
    } else if (word === "options") {
      for (const option of rest) options.set(option.split(":")[0] ?? "", option.split(":")[1] ?? "")
    }
  }
  return confOf(servers.length > 0 ? servers : [{ address: "127.0.0.1", port: 53 }], search, options)
}

function confOf(
  servers: readonly NameserverAddress[],
  search: readonly string[],
  options: ReadonlyMap<string, string>,
): ResolverConf {
  return {
    servers,
    search: search.filter((suffix) => suffix !== ""),
    ndots: within(options.get("ndots"), 1, 0, 15),
    timeoutMs: within(options.get("timeout"), 5, 1, 30) * 1000,
    attempts: within(options.get("attempts"), 2, 1, 5),
    rotate: options.has("rotate"),
    trusted: options.has("trust-ad") || servers.every(({ address }) => isLoopback(address)),
  }
}

function within(text: string | undefined, usual: number, least: number, most: number): number {
  return /^\d{1,3}$/.test(text ?? "") ? Math.min(Math.max(Number(text), least), most) : usual
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1"
}

/** Reads `192.0.2.53`, `192.0.2.53:5353`, `::1` or `[::1]:5353`. */
export function parseNameserver(text: string): Result<NameserverAddress> {
  const found = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? /^([^:]+)(?::(\d{1,5}))?$/.exec(text)
  const bare = found === null && isIPv6(text)
  const address = bare ? text : (found?.[1] ?? "")
  const port = bare ? 53 : Number(found?.[2] ?? 53)
  if (isIP(address) === 0 || port < 1 || port > 65535) {
    return fail(`"${text}" is not ADDRESS or ADDRESS:PORT of a name server`)
  }
  return ok({ address, port })
}
