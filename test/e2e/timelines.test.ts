// What happened, found again: waypost trace, the ids of both logs, Prometheus's page, and what another configuration would have
// decided, all of one running system.
import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { freePort, handIn, System } from "../kit/system.ts"

const metricsPort = await freePort()

const mc = `OSTYPE(linux)dnl
define(\`confDOMAIN_NAME', \`mx.napier.ac.uk')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confMETRICS_PORT', \`${metricsPort}')dnl
define(\`confDNS_RESOLVER', \`127.0.0.1:9')dnl
define(\`confTO_RESOLVER_RETRANS', \`1')dnl
FEATURE(\`access_db', \`hash -o @DIR@/access')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`blocklist_recipients')dnl
LOCAL_DOMAIN(\`napier.ac.uk')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
MAILER(local)dnl
MAILER(smtp)dnl
`

const access = `From:spam@hello.com	REJECT
To:example.org	ERROR:5.7.1:550 not there
`

const letter = `From: Ann <ann@hello.com>
To: bob@napier.ac.uk
Subject: =?utf-8?q?The_caf=C3=A9_on_Tuesday?=
Message-ID: <tuesday.1@hello.com>

See you there.
`

let system: System
let accepted = ""

before(async () => {
  system = await System.start({
    mc,
    files: { access, aliases: "postmaster: bob\nlist: bob, carol\n" },
    users: ["bob", "carol"],
  })
  accepted = await handIn(system, { from: "ann@hello.com", to: ["bob@napier.ac.uk"], text: letter })
  assert.match(accepted, /^250 2\.0\.0 \w+ Message accepted/)
  await handIn(system, { from: "ann@hello.com", to: ["list@napier.ac.uk"], text: letter })
  await handIn(system, { from: "spam@hello.com", to: ["bob@napier.ac.uk"], text: letter })
  await handIn(system, { from: "ann@hello.com", to: ["carl@example.org"], text: letter })
  await handIn(system, { from: "ann@hello.com", to: ["dave@napier.ac.uk"], text: letter })
  await system.idle()
})

after(() => system.stop())

/** The ids that trace finds. */
async function traced(...words: string[]): Promise<readonly string[]> {
  const { stdout, code, stderr } = await system.waypost("trace", "--json", ...words)
  assert.ok(code === 0 || code === 1, stderr)
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => String((JSON.parse(line) as { id: unknown }).id))
}

const idOf = (reply: string) => /^250 2\.0\.0 (\w+)/.exec(reply)?.[1] ?? "none"

test("a message is found by its id, an address, its Message-ID and its subject, decoded and in any case", async () => {
  const id = idOf(accepted)
  assert.deepEqual(await traced(id), [id])
  for (const words of [
    ["ANN@hello.com", "bob@napier.ac.uk", "tuesday.1"],
    ["<tuesday.1@hello.com>", id],
    ["café", "tuesday", id],
    ["delivered", "bob@napier.ac.uk", id],
  ]) {
    assert.ok((await traced(...words)).includes(id), words.join(" "))
  }
  assert.deepEqual(await traced("nobody-ever-wrote-this"), [])
})

test("a refused session has an id and a timeline, with the line that refused", async () => {
  const { stdout, code } = await system.waypost("trace", "--reasons", "spam@hello.com")
  assert.equal(code, 0)
  assert.match(stdout, /^\w+: refused session of localhost \[127\.0\.0\.1\]$/m)
  assert.match(stdout, /refused <spam@hello\.com>: 5\d\d 5\.7\.1/)
  assert.match(stdout, /access:1$/m)
})

test("the log has the ids of the timelines", async () => {
  const [refused] = await traced("refused", "carl@example.org")
  assert.ok(refused !== undefined)
  assert.match(system.stderr, new RegExp(`waypost: ${refused}: ruleset=check_rcpt, arg1=<carl@example.org>`))
  assert.match(system.stderr, new RegExp(`waypost: ${idOf(accepted)}: from=<ann@hello.com>`))
  assert.match(system.stderr, new RegExp(`waypost: ${idOf(accepted)}: to=<bob@napier.ac.uk>.*stat=Sent`))
})

