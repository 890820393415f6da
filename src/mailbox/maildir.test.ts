import assert from "node:assert/strict"
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import type { MakeDurable } from "./durable.ts"
import { deliverToMaildir } from "./maildir.ts"
import { ourselves } from "./owner.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-maildir-"))
after(() => rmSync(directory, { recursive: true }))

const durable: MakeDurable = () => Promise.resolve()
const body = [Buffer.from("Subject: hello\n\n"), Buffer.from("wake up\n")]
const name = `1226747541.QmAFBCL00000001.0.${hostname()},S=24`
const unfinished = `1226747541.QmAFBCL00000001.0.${hostname()}`

function deliver(
  path: string,
  more: {
    repeat?: boolean
    body?: AsyncIterable<Buffer>
    durable?: MakeDurable
    folder?: { name: string; make: boolean }
  } = {},
) {
  const delivery = {
    path,
    owner: ourselves(),
    delivery: "mAFBCL00000001.0",
    date: 1_226_747_541_000,
    repeat: false,
    body,
  }
  return deliverToMaildir({ ...delivery, ...more }, { durable: more.durable ?? durable })
}

async function* byPiece(): AsyncGenerator<Buffer> {
  yield* body
}

function files(path: string): readonly string[] {
  return ["tmp", "new", "cur"].flatMap((part) =>
    readdirSync(join(path, part)).map((file) => join(part, file)),
  )
}

test("a message is one file in new, named by its delivery, and nothing in tmp", async () => {
  const path = join(directory, "one")
  assert.deepEqual(await deliver(path), { outcome: "done", status: "2.0.0", text: `delivered to ${path}` })
  assert.deepEqual(files(path), [`new/${name}`])
  assert.equal(readFileSync(join(path, "new", name), "latin1"), "Subject: hello\n\nwake up\n")
})

for (const [how, given] of [
  ["at once", {}],
  ["by piece", { body: byPiece }],
] as const) {
  const again = (path: string) =>
    deliver(path, { repeat: true, ...("body" in given ? { body: given.body() } : {}) })

  test(`a delivery made again ${how} finds its own file in new`, async () => {
    const path = join(directory, `new ${how}`)
    await deliver(path)
    assert.deepEqual(await again(path), { outcome: "done", status: "2.0.0", text: `${path} has it already` })
    assert.deepEqual(files(path), [`new/${name}`])
  })

  test(`a delivery made again ${how} finds its own file in cur, where a reader has moved and flagged it`, async () => {
    const path = join(directory, `cur ${how}`)
    await deliver(path)
    renameSync(join(path, "new", name), join(path, "cur", `${name}:2,FS`))
    assert.equal((await again(path)).text, `${path} has it already`)
    assert.deepEqual(files(path), [`cur/${name}:2,FS`])
  })

  test(`a file that a power cut left without its end is replaced ${how}`, async () => {
    const path = join(directory, `cut ${how}`)
    await deliver(path)
    truncateSync(join(path, "new", name), 5)
    await again(path)
    assert.deepEqual(files(path), [`new/${name}`])
    assert.equal(readFileSync(join(path, "new", name), "latin1"), "Subject: hello\n\nwake up\n")
  })

  test(`what a crash left in tmp is in nobody's way ${how}`, async () => {
    const path = join(directory, `tmp ${how}`)
    await deliver(path)
    rmSync(join(path, "new", name))
    writeFileSync(join(path, "tmp", unfinished), "Subj")
    assert.equal((await again(path)).outcome, "done")
    assert.deepEqual(files(path), [`new/${name}`])
  })
}

test("what could not be synced is taken back and tried again", async () => {
  const path = join(directory, "unsynced")
  const failing: MakeDurable = () => Promise.reject(Object.assign(new Error("disk"), { code: "EIO" }))
  assert.deepEqual(await deliver(path, { durable: failing }), {
    outcome: "later",
    status: "4.2.0",
    text: `${path}: input/output error`,
  })
  assert.deepEqual(files(path), [])
})

test("a message that breaks off leaves nothing", async () => {
  const path = join(directory, "broken")
  const breaking = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from("Subject:")
    throw new Error("the message broke off")
  }
  assert.equal((await deliver(path, { body: breaking() })).outcome, "later")
  assert.deepEqual(files(path), [])
})

test("the sync is asked for with the file and the directory that names it", async () => {
  const path = join(directory, "synced")
  const asked: string[] = []
  const recording: MakeDurable = async ({ fd, directory: open }) => {
    asked.push(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1").slice(0, 3))
    const opened = open?.()
    assert.ok(opened !== undefined && opened > 2)
  }
  await deliver(path, { durable: recording })
  assert.deepEqual(asked, ["pos"])
})

test("a name that would leave the Maildir is refused", async () => {
  const delivery = {
    path: join(directory, "one"),
    owner: ourselves(),
    delivery: "../x",
    date: 0,
    repeat: false,
    body,
  }
  const { outcome, status } = await deliverToMaildir(delivery, { durable })
  assert.deepEqual({ outcome, status }, { outcome: "failed", status: "5.3.5" })
})

test("a Maildir that cannot be made is tried again", async () => {
  const closed = join(directory, "file")
  writeFileSync(closed, "")
  assert.deepEqual(await deliver(join(closed, "Maildir")), {
    outcome: "later",
    status: "4.2.0",
    text: `${join(closed, "Maildir")}: a part of the path is not a directory`,
  })
})

test("a Maildir in a directory that is closed to us is tried again", {
  skip: process.getuid?.() === 0 && "as root no directory is closed to us",
}, async () => {
  const locked = join(directory, "locked")
  mkdirSync(locked)
  chmodSync(locked, 0o500)
  assert.equal((await deliver(join(locked, "Maildir"))).outcome, "later")
})

test("a folder that is there gets its mail, one that is not leaves it in the Maildir", async () => {
  const path = join(directory, "folders")
  const folder = { name: "lists.linux", make: false }
  await deliver(path, { folder })
  assert.deepEqual(files(path), [`new/${name}`])
  mkdirSync(join(path, ".lists.linux"))
  assert.equal((await deliver(path, { folder })).text, `delivered to ${path}/.lists.linux`)
  assert.deepEqual(files(join(path, ".lists.linux")), [`new/${name}`])
})

test("a folder is made where that is asked for, with the file that marks it", async () => {
  const path = join(directory, "made")
  await deliver(path, { folder: { name: "work", make: true } })
  assert.deepEqual(files(join(path, ".work")), [`new/${name}`])
  assert.ok(readdirSync(join(path, ".work")).includes("maildirfolder"))
  assert.deepEqual(files(path), [])
})

for (const odd of ["", ".", "..", "../bob", "a..b", ".a", "a.", "a/b", "gr\u00fc\u00dfe"]) {
  test(`the detail ${JSON.stringify(odd)} is no folder: the Maildir itself gets the mail`, async () => {
    const path = join(directory, `odd ${odd.replaceAll("/", "_")}`)
    await deliver(path, { folder: { name: odd, make: true } })
    assert.deepEqual(files(path), [`new/${name}`])
  })
}

test("a folder that is a link to somewhere else is not followed", async () => {
  const path = join(directory, "linked")
  await deliver(path)
  mkdirSync(join(directory, "elsewhere"))
  symlinkSync(join(directory, "elsewhere"), join(path, ".work"))
  rmSync(join(path, "new", name))
  await deliver(path, { folder: { name: "work", make: false } })
  assert.deepEqual(files(path), [`new/${name}`])
  assert.deepEqual(readdirSync(join(directory, "elsewhere")), [])
})
