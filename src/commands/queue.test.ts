import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, beforeEach, test } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { queuedFor } from "../../test/kit/queued.ts"
import { serveControl, type Verb } from "../daemon/control.ts"
import { layoutOf, makeLayout } from "../daemon/layout.ts"
import { inMemory } from "../mail/content.ts"
import { ok } from "../mail/result.ts"
import type { Queued } from "../queue/entry.ts"
import { QueueShape } from "../queue/summary.ts"
import { change, hand, queue, summary } from "../daemon/queue-verbs.ts"
import { ageInSeconds } from "./queue-filter.ts"
import { run } from "./queue.ts"

const state = mkdtempSync(join(tmpdir(), "queue-"))
assert.ok(makeLayout(layoutOf(state), undefined).ok)
const octets = Buffer.from("Subject: lunch\r\n\r\nIs it time?\r\n")
const all = [
  queuedFor({ id: "6AO7AgXX000001", to: ["you@napier.ac.uk"], said: "Connection refused", acceptedAt: 1 }),
  queuedFor({
    id: "6AO7AgXX000002",
    from: "gordon@hello.com",
    to: ["x@example.org", "y@example.org"],
    acceptedAt: Date.now(),
  }),
  queuedFor({ id: "6AO7AgXX000003", to: ["z@example.org"], held: "looks odd", acceptedAt: Date.now() }),
]
let acted: string[] = []
let woken = 0

// The daemon's own verbs on a queue of three messages.
const world = {
  clock: Date.now,
  wake: () => void woken++,
  spool: {
    list: async ({
      ids,
      to,
      from,
      olderThan,
    }: {
      ids?: readonly string[]
      to?: string
      from?: string
      olderThan?: number
    }) =>
      all.filter(
        ({ entry, pending }) =>
          (ids === undefined || ids.includes(entry.id)) &&
          (to === undefined || JSON.stringify(pending).includes(to.replace("@", ""))) &&
          (from === undefined || JSON.stringify(entry.envelope).includes(from)) &&
          (olderThan === undefined || entry.acceptedAt < olderThan),
      ),
    get: async (id: string): Promise<Queued | undefined> => all.find(({ entry }) => entry.id === id),
    content: async () => ok(inMemory(octets, 18)),
    shapes: async ({ now }: { now: number }) => {
      const shape = new QueueShape(now)
      for (const queued of all) shape.add(queued)
      return shape.shapes()
    },
  },
}
const act = (verb: string) => async (id: string) => acted.push(`${verb} ${id.slice(-1)}`) > 0
const changing = ["hold", "release", "remove", "retry"].map((name): [string, Verb] => [
  name,
  (request) => change(request, world, act(name)),
])
const empty: Verb = async function* () {
  acted.push("client")
  yield* []
}
const control = await serveControl(
  layoutOf(state).control,
  new Map<string, Verb>([
    [
      "count",
      async function* () {
        yield { ok: true, messages: 3 }
      },
    ],
    ["queue", (request) => queue(request, world)],
    ["summary", (request) => summary(request, world)],
    ["export", (request) => hand(request, world)],
    ["client queue", empty],
    ["client remove", empty],
    ...changing,
  ]),
  (error) => assert.fail(String(error)),
)
after(() => {
  control.close()
  rmSync(state, { recursive: true })
})
beforeEach(() => {
  acted = []
  woken = 0
})

async function call(...argv: readonly string[]) {
  const io = memoryIo("", { WAYPOST_STATE: state })
  const code = await run(argv, io)
  return { code, ...io.written }
}

