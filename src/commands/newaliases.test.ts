import assert from "node:assert/strict"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable, Writable } from "node:stream"
import { after, test } from "node:test"
import { Table } from "../host/tables.ts"
import { run as config } from "./config.ts"
import type { Io } from "./io.ts"
import { run as newaliases } from "./newaliases.ts"

const folder = mkdtempSync(join(tmpdir(), "newaliases-"))
after(() => rmSync(folder, { recursive: true }))

type Run = (argv: readonly string[], io: Io) => Promise<number>

async function run(command: Run, ...argv: string[]) {
  const texts = { out: "", err: "" }
  const into = (name: "out" | "err") =>
    new Writable({
      write(piece: Buffer, _encoding, done) {
        texts[name] += piece.toString().replaceAll(`${folder}/`, "")
        done()
      },
    })
  const env = { WAYPOST_STATE: folder }
  const io: Io = {
    stdin: Readable.from([]),
    stdout: into("out"),
    stderr: into("err"),
    env,
    cwd: folder,
    entry: "",
  }
  return { code: await command(argv, io), ...texts }
}

function site(mc: string, aliases?: string): string {
  if (aliases !== undefined) writeFileSync(join(folder, "aliases"), aliases)
  const file = join(folder, "site.mc")
  writeFileSync(
    file,
    `define(\`ALIAS_FILE', \`${folder}/aliases')dnl\n${mc}MAILER(\`local')dnl\nMAILER(\`smtp')dnl\n`,
  )
  return file
}

test("newaliases compiles the configuration's alias file, says what it found, and lookups cite its lines", async () => {
  const mc = site("", "postmaster: root\nteam: andrew,\n\tjim\n")
  assert.deepEqual(await run(newaliases, "-C", mc), {
    code: 0,
    out: "aliases: 2 aliases, longest 11 bytes, 29 bytes total\n",
    err: "",
  })
  const file = join(folder, "aliases")
  const table = new Table({ name: "aliases", kind: "hash", file, flags: "", at: undefined }, (line) =>
    assert.fail(line),
  )
  const found = table.lookup("Team")
  assert.deepEqual(found.found === "entry" && found.entry.at, { file, line: 2, column: 1 })
})

test("bad lines are said in sendmail's words, all others count, and the exit code is 70", async () => {
  const answer = await run(newaliases, "-C", site("", "a: bob\nb bob\nA: jim\n"))
  assert.equal(answer.code, 70)
  assert.deepEqual(answer.out.split("\n"), [
    "aliases: line 2: missing colon",
    "aliases: line 3: A... Warning: duplicate alias name a",
    "aliases: 2 aliases, longest 3 bytes, 8 bytes total",
    "",
  ])
})

test("no alias file is 66, unless the configuration says it may be missing", async () => {
  rmSync(join(folder, "aliases"))
  assert.match((await run(newaliases, "-C", site(""))).err, /cannot open aliases: No such file or directory/)
  const optional = site(`define(\`ALIAS_FILE', \`-o ${folder}/aliases')dnl\n`)
  assert.deepEqual(await run(newaliases, "-C", optional), { code: 0, out: "", err: "" })
  assert.equal(existsSync(join(folder, "aliases.cdb.new")), false)
})

test("a null client has no aliases and newaliases nothing to do", async () => {
  assert.deepEqual(await run(newaliases, "-C", site("FEATURE(`nullclient', `hub.hello.com')dnl\n")), {
    code: 0,
    out: "",
    err: "",
  })
})

test("what cannot be understood is refused in one line", async () => {
  assert.deepEqual((await run(newaliases, "--nonsense")).code, 64)
  assert.match(
    (await run(newaliases, "-C", site("FEATUER(`x')dnl\n"))).err,
    /cannot be used:\n.*there is no word FEATUER/,
  )
})

test("waypost config prints what was understood, each value with its line", async () => {
  const mc = site("define(`confMAX_HOP', `17')dnl\nRELAY_DOMAIN(`napier.ac.uk')dnl\n")
  const { code, out } = await run(config, "--config", mc, "--diff")
  assert.equal(code, 0)
  assert.match(out, /MaxHopCount +17 +site.mc:2\n/)
  assert.match(out, /\$=R +napier\.ac\.uk +site.mc:3\n/)
  assert.doesNotMatch(out, /default\n/)
  assert.match((await run(config, "--config", mc)).out, /MaxMessageSize +0 +default\n/)
})

test("waypost config --json is JSON with the same values and lines", async () => {
  const mc = site("define(`confMAX_HOP', `17')dnl\nRELAY_DOMAIN(`napier.ac.uk')dnl\n")
  const json: unknown = JSON.parse((await run(config, "--config", mc, "--json")).out)
  const { options, classes } = json as { options: Record<string, unknown>; classes: Record<string, unknown> }
  assert.deepEqual(options["MaxHopCount"], { value: 17, at: "site.mc:2" })
  assert.deepEqual(classes["R"], { "napier.ac.uk": "site.mc:3" })
})

test("waypost config --default is itself a configuration that can be used", async () => {
  const { out } = await run(config, "--default")
  const file = join(folder, "default.mc")
  writeFileSync(file, out)
  const again = await run(config, "--config", file, "--diff")
  assert.deepEqual([again.code, again.err], [0, ""])
  assert.match(again.out, /MTA +127\.0\.0\.1:2525/)
})

test("a wrong configuration is 78, with its picture", async () => {
  const { code, err } = await run(config, "--config", site("FEATURE(`acess_db')dnl\n"))
  assert.equal(code, 78)
  assert.match(err, /2 \| FEATURE\(`acess_db'\)dnl\n.*\^~+\n.*did you mean access_db\?/)
})

test("with confCHECK_ALIASES addresses that are none are told, and nothing is left out for that", async () => {
  const bad = "me: gor@@hello.com, bob\n"
  const without = await run(newaliases, "-C", site("", bad))
  assert.equal(without.out, "aliases: 1 aliases, longest 19 bytes, 21 bytes total\n")
  const checked = await run(newaliases, "-C", site("define(`confCHECK_ALIASES', `True')dnl\n", bad))
  assert.equal(checked.out, `aliases: line 1: gor@@hello.com... bad address\n${without.out}`)
  assert.equal(checked.code, 0)
})
