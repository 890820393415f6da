import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { after, beforeEach, test } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { MemorySpool, open, sessionOf } from "../../test/kit/server.ts"
import { serveControl, type Verb } from "../daemon/control.ts"
import { layoutOf, makeLayout } from "../daemon/layout.ts"
import { printPath } from "../mail/address.ts"
import { first, scanHeader } from "../message/header.ts"
import { isClientName, parseClientFile } from "../queue/client-file.ts"
import { run } from "./sendmail.ts"

const state = mkdtempSync(join(tmpdir(), "sendmail-"))
assert.ok(makeLayout(layoutOf(state), undefined).ok)
const login = userInfo().username

// The daemon's own SMTP engine behind the submission socket, with a spool in memory.
let spool = new MemorySpool()
const arrival = {
  protocol: "local",
  client: undefined,
  authenticated: login,
  submission: true,
  door: "MSA",
} as const
const door = createServer((socket) => {
  const { client } = open({ spool, arrival })
  socket.on("error", () => {})
  socket.on("close", () => client.end()) // the command has gone, with or without QUIT
  socket.pipe(client).pipe(socket)
})
await new Promise<void>((resolve) => door.listen(layoutOf(state).submit, resolve))

const asked: Record<string, unknown>[] = []
const explained = {
  deliverable: [
    { address: "me@grussell.org", typed: "me", mailer: "local", host: "lists", user: "me" },
    { address: "me@grussell.org", typed: "\\me", mailer: "local", host: "", user: "me" },
    { address: "me@grussell.org", typed: '"|/bin/log all"', mailer: "prog", host: "", user: "/bin/log all" },
    {
      address: "far@remote.test",
      typed: "Far <far@remote.test>",
      known: true,
      mailer: "esmtp",
      host: "remote.test",
      user: "far@remote.test",
    },
  ],
  failed: [
    {
      address: "nosuch@grussell.org",
      typed: "nosuch",
      outcome: "no",
      reply: "550 5.1.1 <nosuch>... User unknown",
    },
  ],
}
const verb: Verb = async function* (request) {
  asked.push(request)
  if (request.verb === "explain")
    yield request["address"] === "staff" ? explained : { ...explained, failed: [] }
}
const control = await serveControl(
  layoutOf(state).control,
  new Map(
    ["explain", "retry", "hold", "release", "idle", "queue", "count", "client run"].map((name) => [
      name,
      verb,
    ]),
  ),
  (error) => assert.fail(String(error)),
)
after(() => {
  door.close()
  control.close()
  rmSync(state, { recursive: true })
})
beforeEach(() => {
  spool = new MemorySpool()
  asked.length = 0
})

/** Runs sendmail with this on its standard input; its home is the state directory. */
async function sendmail(argv: readonly string[], input = "Subject: hello\n\nhi\n") {
  const io = memoryIo(input, { WAYPOST_STATE: state, HOME: state })
  const code = await run(argv, io)
  return { code, ...io.written }
}

/** The one message that was accepted. */
function accepted() {
  const [stored] = spool.stored
  assert.ok(stored !== undefined && spool.stored.length === 1)
  const { entry, pending } = stored.queued
  const header = scanHeader(Buffer.from(stored.text, "latin1"))
  return {
    entry,
    to: pending.map(({ recipient }) => printPath(recipient.path)),
    notify: pending.map(({ recipient }) => recipient.notify),
    header,
    body: stored.text.slice(header.bodyStart),
  }
}

test("a message goes to the addresses given, with what its header lacked", async () => {
  assert.deepEqual(await sendmail(["me", "gordon@grussell.org"]), { code: 0, stdout: "", stderr: "" })
  const { entry, to, header, body } = accepted()
  assert.deepEqual(to, ["me@grussell.org", "gordon@grussell.org"])
  assert.equal(printPath(entry.envelope.reversePath), `${login}@grussell.org`)
  assert.equal(body, "hi\r\n")
  assert.match(first(header, "from") ?? "", new RegExp(`${login}@grussell\\.org>?$`))
  assert.match(first(header, "message-id") ?? "", /^<\d{12}\.\w{14}@grussell\.org>$/)
  assert.ok(first(header, "date"))
  assert.match(first(header, "received") ?? "", new RegExp(`^\\(from ${login}@localhost\\)`))
})

test("-t finds the recipients in the header, and takes Bcc out of it", async () => {
  await sendmail(["-t"], "To: me\nCc: gordon@grussell.org, me\nBcc: andrew@grussell.org\nSubject: t\n\nx\n")
  const { to, header } = accepted()
  assert.deepEqual(to, ["me@grussell.org", "gordon@grussell.org", "andrew@grussell.org"])
  assert.equal(first(header, "bcc"), undefined)
  assert.equal(first(header, "to"), "me@grussell.org")
})

