// The small programs that come with sendmail: editmap, praliases, rmail, saslpasswd2, hoststat, purgestat, mailstats.
import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, beforeEach, test } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { serveControl, type Verb } from "../daemon/control.ts"
import { layoutOf, makeLayout } from "../daemon/layout.ts"
import { parseSaslUsers } from "../host/sasl-file.ts"
import { run as editmap } from "./editmap.ts"
import { run as hoststat } from "./hoststat.ts"
import type { Command } from "./io.ts"
import { run as mailstats } from "./mailstats.ts"
import { run as makemap } from "./makemap.ts"
import { run as praliases } from "./praliases.ts"
import { run as purgestat } from "./purgestat.ts"
import { fromLines } from "./rmail.ts"
import { run as saslpasswd2 } from "./saslpasswd2.ts"

const state = mkdtempSync(join(tmpdir(), "tools-"))
assert.ok(makeLayout(layoutOf(state), undefined).ok)
const asked: Record<string, unknown>[] = []
const local = { from: 1, octetsFrom: 2000, to: 3, octetsTo: 5000, rejected: 1, discarded: 0, quarantined: 0 }
const verb: Verb = async function* (request) {
  asked.push(request)
  if (request.verb === "hosts") {
    yield {
      host: { host: "mx1.grussell.org", at: Date.now() - 65_000, status: "2.0.0", says: "250 2.0.0 taken" },
    }
    yield {
      host: {
        host: "napier.ac.uk",
        at: Date.now() - 90_000_000,
        status: "4.4.1",
        says: "Connection refused",
      },
    }
  }
  if (request.verb === "statistics") yield { ok: true, since: Date.UTC(2026, 10, 24), mailers: { local } }
}
const control = await serveControl(
  layoutOf(state).control,
  new Map(["hosts", "forget", "statistics", "forget statistics"].map((name) => [name, verb])),
  (error) => assert.fail(String(error)),
)
after(() => {
  control.close()
  rmSync(state, { recursive: true })
})
beforeEach(() => void (asked.length = 0))

async function call(run: Command["run"], argv: readonly string[], input = "") {
  const io = memoryIo(input, { WAYPOST_STATE: state })
  const code = await run(argv, io)
  return { code, ...io.written }
}

test("editmap asks, changes and removes one entry of a map that makemap made", async () => {
  const map = join(state, "access")
  await call(makemap, ["hash", map], "Hello.com RELAY\nspam.test REJECT\n")
  assert.equal((await call(editmap, ["-q", "hash", map, "HELLO.com"])).stdout, "RELAY\n")
  assert.equal((await call(editmap, ["-u", "hash", map, "hello.com", "OK really"])).code, 0)
  assert.equal((await call(editmap, ["-u", "hash", map, "new.test", "DISCARD"])).code, 0)
  assert.equal((await call(editmap, ["-x", "hash", map, "spam.test"])).code, 0)
  assert.equal((await call(makemap, ["-u", "hash", map])).stdout, "hello.com\tOK really\nnew.test\tDISCARD\n")
  assert.deepEqual(await call(editmap, ["-q", "hash", map, "spam.test"]), {
    code: 69,
    stdout: "",
    stderr: `editmap: couldn't find key spam.test in map ${map}\n`,
  })
  assert.equal((await call(editmap, ["-x", "hash", map, "spam.test"])).code, 69)
})

test("editmap makes a map for its first entry; -f keeps case, -N ends keys with NUL", async () => {
  const map = join(state, "fresh")
  assert.equal((await call(editmap, ["-q", "hash", map, "Me"])).code, 73)
  assert.equal((await call(editmap, ["-u", "-f", "hash", map, "Me", "you"])).code, 0)
  assert.equal((await call(editmap, ["-q", "hash", map, "Me"])).code, 69)
  assert.equal((await call(editmap, ["-fq", "hash", map, "Me"])).stdout, "you\n")
  assert.equal((await call(editmap, ["-Nu", "hash", map, "me", "nul"])).code, 0)
  assert.equal((await call(editmap, ["-qN", "hash", map, "me"])).stdout, "nul\n")
})

for (const argv of [
  [],
  ["-q", "hash", "m"],
  ["-q", "-u", "hash", "m", "k"],
  ["-u", "hash", "m", "k"],
  ["-z", "hash", "m", "k"],
]) {
  test(`editmap ${argv.join(" ")} is a mistake, and the usage tells`, async () => {
    const { code, stderr } = await call(editmap, argv)
    assert.equal(code, 64)
    assert.match(stderr, /Usage: editmap /)
  })
}

