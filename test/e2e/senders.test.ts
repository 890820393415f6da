// Programs of the machine that send mail by the sendmail command, as a user without any right: the mail system knows by the kernel's
// word who it was. While nothing runs, the mail waits in the client queue.
import assert from "node:assert/strict"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { without } from "../kit/debian.ts"
import { type Sink, startSink } from "../kit/sink.ts"
import { closedCheckout, project, run, System } from "../kit/system.ts"

const isRoot = process.getuid?.() === 0
const skip = isRoot ? closedCheckout || without("setpriv") : "only root can become the user who sends"

/** An account that every Debian has. */
const sender = "games"

const mcFor = (port: number) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
define(\`RELAY_MAILER_ARGS', \`TCP $h ${port}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const users = "gor::@DIR@/home/gor:20001:20001:\npostmaster::@DIR@/home/gor:20001:20001:\n"
const sendmail = join(project, "bin", "sendmail")

let system: System
let sink: Sink
let work: string

before(async () => {
  if (skip !== false) return
  sink = await startSink()
  system = await System.start({ mc: mcFor(sink.port), files: { "state/users": users } })
  work = join(system.directory, "work")
  mkdirSync(work)
  chmodSync(work, 0o777)
})

after(async () => {
  if (skip !== false) return
  await system.stop()
  await sink.close()
})

/** Runs a shell command as the sender, in a directory of his. */
async function asSender(command: string, input = "", login = sender) {
  const become = [
    "--reuid",
    login,
    "--regid",
    login,
    "--clear-groups",
    "sh",
    "-c",
    `cd ${work} && ${command}`,
  ]
  return run("setpriv", become, input, {
    WAYPOST_STATE: system.state,
    HOME: work,
    LC_ALL: "C.UTF-8",
    LOGNAME: login,
  })
}

function mailbox(): readonly string[] {
  const path = join(system.directory, "mail", "gor")
  const text = existsSync(path) ? readFileSync(path, "utf8") : ""
  rmSync(path, { force: true })
  return text.split(/^(?=From \S+ .*\d{4}$)/m).filter((one) => one !== "")
}

async function arrived(): Promise<string> {
  await system.idle()
  const messages = mailbox()
  assert.equal(messages.length, 1, system.stderr)
  return messages[0] ?? ""
}

test("a cron job's output is mailed: cron's own call of sendmail", { skip }, async () => {
  const text =
    "From: root (Cron Daemon)\nTo: gor\nSubject: Cron <games@grussell> true\nContent-Type: text/plain; charset=UTF-8\n\nGrüße\n"
  assert.equal((await asSender(`${sendmail} -FCronDaemon -i -B8BITMIME -oem gor`, text)).code, 0)
  const message = await arrived()
  assert.match(message, /^From games@grussell\.org /)
  assert.match(message, /\nReceived: \(from games@localhost\)\n/)
  assert.match(message, /\n\nGrüße\n/)
})

test("PHP's mail() sends", { skip: skip || without("php") }, async () => {
  const code = `exit(mail("gor@grussell.org", "from PHP", "Hello\\ngordon.\\n", "From: www@grussell.org", "-fwww@grussell.org") ? 0 : 1);`
  writeFileSync(join(work, "mail.php"), `<?php ${code}`)
  const { code: end, stderr } = await asSender(`php -d sendmail_path='${sendmail} -t -i' mail.php`)
  assert.equal(end, 0, stderr)
  const message = await arrived()
  assert.match(message, /^From www@grussell\.org /)
  assert.match(message, /\nSubject: from PHP\n/)
  assert.match(
    message,
    /\nX-Authentication-Warning: grussell\.org: games set sender to www@grussell\.org using -f\n/,
  )
  assert.match(message, /\n\nHello\ngordon\.\n/)
})

test("git send-email sends a patch", { skip: skip || without("git", "git-send-email") }, async (t) => {
  if ((await asSender("perl -MMail::Address -e 1")).code !== 0) return t.skip("needs libmailtools-perl")
  const script = [
    "git init -q patches && cd patches",
    "git config user.name Games && git config user.email games@grussell.org",
    "echo hello > file && git add file && git commit -q -m 'file: say hello' && git format-patch -q --root",
    `git send-email --quiet --no-thread --confirm=never --sendmail-cmd '${sendmail} -i' --from games@grussell.org --to gor@grussell.org 0001-*.patch`,
  ].join(" && ")
  const { code, stdout, stderr } = await asSender(script)
  assert.equal(code, 0, stdout + stderr)
  const message = await arrived()
  assert.match(message, /\nSubject: \[PATCH\] file: say hello\n/)
  assert.match(message, /\n\+hello\n/)
  assert.doesNotMatch(message, /X-Authentication-Warning/)
})

test("mutt sends, with an attachment", { skip: skip || without("mutt") }, async () => {
  writeFileSync(join(work, "picture.bin"), Buffer.from([0, 1, 2, 255]))
  const { code, stderr } = await asSender(
    `mutt -n -F /dev/null -e 'set sendmail="${sendmail} -oem -oi" record="" copy=no from=games@grussell.org' -s 'from mutt' -a picture.bin -- gor@grussell.org`,
    "Hello gordon.\n",
  )
  assert.equal(code, 0, stderr)
  const message = await arrived()
  assert.match(message, /\nSubject: from mutt\n/)
  assert.match(message, /AAEC\/w==/)
})

test("-v shows a local delivery live, to the one who sent it", { skip }, async () => {
  const { code, stdout } = await asSender(`${sendmail} -v gor`, "Subject: shown\n\nhello\n")
  assert.equal(code, 0)
  assert.match(
    stdout,
    /^250 2\.0\.0 \w+ Message accepted for delivery\n>>> QUIT\n221 .*\n050 gor\.\.\. Connecting to local\.\.\.\n050 gor\.\.\. Sent\n$/m,
  )
  await arrived()
  const id = /^250 2\.0\.0 (\w+)/m.exec(stdout)?.[1]
  const nosy = await asSender(
    `/usr/bin/python3 -c "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b'{\\"verb\\":\\"follow\\",\\"id\\":\\"${id}\\"}\\n'); print(s.recv(9999).decode())" ${system.state}/run/control.sock`,
    "",
    "daemon",
  )
  assert.equal(nosy.stdout.trim(), '{"end":true}')
})

test("-v shows the conversation with another host live", { skip }, async () => {
  const { stdout } = await asSender(`${sendmail} -v far@hello.com`, "Subject: away\n\nhello\n")
  assert.match(stdout, /^050 far@hello\.com\.\.\. Connecting to \[127\.0\.0\.1\] via relay\.\.\.$/m)
  assert.match(stdout, /^050 >>> MAIL From:<games@grussell\.org>/m)
  assert.match(stdout, /^050 >>> RCPT To:<far@hello\.com>/m)
  assert.match(stdout, /^050 250 .*\n050 far@hello\.com\.\.\. Sent \(kept\)\n$/m)
})

test("trusted users set the sender without a warning, others are named; who says he is himself is not", {
  skip,
}, async () => {
  const warning = async (login: string, from: string) => {
    assert.equal((await asSender(`${sendmail} -f ${from} gor`, "Subject: x\n\nx\n", login)).code, 0)
    return /\nX-Authentication-Warning: (.*)\n/.exec(await arrived())?.[1]
  }
  assert.equal(
    await warning("games", "ann@hello.com"),
    "grussell.org: games set sender to ann@hello.com using -f",
  )
  assert.equal(await warning("games", "games"), undefined)
  assert.equal(await warning("daemon", "ann@hello.com"), undefined) // class t of the default: root, uucp, daemon
})

test("while nothing runs the mail waits, private, and goes out as its owner's at the next start", {
  skip,
}, async () => {
  const { directory, port, msa } = system
  assert.equal(await system.end(), 0)
  const queue = join(system.state, "clientqueue")
  assert.equal(statSync(queue).mode & 0o1777, 0o1733)
  assert.equal((await asSender(`${sendmail} -f ann@hello.com gor`, "Subject: waited\n\nhello\n")).code, 0)
  const [file = ""] = readdirSync(queue)
  const kept = statSync(join(queue, file))
  assert.equal(kept.mode & 0o007, 0, "nobody else reads what waits")
  assert.equal(kept.nlink, 1)
  // What is no regular file of one name is left where it is, and said.
  const trick = await asSender(
    `ln -s ${queue}/${file} ${queue}/6AO7AgXX000001; mkfifo ${queue}/6AO7AgXX000002; ls ${queue}`,
  )
  assert.match(trick.stderr, /Permission denied/, "nobody may list what others have there")
  system = await System.start({ directory, ports: { mta: port, msa }, mc: mcFor(sink.port) })
  await system.idle()
  await asSender(`${sendmail} -Ac -q`)
  const message = await arrived()
  assert.match(message, /\nX-Authentication-Warning: \S+: games set sender to ann@hello\.com using -f\n/)
  assert.match(message, /\nReceived: \(from games@localhost\)\n/)
  assert.deepEqual(readdirSync(queue).toSorted(), ["6AO7AgXX000001", "6AO7AgXX000002"])
})
