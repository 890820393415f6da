// The queue steered from outside: ETRN, sendmail -q with all its letters, quarantine, host status. Hosts are dead at first, so that
// everything waits; then they live, and what is asked for arrives, and nothing else.
import assert from "node:assert/strict"
import { after, afterEach, before, beforeEach, test } from "node:test"
import { type Sink, startSink } from "../kit/sink.ts"
import { freePort, handIn, System } from "../kit/system.ts"

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`access_db', \`text @DIR@/access')dnl
FEATURE(\`mailertable', \`text @DIR@/mailertable')dnl
FEATURE(\`queuegroup')dnl
QUEUE_GROUP(\`slow', \`I=1h')dnl
define(\`confHOST_STATUS_DIRECTORY', \`.hoststat')dnl
define(\`confTO_INITIAL', \`1s')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h @FAR@')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`
const access = "Connect:127.0.0.1\tRELAY\nQGRP:hello.com\tslow\n"
const mailertable = `grussell.org	esmtp:[127.0.0.3]
sub.grussell.org	esmtp:[127.0.0.3]
hello.com	esmtp:[127.0.0.4]
`

let system: System
let far: number
let sinks: Sink[] = []
let ids: Map<string, string>

before(async () => {
  far = await freePort("127.0.0.3")
  system = await System.start({ mc: mc.replace("@FAR@", String(far)), files: { access, mailertable } })
})

after(() => system.stop())

/** One message for each of them waits, since nobody is there; then the hosts come. */
beforeEach(async () => {
  ids = new Map()
  for (const [from, to] of [
    ["ann@napier.ac.uk", "me@grussell.org"],
    ["bob@napier.ac.uk", "me@sub.grussell.org"],
    ["ann@napier.ac.uk", "you@hello.com"],
  ] as const) {
    const reply = await handIn(system, { from, to: [to], text: "Subject: SMTP\n\nHello.\n" })
    ids.set(to, /^250 2\.0\.0 (\S{14})/.exec(reply)?.[1] ?? assert.fail(reply))
  }
  await system.idle()
  sinks = await Promise.all(["127.0.0.3", "127.0.0.4"].map((address) => startSink({ address, port: far })))
})

afterEach(async () => {
  for (const sink of sinks) await sink.close()
  await system.waypost("queue", "remove", "--all", "--yes")
  await system.command("purgestat", [])
})

/** Whose mail has arrived. */
const arrived = () =>
  sinks
    .flatMap(({ transactions }) => transactions.flatMap(({ rcpt }) => rcpt))
    .map((path) => path.replaceAll(/[<>]/g, ""))
    .toSorted()

async function say(line: string): Promise<string> {
  const session = await system.connect()
  await session.reply()
  await session.say("EHLO pc236b.napier.ac.uk")
  const reply = await session.say(line)
  await session.say("QUIT")
  session.close()
  return reply
}

for (const [argument, says, expected] of [
  ["GRUSSELL.org", "250 2.0.0 Queuing for node GRUSSELL.org started", ["me@grussell.org"]],
  [
    "@grussell.org",
    "250 2.0.0 Queuing for node @grussell.org started",
    ["me@grussell.org", "me@sub.grussell.org"],
  ],
  ["#slow", "250 2.0.0 Queuing for queue group slow started", ["you@hello.com"]],
] as const) {
  test(`ETRN ${argument}: what waits for it arrives, and nothing else`, async () => {
    assert.equal(await say(`ETRN ${argument}`), says)
    while (arrived().length < expected.length) await new Promise((resolve) => setTimeout(resolve, 20))
    await system.idle()
    assert.deepEqual(arrived(), expected)
    const { stdout } = await system.waypost("show", ids.get(expected[0]) ?? "")
    assert.match(stdout, new RegExp(`retried: .*ETRN ${argument}`))
    assert.match(stdout, /a client asked for it/)
  })
}

test("ETRN for a queue group that is none is refused; for a host without mail nothing happens", async () => {
  assert.equal(await say("ETRN #fast"), "459 4.5.4 Queue fast unknown")
  assert.equal(await say("ETRN"), "500 5.5.2 Parameter required")
  assert.match(await say("ETRN example.org"), /^250 /)
  await system.idle()
  assert.deepEqual(arrived(), [])
})

