// Users' own rules in the whole system, as root: procmail recipes and Sieve scripts of users with homes and ids of their own, and
// what the timeline tells of them.
import assert from "node:assert/strict"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, test } from "node:test"
import { without } from "../kit/debian.ts"
import { closedCheckout, handIn, project, run, System } from "../kit/system.ts"

const skip = process.getuid?.() === 0 ? without("setpriv") : "only root delivers as other users"
const gor = { uid: 20_011, gid: 20_011 }

const mc = (feature: string) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
define(\`ALIAS_FILE', \`-o @DIR@/aliases')dnl
FEATURE(\`maildir')dnl
${feature}
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const users = [
  `gor::@DIR@/home/gor:${gor.uid}:${gor.gid}:Gordon Russell`,
  "ann::@DIR@/home/ann:20012:20012:",
  "postmaster::@DIR@/home/ann:20012:20012:",
  "",
].join("\n")

async function startWith(feature: string): Promise<System> {
  const system = await System.start({ mc: mc(feature), files: { "state/users": users } })
  for (const [name, uid] of [
    ["gor", gor.uid],
    ["ann", 20_012],
  ] as const) {
    const home = join(system.directory, "home", name)
    mkdirSync(home, { recursive: true })
    chownSync(home, uid, uid)
    chmodSync(home, 0o700)
  }
  return system
}

function write(system: System, name: string, text: string, mode = 0o600): void {
  const path = join(system.directory, "home", "gor", name)
  writeFileSync(path, text)
  chownSync(path, gor.uid, gor.gid)
  chmodSync(path, mode)
}

/** Delivers to gor; what `waypost show` says of it. */
async function deliver(system: System, subject: string, more = ""): Promise<string> {
  const text = `From: ann@grussell.org\nTo: gor@grussell.org\nSubject: ${subject}\nMessage-ID: <${subject}@grussell.org>\n${more}\nHello gordon.\n`
  const reply = await handIn(system, { from: "ann@grussell.org", to: ["gor@grussell.org"], text })
  const id = /^250 2\.0\.0 (\w+) /.exec(reply)?.[1]
  assert.ok(id !== undefined, reply)
  await system.idle()
  const shown = await system.waypost("show", id)
  return shown.stdout
}

/** The messages of a Maildir, new and seen, by their names. */
function mailIn(...parts: readonly string[]): readonly { readonly name: string; readonly text: string }[] {
  const maildir = join(...parts)
  return ["new", "cur"].flatMap((part) => {
    const folder = join(maildir, part)
    if (!existsSync(folder)) return []
    return readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), "latin1") }))
  })
}

describe("FEATURE(local_procmail), ours", { skip }, () => {
  let system: System
  let home = ""

  before(async () => {
    system = await startWith("FEATURE(`local_procmail')dnl")
    home = join(system.directory, "home", "gor")
  })
  after(async () => await system.stop())

  test("without recipes mail goes to the Maildir, as its user", async () => {
    await deliver(system, "none")
    const explained = await system.waypost("explain", "gor@grussell.org")
    assert.match(
      explained.stdout,
      /once there:\n {2}procmail +yes: \/etc\/procmailrc and \S+\.procmailrc decide about each message/,
    )
    assert.match(explained.stdout, /consulted because of FEATURE\(local_procmail\) .*sendmail\.mc:\d+/)
    const [mail] = mailIn(home, "Maildir")
    assert.match(mail?.text ?? system.stderr, /^Return-Path: <ann@grussell\.org>\n/)
    assert.equal(statSync(join(home, "Maildir")).uid, gor.uid)
  })

  test("a recipe's folder, a filter, a forward: and each step stands in the timeline with its line", async () => {
    write(
      system,
      ".procmailrc",
      'MAILDIR=$HOME\n\n:0 c\n* ^Subject:.*lists\n! ann@grussell.org\n\n:0 fhw\n| sed -e "s/^Subject:/X-Was:/"\n\n:0:\n* ^X-Was:.*lists\nlists\n',
    )
    const shown = await deliver(system, "lists")
    const mbox = readFileSync(join(home, "lists"), "latin1")
    assert.match(mbox, /^From ann@grussell\.org /)
    assert.match(mbox, /\nX-Was: lists\n/)
    assert.equal(mailIn(system.directory, "home/ann/Maildir").length, 1)
    assert.match(shown, /stored in lists/)
    assert.match(shown, /forwarded to ann@grussell\.org.*\n?.*\.procmailrc:3/)
    assert.match(shown, /\.procmailrc:10/)
  })

  test("recipes run with their user's rights alone", async () => {
    write(system, ".procmailrc", ":0\n| (id -u; id -G) >$HOME/ids\n")
    await deliver(system, "rights")
    assert.equal(readFileSync(join(home, "ids"), "utf8"), `${gor.uid}\n${gor.gid}\n`)
  })

  test("an rcfile that others can write is not read: said, and the mail is kept", async () => {
    write(system, ".procmailrc", ":0\n/dev/null\n", 0o666)
    const before = mailIn(home, "Maildir").length
    const shown = await deliver(system, "unsafe")
    assert.equal(mailIn(home, "Maildir").length, before + 1)
    assert.match(shown, /not read: others may write it/)
  })

  test("EXITCODE is what the sender's report says", async () => {
    write(system, ".procmailrc", "EXITCODE=67\nHOST=nowhere\n")
    const shown = await deliver(system, "exit")
    assert.match(shown, /5\.1\.1/)
    rmSync(join(home, ".procmailrc"))
  })
})

