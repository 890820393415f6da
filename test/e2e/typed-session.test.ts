// The classic session of the documentation, typed at a real socket: line by line, octet by octet, all at once.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { System } from "../kit/system.ts"

const mc = `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const typed = [
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

const answers = [
  /^220 grussell\.org ESMTP /,
  /^250 grussell\.org Hello (?:localhost )?\[127\.0\.0\.1\], pleased to meet you$/,
  /^250 2\.1\.0 g\.russell@napier\.ac\.uk\.\.\. Sender ok$/,
  /^250 2\.1\.5 me@grussell\.org\.\.\. Recipient ok$/,
  /^354 Enter mail, end with "\." on a line by itself$/,
  /^250 2\.0\.0 [0-9A-Za-z]{14} Message accepted for delivery$/,
  /^221 2\.0\.0 grussell\.org closing connection$/,
]

let system: System

before(async () => {
  system = await System.start({ mc, files: { aliases: "me : gor\n" }, users: ["gor"] })
})

after(async () => {
  await system.stop()
})

/** How many copies of Santa's message are in the mailbox, each as it should be. */
async function copies(): Promise<number> {
  await system.idle()
  const box = readFileSync(join(system.directory, "mail", "gor"), "latin1")
  const found = box.split(/^From g\.russell@napier\.ac\.uk /m).slice(1)
  for (const copy of found) {
    assert.match(
      copy,
      /\nFrom: "Santa" claws@northpole\.com\nTo: Gordon Russell <me@grussell\.org>\nSubject: SMTP\n/,
    )
    assert.match(copy, /\n\nHello gordon\.\nI am Santa\n\n$/)
  }
  return found.length
}

test("typed line by line, each line is answered before the next", async () => {
  const session = await system.connect()
  const replies = [await session.reply()]
  const inData = new Set([4, 5, 6, 7, 8, 9])
  for (const [n, line] of typed.entries()) {
    if (inData.has(n)) session.write(`${line}\r\n`)
    else replies.push(await session.say(line))
  }
  for (const [n, pattern] of answers.entries()) assert.match(replies[n] ?? "", pattern)
  assert.equal(await session.reply(), "(closed)")
  assert.equal(await copies(), 1)
})

test("sent octet by octet, or all at once before the greeting is read, it is the same session", async () => {
  for (const pieces of [Array.from(`${typed.join("\r\n")}\r\n`), [`${typed.join("\r\n")}\r\n`]]) {
    const session = await system.connect()
    for (const piece of pieces) {
      session.write(piece)
      if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve))
    }
    for (const pattern of answers) assert.match(await session.reply(), pattern)
    assert.equal(await session.reply(), "(closed)")
  }
  assert.equal(await copies(), 3)
})

test("a client that closes its side after the last line still gets its answers, and the mail is taken", async () => {
  const session = await system.connect()
  session.write(`${typed.slice(0, -1).join("\r\n")}\r\n`)
  session.halfClose()
  for (const pattern of answers.slice(0, -1)) assert.match(await session.reply(), pattern)
  assert.equal(await copies(), 4)
})
