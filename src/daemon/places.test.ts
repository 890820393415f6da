import assert from "node:assert/strict"
import { test } from "node:test"
import type { DaemonOptions } from "../config/settings.ts"
import { placesChange, placesOf, printPlace } from "./places.ts"

function daemon(address: string | undefined, port: number, name = "MTA"): DaemonOptions {
  const family = address?.includes(":") === true ? "inet6" : "inet"
  return { name, address, family, port, modify: "", other: new Map(), at: undefined }
}

const printed = (places: readonly { place: string; daemon: DaemonOptions }[]) => places.map(printPlace)

test("a daemon that only changes its name or its flags stays where it listens", () => {
  const change = placesChange([daemon("192.0.2.1", 25)], [{ ...daemon("192.0.2.1", 25, "MX"), modify: "a" }])
  assert.deepEqual(change, { added: [], gone: [], inTheWay: [] })
})

test("a daemon in another order of the configuration is the same daemon", () => {
  const [mta, msa] = [daemon(undefined, 25), daemon(undefined, 587, "MSA")]
  assert.deepEqual(placesChange([mta, msa], [msa, mta]), { added: [], gone: [], inTheWay: [] })
})

test("what is new opens and what is gone closes; only the same port stands in the way", () => {
  const before = [daemon(undefined, 25), daemon(undefined, 587, "MSA")]
  const after = [daemon("192.0.2.1", 25), daemon("2001:db8::1", 465, "TLS")]
  const { added, gone, inTheWay } = placesChange(before, after)
  assert.deepEqual(printed(added), ["192.0.2.1:25", "[2001:db8::1]:465"])
  assert.deepEqual(printed(gone), ["0.0.0.0:25", "0.0.0.0:587"])
  assert.deepEqual(printed(inTheWay), ["0.0.0.0:25"])
})

test("two daemons that leave the port to the system have a place each", () => {
  const places = placesOf([daemon("127.0.0.1", 0), daemon("127.0.0.1", 0, "MSA")])
  assert.equal(new Set(places.map(({ place }) => place)).size, 2)
})
