import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { headerSize, messageOf, octetsOf } from "../../test/kills/message.ts"
import type { Spool } from "../spool/spool.ts"
import { openSpool } from "../spool/sqlite.ts"
import { Runner } from "./runner.ts"

const size = 40_000

async function withSpool(act: (spool: Spool) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "waypost-backlog-"))
  const log = (line: string) => assert.fail(line)
  const opened = await openSpool({ directory, clock: Date.now, segmentOctets: 4 * 1024 * 1024, log })
  if (!opened.ok) assert.fail(opened.error)
  try {
    await act(opened.value)
  } finally {
    await opened.value.close()
    rmSync(directory, { recursive: true })
  }
}

test("more comes than is taken: memory, log and database give it all, each message once and whole", async () => {
  await withSpool(async (spool) => {
    const tried: string[] = []
    const runner = new Runner({
      spool,
      clock: Date.now,
      queueOnly: false,
      interval: undefined,
      bug: (error) => assert.fail(String(error)),
      damaged: async (_, why) => assert.fail(why),
      attempt: async ({ entry: { id } }, content) => {
        tried.push(id)
        assert.ok(content.bytes?.equals(octetsOf(id, size)), id)
        await new Promise((resolve) => setTimeout(resolve, 40 + (tried.length % 40)))
        await spool.recordLate({ id, done: [0], update: [], add: [] })
        return undefined
      },
    })
    runner.start()
    const ids = Array.from({ length: 1500 }, (_, n) => `m${10_000 + n}`)
    const accept = async (id: string) => {
      const octets = octetsOf(id, size)
      const incoming = spool.incoming(id, 0)
      await incoming.write(octets.subarray(headerSize))
      const { entry, pending } = messageOf(id, size, 1)
      const done = await incoming.commit(entry, pending, octets.subarray(0, headerSize))
      if (!done.ok) assert.fail(done.error.why)
      runner.accepted(done.value, done.value.content)
    }
    for (let n = 0; n < ids.length; n += 100) await Promise.all(ids.slice(n, n + 100).map(accept))
    // Nobody asks whether it is idle: that would wake it.
    const end = performance.now() + 20_000
    while (tried.length < ids.length && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 20))
    await runner.stop()
    assert.deepEqual(tried.toSorted(), ids)
    assert.equal((await spool.count()).messages, 0)
  })
})
