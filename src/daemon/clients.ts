// Who a connection comes from: its address, and the name that DNS gives it, if the name leads back to the address.
import type { Socket } from "node:net"
import type { Client } from "../mail/arrival.ts"
import type { Dns } from "../mail/world.ts"
import { plainAddress } from "./listener.ts"

/** A greeting never waits longer than this for a name (milliseconds). */
const patience = 5000

/** Finds the client's name. One that does not lead back is only shown ("may be forged"); one that cannot be had is none. */
export async function clientOf(
  socket: Pick<Socket, "remoteAddress" | "remotePort">,
  dns: Pick<Dns, "names" | "addresses">,
): Promise<Client> {
  const address = plainAddress(socket.remoteAddress ?? "")
  const port = socket.remotePort ?? 0
  const { promise, resolve } = Promise.withResolvers<Named>()
  const timer = setTimeout(() => resolve(unsure), patience)
  const named = await Promise.race([nameOf(address, dns), promise])
  clearTimeout(timer)
  return { address, port, ...named }
}

type Named = Pick<Client, "name" | "forged" | "unsure">

const nameless: Named = { name: undefined }
const unsure: Named = { name: undefined, unsure: true }

async function nameOf(address: string, dns: Pick<Dns, "names" | "addresses">): Promise<Named> {
  const pointers = await dns.names(address)
  if (pointers.found === "unavailable") return unsure
  const name = pointers.found === "records" ? pointers.records[0]?.toLowerCase() : undefined
  if (name === undefined) return nameless
  const back = await dns.addresses(name)
  if (back.found === "unavailable") return unsure
  const leadsBack = back.found === "records" && back.records.includes(address)
  return leadsBack ? { name } : { name: undefined, forged: name }
}
