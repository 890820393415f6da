import assert from "node:assert/strict"
import { test } from "node:test"
import type { Agent, AgentReply, AgentRequest, ReadRequest } from "../agent/protocol.ts"
import type { Account } from "../mail/world.ts"
import { userFileReader } from "./user-file.ts"

const gor: Account = {
  name: "gor",
  uid: 1000,
  gid: 1000,
  home: "/home/gor",
  shell: "/bin/sh",
  gecos: "",
  at: undefined,
}
const ann: Account = { ...gor, name: "ann", home: "/home/ann" }

/** Settings without confDONT_BLAME_SENDMAIL. */
const strict = { options: new Map() }

/** An agent of these files, and what it was asked. */
function agentOf(files: Readonly<Record<string, string>>): { agent: Agent; asked: ReadRequest[] } {
  const asked: ReadRequest[] = []
  const reply = (request: AgentRequest): AgentReply => {
    assert.equal(request.verb, "read")
    asked.push(request)
    const text = files[request.path]
    if (text !== undefined) return { answer: { outcome: "text" }, body: Buffer.from(text) }
    const some = (request.further ?? []).some((path) => files[path] !== undefined)
    return {
      answer: { outcome: "nothing", ...(some ? { further: "some are there" as const } : {}) },
      body: Buffer.alloc(0),
    }
  }
  const never = () => Promise.reject(new Error("no pieces are read"))
  return { asked, agent: { ask: async (request) => reply(request), askWithPieces: never, close() {} } }
}

test("a user without any .forward costs one question, however many places are named", async () => {
  const { agent, asked } = agentOf({})
  const read = userFileReader(agent, strict)
  const found = await Promise.all([
    read("/home/gor/.forward.mx", gor, "forward"),
    read("/home/gor/.forward", gor, "forward"),
  ])
  assert.deepEqual(found, [{ found: "nothing" }, { found: "nothing" }])
  assert.deepEqual(
    asked.map(({ path, further }) => [path, further]),
    [["/home/gor/.forward.mx", ["/home/gor/.forward"]]],
  )
})

test("each of several .forward files is read as itself", async () => {
  for (const files of [
    { "/home/gor/.forward": "ann" },
    { "/home/gor/.forward.mx": "ann@example.org" },
    { "/home/gor/.forward.mx": "ann@example.org", "/home/gor/.forward": "ann" },
  ] as readonly Readonly<Record<string, string>>[]) {
    const read = userFileReader(agentOf(files).agent, strict)
    const paths = ["/home/gor/.forward.mx", "/home/gor/.forward"]
    const found = await Promise.all(paths.map((path) => read(path, gor, "forward")))
    const expected = paths.map((path) =>
      files[path] === undefined ? { found: "nothing" } : { found: "text", text: files[path] },
    )
    assert.deepEqual(found, expected)
  }
})

test("two users in one turn are two questions, each with its own rights", async () => {
  const { agent, asked } = agentOf({ "/home/ann/.forward": "gor" })
  const read = userFileReader(agent, strict)
  const found = await Promise.all([
    read("/home/gor/.forward", gor, "forward"),
    read("/home/ann/.forward", ann, "forward"),
  ])
  assert.deepEqual(found, [{ found: "nothing" }, { found: "text", text: "gor" }])
  assert.deepEqual(
    asked.map(({ owner, anyOwner }) => [owner.name, anyOwner]),
    [
      ["gor", false],
      ["ann", false],
    ],
  )
})

test("a file that was written since is found: no answer is kept for a later question", async () => {
  const files: Record<string, string> = {}
  const read = userFileReader(agentOf(files).agent, strict)
  assert.deepEqual(await read("/home/gor/.forward", gor, "forward"), { found: "nothing" })
  files["/home/gor/.forward"] = "ann"
  assert.deepEqual(await read("/home/gor/.forward", gor, "forward"), { found: "text", text: "ann" })
})

test("what confDONT_BLAME_SENDMAIL bears is told to the agent, of each kind of file its own", async () => {
  const { agent, asked } = agentOf({})
  const at = { file: "/etc/mail/sendmail.mc", line: 3, column: 1 }
  const value = ["GroupWritableForwardFile", "IncludeFileInGroupWritableDirPath"]
  const read = userFileReader(agent, { options: new Map([["DontBlameSendmail", { value, at }]]) })
  await read("/home/gor/.forward", gor, "forward")
  await read("/srv/lists/devel", undefined, "include")
  assert.deepEqual(
    asked.map(({ bears }) => bears),
    [["group writable file"], ["group writable directory"]],
  )
})