test("a lone dot ends the message, but not with -i", async () => {
  await sendmail(["me"], "\nabove\n.\nbelow\n")
  assert.equal(accepted().body, "above\r\n")
  spool = new MemorySpool()
  await sendmail(["-i", "me"], "\nabove\n.\n.below\n")
  assert.equal(accepted().body, "above\r\n.\r\n.below\r\n")
})

test("text without any header is a body", async () => {
  await sendmail(["me"], "hello there\nworld\n")
  assert.equal(accepted().body, "hello there\r\nworld\r\n")
})

test("-f, -F, -N, -R, -V and -B reach the envelope and the header", async () => {
  const flags = [
    "-f",
    "bob@hello.com",
    "-F",
    "Bob Jones",
    "-N",
    "success,delay",
    "-R",
    "hdrs",
    "-V",
    "a+b",
    "-B8BITMIME",
  ]
  await sendmail([...flags, "me"])
  const { entry, notify, header } = accepted()
  assert.equal(printPath(entry.envelope.reversePath), "bob@hello.com")
  assert.equal(first(header, "from"), "Bob Jones <bob@hello.com>")
  assert.deepEqual(notify, [["success", "delay"]])
  assert.equal(entry.envelope.ret, "headers")
  assert.equal(entry.envelope.envid, "a+b")
  assert.equal(entry.envelope.body, "8bitmime")
})

test("octets above 127 are announced without being asked", async () => {
  await sendmail(["me"], "Subject: café\n\nx\n")
  assert.equal(accepted().entry.envelope.body, "8bitmime")
})

test("-f <> is the null sender", async () => {
  await sendmail(["-f", "<>", "me"])
  assert.equal(accepted().entry.envelope.reversePath, "null")
})

test("recipients may stand in one word, as people write them", async () => {
  await sendmail(["me,gordon", "Andrew <andrew@grussell.org>"])
  assert.deepEqual(accepted().to, ["me@grussell.org", "gordon@grussell.org", "andrew@grussell.org"])
})

test("an unknown user is told, the others get the message, and the exit code is EX_NOUSER", async () => {
  const { code, stdout, stderr } = await sendmail(["nosuch", "me"])
  assert.equal(code, 67)
  assert.equal(stderr, "nosuch... User unknown\n")
  assert.match(stdout, /dead\.letter\.\.\. Saved message in /) // what one of them did not get
  assert.deepEqual(accepted().to, ["me@grussell.org"])
})

test("what nobody got is kept in dead.letter", async () => {
  const file = join(state, "dead.letter")
  rmSync(file, { force: true })
  const { code, stdout } = await sendmail(["nosuch"], "To: nosuch\nSubject: lost\n\nFrom here\n")
  assert.equal(code, 67)
  assert.equal(stdout, `${file}... Saved message in ${file}\n`)
  assert.match(
    readFileSync(file, "utf8"),
    /^From (\S+) \w{3} \w{3} [ \d]\d .*\nReturn-Path: <\1>\nReceived: \(from \1@localhost\)\n[^]*\n\tfor nosuch; [^]*\nTo: nosuch\nSubject: lost\n\n>From here\n\n$/,
  )
})

test("-oeq says nothing but by its exit code", async () => {
  const { code, stderr } = await sendmail(["-oeq", "nosuch", "me"])
  assert.equal(code, 67)
  assert.equal(stderr, "")
})

test("a sender who is refused is told, and the message kept", async () => {
  const { code, stderr, stdout } = await sendmail(["-f", "x@spam.test", "me"])
  assert.equal(code, 69)
  assert.match(stderr, /^sendmail: 550 5\.7\.1 .*Access denied\n$/)
  assert.match(stdout, /Saved message in/)
})

test("a full disk is EX_TEMPFAIL: the program that called may try again", async () => {
  spool.full = "at commit"
  const { code, stderr } = await sendmail(["me"])
  assert.equal(code, 75)
  assert.match(stderr, /^sendmail: 452 /)
})

test("no recipients at all is a mistake, in sendmail's words", async () => {
  assert.deepEqual(await sendmail([]), {
    code: 64,
    stdout: "Recipient names must be specified\n",
    stderr: "",
  })
  const { code, stdout } = await sendmail(["-t"], "Subject: none\n\nx\n")
  assert.equal(code, 0) // as sendmail does, whatever its manual says
  assert.equal(stdout, "No recipient addresses found in header\n")
})

test("an unknown flag is EX_USAGE", async () => {
  assert.deepEqual(await sendmail(["-Z", "me"]), {
    code: 64,
    stdout: "",
    stderr: "sendmail: illegal option -- Z\n",
  })
})

