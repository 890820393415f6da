import assert from "node:assert/strict"
import { test } from "node:test"
import { printReply } from "../mail/reply.ts"
import { helpFrom, readHelpFile } from "./help-file.ts"

// The beginning of sendmail's own.
const text = `#vers 2
#
cpyr\tCopyright of a file
smtp\tThis is sendmail version $v
smtp\t    HELO    EHLO
help\tHELP [ <topic> ]
help\t    The HELP command gives help info.
mail\tMAIL FROM: <sender> [ <parameters> ]
bare
`
const file = readHelpFile(text, (line) => line.replaceAll("$v", "8.18"))
const software = "Waypost 0.1.0"

function said(topic: string, of = file): readonly string[] {
  return printReply(helpFrom(of, topic, software))
    .trimEnd()
    .split("\r\n")
}

test("HELP says the lines of the topic smtp, with macros filled in", () => {
  assert.deepEqual(said(""), [
    "214-2.0.0 This is sendmail version 8.18",
    "214-2.0.0     HELO    EHLO",
    "214 2.0.0 End of HELP info",
  ])
})

test("HELP with a topic says the lines of all topics that begin so, in any case", () => {
  assert.deepEqual(said("MAIL"), [
    "214-2.0.0 MAIL FROM: <sender> [ <parameters> ]",
    "214 2.0.0 End of HELP info",
  ])
  assert.deepEqual(said("h").length, 3)
  assert.deepEqual(said("bare"), ["214-2.0.0 ", "214 2.0.0 End of HELP info"])
})

test("a topic that the file has not is told with its first ten letters", () => {
  assert.deepEqual(said("extraordinary"), ['504 5.3.0 HELP topic "extraordin" unknown'])
})

test("a file from before macros is said as it stands, behind who says it", () => {
  const old = readHelpFile("smtp\tcosts $5\n", () => assert.fail("it has no macros"))
  assert.deepEqual(said("", old), [
    "214-2.0.0 This is Waypost 0.1.0",
    "214-2.0.0 costs $5",
    "214 2.0.0 End of HELP info",
  ])
})

test("a line that ends in CR LF says no CR, and a file of nothing has nothing to say", () => {
  assert.deepEqual(
    said(
      "",
      readHelpFile("#vers 2\r\nsmtp\thello\r\n", (line) => line),
    ),
    ["214-2.0.0 hello", "214 2.0.0 End of HELP info"],
  )
  assert.deepEqual(
    said(
      "",
      readHelpFile("", (line) => line),
    ),
    ["214 2.0.0 End of HELP info"],
  )
})

test("tabs are blanks up to the next eighth column, as sendmail's own file has them", () => {
  const tabs = readHelpFile("smtp\t\tHELO\tEHLO\tx\n", (line) => line)
  assert.equal(tabs.lines[0]?.text, "        HELO    EHLO    x")
})
