import assert from "node:assert/strict"
import { test } from "node:test"
import { parseMailbox } from "../mail/address.ts"
import { replyLine } from "../mail/reply.ts"
import { type Site, siteOf } from "../../test/kit/site.ts"
import { checkCompat } from "./compat.ts"

const site: Site = {
  features: { access_db: [], compat_check: [] },
  tables: {
    access: [
      "Compat:ann@example.org<@>bob@grussell.org ERROR:550 not from her",
      "Compat:ann@example.org<@>jim@grussell.org TEMP:451 not now",
      "Compat:ann@example.org<@>me@grussell.org DISCARD",
      "Compat:ann@example.org<@>gor@grussell.org OK",
      "Compat:ann@example.org<@>all@grussell.org ERROR:no",
      "Compat:<@>me@grussell.org ERROR:550 no reports",
    ].join("\n"),
  },
}

async function between(from: string, to: string, where: Site): Promise<string> {
  const sender = from === "" ? ({ ok: true, value: "null" } as const) : parseMailbox(from)
  const recipient = parseMailbox(to)
  assert.ok(sender.ok && recipient.ok)
  const decision = await checkCompat(sender.value, recipient.value, siteOf(where))
  if (decision.outcome === "yes") return decision.value
  return decision.outcome === "pass" ? "pass" : `${decision.outcome} ${replyLine(decision.reply)}`
}

const cases: readonly (readonly [from: string, to: string, answer: string])[] = [
  ["ann@example.org", "bob@grussell.org", "no 550 5.0.0 not from her error from check_compat"],
  ["ann@example.org", "jim@grussell.org", "later 451 4.0.0 not now error from check_compat. Try again later"],
  ["ann@example.org", "me@grussell.org", "discard"],
  ["ann@example.org", "gor@grussell.org", "pass"],
  ["ann@example.org", "all@grussell.org", "no 550 5.0.0 no error from check_compat"],
  ["ann@example.net", "bob@grussell.org", "pass"],
  ["", "me@grussell.org", "no 550 5.0.0 no reports error from check_compat"],
]

for (const [from, to, answer] of cases) {
  test(`compat_check: mail from <${from}> to ${to} is ${answer}`, async () => {
    assert.equal(await between(from, to, site), answer)
  })
}

test("without the feature nobody is asked, and a table that does not answer is no yes", async () => {
  assert.equal(await between("ann@example.org", "bob@grussell.org", { ...site, features: {} }), "pass")
  const silent = { ...site, tables: {}, silent: ["access"] }
  assert.match(await between("ann@example.org", "bob@grussell.org", silent), /^later 451 4\.3\.0 /)
})

test("the line that keeps two apart is cited", async () => {
  const sender = parseMailbox("ann@example.org")
  const recipient = parseMailbox("jim@grussell.org")
  assert.ok(sender.ok && recipient.ok)
  const { reason } = await checkCompat(sender.value, recipient.value, siteOf(site))
  assert.equal(reason.at?.line, 2)
})