describe("FEATURE(sieve)", { skip }, () => {
  let system: System
  let home = ""

  before(async () => {
    system = await startWith("FEATURE(`sieve')dnl")
    home = join(system.directory, "home", "gor")
  })
  after(async () => await system.stop())

  test("fileinto, flags and a changed header: in a folder of the Maildir, with its line in the timeline", async () => {
    write(
      system,
      ".sieve",
      'require ["fileinto","imap4flags","editheader"];\nif header :contains "subject" "lists" {\n  addheader "X-Sieve" "yes";\n  fileinto :flags "\\\\Seen" "Lists.mutt";\n}\n',
    )
    const shown = await deliver(system, "lists")
    const [mail] = mailIn(home, "Maildir", ".Lists.mutt")
    assert.match(mail?.text ?? system.stderr, /^Return-Path: <ann@grussell\.org>\nX-Sieve: yes\n/)
    assert.match(mail?.name ?? "", /:2,S$/)
    assert.match(shown, /fileinto "Lists\.mutt".*\n?.*\.sieve:4/)
  })

  test("what no rule takes is kept", async () => {
    await deliver(system, "other")
    assert.equal(mailIn(home, "Maildir").length, 1)
  })

  test("redirect and vacation send letters, the answer once", async () => {
    write(
      system,
      ".sieve",
      'require ["vacation","copy"];\nredirect :copy "ann@grussell.org";\nvacation :subject "away" "I am in Edinburgh.";\n',
    )
    const boxes = () => mailIn(system.directory, "home/ann/Maildir").map(({ text }) => text)
    await deliver(system, "one")
    await deliver(system, "two")
    const answers = boxes().filter((text) => /^Auto-Submitted: auto-replied$/m.test(text))
    assert.equal(answers.length, 1)
    assert.match(answers[0] ?? "", /\nSubject: away\n/)
    assert.match(answers[0] ?? "", /\nI am in Edinburgh\.\n/)
    assert.equal(boxes().filter((text) => /^Subject: (?:one|two)$/m.test(text)).length, 2)
  })

  test("reject tells the sender why", async () => {
    write(system, ".sieve", 'require "reject";\nreject "no lists please";\n')
    const shown = await deliver(system, "rejected")
    assert.match(shown, /no lists please/)
    const reports = mailIn(system.directory, "home/ann/Maildir").filter(({ text }) =>
      /no lists please/.test(text),
    )
    assert.equal(reports.length, 1)
  })

  test("duplicates are known, also by another session", async () => {
    write(
      system,
      ".sieve",
      'require ["duplicate","fileinto"];\nif duplicate { discard; } else { fileinto "once"; }\n',
    )
    await deliver(system, "same")
    await deliver(system, "same")
    assert.equal(mailIn(home, "Maildir", ".once").length, 1)
  })

  const ownProcmail = join(project, "bin", "procmail")
  for (const [n, line] of [
    `"|${ownProcmail} -Y"`,
    `"|exec ${ownProcmail}"`,
    `"|IFS=' ' && exec ${ownProcmail} -f- || exit 75 #gor"`, // procmail(1)'s own
  ].entries())
    test(`bin/procmail stands in for procmail in a .forward line: ${line.replace(ownProcmail, "…")}`, {
      skip: closedCheckout,
    }, async () => {
      write(system, ".procmailrc", `:0:\n* ^Subject:.*forwarded${n}\n$HOME/by-procmail${n}\n`)
      write(system, ".forward", `${line}\n`)
      const shown = await deliver(system, `forwarded${n}`)
      assert.match(readFileSync(join(home, `by-procmail${n}`), "latin1"), /^From ann@grussell\.org /, shown)
      rmSync(join(home, ".forward"))
    })

  test("a script that others can write is not run: said, and the mail is kept", async () => {
    write(system, ".sieve", "discard;\n", 0o666)
    const before = mailIn(home, "Maildir").length
    const shown = await deliver(system, "unsafe")
    assert.equal(mailIn(home, "Maildir").length, before + 1)
    assert.match(shown, /cannot be run: .*world writable/)
  })

  test("a script that is wrong keeps the mail, and the timeline says where it is wrong", async () => {
    write(system, ".sieve", "discard;\nfoo;\n")
    const before = mailIn(home, "Maildir").length
    const shown = await deliver(system, "wrong")
    assert.equal(mailIn(home, "Maildir").length, before + 1)
    assert.match(shown, /\.sieve:2: there is no command "foo"/)
  })
})

test("mutt pipes a message to bin/procmail, which sorts it as the rcfile says", {
  skip: skip || without("mutt"),
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "waypost-mutt-"))
  try {
    const box = join(directory, "box")
    writeFileSync(box, "From ann@example.org  Tue Nov 24 07:10:42 2026\nSubject: lists\n\nHello.\n\n")
    writeFileSync(
      join(directory, "rc"),
      `MAILDIR=${directory}\nDEFAULT=others\n\n:0:\n* ^Subject:.*lists\nlists\n`,
    )
    const keys = `<pipe-message>${join(project, "bin", "procmail")} -m ${directory}/rc<enter><exit>`
    const commands = [`set folder=${directory} wait_key=no pipe_decode=no`, `push '${keys}'`]
    const mutt = ["mutt", "-n", "-F", "/dev/null", "-f", box, ...commands.flatMap((one) => ["-e", one])]
    const inTerminal = `stty rows 24 cols 80; exec ${mutt.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ")}`
    const { stdout, code } = await run("script", ["-qec", inTerminal, "/dev/null"], "", { TERM: "xterm" })
    assert.equal(code, 0, stdout)
    assert.match(readFileSync(join(directory, "lists"), "latin1"), /\nSubject: lists\n\nHello\.\n/, stdout)
    assert.equal(existsSync(join(directory, "others")), false)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
