// Scripted sessions of mail(1), run through ours and through Debian's s-nail: they must leave the same mailboxes, the same saved
// files and the same letters. How they talk to the person is each one's own.
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { parseAddressList } from "../../src/message/addresses.ts"
import { first, scanHeader } from "../../src/message/header.ts"
import { peerVersion, runPeer, withoutPeers } from "../kit/peers.ts"
import { project } from "../kit/system.ts"

type Play = {
  readonly name: string
  /** What is typed. */
  readonly typed: string
  readonly args?: readonly string[]
  /** Lines of ~/.mailrc. */
  readonly rc?: string
  /** The mailbox is the system's: read mail goes to mbox. */
  readonly system?: boolean
}

const letters = [
  "From ann@example.org Tue Nov 24 07:10:01 2026\nFrom: Ann Lee <ann@example.org>\nTo: root@grussell.org, bob@hello.com\nCc: carl@hello.com\nSubject: lunch on Friday\nMessage-ID: <1@example.org>\nDate: Tue, 24 Nov 2026 07:10:00 +0000\n\nShall we have lunch?\nAnn\n\n",
  "From bob@hello.com Tue Nov 24 08:11:02 2026\nFrom: bob@hello.com\nTo: devel@grussell.org\nSubject: Re: report\nMessage-ID: <2@hello.com>\nReferences: <0@hello.com>\nIn-Reply-To: <0@hello.com>\nReply-To: Bob's Desk <desk@hello.com>\nDate: Tue, 24 Nov 2026 08:11:00 +0000\nStatus: O\n\nThe report is done.\n>From here on all is easy.\n\n",
  "From carl@hello.com Tue Nov 24 09:12:03 2026\nFrom: Carl <carl@hello.com>\nTo: root@grussell.org\nSubject: numbers\nMessage-ID: <3@hello.com>\nDate: Tue, 24 Nov 2026 09:12:00 +0000\nStatus: RO\n\none\ntwo\nthree\n\n",
  "From ann@example.org Tue Nov 24 10:13:04 2026\nFrom: Ann Lee <ann@example.org>\nTo: root@grussell.org\nSubject: once more\nMessage-ID: <4@example.org>\nDate: Tue, 24 Nov 2026 10:13:00 +0000\n\nLast letter.\n\n",
]

/** Both programs are given what they differ in by habit: s-nail's are told to talk as mailx does. */
const habits = "set nosign\nset append\nset sendwait\nset reply-to-honour\n"

