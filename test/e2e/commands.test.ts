// sendmail's commands against a whole system: what waits is seen and steered, what is written while nothing runs is sent later, and
// senders hear of errors as they asked.
import assert from "node:assert/strict"
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { project, run, System, type SystemOptions } from "../kit/system.ts"

const login = userInfo().username
const setup: SystemOptions = {
  mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.grussell.org')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`,
  files: { aliases: `postmaster: gor\nstaff: andrew, gor\nowner-staff: gor\n${login}: gor\n` },
  users: ["gor", "andrew"],
}
let system: System
before(async () => {
  system = await System.start(setup)
})
after(() => system.stop())

const mailbox = (user: string) => join(system.directory, "mail", user)

/** What the user has got, and no more: it is taken away. */
function taken(user: string): string {
  const text = existsSync(mailbox(user)) ? readFileSync(mailbox(user), "utf8") : ""
  rmSync(mailbox(user), { force: true })
  return text
}

test("-Am -odq waits in the queue: listed, held, released, exported, and sent by a queue run", async () => {
  const sent = await system.command(
    "sendmail",
    ["-Am", "-odq", "-f", "gor", "andrew"],
    "Subject: later\n\nhi\n",
  )
  assert.equal(sent.code, 0, sent.stderr)
  await system.idle()
  assert.equal(taken("andrew"), "")
  const listed = await system.command("mailq", [])
  const id = /^(\w{14}) +\d+ .* gor$/m.exec(listed.stdout)?.[1]
  assert.ok(id !== undefined, listed.stdout)
  assert.match(listed.stdout, /^\t{5} andrew$/m)
  assert.match((await system.waypost("queue", "summary")).stdout, /TOTAL +1/)
  assert.match((await system.waypost("queue", "export", id)).stdout, /\r\nSubject: later\r\n\r\nhi\r\n$/)

  assert.match(
    (await system.waypost("queue", "hold", "--from", "gor")).stdout,
    /1 message would be held; say --yes/,
  )
  assert.equal(
    (await system.waypost("queue", "hold", id, "--because", "lunch", "--yes")).stdout,
    "1 message held\n",
  )
  await system.command("sendmail", ["-q"])
  assert.equal(taken("andrew"), "")
  assert.match((await system.command("mailq", [])).stdout, /\t\tTotal requests: 0\n$/)
  assert.match((await system.command("sendmail", ["-bp", "-qQ"])).stdout, /QUARANTINE: lunch/)

  await system.waypost("queue", "release", "--all", "--yes")
  const run = await system.command("sendmail", ["-q"])
  assert.equal(run.code, 0, run.stderr)
  const got = taken("andrew")
  assert.match(got, /^From gor  \w{3} [^]*\nReturn-Path: <gor>\n/)
  assert.match(got, /\n\nhi\n/)
})

test("mail of a list is from its owner", async () => {
  await system.command("sendmail", ["-f", "andrew", "staff"], "Subject: all\n\nhi\n")
  await system.idle()
  for (const user of ["andrew", "gor"])
    assert.match(taken(user), /^From gor  \w{3} [^]*\nReturn-Path: <gor>\n/)
})

test("-oem: who was refused is told to the sender by mail", async () => {
  const { code, stdout } = await system.command("sendmail", ["-oem", "nosuch"], "Subject: lost\n\nhi\n")
  assert.deepEqual({ code, stdout }, { code: 67, stdout: "" })
  await system.idle()
  const report = taken("gor") // by the alias of whoever runs this
  assert.match(report, /^Final-Recipient: rfc822; nosuch@mail\.grussell\.org$/m)
  assert.match(report, /^Diagnostic-Code: smtp; 550 5\.1\.1 .*User unknown$/m)
  assert.match(report, /\nSubject: lost\n\nhi\n/)
})

for (const [mode, code, told] of [
  ["p", 67, "on standard error, and kept in dead.letter"],
  ["w", 67, "by mail, since nobody sits at a terminal"],
  ["m", 67, "by mail"],
  ["e", 0, "by mail, and the exit code says nothing"],
  ["q", 67, "by the exit code alone"],
] as const) {
  test(`-oe${mode}: who was refused is told ${told}`, async () => {
    const env = { WAYPOST_STATE: system.state, HOME: system.directory }
    const sendmail = join(project, "bin", "sendmail")
    const done = await run(sendmail, [`-oe${mode}`, "nosuch"], "Subject: lost\n\nhi\n", env)
    assert.equal(done.code, code)
    assert.equal(done.stderr, mode === "p" ? "nosuch... User unknown\n" : "")
    await system.idle()
    const report = taken("gor") // by the alias of whoever runs this
    assert.equal(/^Action: failed$/m.test(report), "wme".includes(mode))
    const letter = join(system.directory, "dead.letter")
    assert.equal(existsSync(letter), mode === "p")
    if (mode === "p") assert.match(readFileSync(letter, "utf8"), /^Subject: lost\n\nhi\n/m)
    rmSync(letter, { force: true })
  })
}

test("what is written while nothing runs is kept, listed, and sent at the next start", async () => {
  const queue = join(system.state, "clientqueue")
  await system.end()
  const { code, stderr } = await system.command(
    "sendmail",
    ["-f", "gor", "andrew"],
    "Subject: patience\n\nhi\n",
  )
  assert.equal(code, 0, stderr)
  assert.equal(readdirSync(queue).length, 1)
  system = await System.start({ ...setup, users: [], directory: system.directory })
  for (let turn = 0; readdirSync(queue).length > 0 && turn < 20; turn++)
    await system.command("sendmail", ["-Ac", "-q"])
  await system.idle()
  assert.match(taken("andrew"), /^From gor@mail\.grussell\.org  \w{3} [^]*\nSubject: patience\n/)
  await system.command("sendmail", ["-Ac", "-odq", "andrew"], "Subject: once more\n\nhi\n")
  assert.match((await system.command("mailq", ["-Ac"])).stdout, /^\t{5} andrew\n\t\tTotal requests: 1$/m)
  await system.command("sendmail", ["-Ac", "-q"])
  assert.match(taken("andrew"), /\nSubject: once more\n/)
  assert.match((await system.command("mailq", ["-Ac"])).stdout, /clientqueue is empty\n/)
})

test("mailstats counts by mailer, over restarts too", async () => {
  const { stdout } = await system.command("mailstats", [])
  assert.match(stdout, /^Statistics from /)
  assert.match(stdout, /^ \d +\d+ +\d+K +\d+ +\d+K +\d+ +0 +0 {2}local$/m)
})

test("rmail hands on what UUCP gave it, the message as it came", async () => {
  const given =
    "From ann Tue Nov 24 07:10:42 2026 remote from hello\nSubject: by UUCP\nFrom: ann@hello.uucp\n\nhi\n"
  const sent = await system.command("rmail", ["andrew"], given)
  assert.equal(sent.code, 0, sent.stderr)
  await system.idle()
  const text = taken("andrew")
  assert.match(text, /^From ann@hello\.uucp /)
  assert.match(text, /\nSubject: by UUCP\n(?:.+\n)*\nhi\n/)
})

test("mail sends what it reads from a file, and mailq tells a file what waits", async () => {
  const sent = await system.command(
    "mail",
    ["-s", "by mail", "-r", "gor", "andrew"],
    "hello\n.\nstill hello\n",
  )
  assert.deepEqual([sent.code, sent.stdout, sent.stderr], [0, "", ""])
  await system.idle()
  assert.match(taken("andrew"), /\nSubject: by mail\n(?:.+\n)*\nhello\n\.\nstill hello\n/)
})
