import assert from "node:assert/strict"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { test, type TestContext } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { run as install } from "./install.ts"
import { readRecord, recordPath, writeRecord } from "./install-record.ts"
import { Refusal } from "./io.ts"
import { run as uninstall } from "./uninstall.ts"

const rootOnly = process.getuid?.() === 0 ? false : "needs root: it makes users in a file system of its own"
const notRoot = process.getuid?.() === 0 ? "needs an ordinary user" : false

/** A small file system to install into: accounts, a sendmail of somebody else's, systemd. */
function machine(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "waypost-install-"))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const folder of ["etc/systemd/system", "usr/sbin", "usr/lib", "usr/bin", "var/lib"]) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/bash\n")
  writeFileSync(join(root, "etc/group"), "root:x:0:\n")
  writeFileSync(join(root, "etc/shadow"), "root:*:19000:0:99999:7:::\n", { mode: 0o600 })
  writeFileSync(join(root, "etc/gshadow"), "root:*::\n", { mode: 0o600 })
  writeFileSync(join(root, "usr/sbin/sendmail"), "another mail system")
  symlinkSync("../sbin/sendmail", join(root, "usr/lib/sendmail"))
  return root
}

/** Every path under `root` with what stands there, but the files that useradd keeps copies in. */
function picture(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => !/^etc\/(?:passwd-|group-|shadow-|gshadow-|subuid|subgid|\.pwd\.lock)/.test(path))
    .map((path) => `${path} ${describe(join(root, path))}`)
    .toSorted()
}

function describe(path: string): string {
  try {
    return `→ ${readlinkSync(path)}`
  } catch {
    return statSync(path).isDirectory() ? "" : readFileSync(path, "latin1")
  }
}

async function put(root: string, ...args: readonly string[]): Promise<string> {
  const io = memoryIo()
  assert.equal(await install(["--root", root, ...args], io), 0, io.written.stderr)
  return io.written.stdout
}

async function take(root: string): Promise<string> {
  const io = memoryIo()
  assert.equal(await uninstall(["--root", root], io), 0, io.written.stderr)
  return io.written.stdout
}

test("uninstall leaves the machine as install found it", { skip: rootOnly }, async (t) => {
  const root = machine(t)
  const before = picture(root)
  await put(root, "--link")
  assert.notDeepEqual(picture(root), before)
  await take(root)
  assert.deepEqual(picture(root), before)
})

test("install makes the user, its directory and a unit that starts this checkout", {
  skip: rootOnly,
}, async (t) => {
  const root = machine(t)
  await put(root)
  const account = readFileSync(join(root, "etc/passwd"), "utf8")
    .split("\n")
    .find((line) => line.startsWith("waypost:"))
  assert.match(
    account ?? "",
    /^waypost:x:\d+:\d+:Waypost mail system:\/var\/lib\/waypost:\/usr\/sbin\/nologin$/,
  )
  const state = statSync(join(root, "var/lib/waypost"))
  assert.equal(state.uid, 0, "what root acts on is root's")
  assert.equal(state.mode & 0o777, 0o755)
  const unit = readFileSync(join(root, "etc/systemd/system/waypost.service"), "utf8")
  const [, command = ""] = /^ExecStart=(\S+) start --quiet$/m.exec(unit) ?? []
  assert.ok(existsSync(command), command)
  assert.equal(
    readFileSync(join(root, "usr/sbin/sendmail"), "utf8"),
    "another mail system",
    "no --link, no link",
  )
})

test("--link puts our commands in the place of the machine's and keeps those", {
  skip: rootOnly,
}, async (t) => {
  const root = machine(t)
  await put(root, "--link")
  for (const [place, name] of [
    ["usr/sbin/sendmail", "sendmail"],
    ["usr/lib/sendmail", "sendmail"],
    ["usr/bin/mailq", "mailq"],
  ] as const) {
    const target = readlinkSync(join(root, place))
    assert.ok(target.endsWith(`/bin/${name}`), target)
    assert.ok(existsSync(target), target)
  }
  assert.equal(readFileSync(join(root, "usr/sbin/sendmail.before-waypost"), "utf8"), "another mail system")
})

