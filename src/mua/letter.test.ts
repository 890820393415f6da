import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { scanHeader } from "../message/header.ts"
import { contentOf } from "./content.ts"
import { attachment, composed, type Draft, emptyDraft, forgotAttachment } from "./letter.ts"
import { summarize } from "./summary.ts"

const written = (draft: Partial<Draft>) => composed({ ...emptyDraft, ...draft }, "=_b").toString("utf8")

test("a simple letter is as simple as it can be", () => {
  assert.equal(
    written({ to: ["gor", "Ann <ann@example.org>"], subject: "lunch", text: "At one?" }),
    "To: gor, Ann <ann@example.org>\nSubject: lunch\n\nAt one?\n",
  )
})

const forms: readonly (readonly [string, Partial<Draft>, RegExp])[] = [
  [
    "other letters than ASCII's are said to be UTF-8",
    { text: "Grüße" },
    /charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße\n$/,
  ],
  [
    "a line of 990 octets goes in base64",
    { text: "x".repeat(990) },
    /Content-Transfer-Encoding: base64\n\n(?:[\w+/=]{1,76}\n)+$/,
  ],
  ["one of 989 goes as it is", { text: `a\n${"x".repeat(989)}\nb` }, /^\na\nx{989}\nb\n$/],
  [
    "a name is encoded, its address is not",
    { to: ["Jürgen <j@example.org>"] },
    /^To: =\?utf-8\?B\?SsO8cmdlbg==\?= <j@example\.org>\n/,
  ],
  [
    "a subject of many words is folded",
    { subject: "word ".repeat(30).trim() },
    /^Subject: (?:word ?)+\n (?:word ?)+\n/,
  ],
  [
    "a line end in a subject begins no field",
    { subject: "x\r\nBcc: all@example.org" },
    /^Subject: x Bcc: all@example\.org\n\n/,
  ],
  ["a field of the person's own stays", { fields: ["X-Job:nightly"] }, /^X-Job: nightly\n/],
]

for (const [says, draft, form] of forms) test(says, () => assert.match(written(draft), form))

test("many recipients stand in lines that mail may have", () => {
  const to = Array.from({ length: 200 }, (_, n) => `person${n}@example.org`)
  for (const line of written({ to }).split("\n")) assert.ok(line.length <= 78, line)
})

test("files go beside the text, under their names", async () => {
  const attachments = [
    attachment('/home/gor/Maße "neu".csv', Buffer.from("1,2\n")),
    attachment("report.pdf", Buffer.alloc(1000, 7)),
  ]
  const octets = composed({ ...emptyDraft, text: "See the table.\n", attachments }, "=_b")
  const { text, parts } = await contentOf(octets)
  assert.equal(text.trim(), "See the table.")
  assert.deepEqual(
    parts.map(({ name, type, octets: part }) => [name, type, part.length]),
    [
      ['Maße "neu".csv', "text/csv", 4],
      ["report.pdf", "application/pdf", 1000],
    ],
  )
})

test("whatever is written is what is read", async () => {
  const line = fc.string({ unit: "grapheme", maxLength: 80 }).map((text) => text.replaceAll(/[\r\n]/g, " "))
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 5 }), line, fc.boolean(), async (lines, subject, long) => {
      const text = [...lines, ...(long ? ["x".repeat(1200)] : []), "end"].join("\n")
      const octets = composed({ ...emptyDraft, to: ["gor"], subject, text }, "=_b")
      assert.equal((await contentOf(octets)).text.trimEnd(), text)
      const read = summarize(scanHeader(octets)).subject
      assert.equal(read.replaceAll(/\s+/g, ""), subject.replaceAll(/\s+/g, ""))
      for (const one of octets.toString("latin1").split("\n")) assert.ok(one.length <= 998)
    }),
    { numRuns: 200 },
  )
})

test("a text of many lines takes no longer for their being short", () => {
  const text = `${"0123456789abcdef".repeat(4)}\n`.repeat(100_000)
  const began = process.cpuUsage()
  assert.equal(written({ text }).length, text.length + 1)
  const { user } = process.cpuUsage(began)
  assert.ok(user < 400_000, `${user} µs of CPU`) // it took seconds where each place was looked at anew
})

const promises: readonly (readonly [string, boolean])[] = [
  ["see the attached file", true],
  ["I have attached it", true],
  ["> you attached it\nno, I did not", false],
  ["an attaché", false],
  ["At one?", false],
]

for (const [text, forgotten] of promises) {
  test(`${JSON.stringify(text)} ${forgotten ? "promises a file" : "promises none"}`, () => {
    assert.equal(forgotAttachment({ ...emptyDraft, text }), forgotten)
    const attachments = [attachment("a.txt", Buffer.from("a"))]
    assert.equal(forgotAttachment({ ...emptyDraft, text, attachments }), false)
  })
}
