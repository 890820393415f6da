import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { hostsFile, parseHostsFile } from "./hosts.ts"

test("a hosts file gives addresses of names and names of addresses, in its order", () => {
  const table = parseHostsFile(
    "127.0.0.1\tlocalhost\n  192.0.2.7  Mail.Example.ORG mail  # comment 1.2.3.4\n\n192.0.2.8 mail\n# 192.0.2.9 no\nmail 192.0.2.1\n",
  )
  assert.deepEqual(table.addresses.get("mail"), ["192.0.2.7", "192.0.2.8"])
  assert.deepEqual(table.names.get("192.0.2.7"), ["mail.example.org", "mail"])
  assert.equal(table.addresses.has("no"), false)
  assert.equal(table.addresses.has("192.0.2.1"), false)
})

test("the file is read again when it has changed, and may be missing", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "waypost-hosts-"))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, "hosts")
  let now = 0
  const hosts = hostsFile(path, () => now)
  assert.equal(hosts.table().addresses.size, 0)
  writeFileSync(path, "192.0.2.7 mail\n")
  assert.equal(hosts.table().addresses.size, 0, "looked at a moment ago")
  now = 2000
  assert.deepEqual(hosts.table().addresses.get("mail"), ["192.0.2.7"])
  writeFileSync(path, "192.0.2.8 mail\n192.0.2.9 web\n")
  now = 4000
  assert.deepEqual(hosts.table().addresses.get("mail"), ["192.0.2.8"])
  rmSync(path)
  now = 6000
  assert.equal(hosts.table().addresses.size, 0)
})
