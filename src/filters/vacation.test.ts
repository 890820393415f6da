import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { scanHeader } from "../message/header.ts"
import {
  alreadyTold,
  answerTo,
  emptyMemory,
  parseMemory,
  printMemory,
  remember,
  week,
  writeAnswer,
} from "./vacation.ts"

const headerOf = (text: string) => scanHeader(Buffer.from(`${text}\n\nbody\n`))
const personal = "From: ann@example.org\nTo: Gordon <gor@grussell.org>\nSubject: lunch?"

function ask(
  sender: string,
  text = personal,
  more: { names?: readonly string[]; anyRecipient?: boolean } = {},
) {
  const { names = ["gor"], anyRecipient = false } = more
  const decision = answerTo({ sender, header: headerOf(text), names, anyRecipient })
  return decision.outcome === "yes" ? decision.value : `no: ${decision.reason.says}`
}

test("a person who wrote to the user is answered", () =>
  assert.equal(ask("ann@example.org"), "ann@example.org"))

for (const [sender, why] of [
  ["", "the null sender is never answered"],
  ["<>", "the null sender is never answered"],
  ["MAILER-DAEMON@hello.com", "MAILER-DAEMON@hello.com is no person's address"],
  ["owner-list@hello.com", "owner-list@hello.com is no person's address"],
  ["list-request@hello.com", "list-request@hello.com is no person's address"],
  [
    "list-bounces+gor=grussell.org@hello.com",
    "list-bounces+gor=grussell.org@hello.com is no person's address",
  ],
  ["uucp", "uucp is no person's address"],
  ["no-reply@hello.com", "no-reply@hello.com is no person's address"],
  ["gor@grussell.org", "gor@grussell.org is the user himself"],
  ["gor+lists@grussell.org", "gor+lists@grussell.org is the user himself"],
] as const) {
  test(`${sender === "" ? "nobody" : sender} is not answered`, () => assert.equal(ask(sender), `no: ${why}`))
}

for (const [field, why] of [
  ["Auto-Submitted: auto-generated; owner-email=x", "Auto-Submitted: auto-generated"],
  ["Auto-Submitted: auto-replied", "Auto-Submitted: auto-replied"],
  ["Precedence: Bulk", "Precedence: bulk"],
  ["Precedence: junk", "Precedence: junk"],
  ["List-Id: <x.hello.com>", "it came by a mailing list (List-Id)"],
  ["List-Unsubscribe: <mailto:x>", "it came by a mailing list (List-Unsubscribe)"],
  ["X-Auto-Response-Suppress: DR, OOF", "X-Auto-Response-Suppress"],
] as const) {
  test(`mail with ${field} is not answered`, () =>
    assert.equal(ask("ann@example.org", `${personal}\n${field}`), `no: ${why}`))
}

test("Auto-Submitted: no is a person's word", () =>
  assert.equal(ask("ann@example.org", `${personal}\nAuto-Submitted: no`), "ann@example.org"))

test("who stands in no To: or Cc: is answered for only if that is asked for", () => {
  const to = (text: string, names?: readonly string[]) =>
    ask("ann@example.org", `From: ann@example.org\n${text}`, names === undefined ? {} : { names })
  assert.match(to("To: list@hello.com"), /^no: none of his names/)
  assert.match(to("To: gordon@grussell.org"), /^no: none of his names/)
  assert.equal(to("To: list@hello.com\nCc: x@y.org, GOR+lists@grussell.org"), "ann@example.org")
  assert.equal(to("Resent-To: gor"), "ann@example.org")
  assert.equal(to("To: sales@hello.com", ["gor", "sales"]), "ann@example.org")
  assert.match(to("To: sales@hello.com", ["gor", "sales@grussell.org"]), /^no:/)
  assert.equal(ask("ann@example.org", "To: list@hello.com", { anyRecipient: true }), "ann@example.org")
})

test("an answer says whose it is, what it answers, and that a program wrote it", () => {
  const text = "From: gor@grussell.org (Gordon)\nSubject: away ($SUBJECT)\nTo: all\n\nI am away, $FROM.\n"
  const header = headerOf(`${personal}\nMessage-ID: <2@example.org>\nReferences: <1@example.org>`)
  assert.equal(
    writeAnswer({ text, to: "ann@example.org", header }),
    [
      "To: ann@example.org",
      "From: gor@grussell.org (Gordon)",
      "Subject: away (lunch?)",
      "Auto-Submitted: auto-replied",
      "Precedence: bulk",
      "In-Reply-To: <2@example.org>",
      "References: <1@example.org> <2@example.org>",
      "",
      "I am away, ann@example.org.",
      "",
    ].join("\n"),
  )
})

test("a text without a header is a body, and the subject is the message's", () => {
  const answer = writeAnswer({
    text: "I am away.\n\nNote: back on Monday.\n",
    to: "ann@example.org",
    header: headerOf(personal),
  })
  assert.match(answer, /^Subject: Auto: lunch\?$/m)
  assert.ok(answer.endsWith("\n\nI am away.\n\nNote: back on Monday.\n"))
})

test("nothing that a stranger writes becomes a field of the answer", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (subject, id) => {
      const header = headerOf(`To: gor\nSubject: ${subject}\nMessage-ID: ${id}`)
      const answer = writeAnswer({ text: "Subject: $SUBJECT\n\naway\n", to: "ann@example.org", header })
      const [head = ""] = answer.split("\n\n")
      for (const line of head.split("\n"))
        assert.match(line, /^(?:To|Subject|Auto-Submitted|Precedence|In-Reply-To|References): ?/)
    }),
    { numRuns: 30 },
  )
})

test("who had an answer gets the next one a week later", () => {
  const memory = remember(emptyMemory, "Ann@Example.org", 1000)
  assert.equal(alreadyTold(memory, "ann@example.org", 1060), "ann@example.org was answered 60 s ago")
  assert.equal(alreadyTold(memory, "ann@example.org", 1000 + week), undefined)
  assert.equal(alreadyTold(memory, "bob@example.org", 1060), undefined)
  const forever = { ...memory, interval: Number.POSITIVE_INFINITY }
  assert.match(alreadyTold(forever, "ann@example.org", 1e9) ?? "", /was answered/)
  assert.equal(alreadyTold({ ...memory, interval: 0 }, "ann@example.org", 1000), undefined)
})

test("who is never to be answered is not, by address or domain", () => {
  const memory = { ...emptyMemory, never: ["ann@example.org", "@hello.com"] }
  assert.match(alreadyTold(memory, "Ann@example.org", 0) ?? "", /never/)
  assert.match(alreadyTold(memory, "bob@Hello.com", 0) ?? "", /never/)
  assert.equal(alreadyTold(memory, "bob@example.org", 0), undefined)
})

test("what is written down is read back, and another program's file is not taken for ours", () => {
  const memory = {
    ...remember(emptyMemory, "ann@example.org", 1_226_747_541),
    never: ["@hello.com"],
    interval: 60,
  }
  assert.deepEqual(parseMemory(printMemory(memory)), memory)
  const forever = { ...emptyMemory, interval: Number.POSITIVE_INFINITY }
  assert.deepEqual(parseMemory(printMemory(forever)), forever)
  assert.deepEqual(parseMemory(""), emptyMemory)
  assert.equal(parseMemory("\u0000\u0005\u0031\u0062"), undefined)
})

test("answers that count no longer are forgotten when the next is written down", () => {
  const memory = remember(remember(emptyMemory, "ann@example.org", 0), "bob@example.org", week + 1)
  assert.deepEqual([...memory.told.keys()], ["bob@example.org"])
})
