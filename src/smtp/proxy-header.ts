// The PROXY protocol, version 1 and 2 (haproxy's proxy-protocol.txt): what a proxy in front of us says first, about whom it speaks for.
// Read from octets; whether the proxy is believed is decided before.
import { isIPv4, isIPv6 } from "node:net"

export type ProxyHeader =
  | { readonly kind: "more" }
  /** No header, or one that is broken: nothing after it can be trusted. */
  | { readonly kind: "wrong"; readonly why: string }
  /** The proxy speaks for itself (a health check), or does not know for whom. */
  | { readonly kind: "own"; readonly octets: number }
  | { readonly kind: "client"; readonly octets: number; readonly address: string; readonly port: number }

const signature = Buffer.from("0d0a0d0a000d0a515549540a", "hex") // §2.2
const longestV1 = 107 // §2.1

/** The header at the beginning of these octets. */
export function readProxyHeader(octets: Buffer): ProxyHeader {
  const start = octets.subarray(0, signature.length)
  if (start.equals(signature.subarray(0, start.length)))
    return start.length < signature.length ? { kind: "more" } : version2(octets)
  const word = Buffer.from("PROXY ", "latin1")
  const begin = octets.subarray(0, word.length)
  if (!begin.equals(word.subarray(0, begin.length))) return { kind: "wrong", why: "there is no PROXY header" }
  return version1(octets)
}

function version1(octets: Buffer): ProxyHeader {
  const end = octets.indexOf("\r\n")
  if (end < 0)
    return octets.length < longestV1 ? { kind: "more" } : { kind: "wrong", why: "the PROXY line has no end" }
  if (end + 2 > longestV1) return { kind: "wrong", why: "the PROXY line is too long" }
  const [, family, source = "", , port = ""] = octets.toString("latin1", 0, end).split(" ")
  if (family === "UNKNOWN") return { kind: "own", octets: end + 2 }
  const isRight = family === "TCP4" ? isIPv4(source) : family === "TCP6" && isIPv6(source)
  if (!isRight || !/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    return { kind: "wrong", why: "the PROXY line names no client" }
  return { kind: "client", octets: end + 2, address: source.toLowerCase(), port: Number(port) }
}

function version2(octets: Buffer): ProxyHeader {
  if (octets.length < 16) return { kind: "more" }
  const command = octets.readUInt8(12)
  const family = octets.readUInt8(13)
  const length = octets.readUInt16BE(14)
  if (command >> 4 !== 2 || (command & 15) > 1)
    return { kind: "wrong", why: "the PROXY header is of another version" }
  if (octets.length < 16 + length) return { kind: "more" }
  const end = 16 + length
  if ((command & 15) === 0) return { kind: "own", octets: end } // LOCAL
  if (family === 0x11 && length >= 12) {
    const address = [...octets.subarray(16, 20)].join(".")
    return { kind: "client", octets: end, address, port: octets.readUInt16BE(24) }
  }
  if (family === 0x21 && length >= 36) {
    const groups = Array.from({ length: 8 }, (_, n) => octets.readUInt16BE(16 + 2 * n).toString(16))
    return { kind: "client", octets: end, address: shortIpv6(groups), port: octets.readUInt16BE(48) }
  }
  return { kind: "wrong", why: "the PROXY header names no client of TCP" }
}

/** RFC 5952 §4.2: the longest run of zeros as two colons; a mapped IPv4 address as IPv4. */
function shortIpv6(groups: readonly string[]): string {
  if (groups.slice(0, 5).every((group) => group === "0") && groups[5] === "ffff") {
    const [high = 0, low = 0] = groups.slice(6).map((group) => Number.parseInt(group, 16))
    return [high >> 8, high & 255, low >> 8, low & 255].join(".")
  }
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (groups[at + length] === "0") length++
    if (length > best.length) best = { at, length }
  }
  if (best.at < 0) return groups.join(":")
  return `${groups.slice(0, best.at).join(":")}::${groups.slice(best.at + best.length).join(":")}`
}
