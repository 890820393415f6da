import assert from "node:assert/strict"
import type { LookupAddress } from "node:dns"
import { once } from "node:events"
import { type AddressInfo, connect, createServer } from "node:net"
import { test } from "node:test"
import type { DnsAnswer } from "../mail/world.ts"
import { exchangerLookup } from "./exchanger-lookup.ts"

const addresses: Readonly<Record<string, string[]>> = {
  "mx1.example.org": ["127.0.0.7"],
  "mx2.example.org": ["127.0.0.8", "::1"],
  "plain.example.org": ["127.0.0.9"],
}
const mx: Readonly<Record<string, [number, string][]>> = {
  "example.org": [
    [20, "mx2.example.org"],
    [10, "mx1.example.org"],
  ],
  "null.example.org": [[0, "."]],
}

function found<T>(records: readonly T[] | undefined): DnsAnswer<T> {
  return records === undefined
    ? { found: "nothing", why: "no such record", secure: false }
    : { found: "records", records, secure: false, ttl: 60 }
}

const lookup = exchangerLookup({
  mx: async (name) =>
    name === "late.example.org"
      ? { found: "unavailable", why: "timeout" }
      : found(mx[name]?.map(([preference, exchange]) => ({ preference, exchange }))),
  addresses: async (name) => found(addresses[name]),
})

function all(name: string): Promise<readonly LookupAddress[] | string> {
  return new Promise((resolve) =>
    lookup(name, { all: true }, (error, answers) =>
      resolve(error === null ? (answers as LookupAddress[]) : (error.code ?? error.message)),
    ),
  )
}

test("a name stands for its MX hosts, best first, and for itself where it has none", async () => {
  assert.deepEqual(await all("example.org"), [
    { address: "127.0.0.7", family: 4 },
    { address: "127.0.0.8", family: 4 },
    { address: "::1", family: 6 },
  ])
  assert.deepEqual(await all("plain.example.org"), [{ address: "127.0.0.9", family: 4 }])
})

test("a null MX, an unknown name and a silent name server are no address", async () => {
  for (const name of ["null.example.org", "nosuch.example.org", "late.example.org"])
    assert.equal(await all(name), "ENOTFOUND", name)
})

test("a connection goes to the exchanger", async (t) => {
  const server = createServer((socket) => socket.end("220 mx1.example.org\r\n")).listen(0, "127.0.0.7")
  t.after(() => server.close())
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  const socket = connect({ host: "example.org", port, lookup })
  const [said] = (await once(socket, "data")) as [Buffer]
  assert.equal(String(said), "220 mx1.example.org\r\n")
  socket.destroy()
})
