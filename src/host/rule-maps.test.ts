import assert from "node:assert/strict"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { type Nameserver, startNameserver } from "../../test/kit/nameserver.ts"
import { accountsOf } from "../../test/kit/site.ts"
import type { RuleMap } from "../config/rule-maps.ts"
import type { Dns } from "../mail/world.ts"
import { askFrom } from "./dns.ts"
import { openRuleMaps, type OpenRuleMaps } from "./rule-maps.ts"

const folder = mkdtempSync(join(tmpdir(), "waypost-maps-"))
let server: Nameserver
let dns: Dns
before(async () => {
  server = await startNameserver({
    "example.org": {
      MX: [
        [20, "b.example.org"],
        [10, "a.example.org"],
      ],
      TXT: ["hello"],
    },
    "napier.ac.uk": { A: ["192.0.2.1", "192.0.2.2"], AAAA: ["2001:db8::1"] },
    "www.hello.com": { CNAME: "hello.com" },
    "hello.com": { A: ["192.0.2.3"] },
    "3.2.0.192.in-addr.arpa": { PTR: "hello.com" },
    "broken.example.org": { fail: "SERVFAIL" },
  })
  dns = askFrom([{ address: server.address, port: server.port }])
})
after(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

writeFileSync(join(folder, "table"), "# people\nann\tbob@hello.com\nuser\t%1 at %2\n")
writeFileSync(join(folder, "columns"), "ann:x:Ann Other\nbob:y:Bob\n")
const program = join(folder, "program")
writeFileSync(
  program,
  '#!/bin/sh\ncase $2 in found) echo "$1 $2"; echo more;; later) exit 75;; odd) exit 1;; *) exit 68;; esac\n',
)
chmodSync(program, 0o755)

function open(...lines: readonly string[]): OpenRuleMaps & { readonly said: readonly string[] } {
  const said: string[] = []
  const declared = lines.map((line, n) => {
    const [, name = "", kind = "", args = ""] = /^(\S+) (\S+) ?(.*)$/.exec(line) ?? []
    return { name, kind, args, at: { file: "/etc/mail/sendmail.mc", line: n + 1, column: 1 } }
  })
  const maps = openRuleMaps(declared, { dns, accounts: accountsOf(["ann"]), say: (line) => said.push(line) })
  return { ...maps, said }
}

async function asked(map: RuleMap | undefined, key: string, ...more: readonly string[]): Promise<string> {
  assert.ok(map !== undefined)
  const found = await map.lookup(key, [key, ...more], () => {})
  return found.found === "value" ? found.value : found.found
}

const lookups: readonly (readonly [declared: string, key: string, answer: string, ...more: string[]])[] = [
  [`m hash ${folder}/table`, "ann", "bob@hello.com"],
  [`m hash -o ${folder}/table.db`, "ANN", "bob@hello.com"],
  [`m hash -a.END ${folder}/table`, "ann", "bob@hello.com.END"],
  [`m hash -m ${folder}/table`, "ann", "ann"],
  [`m hash ${folder}/table`, "user", "me at grussell.org", "me", "grussell.org"],
  [`m hash ${folder}/table`, "nobody", "nothing"],
  [`m hash ${folder}/nosuch`, "ann", "unavailable"],
  [`m hash -o ${folder}/nosuch`, "ann", "nothing"],
  [`m text -k0 -v2 -z: ${folder}/columns`, "ann", "Ann Other"],
  ["m host -a.", "www.hello.com", "hello.com."],
  ["m host", "Napier.AC.uk", "Napier.AC.uk"],
  ["m host", "nowhere.org", "nothing"],
  ["m host", "broken.example.org", "unavailable"],
  ["m host", "localhost", "nothing"],
  ["m host -a.", "[192.0.2.3]", "hello.com."],
  ["m dns -R A", "napier.ac.uk", "192.0.2.1"],
  ["m dns -R A -z,", "napier.ac.uk", "192.0.2.1,192.0.2.2"],
  ["m dns -R AAAA", "napier.ac.uk", "2001:db8::1"],
  ["m dns -R MX -a.", "example.org", "a.example.org."],
  ["m dns -RTXT", "example.org", "hello"],
  ["m dns -R A", "example.org", "nothing"],
  ["m dns -R A", "broken.example.org", "unavailable"],
  ["m bestmx", "example.org", "a.example.org"],
  ["m bestmx -z:", "example.org", "a.example.org:b.example.org"],
  ["m bestmx", "napier.ac.uk", "napier.ac.uk"],
  ["m user", "ann", "ann"],
  ["m user -vdir", "ann", "/home/ann"],
  ["m user", "nobody", "nothing"],
  [`m program ${program} -x`, "found", "-x found"],
  [`m program ${program} -x`, "missing", "nothing"],
  [`m program ${program} -x`, "later", "unavailable"],
  [`m program ${program} -x`, "odd", "nothing"],
  ["m program /nonexistent/program", "x", "unavailable"],
  ["m regex -a@M ^a", "abc", "@M"],
]

for (const [declared, key, answer, ...more] of lookups) {
  test(`${declared.replaceAll(folder, "DIR")}: ${key} is ${answer}`, async () => {
    const maps = open(declared)
    assert.deepEqual(maps.errors, [])
    assert.equal(await asked(maps.map("M"), key, ...more), answer)
    maps.close()
  })
}

test("an answer from a table cites its line", async () => {
  const maps = open(`m hash ${folder}/table`)
  const found = await maps.map("m")?.lookup("ann", ["ann"], () => {})
  assert.deepEqual(found?.found === "value" && found.at, { file: join(folder, "table"), line: 2, column: 1 })
  maps.close()
})

test("a sequence asks maps that were declared before it", async () => {
  const maps = open("r regex -a@M ^x", `t hash ${folder}/table`, "s sequence r t")
  assert.equal(await asked(maps.map("s"), "xyz"), "@M")
  assert.equal(await asked(maps.map("s"), "ann"), "bob@hello.com")
  maps.close()
})

test("a syslog map says its key, and answers nothing visible", async () => {
  const maps = open("log syslog -Lnotice")
  assert.equal(await asked(maps.map("log"), "look here"), "")
  assert.deepEqual(maps.said, ["log: look here"])
})

test("kinds that are not supported, and wrong ones, are told and are not there", () => {
  const maps = open(
    "a ldap -k x",
    "b nosuch x",
    "c hash",
    "d dns -R HINFO",
    "e program relative/path",
    "f regex (",
  )
  assert.deepEqual(
    maps.errors.map(({ why }) => why),
    [
      "map a: maps of kind ldap are not supported",
      "map b: there is no kind of map nosuch",
      "map c: hash needs the path of a file",
      "map d: dns records of type HINFO are not looked up",
      "map e: program needs the full path of a program",
      'map f: "(": Unmatched ( or \\(',
    ],
  )
  for (const name of "abcdef") assert.equal(maps.map(name), undefined)
})

test("a key reaches a program as one argument, whatever it holds", async () => {
  const maps = open(`m program ${program} -x`)
  assert.equal(await asked(maps.map("m"), "found; rm -rf /"), "nothing")
})
