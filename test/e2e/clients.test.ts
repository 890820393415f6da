// Independent clients: each hands in a message with an attachment through its own implementation of SMTP, and it arrives whole;
// mutt reads the mailbox.
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test, type TestContext } from "node:test"
import nodemailer from "nodemailer"
import { run, System } from "../kit/system.ts"

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
DAEMON_OPTIONS(\`Name=MSA, Addr=127.0.0.1, Port=@MSA@, M=E')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

let system: System
/** 40,000 octets in which every octet occurs, and lines that begin with dots. */
const attachment = Buffer.from(
  Array.from({ length: 40_000 }, (_, n) => (n % 97 === 0 ? 46 : (n * 7919) & 255)),
)
const hash = createHash("sha256").update(attachment).digest("hex")

before(async () => {
  system = await System.start({ mc, users: ["gor", "swaks", "smtplib", "msmtp", "nodemailer"] })
  writeFileSync(join(system.directory, "picture.bin"), attachment)
})

after(async () => {
  await system.stop()
})

/** Whether the program is there; a test that needs it says why it is skipped. */
async function has(t: TestContext, program: string): Promise<boolean> {
  const found = await run("sh", ["-c", `command -v ${program}`])
  if (found.code !== 0) t.skip(`${program} is not installed: apt-get install ${program}`)
  return found.code === 0
}

/** The attachment of the only message in the mailbox, decoded by Python's own MIME reader. */
async function arrived(user: string): Promise<string> {
  await system.idle()
  const box = join(system.directory, "mail", user)
  const script = `
import hashlib, mailbox, sys
box = mailbox.mbox(sys.argv[1])
assert len(box) == 1, len(box)
for part in box[0].walk():
    if part.get_filename() == 'picture.bin':
        print(hashlib.sha256(part.get_payload(decode=True)).hexdigest())
`
  const { stdout, stderr } = await run("python3", ["-c", script, box])
  assert.equal(stderr, "")
  return stdout.trim()
}

test("swaks: a message with an attachment", async (t) => {
  if (!(await has(t, "swaks"))) return
  const { code, stdout } = await run("swaks", [
    ...[
      "--server",
      `127.0.0.1:${system.port}`,
      "--from",
      "g.russell@napier.ac.uk",
      "--to",
      "swaks@grussell.org",
    ],
    ...[
      "--ehlo",
      "pc236b.napier.ac.uk",
      "--attach-type",
      "application/octet-stream",
      "--attach-name",
      "picture.bin",
    ],
    ...["--attach", `@${join(system.directory, "picture.bin")}`],
  ])
  assert.equal(code, 0, stdout)
  assert.match(stdout, /<-\s+250 2\.0\.0 [0-9A-Za-z]{14} Message accepted for delivery/)
  assert.equal(await arrived("swaks"), hash)
})

test("Python's smtplib: a message with an attachment", async (t) => {
  if (!(await has(t, "python3"))) return
  const script = `
import smtplib, sys
from email.message import EmailMessage
m = EmailMessage()
m['From'] = 'g.russell@napier.ac.uk'
m['To'] = 'smtplib@grussell.org'
m['Subject'] = 'smtplib'
m.set_content('.\\n..\\nHello gordon.\\n.I am Santa\\n')
m.add_attachment(open(sys.argv[2], 'rb').read(), maintype='application', subtype='octet-stream', filename='picture.bin')
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as s:
    print(s.send_message(m))
`
  const { code, stdout, stderr } = await run("python3", [
    "-c",
    script,
    String(system.port),
    join(system.directory, "picture.bin"),
  ])
  assert.equal(code, 0, stderr)
  assert.equal(stdout.trim(), "{}")
  assert.equal(await arrived("smtplib"), hash)
  assert.match(
    readFileSync(join(system.directory, "mail", "smtplib"), "latin1"),
    /\n\.\n\.\.\nHello gordon\.\n\.I am Santa\n/,
  )
})

test("msmtp: a message from standard input", async (t) => {
  if (!(await has(t, "msmtp"))) return
  const boundary = "=_picture"
  const message = [
    "From: g.russell@napier.ac.uk",
    "To: msmtp@grussell.org",
    "MIME-Version: 1.0",
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    "",
    `--${boundary}`,
    "Content-Type: application/octet-stream",
    "Content-Transfer-Encoding: base64",
    "Content-Disposition: attachment; filename=picture.bin",
    "",
    attachment.toString("base64").replaceAll(/.{76}/g, "$&\n"),
    `--${boundary}--`,
    "",
  ].join("\n")
  const args = [
    "--host=127.0.0.1",
    `--port=${system.msa}`,
    "--from=g.russell@napier.ac.uk",
    "msmtp@grussell.org",
  ]
  const { code, stderr } = await run("msmtp", args, message)
  assert.equal(code, 0, stderr)
  assert.equal(await arrived("msmtp"), hash)
})

test("nodemailer: a message with an attachment, to two recipients", async () => {
  const transport = nodemailer.createTransport({ host: "127.0.0.1", port: system.msa, ignoreTLS: true })
  const sent = await transport.sendMail({
    from: "g.russell@napier.ac.uk",
    to: ["nodemailer@grussell.org", "gor@grussell.org"],
    subject: "nodemailer",
    text: "Hello gordon.\n",
    attachments: [{ filename: "picture.bin", content: attachment }],
  })
  transport.close()
  assert.deepEqual(sent.rejected, [])
  assert.equal(await arrived("nodemailer"), hash)
  assert.equal(await arrived("gor"), hash)
})

test("mutt reads the mailbox", async (t) => {
  if (!(await has(t, "mutt"))) return
  const box = join(system.directory, "mail", "gor")
  if (!existsSync(box)) await run("sh", ["-c", "exit 1"])
  const session = await system.connect()
  await session.reply()
  for (const line of ["HELO pc", "MAIL FROM:<g.russell@napier.ac.uk>", "RCPT TO:<gor@grussell.org>", "DATA"])
    await session.say(line)
  assert.match(await session.say("Subject: for mutt\r\n\r\nHello gordon.\r\n."), /^250/)
  session.close()
  await system.idle()
  const index = [
    "-n",
    "-F",
    "/dev/null",
    "-R",
    "-f",
    box,
    "-e",
    `set folder=${join(system.directory, "mail")} pager=cat prompt_after=no`, // it asks whether to make one that is missing
    "-e",
    "push '<limit>~s mutt<enter><display-message><exit>'",
  ]
  // A new terminal has no size, and the ncurses of Debian 13 takes none without.
  const { stdout } = await run("sh", [
    "-c",
    `TERM=xterm script -qec "stty rows 24 cols 80; exec mutt ${index.map(quote).join(" ")}" /dev/null`,
  ])
  assert.match(stdout, /Subject: for mutt/)
  assert.match(stdout, /Hello gordon\./)
})

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
