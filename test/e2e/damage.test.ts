// A queue that the disk has changed, under a whole mail system: it starts, says what it found to the log, the timelines and the
// postmaster, delivers what is whole, and takes new mail.
import assert from "node:assert/strict"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { type Sink, startSink } from "../kit/sink.ts"
import { freePort, handIn, System } from "../kit/system.ts"

const mc = (far: number) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.napier.ac.uk')dnl
LOCAL_DOMAIN(\`napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h ${far}')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`
const files = { aliases: "postmaster: g.russell\nMAILER-DAEMON: postmaster\n" }

let system: System
let far: number
let sink: Sink | undefined

before(async () => {
  far = await freePort()
  system = await System.start({ mc: mc(far), files, users: ["g.russell"] })
})

after(async () => {
  await sink?.close()
  await system.stop()
})

async function accept(to: string, size = 100): Promise<string> {
  const text = `Subject: lunch\n\n${"Hello gordon.\n".repeat(size)}`
  const reply = await handIn(system, { from: "g.russell@napier.ac.uk", to: [to], text })
  return /^250 2\.0\.0 (\S+)/.exec(reply)?.[1] ?? assert.fail(reply)
}

const queueFile = (...names: string[]) => join(system.state, "queue", ...names)

async function restartAfter(spoil: () => void): Promise<void> {
  await system.end()
  spoil()
  const { directory, port: mta, msa } = system
  system = await System.start({ directory, ports: { mta, msa }, mc: mc(far) })
}

/** Mail to the postmaster, once it is there. */
async function toPostmaster(words: RegExp): Promise<string> {
  await system.said(/the postmaster is told of the damage by/)
  await system.idle()
  const box = readFileSync(join(system.directory, "mail", "g.russell"), "utf8")
  const letter = box.split(/^From /m).find((one) => words.test(one))
  return letter ?? assert.fail(`no letter has ${words}:\n${box}`)
}

test("a queue.db whose first page is noise: all that waited is delivered, and the postmaster is told what happened", async () => {
  const ids: string[] = []
  for (let n = 0; n < 12; n++) ids.push(await accept("you@hello.com", n === 5 ? 8000 : 100))
  await system.idle()
  await restartAfter(() => {
    const octets = readFileSync(queueFile("queue.db"))
    octets.fill("noise", 0, 8192)
    writeFileSync(queueFile("queue.db"), octets)
  })
  assert.match(system.stderr, /12 messages are saved, 0 are set aside; the damaged files are in .*queue-1/)
  assert.doesNotMatch(system.stderr, /the clock says/, "what is saved keeps its age")
  assert.ok(existsSync(queueFile("damaged", "queue-1", "queue.db")))
  sink = await startSink({ port: far })
  await system.waypost("queue", "retry", "--all", "--yes")
  await system.idle()
  assert.equal(sink.received(), 12)
  const letter = await toPostmaster(/damage in the queue, nothing is lost/)
  assert.match(letter, /^A part of its queue is not what was written to the disk:$/m)
  assert.match(letter, /12 messages in it are whole, and go on in a new one\./)
  await accept("g.russell@napier.ac.uk")
  await sink.close()
  sink = undefined
})

test("a queue.db of which nothing is left: the log has the mail, and it goes on", async () => {
  const id = await accept("you@hello.com")
  await system.idle()
  await restartAfter(() => writeFileSync(queueFile("queue.db"), ""))
  const letter = await toPostmaster(/queue\.db is empty/)
  assert.match(letter, /nothing is lost/)
  const { stdout } = await system.waypost("queue", "list", "--to", "you@hello.com")
  assert.match(stdout, new RegExp(id))
  await system.waypost("queue", "remove", id, "--yes")
})

test("neither of queue.db nor of its log is anything left: whose mail it was is told from the timelines, and mail goes on", async () => {
  const id = await accept("you@hello.com")
  await system.idle()
  await restartAfter(() => {
    writeFileSync(queueFile("queue.db"), "")
    rmSync(queueFile("log"), { recursive: true })
  })
  const letter = await toPostmaster(new RegExp(id))
  assert.match(letter, /^Subject: Postmaster notify: damage in the queue, 1 message set aside$/m)
  assert.match(letter, /queue\.db is empty/)
  assert.match(
    letter,
    new RegExp(`^    ${id} from <g\\.russell@napier\\.ac\\.uk> to <you@hello\\.com>$`, "m"),
  )
  assert.match(letter, /^ {8}Subject: lunch$/m)
  const { stdout } = await system.waypost("show", id)
  assert.match(stdout, /damaged: it waited, as far as the timelines know/)
  await accept("g.russell@napier.ac.uk")
})

test("a large message whose file was changed is held and told, and never sent", async () => {
  const id = await accept("you@hello.com", 8000)
  await system.idle()
  await restartAfter(() => {
    const octets = readFileSync(queueFile("bodies", id))
    octets[50_000] = (octets[50_000] ?? 0) ^ 1
    writeFileSync(queueFile("bodies", id), octets)
  })
  await system.waypost("queue", "retry", id, "--yes")
  await system.said(new RegExp(`${id}: SYSERR\\(waypost\\): the message is damaged and set aside`))
  const letter = await toPostmaster(new RegExp(`${id}: the checksum of its file is wrong`))
  assert.match(letter, new RegExp(`waypost queue remove ID --yes`))
  const { stdout } = await system.waypost("queue", "list", "--held")
  assert.match(stdout, new RegExp(`${id}[^]*damaged: `))
  assert.ok(existsSync(queueFile("damaged", id)))
})
