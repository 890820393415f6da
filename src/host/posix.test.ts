import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import {
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { createServer, connect, type Socket } from "node:net"
import { once } from "node:events"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import {
  checkPosix,
  clockIsKept,
  lockFile,
  peerCredentials,
  syncfs,
  unlockFile,
  withRights,
} from "./posix.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-posix-"))
after(() => rmSync(directory, { recursive: true }))

const isRoot = process.getuid?.() === 0
const onlyRoot = isRoot ? {} : { skip: "only root can take another user's rights" }
const python = spawnSync("python3", ["-c", ""]).status === 0
const onlyPython = python ? {} : { skip: "no python3 here to be the other program" }

/** A Python process that holds fcntl.lockf on the file until its input ends. */
async function pythonHolds(path: string): Promise<() => Promise<void>> {
  const script = `import fcntl,sys
f = open(sys.argv[1], "r+b")
fcntl.lockf(f, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()`
  const child = spawn("python3", ["-c", script, path], { stdio: ["pipe", "pipe", "inherit"] })
  after(() => child.kill())
  await once(child.stdout, "data")
  return async () => {
    child.stdin.end()
    await once(child, "exit")
  }
}

function pythonCanLock(path: string): boolean {
  const script = `import fcntl,sys
f = open(sys.argv[1], "r+b")
try:
  fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
  sys.exit(7)`
  const { status } = spawnSync("python3", ["-c", script, path])
  assert.ok(status === 0 || status === 7, `python3 ended with ${status}`)
  return status === 0
}

test("everything the native door offers is there", () => {
  assert.deepEqual(checkPosix(), { ok: true, value: undefined })
})

test("a file locked by Python's fcntl.lockf is not ours until Python lets go", onlyPython, async () => {
  const path = join(directory, "theirs")
  writeFileSync(path, "")
  const release = await pythonHolds(path)
  const fd = openSync(path, "r+")
  assert.equal(lockFile(fd, "try"), false)
  await release()
  assert.equal(lockFile(fd, "try"), true)
  closeSync(fd)
})

test(
  "a file we locked is not Python's until we let go, even when we open and close it elsewhere",
  onlyPython,
  () => {
    const path = join(directory, "ours")
    writeFileSync(path, "")
    const fd = openSync(path, "r+")
    assert.equal(lockFile(fd, "wait"), true)
    assert.equal(pythonCanLock(path), false)
    readFileSync(path) // with lockf(3) this close would have lost the lock
    assert.equal(pythonCanLock(path), false)
    unlockFile(fd)
    assert.equal(pythonCanLock(path), true)
    closeSync(fd)
  },
)

test("two descriptors of one process keep each other out", () => {
  const path = join(directory, "twice")
  writeFileSync(path, "")
  const first = openSync(path, "r+")
  const second = openSync(path, "r+")
  assert.equal(lockFile(first, "try"), true)
  assert.equal(lockFile(second, "try"), false)
  closeSync(first)
  assert.equal(lockFile(second, "try"), true)
  closeSync(second)
})

test("a call of libc that fails is an error with its name", () => {
  assert.throws(() => lockFile(9999, "try"), { code: "EBADF" })
  assert.throws(() => syncfs(9999), { code: "EBADF", syscall: "syncfs" })
  const fd = openSync(directory, "r")
  syncfs(fd)
  fsyncSync(fd)
  closeSync(fd)
})

test("the kernel says who is at the other end of a unix socket", async () => {
  const path = join(directory, "socket")
  const server = createServer().listen(path)
  await once(server, "listening")
  const client = connect(path)
  const [socket] = (await once(server, "connection")) as [Socket & { _handle: { fd: number } }]
  const { pid, uid, gid } = peerCredentials(socket._handle.fd)
  assert.deepEqual({ pid, uid, gid }, { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() })
  client.destroy()
  socket.destroy()
  server.close()
})

test("with a user's rights a new file is the user's", onlyRoot, () => {
  const place = mkdtempSync(join(tmpdir(), "waypost-rights-"))
  const path = join(place, "theirs")
  spawnSync("chmod", ["777", place])
  withRights({ uid: 12345, gid: 12346, groups: [] }, () => writeFileSync(path, ""))
  assert.equal(statSync(path).uid, 12345)
  assert.equal(statSync(path).gid, 12346)
  rmSync(place, { recursive: true })
})

test("with a user's rights root's power over permissions is gone, and comes back", onlyRoot, () => {
  const path = join(directory, "secret")
  writeFileSync(path, "for root", { mode: 0o600 })
  const user = { uid: 12345, gid: 12345, groups: [] }
  spawnSync("chmod", ["711", directory])
  assert.throws(() => withRights(user, () => readFileSync(path)), { code: "EACCES" })
  assert.equal(readFileSync(path, "utf8"), "for root")
})

test("supplementary groups count, and none of ours leaks into a user's", onlyRoot, () => {
  const path = join(directory, "shared")
  writeFileSync(path, "for the group", { mode: 0o640 })
  spawnSync("chown", ["0:4711", path])
  spawnSync("chmod", ["711", directory])
  const read = (groups: readonly number[]): string =>
    withRights({ uid: 12345, gid: 12345, groups }, () => readFileSync(path, "utf8"))
  assert.equal(read([4711]), "for the group")
  assert.throws(() => read([]), { code: "EACCES" })
  assert.throws(() => read([0]), { code: "EACCES" })
})

test("an error thrown with a user's rights leaves us ourselves", onlyRoot, () => {
  const thrown = new Error("in the middle")
  const act = (): never => {
    throw thrown
  }
  assert.throws(() => withRights({ uid: 12345, gid: 12345, groups: [] }, act), thrown)
  const path = join(directory, "after")
  writeFileSync(path, "")
  assert.equal(statSync(path).uid, 0)
})

test(
  "without the capabilities it gave up, a process meets quotas and reserves like anybody",
  onlyRoot,
  () => {
    const script = `import { keepCapabilities } from ${JSON.stringify(new URL("./posix.ts", import.meta.url).href)}
import { readFileSync } from "node:fs"
keepCapabilities(["chown", "setuid"])
process.stdout.write(/CapEff:\\s*(\\S+)/.exec(readFileSync("/proc/thread-self/status", "utf8"))[1])`
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
    })
    assert.equal(stdout, "0000000000000081")
  },
)

test("the kernel says whether somebody keeps the clock right", () => {
  assert.equal(typeof clockIsKept(), "boolean")
})
