import assert from "node:assert/strict"
import { test } from "node:test"
import { queuedFor } from "../../test/kit/queued.ts"
import { siteOf } from "../../test/kit/site.ts"
import { because } from "../mail/decision.ts"
import type { Pending } from "../queue/entry.ts"
import { whoControls } from "./controlling.ts"

const routing = siteOf({
  name: "mail.grussell.org",
  classes: { w: ["mail.grussell.org", "grussell.org"] },
  users: ["me", "jim"],
})

async function told(from: string, changed: Partial<Pending> = {}): Promise<string> {
  const { entry, pending } = queuedFor({ from, to: ["list@grussell.org"] })
  const controls = await whoControls(entry, routing)
  const first = pending[0]
  assert.ok(first !== undefined)
  const by = controls({ ...first, ...changed })
  return by === undefined ? "nobody" : `${by.address} ${by.uid}/${by.gid}`
}

const program = { mailer: "prog", host: "", user: "vacation me" }
const expanded = {
  address: "list@grussell.org",
  owner: undefined,
  user: undefined,
  reason: because("aliases", "x"),
}

for (const [what, from, changed, expected] of [
  ["a sender who is a user here", "me@grussell.org", {}, "<me@grussell.org> 2001/100"],
  ["a sender from elsewhere", "g.russell@napier.ac.uk", {}, "nobody"],
  ["the null sender", "null", {}, "nobody"],
  ["a name of this host that is no user", "nobody.such@grussell.org", {}, "nobody"],
  [
    "a list's owner",
    "g.russell@napier.ac.uk",
    { expandedFrom: { ...expanded, owner: "jim" } },
    "jim 2002/100",
  ],
  [
    "a user's .forward",
    "g.russell@napier.ac.uk",
    { route: program, expandedFrom: { ...expanded, user: "me" } },
    "<list@grussell.org> 2001/100",
  ],
  [
    "an alias's program",
    "me@grussell.org",
    { route: program, expandedFrom: expanded },
    "<list@grussell.org> 8/8",
  ],
  ["a program that is all an alias names", "me@grussell.org", { route: program }, "<list@grussell.org> 8/8"],
] as const satisfies readonly (readonly [string, string, Partial<Pending>, string])[]) {
  test(`${what}: ${expected} controls the delivery`, async () => {
    assert.equal(await told(from, changed), expected)
  })
}
