import assert from "node:assert/strict"
import { test } from "node:test"
import { scanHeader } from "./header.ts"
import { type Completion, completeHeader, missingFields, printSender, recipientsIn } from "./submit.ts"

const scan = (text: string) => scanHeader(Buffer.from(text, "utf8"))

const bob: Completion = {
  host: "mail.hello.com",
  id: "6AO7AgXX000001",
  now: Date.UTC(2026, 10, 24, 7, 10, 42),
  sender: { address: "bob@hello.com", fullName: "Bob Jones" },
  recipients: ["me@grussell.org", "you@napier.ac.uk"],
  noRecipientAction: "none",
}

test("a message of nothing but a body gets Date, From and Message-Id on top", () => {
  assert.match(
    missingFields(scan("\r\nhello\r\n"), bob),
    /^Date: [A-Z][a-z]{2}, 24 Nov 2026 .*\r\nFrom: Bob Jones <bob@hello\.com>\r\nMessage-Id: <202611240710\.6AO7AgXX000001@mail\.hello\.com>\r\n$/,
  )
})

test("what is there is left alone, whatever it says", () => {
  const whole = scan("date: yesterday\r\nFROM: nobody\r\nMessage-ID: none\r\nTo: you\r\n\r\n")
  assert.equal(missingFields(whole, bob), "")
})

test("a message that is sent on gets Resent- fields, above those of its first sending", () => {
  const missing = missingFields(scan("Resent-To: me@grussell.org\r\nDate: x\r\nFrom: y\r\n\r\n"), bob)
  assert.deepEqual(
    missing.split("\r\n").map((line) => line.split(":")[0]),
    ["Resent-Date", "Resent-From", "Resent-Message-Id", "Message-Id", ""],
  )
})

for (const [action, expected] of [
  ["none", ""],
  ["add-to", "To: me@grussell.org,\r\n\tyou@napier.ac.uk\r\n"],
  ["add-apparently-to", "Apparently-To: me@grussell.org\r\nApparently-To: you@napier.ac.uk\r\n"],
  ["add-bcc", "Bcc: \r\n"],
  ["add-to-undisclosed", "To: undisclosed-recipients:;\r\n"],
] as const) {
  const dated = "Date: x\r\nFrom: y\r\nMessage-Id: z\r\n"
  test(`NoRecipientAction=${action} acts when the header names nobody, and only then`, () => {
    assert.equal(missingFields(scan(`${dated}\r\n`), { ...bob, noRecipientAction: action }), expected)
    assert.equal(missingFields(scan(`${dated}Cc: x\r\n\r\n`), { ...bob, noRecipientAction: action }), "")
  })
}

for (const [fullName, expected] of [
  [undefined, "bob@hello.com"],
  ["  ", "bob@hello.com"],
  ["Bob Jones", "Bob Jones <bob@hello.com>"],
  ['Robert "Bob" J.', '"Robert \\"Bob\\" J." <bob@hello.com>'],
  ["Jones, Bob", '"Jones, Bob" <bob@hello.com>'],
  ["Bob\r\nBcc: all", '"Bob  Bcc: all" <bob@hello.com>'],
  ["Zoë", "=?UTF-8?B?Wm/Dqw==?= <bob@hello.com>"],
] as const) {
  test(`the name ${JSON.stringify(fullName)} is written so that it reads as a name`, () => {
    assert.equal(printSender({ address: "bob@hello.com", fullName }), expected)
  })
}

test("a long name in another script becomes several encoded words, each whole", () => {
  const name = "Ж".repeat(100)
  const printed = printSender({ address: "bob@hello.com", fullName: name })
  const words = printed.split(" <")[0]?.split("\r\n ") ?? []
  assert.ok(words.length > 1)
  const decoded = words.map((word) => {
    assert.ok(word.length <= 75, word)
    return Buffer.from(word.slice("=?UTF-8?B?".length, -2), "base64").toString("utf8")
  })
  assert.equal(decoded.join(""), name)
})

test("sendmail -t finds everybody in To, Cc and Bcc, each once, over folded lines", () => {
  const header = scan(
    'From: bob\r\nTo: jim, Andrew <andrew@hello.com>,\r\n\t"Doe, John" <jd@example.org>\r\nCc: andrew@hello.com, jim\r\nBCC: far@example.org\r\n\r\n',
  )
  assert.deepEqual(recipientsIn(header), ["jim", "andrew@hello.com", "jd@example.org", "far@example.org"])
})

test("where a message is sent on, only the Resent- fields say to whom", () => {
  const header = scan(
    "To: old@example.org\r\nResent-To: me@grussell.org\r\nResent-Bcc: you@napier.ac.uk\r\n\r\n",
  )
  assert.deepEqual(recipientsIn(header), ["me@grussell.org", "you@napier.ac.uk"])
})

const whole = "Date: x\r\nFrom: y\r\nMessage-Id: z\r\n"

test("Bcc goes, all else stays octet for octet", () => {
  const before = `${whole}Bcc: far@example.org,\r\n\tyou@example.org\r\nTo:  jim\r\nX-Odd:\t\u00e9 \r\n\r\nBcc: body\r\n`
  const after = completeHeader(scan(before), bob).toString("utf8")
  assert.equal(after, `${whole}To:  jim\r\nX-Odd:\t\u00e9 \r\n\r\n`)
})

test("where only Bcc named somebody, an empty one stays", () => {
  assert.equal(completeHeader(scan(`${whole}Bcc: jim\r\n\r\n`), bob).toString(), `${whole}Bcc: \r\n\r\n`)
})

for (const [what, text] of [
  ["no body", `${whole}To: jim\r\n`],
  ["no line end after its last field", `${whole}To: jim`],
  ["a body that follows without a blank line", `${whole}To: jim\r\nhello\r\n`],
] as const) {
  test(`a header with ${what} gets its blank line`, () => {
    assert.equal(completeHeader(scan(text), bob).toString(), `${whole}To: jim\r\n\r\n`)
  })
}
