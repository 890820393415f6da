// Kill tests of the client queue: the sendmail command stopped at each of its steps, the mail system killed again and again while it
// takes the files up. Who was told that his mail is kept has it delivered, whole; who was not may send it again.
import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { layoutOf, makeLayout } from "../../src/daemon/layout.ts"
import { parseClientFile } from "../../src/queue/client-file.ts"
import { without } from "../kit/debian.ts"
import { closedCheckout, freePort, project, run, System } from "../kit/system.ts"

const directory = mkdtempSync(join(tmpdir(), "waypost-"))
after(() => rmSync(directory, { recursive: true, force: true }))

const sendmail = join(project, "bin", "sendmail")
const body = "Hello gordon.\n".repeat(20_000)

function files(state: string): readonly string[] {
  return readdirSync(layoutOf(state).clientQueue).filter((name) => !name.startsWith("new."))
}

/** What a file of the queue holds; it must be whole. */
function subjectOf(state: string, name: string): string {
  const octets = readFileSync(join(layoutOf(state).clientQueue, name))
  const end = octets.indexOf(10)
  const file = parseClientFile(octets.toString("utf8", 0, end))
  assert.ok(file.ok, name)
  assert.equal(octets.length - end - 1, file.value.size, "as long as it says")
  return /^Subject: (.*)\r$/m.exec(octets.toString("latin1", end))?.[1] ?? assert.fail(name)
}

/** Each step by the system call that begins it; `kept`: the file must be there if the command is killed at that moment. */
const steps = [
  { says: "before the octets are synced", call: "fsync", when: 1, kept: false },
  { says: "before the file has its name", call: "rename", when: 1, kept: false },
  { says: "before its name is synced", call: "fsync", when: 2, kept: true },
] as const

for (const { says, call, when, kept } of steps) {
  test(`a sendmail command killed ${says} leaves ${kept ? "the whole message" : "nothing that would be sent"}`, {
    skip: closedCheckout || without("strace"),
  }, async () => {
    const state = join(directory, says.replaceAll(" ", "-"))
    assert.ok(makeLayout(layoutOf(state), undefined).ok)
    const inject = `inject=${call}:signal=KILL:when=${when}`
    const trace = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,rename", "-e", inject]
    const { code } = await run("strace", [...trace, sendmail, "gor"], `Subject: killed\n\n${body}`, {
      WAYPOST_STATE: state,
    })
    assert.notEqual(code, 0, "nobody was told that it is kept")
    assert.deepEqual(
      files(state).map((name) => subjectOf(state, name)),
      kept ? ["killed"] : [],
    )
    // The same mail sent once more is kept, whatever lies there.
    assert.equal(
      (await run(sendmail, ["gor"], "Subject: again\n\nhello\n", { WAYPOST_STATE: state })).code,
      0,
    )
    assert.ok(files(state).some((name) => subjectOf(state, name) === "again"))
  })
}

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`maildir', \`@DIR@/mail/%u')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

test("a mail system killed while it takes the client queue up loses nothing, and doubles only what was in hand", {
  skip: closedCheckout,
}, async () => {
  const ports = { mta: await freePort(), msa: await freePort() }
  let system = await System.start({ mc, users: ["gor"], ports })
  const { directory: place, state } = system
  await system.end()
  const count = 40
  for (let n = 0; n < count; n += 8) {
    const eight = Array.from({ length: 8 }, (_, k) =>
      run(sendmail, ["gor"], `Subject: ${n + k}\n\n${body}`, { WAYPOST_STATE: state }),
    )
    for (const { code } of await Promise.all(eight)) assert.equal(code, 0)
  }
  assert.equal(files(state).length, count)
  let kills = 0
  for (; kills < 4 && files(state).length > 0; kills++) {
    system = await System.launch({ directory: place, mc, ports })
    await system.said(/from=.*proto=local|from=<?\w+@?[\w.]*>?, size=/) // one is in the spool, its file perhaps still there
    await run("sh", ["-c", `pids=$(ps -o pid= --ppid ${system.pid}); kill -9 ${system.pid} $pids`])
    await system.ended
  }
  assert.ok(kills > 1, "it was killed in the middle")
  system = await System.start({ directory: place, mc, ports })
  while (files(state).length > 0) await run(sendmail, ["-Ac", "-q"], "", { WAYPOST_STATE: state })
  await system.idle()
  const maildir = join(place, "mail", "gor")
  const arrived = ["new", "cur"].flatMap((part) =>
    readdirSync(join(maildir, part)).map((name) => {
      const text = readFileSync(join(maildir, part, name), "latin1")
      assert.ok(text.endsWith(body), "whole")
      return Number(/^Subject: (\d+)$/m.exec(text)?.[1])
    }),
  )
  await system.stop()
  assert.deepEqual(
    [...new Set(arrived)].toSorted((a, b) => a - b),
    Array.from({ length: count }, (_, n) => n),
  )
  assert.ok(arrived.length - count <= kills, `${arrived.length - count} doubles after ${kills} kills`)
})