test("what aliases made of an address stands in the timeline", async () => {
  const [id = ""] = await traced("expanded", "list@napier.ac.uk")
  const { stdout } = await system.waypost("show", id)
  assert.match(
    stdout,
    /expanded <list@napier\.ac\.uk>: 2\.0\.0 to bob@mx\.napier\.ac\.uk, carol@mx\.napier\.ac\.uk/,
  )
  assert.match(stdout, /delivered <carol@mx\.napier\.ac\.uk>/)
})

test("what an operator does to a message stands in its timeline, with who it was", async () => {
  // Nobody answers for DNS, so it waits.
  const id = idOf(await handIn(system, { from: "bob@napier.ac.uk", to: ["gor@hello.com"], text: letter }))
  for (const word of ["hold", "release", "remove"])
    assert.equal((await system.waypost("queue", word, id, "--yes")).code, 0)
  const shown = await system.waypost("show", id)
  assert.match(shown.stdout, /deferred <gor@hello\.com>: 4\.4\.3 /)
  for (const word of ["held", "released", "removed"])
    assert.match(shown.stdout, new RegExp(`^.*${word}: `, "m"))
  assert.match(shown.stdout, /by hand +yes: (?:root|uid \d+) asked for it/)
})

test("Prometheus reads what came, what was refused and why, and what waits", async () => {
  const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  assert.match(page, /^waypost_build_info\{version="[^"]+",node="v26[^"]*"\} 1$/m)
  assert.match(page, /^waypost_refusals_total\{question="check_mail",reason="access",code="5\.7\.1"\} 1$/m)
  assert.match(page, /^waypost_accepted_total\{door="MTA"\} 3$/m)
  assert.match(page, /^waypost_queue_messages\{state="held",age="older"\} 0$/m)
  assert.match(page, /^waypost_delivery_seconds_bucket\{mailer="local",le="\+Inf"\} [3-9]/m)
  assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/`)).status, 404)
  for (const line of page.trimEnd().split("\n"))
    assert.match(
      line,
      /^(?:# (?:HELP|TYPE) \w+ .+|[a-z_]+(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)+\})? [\d.e+-]+)$/,
    )
})

test("another access table is tried on the mail that came: only what changes is told, with both lines", async () => {
  const file = join(system.directory, "access.new")
  writeFileSync(
    file,
    "# as it might be\nTo:bob@napier.ac.uk\tERROR:5.7.1:550 not bob\nTo:example.org\tERROR:5.7.1:550 not there\n",
  )
  const { stdout, code, stderr } = await system.waypost("whatif", "--map", `access=${file}`)
  assert.equal(code, 1, stderr)
  assert.match(
    stdout,
    /^<ann@hello\.com> to <bob@napier\.ac\.uk> from localhost \[127\.0\.0\.1\]\n.*\n {2}now {3}accepted: local bob.*\n {2}then {2}55\d 5\.7\.1 .*access\.new:2$/m,
  )
  assert.match(
    stdout,
    /^<spam@hello\.com> from .*\n.*\n {2}now {3}55\d 5\.7\.1 .*access:1\n {2}then {2}sender accepted/m,
  )
  assert.doesNotMatch(stdout, /carl@example\.org/)
  assert.match(stdout, /^\d+ of \d+ questions would be answered otherwise/m)
})

test("another sendmail.mc is tried on it, and nothing changes where nothing would", async () => {
  const same = await system.waypost("whatif", "--config", join(system.directory, "sendmail.mc"))
  assert.equal(same.code, 0, same.stdout + same.stderr)
  assert.match(same.stdout, /^0 of \d+ questions/m)
  const file = join(system.directory, "new.mc")
  writeFileSync(
    file,
    mc
      .replaceAll("@DIR@", system.directory)
      .replaceAll("@PORT@", "2525")
      .replace("LOCAL_DOMAIN(`napier.ac.uk')dnl\n", "define(`SMART_HOST', `[192.0.2.1]')dnl\n"),
  )
  const { stdout, code } = await system.waypost("whatif", "--json", "--config", file)
  assert.equal(code, 1)
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { changed?: { now: { says: string }; instead: { says: string } } })
  assert.ok(
    lines.some(({ changed }) => changed?.instead.says === "accepted: relay [192.0.2.1] bob@napier.ac.uk"),
    stdout,
  )
  const broken = await system.waypost("whatif", "--config", join(system.directory, "none.mc"))
  assert.equal(broken.code, 2)
  assert.match(broken.stderr, /none\.mc: /)
})
