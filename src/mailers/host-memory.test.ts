import assert from "node:assert/strict"
import { test } from "node:test"
import { HostStatuses } from "./host-memory.ts"

const said = { at: 1, status: "2.0.0", says: "Sent" }

test("the last word about a host counts, by its name without address, case or final dot", () => {
  const hosts = new HostStatuses()
  hosts.note("mx1.grussell.org [127.0.0.20]", said)
  hosts.note("napier.ac.uk", said)
  hosts.note("MX1.grussell.org. [127.0.0.21]", { at: 2, status: "4.4.1", says: "Connection refused" })
  hosts.note(undefined, said) // a program, or nobody
  assert.deepEqual(
    hosts.list().map(({ host, status }) => [host, status]),
    [
      ["napier.ac.uk", "2.0.0"],
      ["mx1.grussell.org", "4.4.1"],
    ],
  )
})

test("what is forgotten is gone, and what is remembered is bounded", () => {
  const hosts = new HostStatuses()
  for (let n = 0; n < 10_050; n++) hosts.note(`h${n}.example.org`, said)
  assert.equal(hosts.list().length, 10_000)
  assert.equal(hosts.list()[0]?.host, "h50.example.org")
  hosts.forget()
  assert.deepEqual(hosts.list(), [])
})
