import assert from "node:assert/strict"
import { test } from "node:test"
import { type Mailbox, parseMailbox, printPath } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import type { Pending } from "./entry.ts"
import { type Leaf, plan } from "./plan.ts"

const at = new Date(0)

function mailbox(text: string): Mailbox {
  const parsed = parseMailbox(text)
  assert.ok(parsed.ok)
  return parsed.value
}

function pending(number: number, address: string): Pending {
  const recipient = {
    path: mailbox(address),
    original: undefined,
    notify: [],
    admitted: because("local?", "grussell.org is in class w"),
  } as const
  return {
    number,
    recipient,
    route: undefined,
    expandedFrom: undefined,
    attempts: 0,
    nextAttempt: 0,
    lastStatus: undefined,
    warned: false,
  }
}

function local(login: string, address = `${login}@grussell.org`): Leaf {
  const route = { mailer: "local", host: "", user: login }
  return {
    path: mailbox(address),
    route,
    owner: undefined,
    user: undefined,
    reason: because("aliases", "test"),
  }
}

test("a recipient with one place to go keeps its number, and nothing is recorded beforehand", () => {
  const { leaves, first, tried } = plan(
    "id",
    [{ pending: pending(0, "me@grussell.org"), leaves: [local("gor")], dead: [] }],
    at,
  )
  assert.equal(first, undefined)
  assert.deepEqual(tried, [])
  assert.deepEqual(
    leaves.map((leaf) => [
      leaf.number,
      leaf.route.user,
      printPath(leaf.recipient.path),
      leaf.recipient.original,
    ]),
    [[0, "gor", "gor@grussell.org", undefined]],
  )
})

test("a list's members get numbers of their own, the same ones after a crash, and are recorded first", () => {
  const expanded = [
    { pending: pending(2, "devel@grussell.org"), leaves: [local("gor"), local("andrew")], dead: [] },
  ]
  const { leaves, first } = plan("id", expanded, at)
  assert.deepEqual(
    leaves.map((leaf) => leaf.number),
    [3_000_000, 3_000_001],
  )
  assert.deepEqual(first, { id: "id", done: [2], update: [], add: leaves })
  assert.deepEqual(plan("id", expanded, at), plan("id", expanded, at))
})

test("two recipients whose aliases meet at one mailbox are one delivery", () => {
  const { leaves, first } = plan(
    "id",
    [
      { pending: pending(0, "gor@grussell.org"), leaves: [local("gor")], dead: [] },
      { pending: pending(1, "me@grussell.org"), leaves: [local("gor")], dead: [] },
    ],
    at,
  )
  assert.deepEqual(
    leaves.map((leaf) => leaf.number),
    [0],
  )
  assert.deepEqual(first, { id: "id", done: [1], update: [], add: [] })
})

test("an unknown user fails at once, a silent table only waits, and neither stops the rest of the list", () => {
  const why = because("local?", "no such user")
  const unknown = {
    path: mailbox("nobody@grussell.org"),
    outcome: "no",
    reply: reply(550, "5.1.1", "User unknown"),
    reason: why,
  } as const
  const silent = {
    path: mailbox("who@grussell.org"),
    outcome: "later",
    reply: reply(451, "4.3.0", "cannot tell"),
    reason: why,
  } as const
  const { leaves, tried } = plan(
    "id",
    [{ pending: pending(0, "list@grussell.org"), leaves: [local("gor")], dead: [unknown, silent] }],
    at,
  )
  assert.deepEqual(
    leaves.map((leaf) => leaf.number),
    [1_000_000],
  )
  assert.deepEqual(
    tried.map(({ pending: one, status }) => [one.number, status.action, status.status, status.diagnostic]),
    [
      [1_000_001, "failed", "5.1.1", "550 5.1.1 User unknown"],
      [1_000_002, "delayed", "4.3.0", "451 4.3.0 cannot tell"],
    ],
  )
})

test("a list's member who is nobody is its owner's error too, alone or among others", () => {
  const why = because("local?", "no such user")
  const said = reply(550, "5.1.1", "User unknown")
  const path = mailbox("nobody@grussell.org")
  const nobody = { path, outcome: "no", reply: said, reason: why, owner: "sue" } as const
  for (const leaves of [[], [local("gor")]]) {
    const expanded = [{ pending: pending(0, "staff@grussell.org"), leaves, dead: [nobody] }]
    const [one] = plan("id", expanded, at).tried
    assert.deepEqual(
      [one?.pending.expandedFrom?.owner, one?.pending.expandedFrom?.address],
      ["sue", "staff@grussell.org"],
    )
  }
})

test("members of a long list share one reason, keep a short one, and each still names the line that named it", () => {
  const names = because("aliases", `"staff" says "${"r0@napier.ac.uk, ".repeat(40)}"`, line(3))
  const members = Array.from({ length: 200 }, (_, n) => {
    const at = line(n < 100 ? 3 : 4)
    const reason = because("mailertable", '"napier.ac.uk" says "esmtp:[192.0.2.7]"', at, [names])
    const route = { mailer: "esmtp", host: "[192.0.2.7]", user: `r${n}@napier.ac.uk` }
    return { path: mailbox(`r${n}@napier.ac.uk`), route, owner: undefined, user: undefined, reason }
  })
  const { leaves, first } = plan(
    "id",
    [{ pending: pending(0, "staff@grussell.org"), leaves: members, dead: [] }],
    at,
  )
  assert.equal(new Set(leaves.map(({ routed }) => routed)).size, 2)
  assert.deepEqual(
    leaves.map(({ routed }) => routed),
    members.map(({ reason }) => reason),
  )
  const kept = (first?.add ?? []).map(({ expandedFrom, recipient }) => [
    expandedFrom?.reason.at?.line,
    recipient.admitted.step,
  ])
  assert.deepEqual(
    [kept[0], kept[199]],
    [
      [3, "local?"],
      [4, "local?"],
    ],
  )
  for (const { recipient, expandedFrom } of first?.add ?? [])
    assert.ok(JSON.stringify({ recipient, expandedFrom }).length < 600)
})

function line(n: number) {
  return { file: "/etc/mail/aliases", line: n, column: 1 }
}
