import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { Table } from "../host/tables.ts"
import { run as config } from "./config.ts"
import { run as check } from "./check.ts"
import { run as make } from "./make.ts"

/** A directory that stands for /etc/mail. */
function site(t: TestContext, files: Readonly<Record<string, string>>, mc = ""): string {
  const folder = mkdtempSync(join(tmpdir(), "waypost-make-"))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const head = `define(\`MAIL_SETTINGS_DIR', \`${folder}/')dnl\ndefine(\`ALIAS_FILE', \`${folder}/aliases')dnl\n`
  writeFileSync(
    join(folder, "sendmail.mc"),
    `${head}${mc}FEATURE(\`access_db')dnl\nMAILER(\`local')dnl\nMAILER(\`smtp')dnl\n`,
  )
  return folder
}

async function made(folder: string, ...argv: readonly string[]) {
  const io = memoryIo()
  const code = await make(["--config", folder, ...argv], io)
  const { stdout, stderr } = io.written
  return { code, out: stdout.replaceAll(`${folder}/`, ""), err: stderr.replaceAll(`${folder}/`, "") }
}

/** Writes a text so that it is newer than what was compiled before. */
function edit(folder: string, name: string, text: string): void {
  const path = join(folder, name)
  writeFileSync(path, text)
  const later = new Date(Date.now() + 10_000)
  utimesSync(path, later, later)
}

test("make compiles what is newer than its cdb, once, and says what changed", async (t) => {
  const folder = site(t, { access: "hello.com RELAY\nexample.org REJECT\n", aliases: "postmaster: root\n" })
  assert.deepEqual(await made(folder), {
    code: 0,
    out: "access.cdb: 2 entries, made for the first time\naliases.cdb: 1 entry, made for the first time\n",
    err: "",
  })
  assert.deepEqual(await made(folder), { code: 0, out: "All tables are up to date.\n", err: "" })
  edit(folder, "access", "hello.com OK\nnapier.ac.uk RELAY\n")
  assert.equal(
    (await made(folder)).out,
    "access.cdb: 2 entries: 1 new (napier.ac.uk), 1 changed (hello.com), 1 gone (example.org)\n",
  )
})

test("a bad line is said with its number, the others count, and the exit code is 65", async (t) => {
  const folder = site(t, { access: "hello.com RELAY\nexample.org\n", aliases: "" })
  const { code, out, err } = await made(folder, "access")
  assert.deepEqual([code, out], [65, "access.cdb: 1 entry, made for the first time\n"])
  assert.match(err, /^access: line 2: /)
})

test("a configuration that cannot be used compiles nothing: 78, with every problem and its line", async (t) => {
  const folder = site(
    t,
    { access: "hello.com RELAY\n" },
    "FEATURE(`acces_db')dnl\ndefine(`confMAX_HOP', `many')dnl\n",
  )
  const { code, out, err } = await made(folder)
  assert.deepEqual([code, out], [78, ""])
  assert.match(err, /sendmail\.mc:3.*acces_db[^]*sendmail\.mc:4/)
})

test("a table that is not there is named, and a table of a K line is compiled too", async (t) => {
  const folder = site(t, { access: "", own: "a b\n" }, "LOCAL_CONFIG\nKown hash FOLDER/own\n")
  const mc = join(folder, "sendmail.mc")
  writeFileSync(mc, readFileSync(mc, "utf8").replace("FOLDER", folder))
  assert.match((await made(folder, "virtusertable")).err, /the configuration has no table "virtusertable"/)
  assert.equal((await made(folder, "own")).out, "own.cdb: 1 entry, made for the first time\n")
})

test("the Makefile we ship does the same by make's own words", async (t) => {
  if (spawnSync("make", ["--version"]).error !== undefined) return t.skip("no make here")
  const folder = site(t, { access: "hello.com RELAY\n", aliases: "postmaster: root\n" })
  mkdirSync(join(folder, "bin"))
  // The command is a stand-in that shows what it is asked: what it does then is tested above.
  const shown = join(folder, "bin/waypost")
  writeFileSync(shown, '#!/bin/sh\necho "waypost $*"\n', { mode: 0o755 })
  const text = readFileSync(join(import.meta.dirname, "../../packaging/Makefile"), "utf8")
  writeFileSync(join(folder, "Makefile"), text.replaceAll("@WAYPOST@", shown))
  const asked = (...words: readonly string[]) =>
    spawnSync("make", ["-s", ...words], { cwd: folder, encoding: "utf8" }).stdout.replaceAll(folder, "DIR")
  assert.equal(asked(), "waypost make --config DIR\n")
  assert.equal(asked("check"), "waypost check DIR\n")
  assert.equal(asked("reload"), "waypost make --config DIR\nwaypost reload\n")
  assert.equal(asked("access.cdb"), "waypost make --config DIR access\n")
  assert.equal(asked("aliases"), "waypost make --config DIR aliases\n")
})

test("a text that was edited and not compiled is said by the daemon's tables and by check", async (t) => {
  const folder = site(t, { access: "hello.com RELAY\n", aliases: "postmaster: root\n" })
  await made(folder)
  const file = join(folder, "access")
  const said: string[] = []
  let now = 0
  const spec = { name: "access", kind: "hash", file, flags: "", at: undefined }
  const table = new Table(
    spec,
    (line) => said.push(line),
    () => now,
  )
  t.after(() => table.close())
  assert.deepEqual(said, [])
  edit(folder, "access", "hello.com REJECT\n")
  now = 2000
  const found = table.lookup("hello.com")
  assert.equal(found.found === "entry" && found.entry.value, "RELAY")
  assert.match(said[0] ?? "", /access is newer than .*access\.cdb, which decides until you run: makemap hash/)
  const io = memoryIo()
  assert.equal(await check([folder], io), 1)
  assert.match(io.written.stdout, /access is newer than .*access\.cdb/)
})

test("config --diff, as text and as JSON, has only what the site's lines make otherwise", async (t) => {
  const folder = site(t, {}, "define(`confMAX_HOP', `25')dnl\ndefine(`confTO_IDENT', `3s')dnl\n")
  const print = async (...argv: readonly string[]) => {
    const io = memoryIo()
    assert.equal(await config(["--config", join(folder, "sendmail.mc"), ...argv], io), 0)
    return io.written.stdout
  }
  const text = await print("--diff")
  assert.match(text, /Timeout\.ident +3s +\S+sendmail\.mc:4/)
  assert.doesNotMatch(text, /MaxHopCount|default/)
  const json: unknown = JSON.parse(await print("--diff", "--json"))
  assert.deepEqual(json !== null && typeof json === "object" && "options" in json && json.options, {
    AliasFile: { value: [join(folder, "aliases")], at: `${join(folder, "sendmail.mc")}:2` },
    "Timeout.ident": { value: 3, at: `${join(folder, "sendmail.mc")}:4` },
  })
  const whole: unknown = JSON.parse(await print("--json"))
  assert.ok(JSON.stringify(whole).includes('"MaxHopCount":{"value":25'))
})
