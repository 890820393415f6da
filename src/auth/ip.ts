// IP addresses as octets, for those who compare them with networks: 4 of them or 16.
import { isIPv4, isIPv6 } from "node:net"

export type Octets = readonly number[]

/** The octets of an address; undefined when it is none. */
export function octetsOf(address: string): Octets | undefined {
  if (isIPv4(address)) return address.split(".").map(Number)
  if (!address.includes(":") || address.includes("%")) return undefined // the first isIPv6 of a process takes milliseconds
  return isIPv6(address) ? octetsOf6(address) : undefined
}

/** The same for a host that talks with us: an IPv4-mapped address is IPv4 (RFC 4291 §2.5.5.2). */
export function hostOctets(address: string): Octets | undefined {
  const octets = octetsOf(address)
  if (octets === undefined || octets.length === 4) return octets
  const mapped = octets.every((octet, n) => n >= 12 || octet === (n < 10 ? 0 : 255))
  return mapped ? octets.slice(12) : octets
}

function octetsOf6(address: string): Octets {
  const [head = "", tail] = address.split("::")
  const left = groups(head)
  const right = groups(tail ?? "")
  const gap = tail === undefined ? 0 : 16 - left.length - right.length
  return [...left, ...Array<number>(gap).fill(0), ...right]
}

function groups(text: string): Octets {
  if (text === "") return []
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}

/** Whether the first `bits` of both are the same; addresses of two families never are. */
export function isWithin(address: Octets, network: Octets, bits: number): boolean {
  if (address.length !== network.length) return false
  const whole = bits >> 3
  for (let n = 0; n < whole; n++) if (address[n] !== network[n]) return false
  const rest = bits & 7
  if (rest === 0) return true
  const mask = (0xff00 >> rest) & 0xff
  return ((address[whole] ?? 0) & mask) === ((network[whole] ?? 0) & mask)
}

/** 192.0.2.7 as it is; IPv6 as 32 digits with dots between them (RFC 7208 §7.3). */
export function dotted(address: Octets): string {
  if (address.length === 4) return address.join(".")
  return address.map((octet) => `${digit(octet >> 4)}.${digit(octet & 15)}`).join(".")
}

function digit(value: number): string {
  return value.toString(16).toUpperCase()
}
