// A new Waypost is started on the full queue of an old one: real files of earlier versions (test/fixtures/spool).
import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { test } from "node:test"
import { gunzipSync } from "node:zlib"
import { messageOf, octetsOf } from "../../test/kills/message.ts"
import { laneOf } from "../queue/fair.ts"
import type { Queued, Spool } from "./spool.ts"
import { openSpool } from "./sqlite.ts"

const fixtures = join(import.meta.dirname, "../../test/fixtures/spool")

/** A copy of an old queue. */
function unpacked(schema: number): string {
  const from = join(fixtures, `schema-${schema}`)
  const directory = mkdtempSync(join(tmpdir(), "waypost-upgrade-"))
  mkdirSync(join(directory, "bodies"))
  for (const name of ["queue.db.gz", ...readdirSync(join(from, "bodies")).map((one) => `bodies/${one}`)])
    writeFileSync(join(directory, name.replace(/\.gz$/, "")), gunzipSync(readFileSync(join(from, name))))
  return directory
}

async function open(directory: string): Promise<Spool> {
  const said: string[] = []
  const opened = await openSpool({
    directory,
    clock: Date.now,
    reserveBytes: 0,
    log: (line) => said.push(line),
    onDamage: ({ why }) => assert.fail(why),
  })
  if (!opened.ok) assert.fail(opened.error)
  assert.deepEqual(said, [])
  return opened.value
}

const numberOf = ({ entry }: Queued) => Number(entry.id.slice(3))
const sizeOf = (n: number) => (n === 20 ? 70_000 : 700 + n * 10)

/** Recipients that are still to be served. */
const recipientsOf = (n: number) =>
  n === 5 ? [1, 2] : Array.from({ length: 1 + (n % 3) }, (_, place) => place)

for (const schema of [1, 2]) {
  test(`a full queue of schema ${schema} is taken over: every message, every octet, every recipient, what was held and what was tried`, async () => {
    const directory = unpacked(schema)
    try {
      for (let start = 0; start < 2; start++) {
        const spool = await open(directory)
        const found = await spool.list({}, undefined, 1000)
        assert.equal(found.length, 40)
        for (const queued of found) await checkOne(spool, queued)
        const due = await spool.due(Date.now(), 1000)
        assert.equal(due.length, 39, "all but the one that is held")
        await spool.close()
      }
      const database = new DatabaseSync(join(directory, "queue.db"))
      const rows = database.prepare("SELECT json, lane FROM pending").all()
      for (const { json, lane } of rows) assert.equal(lane, laneOf(JSON.parse(String(json))))
      assert.equal(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok")
      database.close()
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
}

async function checkOne(spool: Spool, queued: Queued): Promise<void> {
  const n = numberOf(queued)
  const { entry } = messageOf(queued.entry.id, sizeOf(n), 1)
  const held = n === 3 ? { reason: "by hand", at: undefined } : undefined
  assert.deepEqual(queued.entry, { ...entry, held })
  assert.deepEqual(
    queued.pending.map(({ number }) => number),
    recipientsOf(n),
  )
  assert.equal(queued.pending[0]?.attempts, n === 5 ? 1 : 0)
  const content = await spool.content(queued.entry.id)
  assert.ok(content.ok)
  const pieces: Buffer[] = []
  for await (const piece of content.value.chunks()) pieces.push(Buffer.from(piece))
  assert.deepEqual(Buffer.concat(pieces), octetsOf(queued.entry.id, sizeOf(n)))
}