for (const [argv, expected] of [
  [["--all"], "123"],
  [["--to", "@example.org"], "23"],
  [["--from", "gordon"], "2"],
  [["--older", "2d"], "1"],
  [["--reason", "REFUSED"], "1"],
  [["--held"], "3"],
  [["--to", "example.org", "--from", "gordon"], "2"],
  [["6AO7AgXX000001", "6AO7AgXX000003"], "13"],
] as const) {
  test(`waypost queue hold ${argv.join(" ")} shows whom it means, and does it with --yes`, async () => {
    const preview = await call("hold", ...argv)
    assert.equal(preview.code, 0)
    const shown = [...preview.stdout.matchAll(/^6AO7AgXX00000(\d) /gm)].map((match) => match[1]).join("")
    assert.equal(shown, expected)
    assert.match(preview.stdout, /would be held; say --yes to do it\n$/)
    assert.deepEqual([acted, woken], [[], 0])
    const { stdout } = await call("hold", ...argv, "--yes")
    assert.match(stdout, /^\d messages? held\n$/)
    assert.deepEqual(
      acted,
      [...expected].map((n) => `hold ${n}`),
    )
    assert.equal(woken, 1)
  })
}

test("remove --all --yes empties the client queue, too; other filters leave it alone", async () => {
  await call("remove", "--all", "--yes")
  assert.deepEqual(acted, ["remove 1", "remove 2", "remove 3", "client"])
  acted = []
  await call("remove", "--held", "--yes")
  assert.deepEqual(acted, ["remove 3"])
})

for (const [argv, says] of [
  [["remove"], "name messages by id, or by --to"],
  [["remove", "--yes"], "name messages by id, or by --to"],
  [["remove", "--all", "--to", "x"], "--all is everything"],
  [["retry", "--older", "soon"], "--older is an age"],
  [["export", "--all"], "3 messages are meant: name a --directory"],
  [["export", "6AO7AgXX000009"], "no message is meant"],
] as const) {
  test(`waypost queue ${argv.join(" ")} changes nothing: ${says}`, async () => {
    await assert.rejects(call(...argv), ({ message }: Error) => message.startsWith(says))
    assert.deepEqual(acted, [])
  })
}

test("an id that is not in the queue is EX_NOUSER", async () => {
  assert.equal((await call("release", "6AO7AgXX000009", "--yes")).code, 67)
})

test("a message is exported octet by octet, to standard output or into files", async () => {
  assert.equal((await call("export", "6AO7AgXX000001")).stdout, octets.toString())
  const { stdout } = await call("export", "--to", "example.org", "--directory", state)
  assert.equal(stdout, `2 written to ${state}\n`)
  assert.deepEqual(readFileSync(join(state, "6AO7AgXX000003.eml")), octets)
  await assert.rejects(call("export", "6AO7AgXX000003", "--directory", state), /6AO7AgXX000003\.eml/)
})

test("the summary counts recipients by destination and age", async () => {
  const { stdout } = await call("summary")
  const rows = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
  assert.deepEqual(rows[1]?.slice(0, 3), ["TOTAL", "4", "3"])
  assert.deepEqual(rows[2]?.slice(0, 3), ["example.org", "3", "3"])
  assert.deepEqual(rows[3]?.slice(0, 2), ["napier.ac.uk", "1"])
  assert.equal(rows[3]?.at(-1), "1")
  const json = (await call("summary", "--json")).stdout.split("\n")[0] ?? ""
  assert.equal((JSON.parse(json) as { total: number }).total, 3)
})

test("list is mailq, with what is held", async () => {
  const { stdout } = await call("list", "--to", "@example.org")
  assert.match(stdout, /\t\tTotal requests: 2\n$/)
  assert.match(stdout, /QUARANTINE: looks odd/)
})

test("without an action, or with a wrong one, the overview or one line tells what there is", async () => {
  assert.equal((await call()).code, 64)
  assert.match((await call("--help")).stdout, /^ {2}remove {4}Takes messages out/m)
  assert.equal((await call("purge")).stderr, 'waypost queue: there is no "purge"; see waypost queue --help\n')
})

for (const [text, seconds] of [
  ["45s", 45],
  ["30m", 1800],
  ["1h30m", 5400],
  ["2d", 172_800],
  ["1w", 604_800],
  ["3", 259_200],
  ["", undefined],
  ["soon", undefined],
  ["-1d", undefined],
] as const) {
  test(`"${text}" is ${seconds === undefined ? "no age" : `${seconds} seconds`}`, () => {
    assert.equal(ageInSeconds(text), seconds)
  })
}