test("install a second time does nothing and says so; --quiet says nothing", {
  skip: rootOnly,
}, async (t) => {
  const root = machine(t)
  await put(root, "--link")
  const once = picture(root)
  const said = await put(root, "--link")
  assert.deepEqual(picture(root), once)
  const steps = said.split("\n").filter((line) => line !== "" && !line.startsWith("next:"))
  assert.deepEqual(
    steps.filter((line) => !line.endsWith("there already")),
    [],
  )
  assert.equal(await put(root, "--link", "--quiet"), "")
  assert.deepEqual((await take(root)) === "", false)
})

test("mail is kept, and said to be", { skip: rootOnly }, async (t) => {
  const root = machine(t)
  await put(root)
  writeFileSync(join(root, "var/lib/waypost/queue"), "mail")
  assert.match(await take(root), /var\/lib\/waypost: kept, there is mail in it/)
  assert.equal(readFileSync(join(root, "var/lib/waypost/queue"), "utf8"), "mail")
})

test("a sendmail that a package put there since is left as it is", { skip: rootOnly }, async (t) => {
  const root = machine(t)
  await put(root, "--link")
  rmSync(join(root, "usr/sbin/sendmail"))
  writeFileSync(join(root, "usr/sbin/sendmail"), "a newer one")
  assert.match(await take(root), /usr\/sbin\/sendmail: somebody else's by now, left as it is/)
  assert.equal(readFileSync(join(root, "usr/sbin/sendmail"), "utf8"), "a newer one")
})

test("what was there before install is not removed: a user, a directory, a unit", {
  skip: rootOnly,
}, async (t) => {
  const root = machine(t)
  writeFileSync(join(root, "etc/passwd"), "waypost:x:900:900::/nonexistent:/bin/false\n", { flag: "a" })
  mkdirSync(join(root, "var/lib/waypost"))
  writeFileSync(join(root, "etc/systemd/system/waypost.service"), "by hand")
  const before = picture(root)
  assert.match(await put(root), /waypost\.service: somebody else's, left as it is/)
  assert.equal(await take(root), "nothing is installed\n")
  assert.deepEqual(picture(root), before)
})

test("only root installs and uninstalls", { skip: notRoot }, async () => {
  for (const command of [install, uninstall]) {
    const io = memoryIo()
    assert.equal(await command([], io), 77)
    assert.match(
      io.written.stderr,
      /^waypost (?:un)?install: only root can do that; sudo waypost (?:un)?install\n$/,
    )
  }
})

test("the record reads back as it was written, and an empty one is no file", (t) => {
  const root = mkdtempSync(join(tmpdir(), "waypost-record-"))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const steps = [
    { made: "user", name: "waypost" },
    { made: "link", path: "/usr/sbin/sendmail", to: "/opt/waypost/bin/sendmail", aside: undefined },
  ] as const
  writeRecord(root, steps)
  assert.deepEqual(readRecord(root), JSON.parse(JSON.stringify(steps)))
  writeRecord(root, [])
  assert.equal(existsSync(recordPath(root)), false)
  assert.deepEqual(readRecord(root), [])
})

for (const text of ["", "{", "[]", '{"format":2,"steps":[]}', '{"format":1}']) {
  test(`a record that says ${JSON.stringify(text)} is not acted on`, (t) => {
    const root = mkdtempSync(join(tmpdir(), "waypost-record-"))
    t.after(() => rmSync(root, { recursive: true, force: true }))
    mkdirSync(dirname(recordPath(root)), { recursive: true })
    writeFileSync(recordPath(root), text)
    assert.throws(
      () => readRecord(root),
      (error) => error instanceof Refusal && error.code === 78,
    )
  })
}
