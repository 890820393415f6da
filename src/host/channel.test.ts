import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { test, type TestContext } from "node:test"
import { Worker } from "node:worker_threads"
import fc from "fast-check"
import { blockingChannel } from "./blocking-channel.ts"
import { type Channel, linesOf, streamChannel } from "./channel.ts"

async function linesIn(channel: Pick<Channel, "read">): Promise<string[]> {
  const lines: string[] = []
  for await (const line of linesOf(channel)) lines.push(line)
  return lines
}

function saying(...chunks: readonly Buffer[]): Pick<Channel, "read"> {
  const left = [...chunks]
  return { read: async () => left.shift() }
}

test("however a conversation is cut into pieces, its lines are the same", async () => {
  const text = "220 grüssell.org ESMTP\r\n250-one\n\r\n250 …\r\nno line"
  const octets = Buffer.from(text)
  const expected = ["220 grüssell.org ESMTP", "250-one", "", "250 …"]
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: octets.length - 1 }))
  await fc.assert(
    fc.asyncProperty(cuts, async (places) => {
      const ends = [...places.toSorted((a, b) => a - b), octets.length]
      const pieces = ends.map((end, i) => octets.subarray(ends[i - 1] ?? 0, end))
      assert.deepEqual(await linesIn(saying(...pieces)), expected)
    }),
  )
})

test("a stream that breaks has said all that it will", async () => {
  const stream = new PassThrough()
  const channel = streamChannel(stream)
  stream.write("250 one\r\n250 tw")
  const lines = linesOf(channel)
  assert.deepEqual(await lines.next(), { done: false, value: "250 one" })
  stream.destroy(new Error("reset"))
  assert.equal((await lines.next()).done, true)
  await channel.write("nobody hears this")
})

test("more can be said when a slow listener has caught up", async () => {
  const stream = new PassThrough({ highWaterMark: 4 })
  const channel = streamChannel(stream)
  const said = channel.write("a long line\r\n")
  const heard = await channel.read()
  await said
  assert.equal(String(heard), "a long line\r\n")
})

/** A thread that serves: the blocking side stops this one. It answers each piece with what `answer` (a function's text) makes of it. */
async function server(t: TestContext, answer: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "waypost-channel-"))
  const path = join(folder, "sock")
  const program = `
    const { workerData, parentPort } = require("node:worker_threads")
    const answer = ${answer}
    require("node:net")
      .createServer((socket) => {
        socket.on("error", () => {})
        socket.on("data", (octets) => answer(socket, octets))
      })
      .listen(workerData, () => parentPort.postMessage("listening"))`
  const thread = new Worker(program, { eval: true, workerData: path })
  t.after(async () => {
    await thread.terminate()
    rmSync(folder, { recursive: true, force: true })
  })
  await new Promise((resolve) => thread.once("message", resolve))
  return path
}

test("a conversation that is waited for in place goes both ways, large pieces whole", async (t) => {
  const channel = blockingChannel(await server(t, "(socket, octets) => socket.write(octets)"))
  const large = Buffer.alloc(50_000, "x")
  await channel.write(Buffer.concat([large, Buffer.from("\n")]))
  const lines = linesOf(channel)
  assert.equal((await lines.next()).value?.length, large.length)
  await channel.write("QUIT\r\n")
  assert.equal((await lines.next()).value, "QUIT")
  channel.close()
  assert.equal(await channel.read(), undefined)
})

test("who hangs up in the middle of what we say has said all that he will, and it is no error", async (t) => {
  const channel = blockingChannel(
    await server(t, '(socket) => socket.end("421 closing\\r\\n", () => socket.destroy())'),
  )
  await channel.write("MAIL FROM:<ann@example.org>\r\n")
  assert.deepEqual(await linesIn(channel), ["421 closing"])
  await channel.write(Buffer.alloc(1_000_000))
  assert.equal(await channel.read(), undefined)
  channel.end("QUIT\r\n")
})

const nobody: readonly (readonly [string, (folder: string) => string, string])[] = [
  ["no socket is there", (folder) => join(folder, "none"), "ENOENT"],
  ["a file stands in its place", (folder) => join(folder, "file"), "ECONNREFUSED"],
  ["a folder of its path is a file", (folder) => join(folder, "file", "sock"), "ENOTDIR"],
  ["its path is longer than a socket's may be", (folder) => join(folder, "x".repeat(120)), "ENAMETOOLONG"],
]

for (const [where, path, code] of nobody) {
  test(`where ${where}, the error is ${code}`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), "waypost-channel-"))
    t.after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, "file"), "")
    assert.throws(() => blockingChannel(path(folder)), { code })
  })
}
