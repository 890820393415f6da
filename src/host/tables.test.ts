import assert from "node:assert/strict"
import { chmodSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import type { TableSpec } from "../config/settings.ts"
import { compileMap } from "../maps/compile.ts"
import { replaceFile } from "./replace.ts"
import { makeTables, Table } from "./tables.ts"

const folder = mkdtempSync(join(tmpdir(), "tables-"))
after(() => rmSync(folder, { recursive: true }))

const at = { file: "/etc/mail/sendmail.mc", line: 7, column: 1 }

/** A table in a file of its own, with a clock that the test moves. */
function table(name: string, text: string | undefined, change: Partial<TableSpec> = {}) {
  const file = join(folder, name)
  if (text !== undefined) writeFileSync(file, text)
  const said: string[] = []
  const clock = { now: 0 }
  const spec: TableSpec = { name: "access", kind: "hash", file, flags: "", at, ...change }
  return {
    file,
    said,
    clock,
    open: () =>
      new Table(
        spec,
        (line) => said.push(line.replaceAll(`${folder}/`, "")),
        () => clock.now,
      ),
  }
}

function compile(file: string, text: string): void {
  const made = compileMap(text, {})
  assert.ok(made.ok)
  assert.deepEqual(replaceFile(`${file}.cdb`, made.value.pieces), { ok: true, value: undefined })
}

test("an entry is found in any case, with the line of the text it stands on", () => {
  const { file, said, open } = table("access", "# rules\nTo:Example.org\tRELAY\n")
  assert.deepEqual(open().lookup("TO:example.ORG"), {
    found: "entry",
    entry: { key: "to:example.org", value: "RELAY", at: { file, line: 2, column: 1 } },
  })
  assert.deepEqual(open().lookup("to:example.com"), { found: "nothing" })
  assert.match(said[0] ?? "", /^access: 1 entries read from the text: there is no access.cdb$/)
})

test("the compiled table decides, and cites the line of its text", () => {
  const { file, said, open } = table("mailertable", "a b\n")
  compile(file, "# one\n# two\nexample.org esmtp:[192.0.2.25]\n")
  const found = open().lookup("example.org")
  assert.deepEqual(found.found === "entry" && found.entry.at, { file, line: 3, column: 1 })
  assert.deepEqual(said, [])
})

test("a text that is newer than its compiled form is said, and the compiled form decides", () => {
  const { file, said, open } = table("stale", "a new\n")
  compile(file, "a old\n")
  utimesSync(file, new Date(), new Date(Date.now() + 60_000))
  const found = open().lookup("a")
  assert.equal(found.found === "entry" && found.entry.value, "old")
  assert.deepEqual(said, [
    `stale is newer than stale.cdb, which decides until you run: makemap hash stale < stale`,
  ])
})

test("a table that is replaced is in use within a second, and said; before, the old one answers", () => {
  const { file, said, clock, open } = table("live", undefined)
  compile(file, "a one\n")
  const live = open()
  compile(file, "a two\n")
  const value = () => {
    const found = live.lookup("a")
    return found.found === "entry" ? found.entry.value : found.found
  }
  assert.equal(value(), "one")
  clock.now = 1000
  assert.equal(value(), "two")
  assert.deepEqual(said, ["live.cdb was replaced and is in use now"])
  compile(file, "a three\n")
  clock.now = 2000
  assert.equal(value(), "three")
  assert.equal(said.length, 2, "each time it is said")
})

test("a table that is replaced by garbage stays in use, and the fault is said", () => {
  const { file, said, clock, open } = table("garbage", undefined)
  compile(file, "a one\n")
  const live = open()
  writeFileSync(`${file}.cdb`, "this is no cdb")
  clock.now = 1000
  assert.equal(live.lookup("a").found, "entry")
  clock.now = 2000
  assert.equal(live.lookup("a").found, "entry")
  assert.equal(said.length, 1)
  assert.match(
    said.join(),
    /garbage.cdb: not a cdb file: shorter than its header; what was read before stays in use/,
  )
})

test("a table whose file is missing cannot tell, unless it is optional: then it is empty", () => {
  const missing = table("gone", undefined)
  const answer = missing.open().lookup("a")
  assert.deepEqual(answer, { found: "unavailable", why: `${missing.file}: No such file or directory` })
  assert.equal(missing.said.length, 1)
  assert.match(missing.said.join(), /the table access cannot be read: gone: No such file or directory/)
  assert.deepEqual(table("gone2", undefined, { flags: "-o -T<TMPF>" }).open().lookup("a"), {
    found: "nothing",
  })
})

test("a table that appears later is read", () => {
  const { file, clock, open } = table("later", undefined, { flags: "-o" })
  const live = open()
  assert.equal(live.lookup("a").found, "nothing")
  writeFileSync(file, "a b\n")
  clock.now = 1000
  assert.equal(live.lookup("a").found, "entry")
})

test("bad lines are said with their place, all others are entries", () => {
  const { said, open } = table("bad", "a b\nempty\na c\n d e\n")
  assert.equal(open().lookup("a").found, "entry")
  assert.deepEqual(said.slice(0, 3), [
    "bad: line 2: no RHS for LHS empty",
    "bad: line 3: key a: duplicate key",
    "bad: line 4: syntax error (leading space)",
  ])
})

test("an unreadable file cannot tell", { skip: process.getuid?.() === 0 && "root reads everything" }, () => {
  const { file, open } = table("secret", "a b\n")
  chmodSync(file, 0)
  assert.equal(open().lookup("a").found, "unavailable")
})

test("aliases are read from their own kind of text", () => {
  const { file, open } = table("aliases", "Postmaster : root\nteam: andrew,\n\tjim\n", { name: "aliases" })
  assert.deepEqual(open().lookup("team"), {
    found: "entry",
    entry: { key: "team", value: "andrew,\tjim", at: { file, line: 2, column: 1 } },
  })
})

/** What a table with these flags says of a key. */
function valueWith(text: string, flags: string, key: string, kind = "hash"): string {
  const found = table(`flags${flags.replaceAll(/\W/g, "")}`, text, { flags, kind })
    .open()
    .lookup(key)
  return found.found === "entry" ? found.entry.value : found.found
}

test("flags of the map: -f, -a, -m, -N, and the columns of class text", () => {
  assert.equal(valueWith("Key v\n", "-f", "Key"), "v")
  assert.equal(valueWith("Key v\n", "-f", "key"), "nothing")
  assert.equal(valueWith("key v\n", "-a.x", "key"), "v.x")
  assert.equal(valueWith("key v\n", "-m", "key"), "key")
  assert.equal(valueWith("gor:x:Gordon:home\n", "-k0 -v2 -z:", "gor", "text"), "Gordon")
})

test("a table larger than 32 MiB is read by position and answers the same", () => {
  const { file, open } = table("large", undefined)
  const filler = "x".repeat(1000)
  const text = Array.from({ length: 34_000 }, (_, n) => `user${n}@example.org ${filler}${n}`).join("\n")
  compile(file, text)
  assert.ok(statSync(`${file}.cdb`).size > 32 * 1024 * 1024)
  const large = open()
  for (const n of [0, 17, 33_999]) {
    const found = large.lookup(`User${n}@example.org`)
    assert.ok(found.found === "entry" && found.entry.value.endsWith(`x${n}`) && found.entry.at.line === n + 1)
  }
  assert.equal(large.lookup("nobody@example.org").found, "nothing")
  large.close()
})

test("tables of one name keep their order, and closed ones cannot tell", () => {
  const one = table("one", "a b\n").file
  const two = table("two", "a c\n").file
  const spec = { name: "aliases", kind: "hash", flags: "", at } as const
  const opened = makeTables(
    [
      { ...spec, file: one },
      { ...spec, file: two },
    ],
    () => undefined,
  )
  assert.ok(opened.ok)
  assert.equal(opened.value.byName.get("aliases")?.length, 2)
  opened.value.close()
  assert.deepEqual(opened.value.byName.get("aliases")?.[0]?.lookup("a"), {
    found: "unavailable",
    why: "the table is closed",
  })
})

test("a lookup costs a few microseconds", () => {
  const { file, open } = table("quick", undefined)
  compile(file, Array.from({ length: 20_000 }, (_, n) => `user${n}@example.org v${n}`).join("\n"))
  const quick = open()
  for (let n = 0; n < 20_000; n++) quick.lookup(`user${n}@example.org`)
  const started = performance.now()
  for (let n = 0; n < 20_000; n++) quick.lookup(`user${n}@example.org`)
  const each = ((performance.now() - started) * 1000) / 20_000
  assert.ok(each < 50, `${each} µs`)
})
