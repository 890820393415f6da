// Proxies in front of us: whom we believe when it says for whom it speaks (confTRUSTED_PROXIES), and the PROXY header of doors that have
// Proxy= in their DAEMON_OPTIONS.
import { BlockList, isIP, type Socket } from "node:net"
import { option } from "../config/options.ts"
import type { DaemonOptions, Settings } from "../config/settings.ts"
import { readProxyHeader } from "../smtp/proxy-header.ts"

const lists = new WeakMap<Settings, BlockList>()

/** Whether this address is one that confTRUSTED_PROXIES names: addresses and networks (192.0.2.0/24). */
export function isTrustedProxy(settings: Settings, address: string): boolean {
  const names = option(settings, "TrustedProxies")
  if (names.length === 0) return false
  let list = lists.get(settings)
  if (list === undefined) {
    list = listOf(names)
    lists.set(settings, list)
  }
  return list.check(address, address.includes(":") ? "ipv6" : "ipv4")
}

function listOf(names: readonly string[]): BlockList {
  const list = new BlockList()
  for (const name of names) {
    const [address = "", bits] = name.split("/")
    const family = address.includes(":") ? "ipv6" : "ipv4"
    if (isIP(address) === 0) continue
    if (bits === undefined) list.addAddress(address, family)
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === "ipv6" ? 128 : 32))
      list.addSubnet(address, Number(bits), family)
  }
  return list
}

/** Whether clients of this door come through a proxy that says PROXY first. */
export function expectsProxyHeader({ other }: DaemonOptions): boolean {
  return /^(?:yes|true|v1|v2|haproxy)$/i.test(other.get("proxy") ?? "")
}

/** What a proxy said: the client it speaks for; itself; or what was wrong. */
export type Introduced =
  | { readonly remoteAddress: string; readonly remotePort: number }
  | "itself"
  | { readonly wrong: string }

const patience = 10_000

/** Reads the header off the socket, and nothing behind it. */
export function introduced(socket: Socket): Promise<Introduced> {
  return new Promise((resolve) => {
    let octets = Buffer.alloc(0)
    const end = (result: Introduced, used = 0) => {
      clearTimeout(timer)
      socket.off("readable", look).off("end", gone).off("close", gone)
      const rest = octets.subarray(used)
      if (rest.length > 0 && !socket.destroyed) socket.unshift(rest)
      resolve(result)
    }
    const gone = () => end({ wrong: "it went away" })
    const look = () => {
      const piece = socket.read() as Buffer | null
      if (piece === null) return
      octets = Buffer.concat([octets, piece])
      const header = readProxyHeader(octets)
      if (header.kind === "wrong") end({ wrong: header.why })
      else if (header.kind === "own") end("itself", header.octets)
      else if (header.kind === "client")
        end({ remoteAddress: header.address, remotePort: header.port }, header.octets)
    }
    const timer = setTimeout(() => end({ wrong: "it said nothing" }), patience)
    socket.on("readable", look).once("end", gone).once("close", gone)
    look()
  })
}