const plays: readonly Play[] = [
  { name: "quit at once", typed: "q\n" },
  { name: "exit at once", typed: "x\n" },
  { name: "end of input is a quit", typed: "p 1\n" },
  { name: "read one, quit", typed: "p 1\nq\n" },
  { name: "read all, quit", typed: "p *\nq\n" },
  { name: "read one, exit", typed: "p 1\nx\n" },
  { name: "next walks on", typed: "next\nnext\nq\n" },
  { name: "delete the current one", typed: "d\nq\n" },
  { name: "delete one by number without a blank", typed: "d2\nq\n" },
  { name: "delete a range", typed: "d 1-3\nq\n" },
  { name: "delete all", typed: "d *\nq\n" },
  { name: "delete and exit", typed: "d *\nx\n" },
  { name: "delete by sender", typed: "d ann@example.org\nq\n" },
  { name: "delete by subject", typed: "d /lunch\nq\n" },
  { name: "delete the last", typed: "d $\nq\n" },
  { name: "delete the first", typed: "d ^\nq\n" },
  { name: "delete and undelete", typed: "d 1-3\nundelete 2\nq\n" },
  { name: "dp shows the next", typed: "1\ndp\nq\n" },
  { name: "delete the read ones", typed: "d :r\nq\n" },
  { name: "delete the new ones", typed: "d :n\nq\n" },
  { name: "touch", typed: "touch 1\nq\n" },
  { name: "unread", typed: "unread 3\nq\n" },
  { name: "save one", typed: "s 1 saved\nq\n" },
  { name: "save several", typed: "s 1-2 saved\nq\n" },
  { name: "save appends", typed: "s 1 saved\ns 3 saved\nq\n" },
  { name: "copy one", typed: "c 2 copied\nq\n" },
  { name: "save by search", typed: "s /report saved\nq\n" },
  { name: "save, then exit", typed: "s 1 saved\nx\n" },
  { name: "an unknown message is no end", typed: "p 77\nd 1\nq\n" },
  { name: "variables and echo are nothing to the mailbox", typed: "set foo=bar\necho hello\nd 4\nq\n" },
  { name: "a shell command", typed: "!echo hello > shouted\nq\n" },
  { name: "a folder is changed", typed: "d 1\nfile other\nd 2\nq\n" },
  { name: "system mailbox: what was read goes to mbox", typed: "p 1\nq\n", system: true },
  { name: "system mailbox: all read", typed: "p *\nq\n", system: true },
  { name: "system mailbox: hold", typed: "p 1\nq\n", system: true, rc: "set hold\n" },
  { name: "system mailbox: one is held", typed: "p 1-2\nho 2\nq\n", system: true },
  { name: "system mailbox: mbox for one that was not read", typed: "mbox 4\nq\n", system: true },
  { name: "system mailbox: saved ones leave it", typed: "s 1 saved\nq\n", system: true },
  { name: "system mailbox: keepsave", typed: "s 1 saved\nq\n", system: true, rc: "set keepsave hold\n" },
  { name: "system mailbox: exit moves nothing", typed: "p *\nx\n", system: true },
  { name: "system mailbox: deleted and read", typed: "p 1\nd 2\nq\n", system: true },
  { name: "a letter", typed: "m gordon@grussell.org\nSubject or text\n~s hello\nSecond line\n~.\nx\n" },
  {
    name: "a letter with copies",
    typed: "m gordon@grussell.org\n~s hello\n~c ann@example.org\n~b carl@hello.com\nText\n~.\nx\n",
  },
  {
    name: "a letter with a doubled escape",
    typed: "m gordon@grussell.org\n~s hello\n~~ is a tilde\n~.\nx\n",
  },
  { name: "a letter that is given up", typed: "m gordon@grussell.org\n~s hello\nText\n~x\nx\n" },
  { name: "a letter with a file in it", typed: "m gordon@grussell.org\n~s notes\n~r notes\nBye\n~.\nx\n" },
  { name: "an answer to all", typed: "r 1\nYes!\n~.\nq\n" },
  { name: "an answer to the sender", typed: "R 1\nYes!\n~.\nq\n" },
  { name: "an answer goes to Reply-To", typed: "R 2\nFine\n~.\nq\n" },
  { name: "an answer carries its thread", typed: "R 2\nFine\n~.\nx\n" },
  { name: "an alias", typed: "alias team ann@example.org carl@hello.com\nm team\n~s hello\nText\n~.\nx\n" },
  {
    name: "an alias of ~/.mailrc",
    typed: "m team\n~s hello\nText\n~.\nx\n",
    rc: "alias team bob@hello.com carl@hello.com\n",
  },
  {
    name: "from a pipe",
    typed: "Text from a pipe\n~s not an escape\n",
    args: ["-s", "hello", "gordon@grussell.org"],
  },
  {
    name: "from a pipe with copies",
    typed: "Text\n",
    args: ["-s", "hello", "-c", "ann@example.org", "-b", "carl@hello.com", "gordon@grussell.org"],
  },
  { name: "from a pipe with an empty text", typed: "", args: ["-s", "hello", "gordon@grussell.org"] },
  {
    name: "from a pipe, an empty text not sent",
    typed: "",
    args: ["-E", "-s", "hello", "gordon@grussell.org"],
  },
  {
    name: "from a pipe to two",
    typed: "Text\n",
    args: ["-s", "hello", "gordon@grussell.org", "ann@example.org"],
  },
]

type Left = {
  readonly boxes: Readonly<Record<string, readonly string[]>>
  readonly letters: readonly string[]
}

/** Stands in sendmail's place; by a path of its own, since s-nail gives it another $HOME. */
const capture = `#!/bin/sh
sent=$(dirname "$0")/sent
cat > "$sent/$(ls "$sent" | wc -l)"
`

let folder = ""
const skip = withoutPeers("s-nail")

before(() => (folder = mkdtempSync(join(tmpdir(), "waypost-sessions-"))))
after(() => rmSync(folder, { recursive: true }))

function prepared(home: string, { rc = "" }: Play): void {
  rmSync(home, { recursive: true, force: true })
  mkdirSync(join(home, "sent"), { recursive: true })
  writeFileSync(join(home, "box"), letters.join(""))
  writeFileSync(join(home, "other"), letters.slice(0, 3).join(""))
  writeFileSync(join(home, "notes"), "A note.\nAnother note.\n")
  writeFileSync(join(home, "capture"), capture)
  chmodSync(join(home, "capture"), 0o755)
  writeFileSync(join(home, "rc"), `${habits}${rc}`)
}

