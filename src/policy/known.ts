// Clients that checks on strangers leave alone: of this host, logged in, at a door for submission, of class R, or welcome by access.
import { isIPv6 } from "node:net"
import type { Arrival } from "../mail/arrival.ts"
import { inClass } from "../config/settings.ts"
import { addressKeys, ipv6Groups } from "./access.ts"
import { clientAnswer } from "./client.ts"
import type { PolicyWorld } from "./world.ts"

/** Whether it is one of them. A table that does not answer makes nobody known. */
export async function isKnownClient(arrival: Arrival, world: PolicyWorld): Promise<boolean> {
  const { client, authenticated, submission, protocol } = arrival
  if (client === undefined || authenticated !== undefined || submission) return true
  if (protocol.endsWith("LMTP") || client.address === "127.0.0.1" || client.address === "::1") return true
  const { settings } = world.routing
  if (addressKeys(client.address).some((key) => inClass(settings, "R", key).member)) return true
  const answer = await clientAnswer(arrival, world)
  return answer.found === "entry" && (answer.verdict.word === "OK" || answer.verdict.word === "RELAY")
}

/** Who is one and the same sender on the network: an IPv4 address or its /24, or a /64 of IPv6, which one host has. */
export function networkOf(address: string, bits4: 24 | 32): string {
  if (isIPv6(address)) return `${ipv6Groups(address).slice(0, 4).join(":")}::/64`
  return bits4 === 32 ? address : `${address.split(".").slice(0, 3).join(".")}.0/24`
}
