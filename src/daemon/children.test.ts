import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { type ProcessStart, startProcess } from "./children.ts"

const folder = mkdtempSync(join(tmpdir(), "children-"))
after(() => rmSync(folder, { recursive: true, force: true }))

function entry(name: string, text: string): string {
  const path = join(folder, `${name}.cjs`)
  writeFileSync(path, text)
  return path
}

const usual: ProcessStart = {
  role: "console",
  entry: entry("three", "process.exitCode = 3"),
  args: [],
  user: undefined,
}

/** How it ended, and how often that was told. */
async function endings(
  start: ProcessStart,
  act: (child: ReturnType<typeof startProcess>) => void = () => {},
): Promise<string[]> {
  const told: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const child = startProcess(start, (how) => {
    told.push(how)
    setTimeout(resolve, 50) // a second word would come at once
  })
  act(child)
  await promise
  return told
}

test("how a process ended is told once: by itself, or by a signal", async () => {
  assert.deepEqual(await endings(usual), ["exit 3"])
  const idle = { ...usual, entry: entry("idle", "setInterval(() => {}, 1000)") }
  assert.deepEqual(await endings(idle, (child) => child?.kill("SIGTERM")), ["SIGTERM"])
})

test("one that could not begin is told as one that ended", async () => {
  const path = process.env["PATH"]
  process.env["PATH"] = folder
  try {
    assert.deepEqual(await endings({ ...usual, user: "nobody" }, (child) => child?.send("hello")), [
      "spawn setpriv ENOENT",
    ])
  } finally {
    process.env["PATH"] = path
  }
  const tooMuch = { ...usual, args: ["x".repeat(4 << 20)] }
  assert.deepEqual(await endings(tooMuch, (child) => assert.equal(child, undefined)), ["spawn E2BIG"])
})

test("one that cannot be told what it is to know is ended, and so it is started again", async () => {
  const deaf = { ...usual, entry: entry("deaf", "process.disconnect(); setInterval(() => {}, 1000)") }
  const told = await endings(deaf, (child) => child?.on("disconnect", () => child.send("hello")))
  assert.deepEqual(told, ["SIGKILL"])
})
