// What the site's tables have thrown away or held, through a whole running system: nobody gets it, nobody gets a report, and the log
// tells which line had it so.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { handIn, System } from "../kit/system.ts"

let system: System

before(async () => {
  system = await System.start({
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`access_db', \`hash @DIR@/access')dnl
FEATURE(\`blocklist_recipients')dnl
FEATURE(\`compat_check')dnl
FEATURE(\`mailertable', \`hash @DIR@/mailertable')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
    files: {
      aliases: "\n",
      access: [
        "Compat:ann@example.org<@>me@grussell.org\tDISCARD",
        "From:junk@example.org\tDISCARD",
        "From:odd@example.org\tQUARANTINE:somebody looks at it",
        "",
      ].join("\n"),
      mailertable: "nowhere.example.org\tdiscard:\n",
    },
    users: ["me"],
  })
})

after(() => system.stop())

async function sent(from: string, to: string): Promise<string> {
  const reply = await handIn(system, { from, to: [to], text: "Subject: x\n\nx\n" })
  await system.idle()
  return /^250 2\.0\.0 (\S+) /.exec(reply)?.[1] ?? assert.fail(reply)
}

test("discard: of mailertable takes the mail, and nobody hears of it again", async () => {
  const id = await sent("me@grussell.org", "bob@nowhere.example.org")
  assert.match(
    system.stderr,
    new RegExp(`${id}: to=<bob@nowhere.example.org>.*mailer=discard.*dsn=2.0.0, stat=Sent`),
  )
  assert.doesNotMatch(system.stderr, new RegExp(`${id}: \\S+: (?:DSN|postmaster notify)`))
})

test("DISCARD of compat_check does the same to one pair of sender and recipient", async () => {
  const id = await sent("ann@example.org", "me@grussell.org")
  assert.match(system.stderr, new RegExp(`${id}: to=<me@grussell.org>.*mailer=discard.*stat=Sent`))
  const other = await sent("bob@example.org", "me@grussell.org")
  assert.match(system.stderr, new RegExp(`${other}: to=<me@grussell.org>.*mailer=local.*stat=Sent`))
})

test("DISCARD and QUARANTINE of access are logged as the ruleset's that sendmail asks", async () => {
  const gone = await sent("junk@example.org", "me@grussell.org")
  assert.match(
    system.stderr,
    new RegExp(`${gone}: ruleset=check_mail, arg1=<junk@example.org>, relay=.*, discard`),
  )
  assert.match(system.stderr, new RegExp(`${gone}: from=<junk@example.org>, size=\\d+, .*nrcpts=1`))
  const held = await sent("odd@example.org", "me@grussell.org")
  const words = "quarantine=somebody looks at it"
  assert.match(
    system.stderr,
    new RegExp(`${held}: ruleset=check_mail, arg1=<odd@example.org>, relay=.*, ${words}`),
  )
  const { stdout } = await system.command("mailq", ["-qQ"])
  assert.match(stdout, /^ +QUARANTINE: somebody looks at it$/m)
  const { stdout: others } = await system.command("mailq", [])
  assert.match(others, /is empty$/m)
  const { stdout: counted } = await system.command("sendmail", ["-bP"])
  assert.match(counted, /\/queue: entries=1$/m)
})
