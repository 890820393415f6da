import assert from "node:assert/strict"
import { test } from "node:test"
import { arrivalOf } from "../../test/kit/gate.ts"
import { type Site, siteOf } from "../../test/kit/site.ts"
import { parseMailbox, printMailbox } from "../mail/address.ts"
import { because } from "../mail/decision.ts"
import { replyLine } from "../mail/reply.ts"
import { canonify } from "./canonify.ts"
import { forwardedSender } from "./forwarded.ts"
import { resolve } from "./route.ts"

const site: Site = { name: "grussell.org", classes: { w: ["grussell.org"] }, features: { srs: [] } }
const srs = { domain: "grussell.org", secret: "a secret of grussell.org", days: 21 }
const world = { ...siteOf(site), srs: { srs, clock: () => Date.UTC(2026, 10, 24) } }

function mailbox(text: string) {
  const read = parseMailbox(text)
  assert.ok(read.ok)
  return read.value
}

function leaves(from: string, to: string, user: string, arrival = arrivalOf("192.0.2.7")): string {
  const recipient = {
    path: mailbox(to),
    original: undefined,
    notify: [],
    admitted: because("test", "it may"),
  }
  const route = { mailer: "esmtp", host: "mx.example.net", user }
  const sender = from === "" ? "null" : mailbox(from)
  const rewritten = forwardedSender({ arrival, sender, recipients: [{ recipient, route }] }, world)
  return rewritten === undefined ? from : printMailbox(rewritten)
}

const forwarded = /^SRS0=\w{8}=\w\w=example\.org=ann@grussell\.org$/

test("what an alias made of the recipient is no recipient of its own", () => {
  const path = mailbox("gor@napier.ac.uk")
  const recipient = { path, original: undefined, notify: [], admitted: because("test", "it may") }
  const route = { mailer: "esmtp", host: "napier.ac.uk", user: "gor@napier.ac.uk" }
  const recipients = [{ recipient, route, expandedFrom: { address: "me@grussell.org" } }]
  const arrival = arrivalOf("192.0.2.7")
  const rewritten = forwardedSender({ arrival, sender: mailbox("ann@example.org"), recipients }, world)
  assert.match(rewritten === undefined ? "" : printMailbox(rewritten), forwarded)
})

test("mail that an alias sends on to another domain leaves with a sender of ours", () => {
  assert.match(leaves("ann@example.org", "me@grussell.org", "gor@napier.ac.uk"), forwarded)
})

const stays = [
  ["reports", "", "me@grussell.org", "gor@napier.ac.uk", arrivalOf("192.0.2.7")],
  ["mail of our own", "me@grussell.org", "list@grussell.org", "gor@napier.ac.uk", arrivalOf("192.0.2.7")],
  [
    "mail that is only relayed",
    "ann@example.org",
    "gor@napier.ac.uk",
    "gor@napier.ac.uk",
    arrivalOf("192.0.2.7"),
  ],
  ["mail from this host", "ann@example.org", "me@grussell.org", "gor@napier.ac.uk", arrivalOf(undefined)],
  [
    "mail of who is logged in",
    "ann@example.org",
    "me@grussell.org",
    "gor@napier.ac.uk",
    arrivalOf("192.0.2.7", { authenticated: "me" }),
  ],
] as const

for (const [what, from, to, user, arrival] of stays) {
  test(`${what} keeps its sender`, () => assert.equal(leaves(from, to, user, arrival), from))
}

async function way(typed: string): Promise<string> {
  const read = await canonify(typed, world)
  assert.ok(read.outcome === "yes")
  const decision = await resolve(read.value, world)
  if (decision.outcome === "pass") return "pass"
  return decision.outcome === "yes" ? `${decision.value.route.user}` : replyLine(decision.reply)
}

test("what comes back to such an address goes to the first sender; a forged or old one is refused", async () => {
  const sent = leaves("ann@example.org", "me@grussell.org", "gor@napier.ac.uk")
  assert.equal(await way(sent), "ann@example.org")
  assert.equal(
    await way(sent.replace("=ann@", "=bob@")),
    "550 5.1.6 This forwarding address is no longer valid",
  )
})
