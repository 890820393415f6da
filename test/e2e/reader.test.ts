// The full-screen reader as a person meets it: in a real terminal (tmux), keys in, screen out.
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { without } from "../kit/debian.ts"
import { project, System } from "../kit/system.ts"

const skip = without("tmux")

const letter = (
  n: number,
  subject: string,
  more = "",
  from = `Ann Lee <ann@example.org>`,
  body = "Hello there.",
) =>
  `From ann@example.org  Tue Nov 24 07:${String(n).padStart(2, "0")}:01 2026\nFrom: ${from}\nTo: me@grussell.org\nSubject: ${subject}\nMessage-ID: <${n}@example.org>\n${more}\n${body}\n\n`

const box = [
  letter(1, "lunch on Friday"),
  letter(
    2,
    "Re: lunch on Friday",
    "In-Reply-To: <1@example.org>\nReferences: <1@example.org>\n",
    "Bob <bob@hello.com>",
  ),
  letter(
    3,
    "your account \u001b[31mred\u0007\u001b]0;owned\u0007",
    "",
    '"service@bank.example" <thief@spam.example>',
    "Click \u001b[2Jhere",
  ),
  letter(4, "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "", "=?utf-8?q?J=C3=BCrgen?= <j@example.org>"),
  letter(5, "a list", "List-Post: <mailto:devel@grussell.org>\n", "Carl <carl@hello.com>"),
].join("")

type Surroundings = {
  /** A line that the editor adds to a letter. */
  readonly typed?: string
  /** What the editor does to the file $1, in sh. */
  readonly edits?: string
  /** The state directory of a mail system that runs. */
  readonly state?: string
  readonly folder?: string
}

/** A terminal with the reader in it. */
class Terminal {
  readonly home: string
  readonly #socket: string
  readonly #command: string
  readonly #size: readonly [number, number]

  constructor(
    t: TestContext,
    text = box,
    size: readonly [number, number] = [100, 24],
    {
      typed = "",
      edits = `printf '%s\\n' '${typed}' >> "$1"`,
      state = "",
      folder = "box",
    }: Surroundings = {},
  ) {
    this.home = mkdtempSync(join(tmpdir(), "waypost-reader-"))
    this.#socket = join(this.home, "tmux")
    writeFileSync(join(this.home, "box"), text)
    t.after(() => {
      this.#tmux("kill-server")
      rmSync(this.home, { recursive: true })
    })
    const editor = join(this.home, "editor")
    writeFileSync(editor, `#!/bin/sh\n${edits}\n`, { mode: 0o755 })
    this.#command = `cd ${this.home} && HOME=${this.home} USER=me EDITOR=${editor} VISUAL= WAYPOST_STATE=${state || `${this.home}/state`} ${project}/bin/waypost read ${folder}; echo ENDED; read x`
    this.#size = size
    this.start()
  }

  start(): void {
    const [width = "", height = ""] = this.#size.map(String)
    const session = ["-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, this.#command]
    // A server that was killed a moment ago still has the socket: then there is no session afterwards.
    for (let tries = 0; tries < 50; tries++) {
      this.#run(...session)
      if (this.#run("has-session").status === 0) return
      spawnSync("sleep", ["0.1"])
    }
    assert.fail("tmux has no session")
  }

  /** As if the connection to it were lost. */
  kill(): void {
    this.#tmux("kill-server")
  }

  #tmux(...args: readonly string[]): string {
    return this.#run(...args).stdout
  }

  #run(...args: readonly string[]) {
    const env = { ...process.env, TERM: "xterm", LC_ALL: "C.UTF-8", TMUX: undefined }
    return spawnSync("tmux", ["-S", this.#socket, ...args], { encoding: "utf8", env })
  }

  screen(): string {
    return this.#tmux("capture-pane", "-p")
  }

  keys(...keys: readonly string[]): void {
    this.#tmux("send-keys", ...keys)
  }

  type(text: string): void {
    this.#tmux("send-keys", "-l", text)
  }

  resize(width: number, height: number): void {
    this.#tmux("resize-window", "-x", String(width), "-y", String(height))
  }

  /** Waits until the screen shows it. */
  async shows(what: RegExp | string): Promise<string> {
    const meets = (screen: string) => (typeof what === "string" ? screen.includes(what) : what.test(screen))
    for (const end = Date.now() + 15_000; Date.now() < end; await sleep(30)) {
      const screen = this.screen()
      if (meets(screen)) return screen
    }
    return assert.fail(`the screen never showed ${what}:\n${this.screen()}`)
  }
}

test("the list: threads, decoded names, and no stranger's escape reaches the terminal", {
  skip,
}, async (t) => {
  const terminal = new Terminal(t)
  const screen = await terminal.shows("5 messages")
  assert.match(screen, /Ann Lee +\d+ \(2\) lunch on Friday\n.*Bob +\d+ └─Re: lunch on Friday/)
  assert.match(screen, /Jürgen .*Grüße/)
  assert.match(screen, /your account \^\[\[31mred\^G\^\[\]0;owned\^G/)
  assert.match(screen, /5 unread/)
})

test("a message: who it is from as name and address, a warning where something does not fit, n for the next", {
  skip,
}, async (t) => {
  const terminal = new Terminal(t)
  await terminal.shows("5 messages")
  terminal.keys("/")
  terminal.type("account")
  terminal.keys("Enter", "Enter")
  const screen = await terminal.shows("Click ^[[2Jhere")
  assert.match(screen, /From: "service@bank\.example" <thief@spam\.example>/)
  assert.match(screen, /⚠ Something does not fit: .*service@bank\.example/)
  terminal.keys("F")
  assert.match(await terminal.shows("Verdict: suspicious"), /honest explanation/)
  terminal.keys("q")
  await terminal.shows("Click ^[[2Jhere")
  terminal.keys("h")
  await terminal.shows(/Message-ID: <3@example\.org>/)
  terminal.keys("Escape")
  await terminal.shows("Click ^[[2Jhere")
  terminal.keys("n")
  assert.doesNotMatch(await terminal.shows("Subject: Grüße"), /⚠/)
})

test("limit as you type; Escape shows all again", { skip }, async (t) => {
  const terminal = new Terminal(t)
  await terminal.shows("5 messages")
  terminal.keys("l")
  terminal.type("from:bo")
  const limited = await terminal.shows('limited to "from:bo"')
  assert.match(limited, /Bob/)
  assert.doesNotMatch(limited, /Ann Lee/)
  terminal.keys("Enter", "Escape")
  await terminal.shows("Ann Lee")
  terminal.keys("l")
  terminal.type("body:click")
  terminal.keys("Enter")
  assert.doesNotMatch(await terminal.shows("1 found"), /Ann Lee|Bob/)
})

test("delete, undo, delete, quit: the mailbox is as it was wished, and what came meanwhile is there", {
  skip,
}, async (t) => {
  const terminal = new Terminal(t)
  await terminal.shows("5 messages")
  terminal.keys("Home", "d")
  await terminal.shows("1 to delete")
  terminal.keys("z")
  await terminal.shows("Taken back")
  terminal.keys("x", "x", "d")
  await terminal.shows("2 to delete")
  appendFileSync(join(terminal.home, "box"), letter(9, "fresh mail"))
  await terminal.shows("1 new message")
  terminal.keys("q")
  await terminal.shows("ENDED")
  const left = readFileSync(join(terminal.home, "box"), "utf8")
  assert.deepEqual([...left.matchAll(/^Subject: (.*)$/gm)].length, 4)
  assert.match(left, /fresh mail/)
})

test("it follows the terminal's size, from narrow to wide", { skip }, async (t) => {
  const terminal = new Terminal(t)
  await terminal.shows("5 messages")
  terminal.resize(40, 10)
  const narrow = await terminal.shows(/^ Waypost: .{0,31}\n/)
  for (const line of narrow.split("\n")) assert.ok([...line].length <= 40, line)
  terminal.resize(140, 30)
  await terminal.shows(/Enter open .*\? keys/)
})

test("? lists the keys that work here", { skip }, async (t) => {
  const terminal = new Terminal(t)
  await terminal.shows("5 messages")
  terminal.keys("?")
  assert.match(await terminal.shows(":open"), /Enter +:open +opens the message/)
  terminal.keys("Space")
  await terminal.shows(":limit")
})

test("an answer that is written and kept for later survives, and D goes on with it", { skip }, async (t) => {
  const terminal = new Terminal(t, box, [100, 24], { typed: "My answer, see the attached file" })
  await terminal.shows("5 messages")
  terminal.keys("/")
  terminal.type("subject:list")
  terminal.keys("Enter", "L")
  await terminal.shows("y send")
  const [draft = ""] = readdirSync(join(terminal.home, ".local/state/waypost/mail/drafts"))
  const text = readFileSync(join(terminal.home, ".local/state/waypost/mail/drafts", draft), "utf8")
  assert.match(
    text,
    /^To: devel@grussell\.org\nCc: \nBcc: \nSubject: Re: a list\nIn-Reply-To: <5@example\.org>/,
  )
  assert.match(text, /\n> Hello there\.\n/)
  terminal.type("p")
  terminal.keys("Enter")
  await terminal.shows("Kept for later")
  terminal.keys("D")
  await terminal.shows("y send")
  terminal.type("y")
  terminal.keys("Enter")
  await terminal.shows("The text speaks of an attachment")
  terminal.type("y")
  terminal.keys("Enter")
  await terminal.shows(/Left for the mail system|Not sent/)
  assert.ok(existsSync(join(terminal.home, "box")))
})

test("a letter outlives the terminal it was written in", { skip }, async (t) => {
  const terminal = new Terminal(t, box, [100, 24], { typed: "Half a letter" })
  await terminal.shows("5 messages")
  terminal.keys("m")
  await terminal.shows(/^To:/m)
  terminal.type("gordon@grussell.org")
  terminal.keys("Enter")
  await terminal.shows("y send")
  terminal.kill()
  terminal.start()
  await terminal.shows("5 messages")
  terminal.keys("D")
  await terminal.shows("y send")
  const drafts = join(terminal.home, ".local/state/waypost/mail/drafts")
  const text = readFileSync(join(drafts, readdirSync(drafts)[0] ?? ""), "utf8")
  assert.match(text, /^To: gordon@grussell\.org\n[^]*Half a letter/)
})

const withPart = `From ann@example.org  Tue Nov 24 07:01:01 2026
From: Ann Lee <ann@example.org>
To: me@grussell.org
Subject: numbers
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

See the table.
--b
Content-Type: text/csv
Content-Disposition: attachment; filename="../a table.csv"
Content-Transfer-Encoding: base64

MSwyCg==
--b--

`

test("a part is listed and saved under a name that is only a name; a message goes through a pipe, and into a folder", {
  skip,
}, async (t) => {
  const terminal = new Terminal(t, withPart + box)
  await terminal.shows("6 messages")
  terminal.keys("Home", "Enter")
  await terminal.shows("[part 1: a table.csv, text/csv, 4 octets; s saves it]")
  terminal.keys("s", "1", "Enter")
  await terminal.shows(/Saved .*a table\.csv/)
  assert.ok(readdirSync(terminal.home).some((name) => name.endsWith("a table.csv")))
  terminal.keys("|")
  terminal.type("grep -c . > count")
  terminal.keys("Enter")
  await terminal.shows("ended with 0")
  assert.equal(readFileSync(join(terminal.home, "count"), "utf8"), "14\n")
  terminal.keys("s")
  terminal.type("saved")
  terminal.keys("Enter")
  await terminal.shows(/Saved 1 to .*saved; they leave this folder at quit/)
  terminal.keys("q", "q")
  await terminal.shows("ENDED")
  assert.match(readFileSync(join(terminal.home, "saved"), "utf8"), /^From .*\n(?:.+\n)*Subject: numbers\n/)
  assert.doesNotMatch(readFileSync(join(terminal.home, "box"), "utf8"), /Subject: numbers/)
})

test("words behind the colon do what keys do; Tab completes them, Escape calls them off", {
  skip,
}, async (t) => {
  const terminal = new Terminal(t)
  await terminal.shows(/└─Re: lunch/)
  terminal.keys(":")
  terminal.type("thr")
  terminal.keys("Tab")
  await terminal.shows(/^:threads\b/m)
  terminal.keys("Enter")
  await terminal.shows(/\d Re: lunch on Friday/)
  terminal.keys(":")
  terminal.type("folder")
  await terminal.shows(/^:folder/m)
  terminal.keys("Escape")
  await terminal.shows("5 messages")
  terminal.keys("d")
  await terminal.shows("1 to delete")
  terminal.keys(":")
  terminal.type("exit")
  terminal.keys("Enter")
  await terminal.shows("ENDED")
  assert.equal(readFileSync(join(terminal.home, "box"), "utf8"), box, "exit leaves the folder as it was")
})

test("with a mail system: how a letter got here, answers to one and to all, on to others, and as it is", {
  skip,
}, async (t) => {
  const system = await System.start({
    mc: `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.grussell.org')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`accept_unresolvable_domains')dnl
MAILER(\`local')dnl
`,
    users: ["gor", "andrew", "jim"],
  })
  t.after(() => system.stop())
  const mailbox = (user: string) => join(system.directory, "mail", user)
  const sent = await system.command(
    "sendmail",
    ["-t", "-i", "-f", "andrew@grussell.org"],
    "From: Andrew <andrew@grussell.org>\nTo: gor@grussell.org\nCc: jim@grussell.org\nSubject: lunch\n\nAt one?\n",
  )
  assert.equal(sent.code, 0, sent.stderr)
  await system.idle()
  const edits = `sed -i '1s/^To: $/To: jim@grussell.org/' "$1"; echo 'So be it.' >> "$1"`
  const terminal = new Terminal(t, "", [100, 60], { edits, state: system.state, folder: mailbox("gor") })
  await terminal.shows("1 message")
  terminal.keys("W")
  const way = await terminal.shows(/How it got here \(\w{14}\)/)
  assert.match(way, /andrew@grussell\.org/)
  assert.match(way, /accepted <gor@grussell\.org>[^]*delivered <gor@grussell\.org>/)
  terminal.keys("q", "R")
  await terminal.shows(/Raw message[^]*Return-Path: <andrew@grussell\.org>/)
  terminal.keys("q")
  await terminal.shows("1 message")
  const said: string[] = []
  for (const key of ["r", "a", "f"]) {
    terminal.keys(key)
    await terminal.shows("y send")
    terminal.keys("y", "Enter")
    said.push(/Queued as (\w{14})/.exec(await terminal.shows(/Queued as \w{14}/))?.[1] ?? "")
    terminal.keys("k") // its note goes
    await terminal.shows(/^(?![^]*Queued as)/)
  }
  terminal.keys("B")
  await terminal.shows("Bounce to:")
  terminal.type("jim@grussell.org")
  terminal.keys("Enter")
  await terminal.shows(/Bounced as \w{14}/)
  terminal.keys("q")
  await terminal.shows("ENDED")
  await system.idle()
  const [andrew, jim] = [readFileSync(mailbox("andrew"), "utf8"), readFileSync(mailbox("jim"), "utf8")]
  assert.equal([...andrew.matchAll(/^Subject: Re: lunch$/gm)].length, 2, "the answer, and the one to all")
  assert.match(andrew, /\nIn-Reply-To: <[^>]+>\n[^]*\n> At one\?\n[^]*So be it\./)
  assert.match(jim, /\nSubject: Re: lunch\n/)
  assert.match(jim, /\nSubject: (?:Fwd: lunch|.*lunch.*fwd.*)\n/i)
  assert.match(jim, /\nResent-To: jim@grussell\.org\n/)
  assert.equal(new Set(said).size, 3)
})

test("what is neither a mailbox nor there is told in a line, and without a terminal it refers to mail", () => {
  const ran = spawnSync(join(project, "bin/waypost"), ["read", "/etc"], { encoding: "utf8", input: "" })
  assert.deepEqual(
    [ran.status, ran.stderr],
    [64, "waypost read needs a terminal; mail(1) works without one\n"],
  )
})
