// What kind of address stands in a trace: one that a host on the Internet can have, one that it cannot, or none at all.
import { isWithin, type Octets, octetsOf, hostOctets } from "../auth/ip.ts"

export type AddressKind =
  | "public"
  | "loopback"
  | "private"
  | "link-local"
  | "documentation"
  | "multicast"
  | "reserved"
  | "this network"
  | "impossible"

type Block = readonly [network: string, bits: number, kind: AddressKind]

// RFC 6890 and the registries it made; RFC 6598 (shared address space), RFC 5737 and RFC 3849 (documentation).
const blocks: readonly Block[] = [
  ["0.0.0.0", 8, "this network"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "private"],
  ["127.0.0.0", 8, "loopback"],
  ["169.254.0.0", 16, "link-local"],
  ["172.16.0.0", 12, "private"],
  ["192.0.2.0", 24, "documentation"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "private"],
  ["198.51.100.0", 24, "documentation"],
  ["203.0.113.0", 24, "documentation"],
  ["224.0.0.0", 4, "multicast"],
  ["240.0.0.0", 4, "reserved"],
  ["::1", 128, "loopback"],
  ["::", 128, "this network"],
  ["2001:db8::", 32, "documentation"],
  ["fc00::", 7, "private"],
  ["fe80::", 10, "link-local"],
  ["ff00::", 8, "multicast"],
]

type Parsed = { readonly network: Octets; readonly bits: number; readonly kind: AddressKind }

let parsed: readonly Parsed[] | undefined

/** Made when first needed: the mail process starts without it. */
function networks(): readonly Parsed[] {
  parsed ??= blocks.map(([network, bits, kind]) => ({ network: octetsOf(network) ?? [], bits, kind }))
  return parsed
}

/** The kind of the address that this text should be. */
export function kindOf(text: string): AddressKind {
  const octets = hostOctets(text.replace(/%.*$/, ""))
  if (octets === undefined) return "impossible"
  return networks().find(({ network, bits }) => isWithin(octets, network, bits))?.kind ?? "public"
}

/** An address inside somebody's own network: honest, but of no meaning outside. */
export function isInside(kind: AddressKind): boolean {
  return kind === "loopback" || kind === "private" || kind === "link-local"
}
