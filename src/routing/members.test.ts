import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { type Site, siteOf } from "../../test/kit/site.ts"
import { canonify } from "./canonify.ts"
import { resolver } from "./members.ts"
import { resolve } from "./route.ts"
import type { RoutingWorld } from "./world.ts"

const mailertable = `example.org	esmtp:[hub.example.net]
.wild.test	esmtp:%1.example.net
other.test	esmtp:ann@hub.example.net
loc.test	local:
closed.test	error:5.7.1:550 closed
rel.test	relay:hub.example.net`

const virtusertable = `joe@virt1.com	bob
sue@virt1.com	sue@example.org
@virt2.com	%1@napier.ac.uk`

const sites: readonly Site[] = [
  {},
  { tables: { mailertable } },
  { tables: { mailertable, virtusertable }, classes: { VirtHost: ["virt1.com", "virt2.com"] } },
]

const domains = [
  "hello.com",
  "napier.ac.uk",
  "example.org",
  "a.wild.test",
  "b.wild.test",
  "other.test",
  "loc.test",
  "closed.test",
  "rel.test",
  "virt1.com",
  "virt2.com",
  "x.uucp",
  "[192.0.2.7]",
]

async function canonicalOf(typed: string, world: RoutingWorld) {
  const read = await canonify(typed, world)
  assert.ok(read.outcome === "yes", typed)
  return read.value
}

test("a member that is sent the way of its domain goes where it would have gone alone, for the same reasons", async () => {
  const worlds = sites.map((site) =>
    siteOf({ name: "mail.hello.com", ...site, classes: { w: ["hello.com"], ...site.classes } }),
  )
  const member = fc.tuple(
    fc.constantFrom("joe", "sue", "ann", "j.o", "two words"),
    fc.constantFrom(...domains),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...worlds),
      fc.array(member, { maxLength: 12 }),
      async (world, members) => {
        const way = resolver(world)
        for (const [user, domain] of members) {
          const to = await canonicalOf(`${user.includes(" ") ? `"${user}"` : user}@${domain}`, world)
          assert.deepEqual(await way(to), await resolve(to, world))
        }
      },
    ),
    { numRuns: 150 },
  )
})

test("a list of one domain is asked about once", async () => {
  const world = siteOf({ name: "mail.hello.com", classes: { w: ["hello.com"] }, tables: { mailertable } })
  let asked = 0
  const steps = world.steps.map((step) => ({
    ...step,
    ask: (...to: Parameters<typeof step.ask>) => {
      if (step.name === "mailertable") asked++
      return step.ask(...to)
    },
  }))
  const way = resolver({ ...world, steps })
  const first = await way(await canonicalOf("u0@example.org", world))
  for (let n = 1; n < 100; n++) {
    const next = await way(await canonicalOf(`u${n}@example.org`, world))
    assert.equal(next.reason, first.reason)
    assert.ok(next.outcome === "yes")
    assert.equal(next.value.route.user, `u${n}@example.org`)
  }
  assert.equal(asked, 1)
})
