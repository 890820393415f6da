// A mail host with a certificate of the test's choice: our own server engine behind STARTTLS on a loopback port, its spool an array.
import { once } from "node:events"
import { createServer, type Socket } from "node:net"
import { converse } from "../../src/daemon/connection.ts"
import type { TlsMaterial } from "../../src/trust/tls-options.ts"
import { makeServerTls } from "../../src/trust/tls-server.ts"
import { MemorySpool, smallGate, someArrival, someMoment, someOffers } from "./server.ts"

export type TlsHost = {
  readonly port: number
  readonly spool: MemorySpool
  /** "TLSv1.3 …" of each session that began TLS, by the message's order; "clear" where there was none. */
  readonly ways: string[]
  close(): void
}

export const noMaterial: TlsMaterial = {
  server: [],
  named: [],
  client: [],
  authorities: [],
  revoked: [],
  ciphers: undefined,
  dhParameters: undefined,
  options: [],
  clientOptions: [],
  noClientCertificate: true,
  issues: [],
  fingerprint: "",
}

/** Starts one; without a certificate it offers no TLS. */
export async function startTlsHost(material: Pick<TlsMaterial, "server" | "named">): Promise<TlsHost> {
  const made = material.server.length === 0 ? undefined : makeServerTls({ ...noMaterial, ...material })
  if (made?.ok === false) throw new Error(made.error)
  const spool = new MemorySpool()
  const ways: string[] = []
  const open = new Set<Socket>()
  let ids = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket)
    socket.on("close", () => open.delete(socket)).on("error", () => socket.destroy())
    const offers = { ...someOffers, startTls: made !== undefined }
    void converse(
      socket,
      { arrival: someArrival, offers },
      {
        gate: smallGate,
        spool,
        newId: () => `6AO7Ag${String(++ids).padStart(8, "0")}`,
        clock: () => someMoment,
        timeouts: { command: 30_000, datablock: 30_000 },
        log: { refused: () => {}, note: () => {}, bug: () => {} },
        onAccepted: ({ entry }) => void ways.push(entry.arrival.tls ?? "clear"),
        note: () => {},
        runQueue: () => {},
        ...(made === undefined ? {} : { tls: made.value }),
      },
    )
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    spool,
    ways,
    close() {
      for (const one of open) one.destroy()
      server.close()
    },
  }
}
