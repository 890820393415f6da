// Kill tests of the spool, made from the table in docs/spool.md: a process that does everything is stopped by SIGKILL after each
// step, at its first, second … occurrence; what is left is opened and compared with what the process had said.
// WAYPOST_KILL_ROUNDS sets how many occurrences of each step are tried (2).
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import type { Content } from "../../src/mail/content.ts"
import { openSpool } from "../../src/spool/sqlite.ts"
import type { Spool } from "../../src/spool/spool.ts"
import { steps } from "../../src/spool/steps.ts"
import { checkRecipients, type Owed, readAccount } from "./account.ts"
import { messageOf, octetsOf } from "./message.ts"
import { readStepTable } from "./table.ts"

const rows = readStepTable(new URL("../../docs/spool.md", import.meta.url))
const rounds = Number(process.env["WAYPOST_KILL_ROUNDS"] ?? 2)
const largestInRow = 64 * 1024

type Stopped = { readonly killed: boolean; readonly said: string; readonly directory: string }

/** Runs the child until it is killed by its own step, or to its end. */
async function runUntil(stop: string, directory: string): Promise<Stopped> {
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "child.ts"), directory],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, WAYPOST_STOP_AFTER: stop, NODE_TEST_CONTEXT: undefined },
    },
  )
  let said = ""
  let errors = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; signal: string | null }>()
  child.on("close", (code, signal) => resolve({ code, signal }))
  const { code, signal } = await promise
  assert.ok(signal === "SIGKILL" || code === 0, `the child ended with ${code ?? signal}: ${errors}`)
  return { killed: signal === "SIGKILL", said, directory }
}

async function withSpool(directory: string, look: (spool: Spool) => Promise<void>): Promise<void> {
  const opened = await openSpool({ directory, clock: Date.now, reserveBytes: 0, log: () => {} })
  assert.ok(opened.ok, opened.ok ? "" : opened.error)
  try {
    await look(opened.value)
  } finally {
    await opened.value.close()
  }
}

async function octetsIn(content: Content): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of content.chunks()) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** What is left agrees with what was said, twice: also when the healing itself is done again. */
async function checkWhatIsLeft({ said, directory }: Stopped): Promise<void> {
  const owed = readAccount(said)
  for (let times = 0; times < 2; times++) {
    await withSpool(directory, async (spool) => {
      const found = await spool.list({}, undefined, 1000)
      const ids = new Set(found.map(({ entry }) => entry.id))
      for (const id of ids) assert.ok(owed.has(id), `${id} was never offered`)
      for (const one of owed.values()) {
        if (one.present === "yes") assert.ok(ids.has(one.id), `${one.id} was acknowledged and is lost`)
        if (one.present === "no") assert.ok(!ids.has(one.id), `${one.id} is there again`)
        if (ids.has(one.id)) await checkMessage(spool, one)
      }
      checkFolders(directory, ids, owed)
      const { messages } = await spool.count()
      assert.equal(messages, ids.size)
    })
  }
}

async function checkMessage(spool: Spool, one: Owed): Promise<void> {
  const queued = await spool.get(one.id)
  assert.ok(queued !== undefined)
  const whole = messageOf(one.id, one.size, one.recipients)
  assert.deepEqual({ ...queued.entry, held: undefined }, whole.entry)
  if (one.held !== "perhaps")
    assert.equal(queued.entry.held !== undefined, one.held === "yes", `${one.id} held`)
  const left = queued.pending.map(({ number }) => number)
  checkRecipients(one, left)
  assert.deepEqual(
    queued.pending,
    whole.pending.filter(({ number }) => left.includes(number)),
  )
  const content = await spool.content(one.id)
  if (one.damaged) return assert.ok(!content.ok, `${one.id} is given out damaged`)
  assert.ok(content.ok, content.ok ? "" : content.error)
  assert.deepEqual(await octetsIn(content.value), octetsOf(one.id, one.size))
}

/** No file without a row, no row of a large message without a file, nothing set aside but what was damaged. */
function checkFolders(directory: string, ids: ReadonlySet<string>, owed: ReadonlyMap<string, Owed>): void {
  const large = [...ids].filter(
    (id) => (owed.get(id)?.size ?? 0) > largestInRow && owed.get(id)?.damaged === false,
  )
  assert.deepEqual(readdirSync(join(directory, "bodies")).toSorted(), large.toSorted())
  for (const name of readdirSync(join(directory, "damaged")))
    if (name !== "queue-1") assert.equal(owed.get(name)?.damaged, true, name) // the database that was damaged
}

test("every step of the code has a row in docs/spool.md, and every row a step", () => {
  assert.deepEqual(rows.map((row) => row.step).toSorted(), [...steps].toSorted())
  for (const row of rows) assert.ok(row.happened !== "" && row.leaves !== "" && row.healed !== "", row.step)
  const code = globSync("src/spool/*.ts", { cwd: join(import.meta.dirname, "../..") })
    .filter((path) => !path.endsWith(".test.ts"))
    .map((path) => readFileSync(join(import.meta.dirname, "../..", path), "utf8"))
    .join("\n")
  const called = new Set([...code.matchAll(/\bstep\("([^"]+)"\)/g)].map((match) => match[1]))
  assert.deepEqual([...called].toSorted(), [...steps].toSorted())
})

test("a process that nobody stops keeps all its promises", async () => {
  const directory = mkdtempSync(join(tmpdir(), "waypost-kills-"))
  try {
    const ended = await runUntil("", directory)
    assert.ok(!ended.killed && ended.said.endsWith("closed\n"))
    await checkWhatIsLeft(ended)
    assert.ok(existsSync(join(directory, "damaged", "large2")))
  } finally {
    rmSync(directory, { recursive: true })
  }
})

let stopped = 0

for (const { step, leaves } of rows) {
  test(`stopped after ${step}: ${leaves}`, async () => {
    for (let round = 1; round <= rounds; round++) {
      const directory = mkdtempSync(join(tmpdir(), "waypost-kills-"))
      try {
        const ended = await runUntil(`${step}#${round}`, directory)
        assert.ok(ended.killed || round > 1, `${step} was never reached`)
        if (!ended.killed) break
        stopped++
        await checkWhatIsLeft(ended)
      } finally {
        rmSync(directory, { recursive: true })
      }
    }
  })
}

test("the sum of it", (context) => {
  const text = `${rows.length} steps, up to ${rounds} rounds each: stopped ${stopped} times, nothing lost`
  assert.ok(stopped >= rows.length, text)
  context.diagnostic(text)
})
