// Reading: threads, search, HTML as text, and a stranger's octets on a terminal.
import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { scanHeader } from "../message/header.ts"
import { contentOf, safeName } from "./content.ts"
import { htmlText } from "./html-text.ts"
import { printable, printableLines } from "./printable.ts"
import { matches, parseQuery } from "./search.ts"
import { type Listed, noFlags, summarize } from "./summary.ts"
import { thread } from "./threads.ts"

function listed(n: number, header: string, more: Partial<Listed> = {}): Listed {
  const summary = summarize(scanHeader(Buffer.from(`${header}\n\n`)))
  return { key: `m${n}`, received: n * 1000, size: 100 * n, flags: noFlags, summary, ...more }
}

test("a header's summary: encoded words read, the sender named, what it answers", () => {
  const { summary } = listed(
    1,
    'From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\nTo: "Doe, John" <john@hello.com>, me@grussell.org\nSubject: =?iso-8859-1?q?Gr=FC=DFe?=\n =?iso-8859-1?q?_aus_Edinburgh?=\nMessage-ID: <b@x>\nReferences: <r@x>\n <s@x>\nIn-Reply-To: <a@x>\nDate: Tue, 24 Nov 2026 07:10:42 +0100 (CET)\nList-Id: <devel.grussell.org>',
  )
  assert.deepEqual(summary, {
    from: { name: "Jürgen", address: "j@example.org" },
    to: [
      { name: "Doe, John", address: "john@hello.com" },
      { name: "", address: "me@grussell.org" },
    ],
    subject: "Grüße aus Edinburgh",
    messageId: "<b@x>",
    parents: ["<r@x>", "<s@x>", "<a@x>"],
    date: Date.parse("2026-11-24T06:10:42Z"),
    list: true,
  })
})

test("no header is too strange for a summary", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
      const { subject } = summarize(scanHeader(Buffer.concat([Buffer.from("Subject: =?utf-8?b?"), octets])))
      assert.ok(subject.length <= 300)
    }),
  )
})

const subjectsOf = (messages: readonly Listed[]) =>
  thread(messages).map(
    ({ listed: { summary }, branch, count }) =>
      `${count > 1 ? `(${count}) ` : ""}${branch}${summary.subject}`,
  )

test("answers stand under what they answer, and the thread with the newest message comes last", () => {
  assert.deepEqual(
    subjectsOf([
      listed(1, "Subject: question\nMessage-ID: <1@x>"),
      listed(2, "Subject: other\nMessage-ID: <2@x>"),
      listed(3, "Subject: answer\nMessage-ID: <3@x>\nIn-Reply-To: <1@x>"),
      listed(4, "Subject: thanks\nMessage-ID: <4@x>\nReferences: <1@x> <3@x>"),
      listed(5, "Subject: me too\nMessage-ID: <5@x>\nReferences: <1@x>"),
    ]),
    ["other", "(4) question", "├─answer", "│ └─thanks", "└─me too"],
  )
})

test("answers to a message that is not here stay together; a loop of references ends", () => {
  assert.deepEqual(
    subjectsOf([
      listed(1, "Subject: a\nMessage-ID: <a@x>\nReferences: <gone@x>"),
      listed(2, "Subject: b\nMessage-ID: <b@x>\nReferences: <gone@x>"),
    ]),
    ["(2) a", "b"],
  )
  const loop = subjectsOf([
    listed(1, "Subject: a\nMessage-ID: <a@x>\nIn-Reply-To: <b@x>"),
    listed(2, "Subject: b\nMessage-ID: <b@x>\nIn-Reply-To: <a@x>"),
  ])
  assert.equal(loop.length, 2)
})

test("a thread of 20,000 answers is no danger, and no message is lost in threading", () => {
  const deep = Array.from({ length: 20_000 }, (_, i) =>
    listed(i, `Subject: ${i}\nMessage-ID: <${i}@x>\nIn-Reply-To: <${i - 1}@x>`),
  )
  assert.equal(thread(deep).length, 20_000)
})