test("where no mail system ever was, the exit code is EX_TEMPFAIL and the line says why", async () => {
  const elsewhere = memoryIo("Subject: x\n\nx\n", { WAYPOST_STATE: join(state, "elsewhere") })
  await assert.rejects(run(["me"], elsewhere), {
    code: 75,
    message: /^the mail was not sent, and could not be kept: .*no mail system was ever started there/,
  })
})

/** The one message of the client queue: what is asked, and its octets. */
function kept() {
  const directory = layoutOf(state).clientQueue
  const names = readdirSync(directory)
  assert.equal(names.length, 1)
  const path = join(directory, names[0] ?? "")
  const text = readFileSync(path, "latin1")
  rmSync(path)
  const end = text.indexOf("\n")
  const file = parseClientFile(text.slice(0, end))
  assert.ok(isClientName(names[0] ?? "") && file.ok)
  assert.equal(text.length, end + 1 + file.value.size)
  return { file: file.value, message: text.slice(end + 1) }
}

test("-odq leaves the message in the client queue, with everything that was asked for", async () => {
  const { code } = await sendmail(["-odq", "-Nsuccess", "-Rhdrs", "-Vlunch", "-f", "me", "gordon"])
  assert.equal(code, 0)
  assert.equal(spool.stored.length, 0)
  const { file, message } = kept()
  assert.deepEqual(
    [file.sender, file.recipients, file.notify, file.ret, file.envid],
    ["me", ["gordon"], ["success"], "headers", "lunch"],
  )
  assert.equal(message.slice(file.headerSize), "hi\r\n")
  assert.ok(message.slice(0, file.headerSize).endsWith("\r\n\r\n"))
})

test("while nothing runs, mail waits in the client queue, and nothing is lost", async () => {
  door.close()
  rmSync(layoutOf(state).submit, { force: true })
  try {
    assert.equal((await sendmail(["gordon"])).code, 0)
    assert.deepEqual(kept().file.recipients, ["gordon"])
  } finally {
    await new Promise<void>((resolve) => door.listen(layoutOf(state).submit, resolve))
  }
})

test("-Am -odq is for the mail system's own queue: names stay as they are typed, and it waits there", async () => {
  await sendmail(["-Am", "-odq", "-f", "me", "gordon"], "To: gordon\n\nhi\n")
  const { entry, header } = accepted()
  assert.equal(entry.envelope.typedSender, "me")
  assert.equal(first(header, "to"), "gordon")
  const [pending] = spool.stored[0]?.queued.pending ?? []
  assert.equal(pending?.recipient.typed, "gordon")
  assert.ok((pending?.nextAttempt ?? 0) > entry.acceptedAt)
})

for (const [flag, code] of [
  ["-oem", 67],
  ["-oew", 67], // nobody sits at a terminal here
  ["-oee", 0],
] as const) {
  test(`${flag} has the sender told by mail of who was refused, and ends with ${code}`, async () => {
    const { code: end, stdout, stderr } = await sendmail([flag, "-f", "me", "nosuch", "gordon"])
    assert.deepEqual({ end, stdout, stderr }, { end: code, stdout: "", stderr: "" })
    assert.deepEqual(accepted().to, ["gordon@grussell.org"])
    const { file, message } = kept()
    assert.deepEqual(file.recipients, [])
    assert.deepEqual(file.refused, [{ recipient: "nosuch", said: ["550 5.1.1 <nosuch>... User unknown"] }])
    assert.match(message, /\r\n\r\nhi\r\n$/)
    assert.deepEqual(asked, [{ verb: "client run" }])
  })
}

test("blanks do not part what was given as one argument, commas do", async () => {
  const { code, stderr } = await sendmail(["me,gordon", "no such"])
  assert.equal(code, 67)
  assert.equal(stderr, "no.such... User unknown\n")
  assert.deepEqual(accepted().to, ["me@grussell.org", "gordon@grussell.org"])
})

test("who names another sender is named in the header; who names himself is not", async () => {
  const arrivalOf = (name: string) => ({ ...arrival, authenticated: name })
  for (const [name, sender, expected] of [
    ["bob", "list@hello.com", "grussell.org: bob set sender to list@hello.com using -f"],
    ["bob", "bob", undefined],
    ["bob", "bob@grussell.org", undefined],
    ["bob", "<>", "grussell.org: bob set sender to <> using -f"],
    ["root", "list@hello.com", undefined],
    ["alice", "list@hello.com", undefined],
  ] as const) {
    const mail = `MAIL FROM:<${sender.replace(/^<>$/, "")}>\r\nRCPT TO:<me>\r\nDATA\r\n\r\nx\r\n.\r\nQUIT\r\n`
    const offers = { trustedUsers: new Set(["alice"]) }
    const { traces } = await sessionOf([`EHLO localhost\r\n${mail}`], { arrival: arrivalOf(name), offers })
    const header = scanHeader(Buffer.from(traces.spool.stored[0]?.text ?? "", "latin1"))
    assert.equal(first(header, "x-authentication-warning"), expected, `${name} as ${sender}`)
  }
})

