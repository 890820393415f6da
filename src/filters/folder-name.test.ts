import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { maildirFolder, mboxFolder, modifiedUtf7 } from "./folder-name.ts"

const names: readonly (readonly [string, string | undefined, string | undefined])[] = [
  // name, in a Maildir, beside an mbox
  ["lists", "lists", "lists"],
  ["Lists/mutt", "Lists.mutt", "Lists/mutt"],
  ["Lists.mutt", "Lists.mutt", "Lists.mutt"],
  ["Junk E-mail", "Junk E-mail", "Junk E-mail"],
  ["R&D", "R&-D", "R&-D"],
  ["Größe/日本語", "Gr&APYA3w-e.&ZeVnLIqe-", "Gr&APYA3w-e/&ZeVnLIqe-"],
  ["~peter/mail", undefined, undefined],
  ["", undefined, undefined],
  ["a//b", undefined, undefined],
  ["/etc/passwd", undefined, undefined],
  ["a/", undefined, undefined],
  ["..", undefined, undefined],
  ["../../x", undefined, undefined],
  [".forward", undefined, undefined],
  ["inbox.lock", "inbox.lock", undefined],
  ["a\nb", undefined, undefined],
  [" ", undefined, undefined],
  ["x".repeat(201), undefined, undefined],
]

for (const [name, maildir, mbox] of names)
  test(`${JSON.stringify(name.slice(0, 20))} is ${maildir ?? "no folder"} in a Maildir, ${mbox ?? "no folder"} beside an mbox`, () => {
    assert.equal(maildirFolder(name), maildir)
    assert.equal(mboxFolder(name), mbox)
  })

// RFC 3501 §5.1.3's own example.
test("modified UTF-7 is the standard's", () => {
  assert.equal(modifiedUtf7("~peter/mail/台北/日本語"), "~peter/mail/&U,BTFw-/&ZeVnLIqe-")
})

test("no name leads out of the mailbox, whatever its letters", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(".", "/", "a", "~", "&", "ö", "\0", " ") }), (name) => {
      const maildir = maildirFolder(name)
      assert.ok(maildir === undefined || /^[^./~][^/]*$/.test(maildir), name)
      const mbox = mboxFolder(name)
      assert.ok(mbox === undefined || mbox.split("/").every((level) => /^[^.~]/.test(level)), name)
    }),
  )
})
