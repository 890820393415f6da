import assert from "node:assert/strict"
import { test } from "node:test"
import { open } from "./server.ts"
import { matches, talk } from "./talk.ts"

test("a dialog that goes otherwise than written fails at its line", async () => {
  const wrong = [
    "S: 220 *\nC: NOOP\nS: 250 2.0.0 No",
    "S: 220 *\nC: NOOP",
    "S: 220 *\nC: QUIT\nS: 221 *\nS: 250 *",
    "S: 220 *\nC: RCPT TO:<me>\nS: 503 *\n| local? * anything",
    "S: 220 *\nX: NOOP",
  ]
  for (const script of wrong) await assert.rejects(talk(open(), script), script)
})

test("a dialog that goes as written passes, reasons and all", async () => {
  await talk(
    open(),
    `S: 220 grussell.org *
     C: MAIL FROM:<>
     C: RCPT TO:<me>
     S: 250 *
     S: 250 2.1.5 <me>... Recipient ok
        | local? * me has a mailbox
     R: NOOP\\r\\nQUIT\\r\\n
     S: 250 *
     S: 221 *
     S: [closed]`,
  )
})

test("a pattern's stars stand for anything, its blanks for any blanks", () => {
  assert.ok(matches("a * c", "a  b   c"))
  assert.ok(matches("a*c", "ac"))
  assert.ok(!matches("a.c", "abc"))
})
