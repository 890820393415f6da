import assert from "node:assert/strict"
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { Durability } from "./durability.ts"

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

test("while mail keeps coming its syncs wait for company, but never one that holds a lock", async () => {
  const patient = new Durability({ gatherMilliseconds: 200 })
  const files = Array.from({ length: 4 }, (_, n) => written(`gathered.${n}`))
  const [first, second, third, fourth] = files.map((file, n) => ({
    ...file,
    ...(n === 3 ? { locked: true as const } : {}),
  }))
  assert.ok(first !== undefined && second !== undefined && third !== undefined && fourth !== undefined)
  const began = performance.now()
  await Promise.all([
    patient.make(first),
    Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => patient.make(second)),
  ])
  assert.ok(performance.now() - began >= 190, "the second waited")
  const endless = new Durability({ gatherMilliseconds: 3_600_000 })
  const one = endless.make(first)
  await sleep(0) // its sync has begun
  const other = endless.make(third)
  await Promise.all([one, other, endless.make(fourth)])
  for (const { fd } of files) closeSync(fd)
  await Promise.all([patient.close(), endless.close()])
})