test("-r is named as it was used", async () => {
  const warnings = async (flag: string) => {
    spool = new MemorySpool()
    await sendmail([flag, "list@hello.com", "me"])
    return first(accepted().header, "x-authentication-warning")
  }
  const skip = login === "root"
  assert.equal(
    await warnings("-r"),
    skip ? undefined : `grussell.org: ${login} set sender to list@hello.com using -r`,
  )
})

test("-v shows the conversation as sendmail does", async () => {
  const { stdout } = await sendmail(["-v", "me"])
  assert.match(stdout, /^220 grussell\.org ESMTP/)
  assert.match(stdout, /^>>> RCPT TO:<me>\n250 2\.1\.5 /m)
  assert.match(stdout, /^>>> \.\n250 2\.0\.0 \w+ Message accepted for delivery\n>>> QUIT\n221 /m)
})

test("-bs carries SMTP over standard input and output", async () => {
  const { code, stdout } = await sendmail(
    ["-bs"],
    "EHLO x\r\nMAIL FROM:<bob@hello.com>\r\nRCPT TO:<me>\r\nDATA\r\n\r\nhi\r\n.\r\nQUIT\r\n",
  )
  assert.equal(code, 0)
  assert.match(stdout, /^220 .*\r\n250-/)
  assert.match(stdout, /221 2\.0\.0 .*\r\n$/)
  assert.deepEqual(accepted().to, ["me@grussell.org"])
})

test("-bv tells where addresses lead, in sendmail's words", async () => {
  const { code, stdout } = await sendmail(["-bv", "me"])
  assert.equal(code, 0)
  assert.equal(
    stdout,
    "me... deliverable: mailer local, host lists, user me\n" +
      "\\me... deliverable: mailer local, user \\me\n" +
      '"|/bin/log all"... deliverable: mailer prog, user "|/bin/log all"\n' +
      "Far <far@remote.test>... deliverable: mailer esmtp, host remote.test., user far@remote.test\n",
  )
  const unknown = await sendmail(["-bv", "staff"])
  assert.equal(unknown.code, 67)
  assert.match(unknown.stdout, /^nosuch\.\.\. User unknown\n/)
})

test("-bv takes an argument with blanks for several names, and one with quotes or brackets for one", async () => {
  const addresses = async (operand: string) => {
    asked.length = 0
    await sendmail(["-bv", operand])
    return asked.map(({ address }) => address)
  }
  assert.deepEqual(await addresses("Andrew Cumming"), ["Andrew", "Cumming"])
  assert.deepEqual(await addresses("Andrew Cumming <andrew>"), ["Andrew Cumming <andrew>"])
  assert.deepEqual(await addresses('"Andrew Cumming"'), ['"Andrew Cumming"'])
})

test("-q tries everything now and waits until that is done; -qR chooses", async () => {
  assert.equal((await sendmail(["-q"])).code, 0)
  assert.deepEqual(asked, [
    { verb: "retry", all: true, selection: { limits: [], held: "no" } },
    { verb: "idle", timeout: 3600 },
  ])
  await sendmail(["-qRfar@", "-q!Sme"])
  const limits = [
    { field: "recipient", part: "far@", not: false },
    { field: "sender", part: "me", not: true },
  ]
  assert.deepEqual(asked[2], { verb: "retry", all: true, selection: { limits, held: "no" } })
  await sendmail(["-Ac", "-q"])
  assert.deepEqual(asked[4], { verb: "client run" })
  assert.equal((await sendmail(["-q30m"])).code, 64)
})

test("-Qreason holds what -q chooses, -Q releases it, and neither is for everything", async () => {
  assert.equal((await sendmail(["-Qlooks odd", "-qRfar@"])).code, 0)
  const limits = [{ field: "recipient", part: "far@", not: false }]
  assert.deepEqual(asked, [
    { verb: "hold", all: true, selection: { limits, held: "no" }, because: "looks odd" },
  ])
  await sendmail(["-Q", "-qRfar@"])
  assert.deepEqual(asked[1], { verb: "release", all: true, selection: { limits, held: "only" } })
  const { code, stderr } = await sendmail(["-Qlooks odd"])
  assert.equal(code, 64)
  assert.match(stderr, /^sendmail: -Q needs -qI, -qR, -qS, -qQ or -qG/)
})

test("-bp is mailq", async () => {
  assert.match((await sendmail(["-bp"])).stdout, /is empty\n\t\tTotal requests: 0\n$/)
})

test("an address with a line end in it never becomes a command", async () => {
  await assert.rejects(sendmail(["-f", "me\r\nRCPT TO:<all>", "me"]), { code: 64 })
  assert.equal(spool.stored.length, 0)
})
