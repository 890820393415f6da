// What an rcfile becomes as Sieve, and that both decide alike.
import assert from "node:assert/strict"
import { test } from "node:test"
import type { Answer, Wish } from "./procmail-effects.ts"
import { toSieve } from "./procmail-convert.ts"
import { procmail } from "./procmail.ts"
import { compileSieve } from "./sieve-compile.ts"
import { SieveMessage } from "./sieve-message.ts"
import { runSieve } from "./sieve-run.ts"

const convertible: Readonly<Record<string, string>> = {
  "a subject": ":0:\n* ^Subject:.*hello\nhello\n",
  "an expression": ":0:\n* ^Subject:.*(money|hello) +the[rn]\nthere\n",
  case: ":0 D\n* ^Subject:.*hello\nlower\n:0 D\n* ^Subject:.*Hello\nUpper\n",
  "several fields": ":0:\n* ^(From|Sender):.*ann@\nann\n",
  "right behind the blank": ":0:\n* ^Subject: hello\nbegins\n",
  "^TO_": ":0:\n* ^TO_bob@grussell\\.org\nbob\n:0:\n* ^TOmutt\nmutt\n",
  "^FROM_DAEMON": ":0:\n* ^FROM_DAEMON\ndaemons\n",
  "^FROM_MAILER, not": ":0:\n* ! ^FROM_MAILER\npeople\n",
  size: ":0:\n* > 150\nlarge\n",
  "the body": ":0 B:\n* money\nmoney\n",
  "a forward": ":0\n* ^Subject:.*hello\n! carl@napier.ac.uk\n",
  "a copy, then a folder": ":0 c\n! carl@napier.ac.uk\n:0:\nall\n",
  "/dev/null": ":0\n* ^Subject:.*money\n/dev/null\n",
  blocks:
    ":0\n* ^From:\n{\n  :0:\n  * ^Subject:.*hello\n  inner\n\n  :0:\n  * ^Subject:.*money\n  other\n}\n:0:\nlast\n",
  else: ":0:\n* ^Subject:.*hello\nhello\n:0 E:\n* ^Subject:.*money\nmoney\n:0 E:\nrest\n",
  A: ":0 c:\n* ^Subject:.*hello\ncopy\n:0 A:\nsame\n:0:\nother\n",
  variables: "MAILDIR=$HOME/mail\nWHO=ann\n:0:\n* $ ^From:.*${WHO}@\nfrom-$WHO\n",
  DEFAULT: "DEFAULT=other\n",
}

const messages = [
  "From: ann@example.org\nTo: Bob <bob@grussell.org>\nSubject: Hello there\n\nmoney\n",
  "From: MAILER-DAEMON@hello.com\nTo: mutt-users@example.org\nSubject: make money then\n\nbody\n",
  `From: carl@napier.ac.uk\nTo: x@example.org, dora@hello.com\nSubject: other\nPrecedence: bulk\n\n${"text\n".repeat(40)}`,
]

/** Where procmail's recipes lead, in Sieve's words. */
function byProcmail(rc: string, message: string): string {
  const found: string[] = []
  const answer = (wish: Wish): Answer => {
    if (wish.wish === "read") return { answer: "text", text: rc }
    if (wish.wish === "store") {
      const [folder = ""] = wish.folders
      if (folder === "/dev/null") found.push("discard")
      else found.push(`store ${folder === "/var/mail/bob" ? "INBOX" : folder}`)
      return { answer: "stored", ok: true, folder, octets: 0, why: "" }
    }
    if (wish.wish !== "run") return { answer: "done" }
    if (wish.command.kind === "words") found.push(`redirect ${wish.command.words.at(-1)}`)
    return { answer: "ended", code: 0, output: Buffer.alloc(0), wrote: true }
  }
  const setup = {
    user: "bob",
    home: "/home/bob",
    shell: "/bin/sh",
    hostname: "h",
    orgmail: "/var/mail/bob",
    path: "/bin",
    sendmail: "/usr/sbin/sendmail",
    pid: 1,
    arguments: [],
    program: "procmail",
    berkeley: false,
    softFail: false,
    environment: new Map(),
    directory: "/home/bob",
    tellAll: false,
  }
  const steps = procmail(setup, Buffer.from(message), [
    { kind: "rcfile", path: "/rc", strict: true, optional: false, system: false, directory: "/home/bob" },
  ])
  for (let next = steps.next(); next.done !== true; ) next = steps.next(answer(next.value))
  return found.join(", ")
}

function bySieve(script: string, message: string): string {
  const compiled = compileSieve("s", script)
  assert.ok(compiled.ok, `${script}\n${JSON.stringify(compiled)}`)
  const bytes = Buffer.from(message.replaceAll("\n", "\r\n"))
  const next = runSieve(compiled.script, {
    message: new SieveMessage(bytes, message.length),
    envelope: { from: "sender@example.org", to: "bob@grussell.org" },
    now: 0,
    zone: 0,
    tellAll: false,
  }).next()
  assert.ok(next.done === true)
  const words = next.value.actions.map((one) =>
    one.kind === "store"
      ? `store ${one.folder ?? "INBOX"}`
      : one.kind === "redirect"
        ? `redirect ${one.address}`
        : one.kind,
  )
  return words.join(", ")
}

for (const [name, rc] of Object.entries(convertible)) {
  test(`${name}: the Sieve script decides as the rcfile does`, () => {
    const { script, problems } = toSieve("rc", rc)
    assert.deepEqual(problems, [])
    for (const message of messages) assert.equal(bySieve(script, message), byProcmail(rc, message), script)
  })
}

const impossible: readonly (readonly [rc: string, line: number, says: RegExp])[] = [
  [":0\n* ? test -f x\nfolder\n", 1, /Sieve runs none/],
  [":0\n| program\n", 1, /runs no program/],
  ["\n:0 fw\n| spamc\n", 2, /filter/],
  [":0\n* 1^1 ^Subject\nfolder\n", 1, /score/],
  [":0\n* ^Subject: \\/.*\n$MATCH\n", 1, /MATCH/],
  ["INCLUDERC=other\n", 1, /INCLUDERC/],
  ["A=`date`\n", 1, /backquotes/],
  [":0 e\nfolder\n", 1, /how an action went/],
  [":0 c\n{\n :0\n x\n}\n", 1, /a copy goes through alone/],
]

for (const [rc, line, says] of impossible) {
  test(`${JSON.stringify(rc)} cannot be Sieve, and the line is named`, () => {
    const { script, problems } = toSieve("rc", rc)
    assert.equal(problems[0]?.at.line, line)
    assert.match(problems[0]?.says ?? "", says)
    assert.ok(compileSieve("s", script).ok, script)
  })
}
