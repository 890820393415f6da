// Lists that others may write and that the configuration bears (confDONT_BLAME_SENDMAIL): people in them get the mail, programs and
// files do not, unless they are said to be safe (sendmail: recipient.c, QUNSAFEADDR).
import assert from "node:assert/strict"
import { test } from "node:test"
import { type Site, siteOf } from "../../test/kit/site.ts"
import { replyLine } from "../mail/reply.ts"
import { canonify } from "./canonify.ts"
import { classify } from "../mail/address.ts"
import { expandCanonical } from "./expand.ts"

async function ends(site: Site, typed: string): Promise<readonly string[]> {
  const world = siteOf(site)
  const read = await canonify(classify(typed), world)
  assert.equal(read.outcome, "yes")
  const { leaves, dead } = await expandCanonical(read.outcome === "yes" ? read.value : assert.fail(), world)
  return [
    ...leaves.map(({ route }) => `${route.mailer} ${route.user}`),
    ...dead.map(({ reply, reason }) => `${replyLine(reply)} (${reason.says})`),
  ].toSorted()
}

const list = "~ann\n|/usr/bin/archive\n/var/log/mail\n:include:/srv/more\n"
const site = (words: readonly string[]): Site => ({
  users: ["ann", "bob", "me"],
  tables: { aliases: "devel: :include:/srv/devel" },
  files: {
    "/srv/devel": list,
    "/srv/more": "|/usr/bin/more\nme\n",
    "/home/bob/.forward": "~|/usr/bin/vacation, \\bob",
  },
  options: { DontBlameSendmail: words },
})

test("people of such a list get the mail, its programs and files do not, nor those of lists within it", async () => {
  assert.deepEqual(await ends(site(["GroupWritableIncludeFile"]), "devel"), [
    "550 5.7.1 Address /var/log/mail is unsafe for mailing to files (/srv/devel: group writable file)",
    "550 5.7.1 Address |/usr/bin/archive is unsafe for mailing to programs (/srv/devel: group writable file)",
    "550 5.7.1 Address |/usr/bin/more is unsafe for mailing to programs (/srv/devel: group writable file)",
    "local ann",
    "local me",
  ])
})

test("with …Safe its programs and files are used", async () => {
  assert.deepEqual(await ends(site(["GroupWritableIncludeFile", "groupwritableincludefilesafe"]), "devel"), [
    "*file* /var/log/mail",
    "local ann",
    "local me",
    "prog /usr/bin/archive",
    "prog /usr/bin/more",
  ])
})

test("words for lists say nothing of .forward files", async () => {
  assert.deepEqual(await ends(site(["GroupWritableForwardFile", "GroupWritableIncludeFileSafe"]), "bob"), [
    "550 5.7.1 Address |/usr/bin/vacation is unsafe for mailing to programs (/home/bob/.forward: group writable file)",
    "local bob",
  ])
})
