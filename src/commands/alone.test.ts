// The quick ways of a process, each in a process of its own.
import assert from "node:assert/strict"
import { execFileSync, spawn } from "node:child_process"
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"

const copier = `
  const { alone } = await import(${JSON.stringify(join(import.meta.dirname, "alone.ts"))})
  alone.print(alone.isTerminal() ? "terminal\\n" : "no terminal\\n")
  for await (const octets of alone.input()) alone.print(octets)`

type Ended = { readonly code: number | null; readonly said: string }

function copy(input: number | "pipe"): {
  readonly child: ReturnType<typeof spawn>
  readonly ended: Promise<Ended>
} {
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", copier],
    { stdio: [input, "pipe", "inherit"] },
  )
  let said = ""
  child.stdout?.on("data", (octets: Buffer) => (said += octets.toString()))
  return { child, ended: new Promise((resolve) => child.on("close", (code) => resolve({ code, said }))) }
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "waypost-alone-"))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test("a file is read to its end", async (t) => {
  const path = join(folderOf(t), "body")
  const text = "a line of the letter\n".repeat(20_000)
  writeFileSync(path, text)
  const file = openSync(path, "r")
  assert.deepEqual(await copy(file).ended, { code: 0, said: `no terminal\n${text}` })
  closeSync(file)
})

test("a pipe that is written slowly is read to its end", async () => {
  const { child, ended } = copy("pipe")
  child.stdout?.once("data", () => {
    child.stdin?.write("one\n")
    child.stdin?.end("two\n")
  })
  assert.deepEqual(await ended, { code: 0, said: "no terminal\none\ntwo\n" })
})

test("a pipe that was set not to wait is waited for all the same", async (t) => {
  const path = join(folderOf(t), "pipe")
  execFileSync("mkfifo", [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  const { child, ended } = copy(reader)
  closeSync(reader)
  child.stdout?.once("data", () => {
    // Its first look has found nothing yet, or is about to find this: both must come to the same.
    writeSync(writer, "one\n")
    setTimeout(() => {
      writeSync(writer, "two\n")
      closeSync(writer)
    }, 100)
  })
  assert.deepEqual(await ended, { code: 0, said: "no terminal\none\ntwo\n" })
})
