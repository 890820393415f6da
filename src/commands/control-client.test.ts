import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { test, type TestContext } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { layoutOf } from "../daemon/layout.ts"
import { ask, askOnce } from "./control-client.ts"
import { run as idle } from "./idle.ts"
import { Refusal } from "./io.ts"
import { run as ready } from "./ready.ts"

/** A state directory whose control socket answers each request by `answer`. */
async function running(t: TestContext, answer: (socket: Socket, request: string) => void): Promise<string> {
  const state = mkdtempSync(join(tmpdir(), "waypost-control-"))
  const path = layoutOf(state).control
  mkdirSync(dirname(path), { recursive: true })
  const server = createServer((socket) => {
    socket.setEncoding("utf8").on("data", (text: string) => answer(socket, text))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => {
    server.close()
    rmSync(state, { recursive: true, force: true })
  })
  return state
}

async function refusal(asked: Promise<unknown>): Promise<Refusal> {
  const error = await asked.then(
    () => undefined,
    (refused: unknown) => refused,
  )
  assert.ok(error instanceof Refusal, String(error))
  return error
}

test("an answer is read line by line until its end, however it is cut", async (t) => {
  const whole = '{"queued":1}\n{"queued":"zwei ü"}\n{"end":true}\n'
  const state = await running(t, (socket) => {
    const bytes = Buffer.from(whole)
    for (let at = 0; at < bytes.length; at += 5) socket.write(bytes.subarray(at, at + 5))
  })
  const lines = []
  for await (const line of ask(state, { verb: "queue" })) lines.push(line)
  assert.deepEqual(lines, [{ queued: 1 }, { queued: "zwei ü" }])
})

test("an error in the answer is a refusal with its exit code", async (t) => {
  const state = await running(t, (socket) =>
    socket.end('{"error":"show: no such message","code":67}\n{"end":true}\n'),
  )
  const { message, code } = await refusal(askOnce(state, { verb: "show" }))
  assert.equal(message, "show: no such message")
  assert.equal(code, 67)
})

test("a system that dies in the middle of its answer is a refusal to be tried again", async (t) => {
  const state = await running(t, (socket) => socket.end('{"queued":1}\n{"que'))
  const { message, code } = await refusal(Array.fromAsync(ask(state, { verb: "queue" })))
  assert.equal(message, "the mail system ended in the middle of its answer")
  assert.equal(code, 75)
})

const absent: readonly (readonly [string, (state: string) => void])[] = [
  ["an empty directory", () => {}],
  ["a directory that is not there", (state) => rmSync(state, { recursive: true })],
  [
    "a socket that nobody listens to",
    (state) => {
      const path = layoutOf(state).control
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, "")
    },
  ],
  [
    "a file",
    (state) => {
      rmSync(state, { recursive: true })
      writeFileSync(state, "")
    },
  ],
]

for (const [what, make] of absent) {
  test(`${what} means that no Waypost is running, and what to do`, async (t) => {
    const state = mkdtempSync(join(tmpdir(), "waypost-control-"))
    t.after(() => rmSync(state, { recursive: true, force: true }))
    make(state)
    const { message, code } = await refusal(askOnce(state, { verb: "ready" }))
    assert.equal(
      message,
      `no Waypost is running on ${state}: start one with ./waypost start, or name its --state DIR`,
    )
    assert.equal(code, 69)
  })
}

test("ready ends with 0 when the system answers, and waits for one that is starting", async (t) => {
  const state = await running(t, (socket) => socket.write('{"ok":true}\n{"end":true}\n'))
  assert.equal(await ready(["--state", state], memoryIo()), 0)
  const later = mkdtempSync(join(tmpdir(), "waypost-control-"))
  const path = layoutOf(later).control
  mkdirSync(dirname(path), { recursive: true })
  const waiting = ready(["--state", later, "--timeout", "30"], memoryIo())
  const server = createServer((socket) => socket.end('{"ok":true}\n{"end":true}\n'))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  assert.equal(await waiting, 0)
  server.close()
  rmSync(later, { recursive: true })
})

test("idle passes its patience on, and a busy system ends it with 75", async (t) => {
  const asked: unknown[] = []
  const state = await running(t, (socket, request) => {
    asked.push(JSON.parse(request))
    socket.write('{"error":"still busy after 2.5 s","code":75}\n{"end":true}\n')
  })
  const { message, code } = await refusal(idle(["--state", state, "--timeout", "2.5"], memoryIo()))
  assert.deepEqual(asked, [{ verb: "idle", timeout: 2.5 }])
  assert.equal(message, "still busy after 2.5 s")
  assert.equal(code, 75)
})

for (const timeout of ["-1", "soon", "1e3", ""]) {
  test(`"${timeout}" is no timeout`, async () => {
    assert.equal(await ready([`--timeout=${timeout}`], memoryIo()), 64)
  })
}
