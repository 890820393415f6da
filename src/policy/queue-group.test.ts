import assert from "node:assert/strict"
import { test } from "node:test"
import { type Site, settingsOf, siteOf } from "../../test/kit/site.ts"
import type { QueueGroup } from "../config/settings.ts"
import { parseMailbox } from "../mail/address.ts"
import { groupOf, hasGroups } from "./queue-group.ts"

const group = (name: string): QueueGroup => ({
  name,
  equates: "",
  at: { file: "/etc/mail/sendmail.mc", line: 90, column: 1 },
  interval: 60,
  runners: undefined,
  jobs: undefined,
  recipients: undefined,
})

const site: Site = {
  features: { access_db: [], queuegroup: [] },
  tables: {
    access: [
      "QGRP:slow.example.org slow",
      "QGRP:jim@hello.com fast",
      "QGRP:gone.example.net nobody",
      "QGRP:hello.com main2",
    ].join("\n"),
  },
}

function worldOf(where: Site, groups: readonly string[], mailerGroup?: string) {
  const world = siteOf(where)
  const esmtp = world.settings.mailers.get("esmtp") ?? assert.fail()
  const mailers = new Map(world.settings.mailers)
  if (mailerGroup !== undefined) mailers.set("esmtp", { ...esmtp, queueGroup: mailerGroup })
  const queueGroups = new Map(groups.map((name) => [name, group(name)]))
  return { ...world, settings: { ...world.settings, mailers, queueGroups } }
}

async function chosen(to: string, world: ReturnType<typeof worldOf>): Promise<string> {
  const path = to === "postmaster" ? ({ ok: true, value: "postmaster" } as const) : parseMailbox(to)
  assert.ok(path.ok)
  const { group: found, reason } = await groupOf(path.value, "esmtp", world)
  return `${found.name}: ${reason.says}${reason.at === undefined ? "" : ` (${reason.at.file}:${reason.at.line})`}`
}

const all = ["slow", "fast", "main2", "far"]

test("access chooses the group of an address, of a domain and what lies below it, and the line is cited", async () => {
  const world = worldOf(site, all)
  assert.equal(
    await chosen("ann@slow.example.org", world),
    'slow: slow: "QGRP:slow.example.org" says "slow" (/etc/mail/access:1)',
  )
  assert.match(await chosen("ann@mail.slow.example.org", world), /^slow: .*access:1\)$/)
  assert.match(await chosen("jim@hello.com", world), /^fast: .*access:2\)$/)
  assert.match(await chosen("jim+news@hello.com", world), /^fast: /)
  assert.match(await chosen("bob@hello.com", world), /^main2: .*access:4\)$/)
  assert.equal(await chosen("bob@napier.ac.uk", world), "mqueue: mqueue, as no line names another")
  assert.match(await chosen("postmaster", world), /^mqueue: /)
})

test("a group that does not exist is as good as none, and said; the feature's argument is for all others", async () => {
  const says = /says "nobody", which no QUEUE_GROUP defines/
  assert.match(await chosen("a@gone.example.net", worldOf(site, all)), says)
  const other = { ...site, features: { access_db: [], queuegroup: ["far"] } }
  const world = worldOf(other, all)
  assert.match(await chosen("a@gone.example.net", world), /^far: /)
  assert.match(await chosen("bob@napier.ac.uk", world), /^far: far: of all that access does not name/)
})

test("where access says nothing, the mailer's group counts; a silent table decides nothing", async () => {
  assert.match(await chosen("bob@napier.ac.uk", worldOf(site, all, "far")), /^far: far: of the mailer esmtp/)
  assert.match(await chosen("jim@hello.com", worldOf(site, all, "far")), /^fast: /)
  const silent = { ...site, tables: {}, silent: ["access"] }
  assert.match(
    await chosen("jim@hello.com", worldOf(silent, all)),
    /^mqueue: no answer for "QGRP:jim@hello.com"/,
  )
})

test("the main group may have equates of its own", async () => {
  const world = worldOf({}, ["mqueue"])
  const found = await groupOf("postmaster", undefined, world)
  assert.deepEqual([found.group.interval, found.reason.at?.line], [60, 90])
  assert.ok(hasGroups(world.settings))
  assert.ok(!hasGroups(settingsOf({})))
})
