import assert from "node:assert/strict"
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough, Readable, Writable } from "node:stream"
import { after, test } from "node:test"
import { cdbInMemory, findInCdb } from "../maps/cdb.ts"
import type { Io } from "./io.ts"
import { run as makemap } from "./makemap.ts"

const folder = mkdtempSync(join(tmpdir(), "makemap-"))
after(() => rmSync(folder, { recursive: true }))

function gather(): { readonly stream: Writable; readonly text: () => string } {
  const pieces: Buffer[] = []
  const stream = new Writable({
    write(piece: Buffer, _encoding, done) {
      pieces.push(Buffer.from(piece))
      done()
    },
  })
  return { stream, text: () => Buffer.concat(pieces).toString("utf8") }
}

/** Runs makemap in the folder; the map's folder is left out of what it says. */
async function run(args: string, input: string | Buffer = "") {
  const stdout = gather()
  const stderr = gather()
  const stdin = Readable.from([Buffer.from(input)])
  const io: Io = { stdin, stdout: stdout.stream, stderr: stderr.stream, env: {}, cwd: folder, entry: "" }
  const argv = args
    .split(" ")
    .map((word) => (/^[a-z][\w.]*$/.test(word) && word.startsWith("t") ? join(folder, word) : word))
  const code = await makemap(argv, io)
  const plain = (text: string) => text.replaceAll(`${folder}/`, "")
  return { code, out: plain(stdout.text()), err: plain(stderr.text()) }
}

test("makemap and its -u, with what sendmail's says of bad lines", async () => {
  const input = "Key One\tvalue one\nkey2 v2\n# c\nkey2 v3\nempty\n"
  assert.deepEqual(await run("hash t1", input), {
    code: 65,
    out: "",
    err: "makemap: t1: line 4: key key2: duplicate key\nmakemap: t1: line 5: no RHS for LHS empty\n",
  })
  assert.deepEqual(await run("-u hash t1"), { code: 0, out: "key\tOne\tvalue one\nkey2\tv2\n", err: "" })
})

test("-o adds to what is there, -r replaces, -d keeps both", async () => {
  await run("hash t2", "key2 v2\n")
  assert.equal((await run("-o hash t2", "a b\n")).code, 0)
  assert.equal((await run("-u hash t2")).out, "key2\tv2\na\tb\n")
  assert.equal((await run("-r hash t2", "k v\nk w\n")).err, "")
  assert.equal((await run("-u hash t2")).out, "k\tw\n")
  await run("-d btree t2", "k v\nk w\n")
  assert.equal((await run("-u btree t2")).out, "k\tv\nk\tw\n")
})

test("-f keeps case, -t and -D choose characters, -e lets values be empty, -N ends keys with NUL, -v tells", async () => {
  await run("-f btree t3", "A b\n")
  assert.equal((await run("-u btree t3")).out, "A\tb\n")
  await run("-t, -D; -e hash t3", "; no\nA key,a value\nempty\n")
  assert.equal((await run("-u hash t3")).out, "a key\ta value\nempty\t\n")
  await run("-N hash t3", "a b\n")
  assert.ok(readFileSync(join(folder, "t3.cdb")).includes("a\0b"))
  assert.equal((await run("-N -u hash t3")).out, "a\tb\n")
  assert.equal((await run("-v hash t3", "a b\n")).out, "key=`a', val=`b'\n")
})

test("an unknown type, a missing map and wrong arguments are refused in makemap's words", async () => {
  assert.deepEqual(await run("nosuch t4"), {
    code: 73,
    out: "",
    err: "makemap: error opening type nosuch map t4: Unknown database type\n",
  })
  assert.match(
    (await run("-u hash t4")).err,
    /^makemap: error opening type hash map t4: No such file or directory\n$/,
  )
  assert.equal((await run("hash")).code, 64)
  assert.match((await run("-Z hash t4")).err, /^makemap: invalid option -- 'Z'\nUsage: makemap /)
  assert.match((await run("-t")).err, /option requires an argument -- 't'/)
  assert.equal((await run("hash /nowhere/at/all", "a b\n")).code, 73)
  assert.equal((await run("-l")).out, "hash\nbtree\ndbm\ncdb\n")
})

test("each entry keeps the number of its line, its octets are kept whatever their charset", async () => {
  const input = Buffer.concat([Buffer.from("# c\n\nkey "), Buffer.from([0xe9, 0x80]), Buffer.from("\n")])
  await run("hash t5", input)
  const cdb = cdbInMemory(readFileSync(join(folder, "t5.cdb")))
  assert.ok(cdb.ok)
  assert.deepEqual(findInCdb(cdb.value, Buffer.from("key")), { value: Buffer.from([0xe9, 0x80]), line: 3 })
})

test("the map is replaced whole, keeps its rights, and nothing is left aside", async () => {
  writeFileSync(join(folder, "t6"), "a b\n", { mode: 0o640 })
  await run("hash t6", "a b\n")
  assert.equal(statSync(join(folder, "t6.cdb")).mode & 0o777, 0o640)
  const before = statSync(join(folder, "t6.cdb")).ino
  const reader = openSync(join(folder, "t6.cdb"), "r") // keeps its number from being given to the next file
  await run("hash t6.db", "a c\n")
  await run("hash t6", "a c\n")
  assert.notEqual(statSync(join(folder, "t6.cdb")).ino, before)
  closeSync(reader)
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes(".new.")),
    [],
  )
  assert.ok(existsSync(join(folder, "t6.cdb")))
})

test("input may come in pieces of any size", async () => {
  const stdin = new PassThrough()
  const io: Io = { stdin, stdout: gather().stream, stderr: gather().stream, env: {}, cwd: folder, entry: "" }
  const running = makemap(["hash", join(folder, "t7")], io)
  for (const octet of "one 1\ntwo 2\n") stdin.write(octet)
  stdin.end()
  assert.equal(await running, 0)
  assert.equal((await run("-u hash t7")).out, "one\t1\ntwo\t2\n")
})
