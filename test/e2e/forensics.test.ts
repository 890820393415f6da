// `waypost forensics` from the outside: the sample with its score, the forms of input and output, the exit codes; and the field that
// FEATURE(forensics) puts on mail, on the message that Santa typed.
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { run } from "../../src/commands/forensics.ts"
import { hostile } from "../kit/hostile-headers.ts"
import { memoryIo } from "../kit/memory-io.ts"
import { project, System } from "../kit/system.ts"

const sample = join(project, "../shared/forensics-sample")

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`forensics')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const honest = `Received: from mail.napier.ac.uk (mail.napier.ac.uk [146.176.2.10])
	by grussell.org (8.17.1/8.17.1) with ESMTP id 6AO7Ag01100001; Tue, 24 Nov 2026 07:10:42 +0000
Date: Tue, 24 Nov 2026 07:10:38 +0000
From: Gordon <g.russell@napier.ac.uk>
Message-ID: <7.1@napier.ac.uk>

Hi
`
const forged = honest.replace(
  "Date:",
  "Received: from a.hello.com (a.hello.com [300.1.2.3])\n\tby mail.napier.ac.uk (Postfix) with ESMTP id 4F12A9059D; Tue, 24 Nov 2026 07:10:40 +0000\nDate:",
)

const santa = [
  "helo pc236b.napier.ac.uk",
  "mail from: g.russell@napier.ac.uk",
  "rcpt to: me@grussell.org",
  "data",
  'From: "Santa" claws@northpole.com',
  "To: Gordon Russell <me@grussell.org>",
  "Subject: SMTP",
  "",
  "Hello gordon.",
  "I am Santa",
  ".",
  "quit",
]

let directory = ""
let system: System

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "waypost-forensics-"))
  writeFileSync(join(directory, "honest"), honest)
  writeFileSync(join(directory, "forged"), forged)
  writeFileSync(
    join(directory, "mbox"),
    `From a Tue Nov 24 07:10:43 2026\n${honest}\nFrom b Tue Nov 24 07:10:44 2026\n${forged}\n`,
  )
  for (const folder of ["cur", "new", "tmp"])
    mkdirSync(join(directory, "Maildir", folder), { recursive: true })
  writeFileSync(join(directory, "Maildir/cur/1.a:2,S"), honest)
  writeFileSync(join(directory, "Maildir/new/2.b"), forged)
  system = await System.start({ mc, files: { aliases: "me : gor\n" }, users: ["gor"] })
})

after(async () => {
  await system.stop()
  rmSync(directory, { recursive: true })
})

type Ended = { readonly code: number; readonly out: string; readonly err: string }

async function forensics(args: readonly string[], input = ""): Promise<Ended> {
  const io = { ...memoryIo(input, { WAYPOST_STATE: directory }), cwd: directory }
  const code = await run(args, io)
  return { code, out: io.written.stdout, err: io.written.stderr }
}

test("the exit code tells the verdict, of several messages the worst", async () => {
  assert.equal((await forensics(["--receiver", "grussell.org", "honest"])).code, 0)
  assert.equal((await forensics(["--receiver", "grussell.org", "forged"])).code, 2)
  assert.equal((await forensics(["--receiver", "grussell.org", "-"], forged)).code, 2)
  for (const [operand, count] of [
    ["mbox", 2],
    ["Maildir", 2],
  ] as const) {
    const { code, out } = await forensics(["--receiver", "grussell.org", "--json", operand])
    const verdicts = out
      .trim()
      .split("\n")
      .map((line) => String(JSON.parse(line).verdict))
    assert.deepEqual([code, verdicts.length, verdicts], [2, count, ["genuine", "forged"]])
  }
  assert.equal((await forensics([])).code, 64)
  assert.equal((await forensics(["--json", "--svg", "honest"])).code, 64)
  assert.equal((await forensics(["--trus", "honest"])).code, 64)
  await assert.rejects(forensics(["nothing"]), /there is no such file/)
})

test("the report says the verdict first, draws the line, and marks the words", async () => {
  const { out } = await forensics(["--receiver", "grussell.org", "forged"])
  assert.match(
    out,
    /^Probably forged: Hop 2 says that it took the message from 300\.1\.2\.3, which is no address at all\./,
  )
  assert.match(
    out,
    /\n {2}1 \| grussell\.org[^\n]*\n[^\n]*\n[^\n]*\n=+ above: recorded by your own server \(grussell\.org\)\n=+ below: whatever the sender liked to write\n/,
  )
  assert.match(out, /\(a\.hello\.com \[300\.1\.2\.3\]\)\n +\^{9}\n/)
  for (const words of ["Why it matters:", "An honest explanation would be:", "What would settle it:"])
    assert.ok(out.includes(words))
})

test("--teach goes through the five signs", async () => {
  const { out } = await forensics(["--receiver", "grussell.org", "--teach", "forged"])
  for (const sign of [
    "Dates that go backwards",
    "Hops that don't match",
    "Strange strings",
    "contradict",
    "Routes that sound strange",
  ])
    assert.match(out, new RegExp(`Sign \\d: .*${sign}`))
})

test("--svg is one well-formed drawing with the line in it", async () => {
  const { out } = await forensics(["--receiver", "grussell.org", "--svg", "forged"])
  assert.match(out, /^<svg .*<\/svg>\n$/s)
  assert.match(out, /below: whatever the sender liked to write/)
  assert.equal(out.match(/<text/g)?.length, out.match(/<\/text>/g)?.length)
})

test("--quiz asks, and tells right from wrong; a number asks the same again", async () => {
  const question = JSON.parse((await forensics(["--quiz", "--number", "7", "--json"])).out)
  const right = 1 + ["backwards", "hops", "strings", "data", "route", "none"].indexOf(question.fault)
  const good = await forensics(["--quiz", "--number", "7"], `${right}\n`)
  assert.deepEqual([good.code, /Right\./.test(good.out)], [0, true])
  assert.equal((await forensics(["--quiz", "--number", "7"], `${(right % 6) + 1}\n`)).code, 1)
  assert.equal((await forensics(["--quiz", "--number", "7"], "x\n")).code, 64)
})

test("the labelled sample is judged as well as it has to be", {
  skip: existsSync(sample) ? false : "the sample is not here",
}, async () => {
  const { out } = await forensics(["--batch", join(sample, "manifest.jsonl")])
  const verdicts = new Map(
    out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map((one) => [one.id, one]),
  )
  const labels = readFileSync(join(sample, "labels.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
  const classes = new Map<string, { n: number; named: number; located: number }>()
  let [caught, missed, flagged, called, honestOnes] = [0, 0, 0, 0, 0]
  for (const label of labels) {
    const { verdict, findings } = verdicts.get(label.id)
    if (label.label !== "forged") {
      honestOnes++
      if (verdict !== "genuine") flagged++
      if (verdict === "forged") called++
      continue
    }
    if (verdict === "genuine") missed++
    else caught++
    const strong = findings.filter(
      (one: Found) =>
        ["medium", "high", "critical"].includes(one.severity) && label.checks.includes(one.check),
    )
    const here = strong.some(
      ({ hop, header }: Found) =>
        label.hops?.includes(hop) === true ||
        (label.header !== null && header?.toLowerCase() === label.header.toLowerCase()),
    )
    const counts = classes.get(label.class) ?? { n: 0, named: 0, located: 0 }
    classes.set(label.class, {
      n: counts.n + 1,
      named: counts.named + (strong.length > 0 ? 1 : 0),
      located: counts.located + (here ? 1 : 0),
    })
  }
  const f1 = (2 * caught) / (2 * caught + missed + flagged)
  assert.ok(f1 >= 0.97, `F1 ${f1}`)
  assert.ok(
    flagged / honestOnes <= 0.04 && called / honestOnes <= 0.01,
    `${flagged} flagged, ${called} called forged`,
  )
  for (const [name, { n, named, located }] of classes)
    assert.ok(named / n >= 0.9 && located / n >= 0.85, `${name}: ${named} named, ${located} located of ${n}`)
})

type Found = {
  readonly severity: string
  readonly check: string
  readonly hop: number | null
  readonly header: string | null
}

test("Santa's message gets a field on top, and the same reading from the mailbox", async () => {
  const session = await system.connect()
  session.write(`${santa.join("\r\n")}\r\n`)
  while ((await session.reply()) !== "(closed)") continue
  await system.idle()
  const box = readFileSync(join(system.directory, "mail", "gor"), "latin1")
  assert.match(
    box,
    /\nX-Waypost-Forensics: suspicious by grussell\.org; message_id=medium\n\t\(There is no Message-ID, and no Date either: [^)]*\)\n/,
  )
  writeFileSync(join(directory, "santa"), box)
  const { code, out } = await forensics(["--receiver", "grussell.org", "santa"])
  assert.equal(code, 1)
  assert.match(out, /grussell\.org had to add one/)
  assert.match(out, /The From field says northpole\.com, the envelope napier\.ac\.uk/)
})

test("the whole command reads 10 MB of hops within 90 MB", () => {
  const file = join(directory, "hops")
  writeFileSync(file, `${hostile["many hops"]?.(1e7)}\nHi\n`)
  const program = "process.on('exit',()=>process.stderr.write(`used:${process.resourceUsage().maxRSS}`))"
  const { stderr, status } = spawnSync(
    join(project, "bin/waypost"),
    ["forensics", "--receiver", "grussell.org", file],
    {
      encoding: "utf8",
      env: {
        ...process.env,
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(program)}`,
        WAYPOST_STATE: directory,
      },
      maxBuffer: 1 << 26,
    },
  )
  assert.equal(status, 1)
  const used = Number(/used:(\d+)/.exec(stderr)?.[1]) / 1024
  assert.ok(used < 90, `${used} MB`)
})