test("words and places are searched", () => {
  const ann = listed(1, "From: Ann Lee <ann@example.org>\nTo: me@grussell.org\nSubject: Lunch on Friday")
  const bob = listed(2, "From: bob@hello.com\nSubject: report", {
    flags: { ...noFlags, seen: true },
    size: 200_000,
  })
  const find = (typed: string) =>
    [ann, bob].filter((one) => matches(one, parseQuery(typed, 10_000))).map(({ key }) => key)
  for (const [typed, keys] of [
    ["lunch", ["m1"]],
    ["LUNCH friday", ["m1"]],
    ['"on friday"', ["m1"]],
    ["-lunch", ["m2"]],
    ["from:ann", ["m1"]],
    ["to:grussell", ["m1"]],
    ["subject:report", ["m2"]],
    ["is:unread", ["m1"]],
    ["-is:unread", ["m2"]],
    ["larger:100k", ["m2"]],
    ["", ["m1", "m2"]],
    ["fro:x", []],
    ["after:2026-01-01", []],
    ["before:2026-01", ["m1", "m2"]],
  ] as const)
    assert.deepEqual(find(typed), keys, typed)
})

test("HTML becomes text: structure, links with where they lead, nothing of scripts", () => {
  const html = `<html><head><title>x</title><style>p{}</style></head><body><h1>Hello</h1><p>Dear&nbsp;Gordon,<br>see <a href="http://evil.example/x">https://bank.example/</a> and <a href="https://example.org/">https://example.org</a>.</p><script>alert("<p>no</p>")</script><ul><li>one<li>two</ul><blockquote>quoted</blockquote><img src="http://track.example/1.gif" alt="logo"></body></html>`
  assert.equal(
    htmlText(html),
    "Hello\n\nDear Gordon,\nsee https://bank.example/ <http://evil.example/x> and https://example.org.\n\n* one\n* two\n\n> quoted\n\n[picture: logo]\n",
  )
})

test("any HTML becomes text, in time that grows as it does", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom(
          "<p>",
          "</p>",
          "<a href='",
          "<!--",
          "-->",
          "x",
          "&amp",
          "<scr",
          "<script>",
          '"',
          ">",
          "<div ",
          "=",
        ),
      ),
      (pieces) => {
        assert.equal(typeof htmlText(pieces.join("")), "string")
      },
    ),
  )
  assert.equal(htmlText("<div>".repeat(200_000)).trim(), "")
  assert.equal(htmlText("<a b='".repeat(100_000)).trim(), "")
  assert.ok(htmlText("<".repeat(200_000)).length > 0)
})

test("nothing of a message reaches the terminal as a command to it", () => {
  assert.equal(
    printable("Win\u001b]0;owned\u0007 \u001b[31mred\r\nnext\u202egpj.exe\u009b2J"),
    "Win^[]0;owned^G ^[[31mred next\ufffdgpj.exe\ufffd2J",
  )
  assert.equal(printableLines("a\tb\r\nc\u0008"), "a\tb\nc^H")
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(printable(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
    }),
  )
})

test("a message is read as text first, attachments beside it", async () => {
  const content = await contentOf(
    Buffer.from(
      `From: a@x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n--b\nContent-Type: application/pdf; name="../../etc/passwd"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename*=utf-8''%2e%2e%2f.b%C3%BCll.pdf\n\nSGVsbG8=\n--b--\n`,
    ),
  )
  assert.equal(content.text.trim(), "Grüße")
  assert.deepEqual(
    content.parts.map(({ name, type, octets }) => [name, type, octets.toString()]),
    [["büll.pdf", "application/pdf", "Hello"]],
  )
  assert.equal(safeName("/etc/.."), "")
})

test("a message with only HTML says so", async () => {
  const content = await contentOf(Buffer.from("Content-Type: text/html\n\n<p>Hello <b>you</b></p>"))
  assert.deepEqual([content.text, content.fromHtml], ["Hello you\n", true])
})