for (const [argv, expected] of [
  [["-q"], ["me@grussell.org", "me@sub.grussell.org", "you@hello.com"]],
  [["-qRsub."], ["me@sub.grussell.org"]],
  [["-q!Rsub."], ["me@grussell.org", "you@hello.com"]],
  [["-qSbob@"], ["me@sub.grussell.org"]],
  [["-q!Sbob@"], ["me@grussell.org", "you@hello.com"]],
  [["-qGslow"], ["you@hello.com"]],
  [["-q!Gslow"], ["me@grussell.org", "me@sub.grussell.org"]],
  [["-qSann@", "-qRgrussell"], ["me@grussell.org"]],
] as const) {
  test(`sendmail ${argv.join(" ")} tries just these, and mailq ${argv.join(" ")} lists them`, async () => {
    const listed = await system.command("mailq", argv[0] === "-q" ? [] : [...argv])
    assert.deepEqual([...listed.stdout.matchAll(/^\t+ <(.*)>$/gm)].map(([, to]) => to).toSorted(), expected)
    assert.equal((await system.command("sendmail", [...argv])).code, 0)
    assert.deepEqual(arrived(), expected)
  })
}

test("sendmail -qI takes a part of an id, -q!I all others", async () => {
  const id = ids.get("you@hello.com") ?? ""
  await system.command("sendmail", [`-q!I${id}`])
  assert.deepEqual(arrived(), ["me@grussell.org", "me@sub.grussell.org"])
  await system.command("sendmail", [`-qI${id.slice(4)}`])
  assert.deepEqual(arrived(), ["me@grussell.org", "me@sub.grussell.org", "you@hello.com"])
})

test("sendmail -Qreason sets aside what -q chooses, -Q lets it go again", async () => {
  assert.equal((await system.command("sendmail", ["-Qlooks odd", "-qRhello"])).code, 0)
  await system.command("sendmail", ["-q"])
  assert.deepEqual(arrived(), ["me@grussell.org", "me@sub.grussell.org"])
  const held = await system.command("sendmail", ["-bp", "-qQodd"])
  assert.match(held.stdout, /QUARANTINE: looks odd\n\t+ <you@hello\.com>/)
  assert.equal((await system.command("sendmail", ["-Q", "-qRhello"])).code, 0)
  await system.idle()
  assert.deepEqual(arrived(), ["me@grussell.org", "me@sub.grussell.org", "you@hello.com"])
})

test("waypost queue: each action shows first what it means, and does it with --yes, by any filter", async () => {
  for (const sink of sinks) await sink.close() // what is released is tried at once, and waits again
  for (const [filter, expected] of [
    [["--to", "@hello.com"], "you@hello.com"],
    [["--from", "bob@"], "me@sub.grussell.org"],
    [["--destination", "[127.0.0.4]"], "you@hello.com"],
    [["--reason", "refused", "--from", "bob"], "me@sub.grussell.org"],
    [["--group", "slow"], "you@hello.com"],
    [[ids.get("me@grussell.org") ?? ""], "me@grussell.org"],
  ] as const) {
    const preview = await system.waypost("queue", "hold", ...filter)
    assert.match(
      preview.stdout,
      new RegExp(`^\\S{14} {2}<\\S+> to <${expected.replace("[", "\\[")}>\\n1 message would be held`),
    )
    assert.equal((await system.waypost("queue", "hold", ...filter, "--yes")).stdout, "1 message held\n")
    const listed = await system.waypost("queue", "list", "--held", "--json")
    assert.deepEqual(JSON.parse(listed.stdout).recipients[0].address, expected)
    assert.equal((await system.waypost("queue", "release", "--held", "--yes")).stdout, "1 message released\n")
  }
  assert.match((await system.waypost("queue", "retry", "--older", "2d")).stdout, /^no message is meant/)
  const exported = await system.waypost("queue", "export", "--to", "you@hello.com")
  assert.match(exported.stdout, /^Received: [^]*\r\nSubject: SMTP\r\n\r\nHello\.\r\n$/)
})

test("hoststat tells what hosts said last, purgestat forgets it", async () => {
  const dead = await system.command("hoststat", [])
  assert.match(dead.stdout, /^ \S*127\.0\.0\.4\S* +\S+ +Connection refused/m)
  await system.command("sendmail", ["-q"])
  assert.match((await system.command("hoststat", [])).stdout, /^ \S*127\.0\.0\.4\S* +\S+ +250 /m)
  await system.command("purgestat", [])
  assert.equal((await system.command("hoststat", [])).stdout, "")
})

test("a host that was silent is asked at once when somebody says now, not when its time is over", async () => {
  for (const sink of sinks) await sink.close()
  const silence = { on: /^connect/, act: { end: "silence" } } as const
  sinks = [await startSink({ address: "127.0.0.4", port: far, rules: [silence] })]
  await system.command("sendmail", ["-qRhello"])
  assert.match((await system.command("mailq", ["-qRhello"])).stdout, /did not greet/)
  for (const sink of sinks) await sink.close()
  sinks = [await startSink({ address: "127.0.0.4", port: far })]
  await system.command("sendmail", ["-qRhello"])
  assert.deepEqual(arrived(), ["you@hello.com"])
})
