import assert from "node:assert/strict"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { type Asker, serveControl, type Verb } from "./control.ts"

/** Serves these verbs; asks send lines and get the lines of the answer. */
async function control(t: TestContext, verbs: Readonly<Record<string, Verb>>) {
  const folder = mkdtempSync(join(tmpdir(), "waypost-control-"))
  const bugs: unknown[] = []
  const path = join(folder, "control.sock")
  const server = await serveControl(path, new Map(Object.entries(verbs)), (bug) => bugs.push(bug))
  t.after(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })
  return {
    bugs,
    async ask(...lines: string[]): Promise<unknown[]> {
      const socket = connect(path)
      await once(socket, "connect")
      socket.end(lines.map((line) => `${line}\n`).join(""))
      let text = ""
      for await (const chunk of socket) text += String(chunk)
      return text
        .trimEnd()
        .split("\n")
        .map((line): unknown => JSON.parse(line))
    },
  }
}

test("a verb's answers come line by line, then the end; the next request may follow", async (t) => {
  const { ask } = await control(t, {
    async *count(request) {
      yield { n: 1, of: request["of"] }
      yield { n: 2 }
    },
  })
  assert.deepEqual(await ask('{"verb":"count","of":"napier.ac.uk"}', '{"verb":"count"}'), [
    { n: 1, of: "napier.ac.uk" },
    { n: 2 },
    { end: true },
    { n: 1 },
    { n: 2 },
    { end: true },
  ])
})

test("what is no request is said back, and harms nobody", async (t) => {
  const { ask, bugs } = await control(t, {})
  for (const line of ["hello", "null", "[]", '{"verb":7}', '{"verb":"frob"}'])
    assert.deepEqual(await ask(line), [{ error: `not a request: ${line}` }, { end: true }])
  assert.deepEqual(bugs, [])
})

test("a verb that fails, as on a dying disk, says so to whoever asked and to the log", async (t) => {
  const { ask, bugs } = await control(t, {
    async *queue() {
      yield { queued: 1 }
      throw new Error("database or disk is full (SQLite 13)")
    },
  })
  assert.deepEqual(await ask('{"verb":"queue"}'), [
    { queued: 1 },
    { error: "the mail system cannot answer now: database or disk is full (SQLite 13)", code: 75 },
  ])
  assert.equal(bugs.length, 1)
})

test("whoever asks is known by the kernel's word, and we ourselves are trusted", async (t) => {
  const askers: Asker[] = []
  const { ask } = await control(t, {
    async *who(_request, asker) {
      askers.push(asker)
      yield {}
    },
  })
  await ask('{"verb":"who"}')
  assert.deepEqual(askers, [{ uid: process.getuid?.() ?? -1, trusted: true }])
})