test("praliases prints the compiled aliases, or those that are asked for", async () => {
  const file = join(state, "aliases")
  await call(makemap, ["-f", "hash", file], "staff me, you\npostmaster root\n")
  assert.equal((await call(praliases, ["-f", file])).stdout, "staff:me, you\npostmaster:root\n")
  assert.equal(
    (await call(praliases, ["-f", file, "Staff", "nobody"])).stdout,
    "Staff:me, you\nnobody: No such key\n",
  )
  const missing = await call(praliases, ["-f", join(state, "none")])
  assert.equal(missing.code, 66)
  assert.match(missing.stderr, /none\.cdb: No such file or directory; newaliases makes it\n$/)
})

for (const [lines, domain, expected] of [
  ["From me Tue Nov 24 07:10:42 2026 remote from gordon\nSubject: x\n", undefined, "gordon!me"],
  [
    "From me Tue Nov 24 2026 remote from b\n>From me Tue Nov 24 2026 remote from a\n\nx\n",
    undefined,
    "b!a!me",
  ],
  ["From me Tue Nov 24 2026\n\n", "hello.com", "hello.com!me"],
  ["From me Tue Nov 24 2026\n\n", undefined, "me"],
  ["From gordon!me Tue Nov 24 2026 remote from gordon\n\n", undefined, "gordon!me"],
  ["Subject: x\n\n", undefined, "no"],
  ["", undefined, "no"],
] as const) {
  test(`rmail makes ${expected} of ${JSON.stringify(lines)}`, () => {
    const read = fromLines(lines, domain)
    if (expected === "no") assert.equal(read, "null header, or its first line is no From line")
    else assert.ok(typeof read === "object" && read.sender === expected)
    if (typeof read === "object") assert.ok(!/^>?From /.test(lines.slice(read.octets)))
  })
}

test("saslpasswd2 sets, changes and removes a password that nobody else reads", async () => {
  const file = join(state, "sasldb")
  const set = (password: string, ...more: string[]) =>
    call(saslpasswd2, ["-p", ...more, "-u", "mail.grussell.org", "me"], password)
  assert.equal((await set("first")).code, 67)
  assert.equal((await set("first", "-c")).code, 0)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal((await set("second\nnot this")).code, 0)
  const users = () => parseSaslUsers(readFileSync(file, "utf8"))
  assert.deepEqual(users(), [{ login: "me", realm: "mail.grussell.org", password: "second" }])
  assert.equal((await set("", "-c")).code, 64)
  assert.equal((await call(saslpasswd2, ["-d", "-u", "mail.grussell.org", "me"])).code, 0)
  assert.deepEqual(users(), [])
})

for (const [argv, says] of [
  [[], "one login is to be named"],
  [["me", "you"], "one login is to be named"],
  [["-x", "me"], "unknown option -x"],
  [["-u"], "-u needs a value"],
  [["two words"], '"two words" cannot be a name'],
] as const) {
  test(`saslpasswd2 ${argv.join(" ")}: ${says}`, async () => {
    const { code, stderr } = await call(saslpasswd2, argv)
    assert.equal(code, 64)
    assert.ok(stderr.startsWith(`saslpasswd2: ${says}`), stderr)
  })
}

test("hoststat shows hosts with their last words, in sendmail's table; purgestat forgets them", async () => {
  const { stdout } = await call(hoststat, [])
  assert.match(stdout, /^-+ Hostname -+ How long ago -+Results-+\n/)
  assert.match(stdout, /^ mx1\.grussell\.org +00:01:05 250 2\.0\.0 taken$/m)
  assert.match(stdout, /^ napier\.ac\.uk +1\+01:00:00 Connection refused$/m)
  assert.doesNotMatch((await call(hoststat, ["napier.ac.uk"])).stdout, /grussell/)
  assert.equal((await call(purgestat, [])).code, 0)
  assert.deepEqual(asked.at(-1), { verb: "forget" })
})

test("mailstats prints what came and went; -P for programs, -p begins anew", async () => {
  const { stdout } = await call(mailstats, [])
  const lines = stdout.split("\n")
  assert.match(lines[0] ?? "", /^Statistics from \w{3} \w{3} \d\d /)
  assert.equal(lines[1], " M   msgsfr  bytes_from   msgsto    bytes_to  msgsrej  msgsdis  msgsqur  Mailer")
  assert.equal(lines[2], " 0        1          2K        3          5K        1        0        0  local")
  assert.equal(lines[4], " T        1          2K        3          5K        1        0        0")
  const plain = (await call(mailstats, ["-P"])).stdout.split("\n")
  assert.match(plain[0] ?? "", /^\d+ \d+$/)
  assert.deepEqual(plain.slice(1, 3), ["0 1 2 3 5 1 0 local", "T 1 2 3 5 1 0"])
  assert.deepEqual(asked.at(-1), { verb: "statistics" })
  await call(mailstats, ["-p"])
  assert.deepEqual(asked.at(-1), { verb: "forget statistics" })
  assert.equal((await call(mailstats, ["-x"])).code, 64)
  writeFileSync(join(state, "unused"), "")
})
