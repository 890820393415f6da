import assert from "node:assert/strict"
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Durability } from "./durability.ts"
import { Serial } from "./serial.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-durable-"))
const durability = new Durability()
after(async () => {
  await durability.close()
  rmSync(directory, { recursive: true })
})

function written(name: string): { fd: number; directory: () => number } {
  return { fd: openSync(join(directory, name), "w"), directory: () => openSync(directory, "r") }
}

for (const count of [1, 4, 5, 100]) {
  test(`${count} written at once are all made durable`, async () => {
    const files = Array.from({ length: count }, (_, n) => written(`${count}.${n}`))
    await Promise.all(files.map(durability.make))
    for (const { fd } of files) closeSync(fd)
  })
}

test("one whose sync fails is told so, and the others are not", async () => {
  const good = written("good")
  const bad = { fd: openSync("/proc/self/status", "r"), directory: undefined } // nothing there can be synced
  const [first, second] = await Promise.allSettled([durability.make(good), durability.make(bad)])
  assert.equal(first.status, "fulfilled")
  assert.equal(second.status, "rejected")
  closeSync(good.fd)
  closeSync(bad.fd)
})

test("what has one key is done one by one and in order; another key does not wait, nor does an error stop it", async () => {
  const serial = new Serial()
  const said: string[] = []
  const say = (word: string, milliseconds: number) => async (): Promise<void> => {
    await sleep(milliseconds)
    said.push(word)
  }
  const failing = serial.run("a", () => Promise.reject(new Error("first")))
  const rest = [serial.run("a", say("a1", 30)), serial.run("a", say("a2", 1)), serial.run("b", say("b", 1))]
  await assert.rejects(failing, /first/)
  await Promise.all(rest)
  assert.deepEqual(said, ["b", "a1", "a2"])
})