/** The state a session leaves: the messages of each mailbox with their read marks, and the letters that were sent. */
function left(home: string): Left {
  const boxes: Record<string, readonly string[]> = {}
  for (const name of readdirSync(home).toSorted()) {
    if (["sent", "capture", "rc", "notes", ".cache", ".local"].includes(name)) continue
    const text = readFileSync(join(home, name), "utf8")
    if (text === "") continue // emptied, or taken away: mailx may do either
    boxes[name] = text.startsWith("From ") ? messagesOf(text) : [text.trim()]
  }
  const sent = readdirSync(join(home, "sent"))
    .toSorted()
    .map((name) => letterOf(readFileSync(join(home, "sent", name))))
  return { boxes, letters: sent }
}

function messagesOf(text: string): string[] {
  return text
    .split(/^(?=From \S+ +[A-Z])/m)
    .filter((one) => one !== "")
    .map((one) => {
      const octets = Buffer.from(one)
      const header = scanHeader(octets)
      const status = [...(first(header, "status") ?? "")].toSorted().join("")
      return `${first(header, "message-id")} ${first(header, "subject")} [${status}] ${header.bytes.toString("utf8", header.bodyStart).trim()}`
    })
}

/** To whom, about what, in answer to what, and the text: who is in To and who in Cc is each program's habit. */
function letterOf(octets: Buffer): string {
  const header = scanHeader(octets)
  const to = ["to", "cc"].flatMap((name) =>
    parseAddressList(first(header, name) ?? "").map(({ address }) => address),
  )
  const fields = ["subject", "in-reply-to", "references"].map((name) =>
    (first(header, name) ?? "").replaceAll(/\s+/g, " "),
  )
  return [to.toSorted().join(), ...fields, "", header.bytes.toString("utf8", header.bodyStart).trim()].join(
    "\n",
  )
}

function environment(home: string, play: Play): NodeJS.ProcessEnv {
  const system = play.system === true ? { MAIL: join(home, "box") } : {}
  return {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    LC_ALL: "C.UTF-8",
    TZ: "UTC",
    HOME: home,
    MAILRC: join(home, "rc"),
    MBOX: join(home, "mbox"),
    ...system,
  }
}

function argumentsOf(play: Play, home: string): readonly string[] {
  return play.args ?? (play.system === true ? [] : ["-f", join(home, "box")])
}

function ours(play: Play): Left {
  const home = join(folder, "ours")
  prepared(home, play)
  writeFileSync(join(home, "rc"), `${readFileSync(join(home, "rc"), "utf8")}set sendmail=${home}/capture\n`)
  const ran = spawnSync(join(project, "bin/mail"), ["-n", ...argumentsOf(play, home)], {
    cwd: home,
    input: play.typed,
    encoding: "utf8",
    env: environment(home, play),
  })
  assert.equal(ran.signal, null, ran.stderr)
  assert.doesNotMatch(ran.stderr, /bug in Waypost/)
  return left(home)
}

function theirs(play: Play): Left {
  const home = join(folder, "theirs")
  prepared(home, play)
  writeFileSync(join(home, "rc"), `${readFileSync(join(home, "rc"), "utf8")}set mta=${home}/capture\n`)
  const escapes =
    play.typed.includes("~.\n") || play.typed.includes("~x\n") ? `-# -X "source ${home}/rc"` : "" // it writes letters only so, without a terminal
  const script = `cd ${home} && exec s-nail ${escapes} -n "$@"`
  const visit = {
    path: "/bin/sh",
    args: ["-c", script, "sh", ...argumentsOf(play, home)],
    binds: { [folder]: folder },
    env: environment(home, play),
  }
  runPeer("s-nail", visit, play.typed)
  return left(home)
}

test(`${plays.length} scripted sessions leave what s-nail leaves`, { skip }, async (t) => {
  t.diagnostic(peerVersion("s-nail"))
  const apart: string[] = []
  for (const play of plays) {
    await t.test(play.name, () => {
      const [mine, judge] = [ours(play), theirs(play)]
      try {
        assert.deepEqual(mine, judge)
      } catch (error) {
        apart.push(play.name)
        throw error
      }
    })
  }
  t.diagnostic(
    `${plays.length - apart.length} of ${plays.length} agree${apart.length === 0 ? "" : `; apart: ${apart.join(", ")}`}`,
  )
  assert.ok(existsSync(folder))
})
