// Programs that stay: one process for many messages, started anew when it is gone, stopped when it takes too long.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { ourselves } from "../mailbox/owner.ts"
import { WarmPrograms, type WarmRequest } from "./warm.ts"

const base = mkdtempSync(join(tmpdir(), "waypost-warm-"))
after(() => rmSync(base, { recursive: true, force: true }))

/** Answers each message with its own pid, the message's octets and the arguments; `die`, `hang` and `fail` do what they say. */
const program = join(base, "program.mjs")
writeFileSync(
  program,
  `let have = Buffer.alloc(0)
process.stdin.on("data", (chunk) => {
  have = Buffer.concat([have, chunk])
  while (have.length >= 8) {
    const head = have.readUInt32BE(0), body = have.readUInt32BE(4)
    if (have.length < 8 + head + body) return
    const { number, arguments: [word] } = JSON.parse(have.subarray(8, 8 + head))
    have = have.subarray(8 + head + body)
    if (word === "die") process.exit(3)
    if (word === "hang") return
    const said = Buffer.from(process.pid + " " + body + " " + word)
    const answer = Buffer.from(JSON.stringify({ number, code: word === "fail" ? 67 : 0 }))
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32BE(answer.length, 0)
    lengths.writeUInt32BE(said.length, 4)
    process.stdout.write(Buffer.concat([lengths, answer, said]))
  }
})
`,
)

const owner = ourselves()

function request(word: string, timeoutSeconds = 20): WarmRequest {
  return {
    verb: "run",
    owner: { name: "bob", uid: undefined, gid: undefined, home: base },
    command: "false",
    serve: { command: `exec '${process.execPath}' '${program}'`, arguments: [word] },
    environment: {},
    directory: base,
    timeoutSeconds,
    outputLimit: 1000,
  }
}

const warm = new WarmPrograms()
const ask = (word: string, octets = "message", timeout = 20) =>
  warm.run(request(word, timeout), owner, [Buffer.from(octets)])
const pidOf = ({ text }: { readonly text?: string }) => text?.split(" ")[0]

test("one process takes many messages, also at once, and each has its own answer", async () => {
  const answers = await Promise.all([ask("one", "x"), ask("two", "xx"), ask("three", "xxx")])
  assert.deepEqual(
    answers.map((one) => ("text" in one ? one.text.split(" ").slice(1).join(" ") : "")),
    ["1 one", "2 two", "3 three"],
  )
  assert.equal(new Set(answers.map((one) => pidOf(one as { text: string }))).size, 1)
})

test("its exit code for a message means what a program's does", async () => {
  const failed = await ask("fail")
  assert.equal(failed.outcome, "failed")
  assert.match("text" in failed ? failed.text : "", /^User unknown/)
})

test("when it dies its messages are tried again later, and the next one starts it anew", async () => {
  const before = await ask("one")
  const died = await ask("die")
  assert.equal(died.outcome, "later")
  const next = await ask("one")
  assert.equal(next.outcome, "done")
  assert.notEqual(pidOf(next as { text: string }), pidOf(before as { text: string }))
})

test("a message that takes too long is given back, and the process with it", async () => {
  const hung = await ask("hang", "x", 0.2)
  assert.equal(hung.outcome, "later")
  assert.match("text" in hung ? hung.text : "", /stopped after/)
  assert.equal((await ask("one")).outcome, "done")
})
