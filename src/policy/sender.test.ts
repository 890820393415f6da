import assert from "node:assert/strict"
import { test } from "node:test"
import { classify, printPath } from "../mail/address.ts"
import type { Dns, DnsAnswer, MxRecord } from "../mail/world.ts"
import { arrivalOf, envelopeFrom, gateOf, rcpt, said } from "../../test/kit/gate.ts"
import { records, type Site } from "../../test/kit/site.ts"

const silence = { found: "unavailable", why: "no answer" } as const
const nothing = { found: "nothing", why: "no such name", secure: false } as const

const dns: Partial<Dns> = {
  async mx(name): Promise<DnsAnswer<MxRecord>> {
    if (name === "napier.ac.uk") return records({ preference: 10, exchange: "mail.napier.ac.uk" })
    return name === "tempfail.example.org" ? silence : nothing
  },
  async addresses(name): Promise<DnsAnswer<string>> {
    if (name === "slow.example.org") return silence
    return name === "only-a.example.org" ? records("192.0.2.9") : nothing
  },
}
const site: Site = {
  name: "mail.hello.com",
  classes: { w: ["mail.hello.com", "hello.com", "localhost", "[127.0.0.1]"] },
  users: ["bob", "jim", "andrew"],
  dns,
}
const stranger = arrivalOf({ address: "192.0.2.5", name: "client.example.net" })

async function mailFrom(
  typed: string,
  more: Partial<Site> = {},
  arrival = stranger,
  size = 0,
): Promise<string> {
  const path = typed === "" ? "null" : classify(typed)
  return said(await gateOf({ ...site, ...more }).sender(arrival, path, size))
}

// Real sendmail's answers (its default configuration).
const answers: readonly (readonly [string, string])[] = [
  ["", "yes"],
  ["a@napier.ac.uk", "yes"],
  ["A@NAPIER.ac.uk.", "yes"],
  ["a@only-a.example.org", "yes"],
  [
    "a@nosuchdomain.example.org",
    "553 5.1.8 Domain of sender address a@nosuchdomain.example.org does not exist",
  ],
  ["a@x", "553 5.1.8 Domain of sender address a@x does not exist"],
  ["a@tempfail.example.org", "451 4.1.8 Domain of sender address a@tempfail.example.org does not resolve"],
  ["a@slow.example.org", "451 4.1.8 Domain of sender address a@slow.example.org does not resolve"],
  ["bare", "553 5.5.4 Domain name required for sender address bare"],
  ["a@localhost", "553 5.5.4 Real domain name required for sender address"],
  ["a@[127.0.0.1]", "553 5.5.4 Real domain name required for sender address"],
  ["a@[IPv6:::1]", "553 5.5.4 Real domain name required for sender address"],
  ["a@[192.0.2.5]", "yes"],
  ["a@[1.2.3]", "553 5.1.8 Domain of sender address a@[1.2.3] does not exist"],
  ["a@hello.com", "yes"],
  ["nosuch@hello.com", "yes"],
  ["a@.example.org", "553 5.1.2 Invalid host name"],
  ["a@napier..ac.uk", "553 5.1.2 Invalid host name"],
  ["@napier.ac.uk", "553 5.1.3 User address required"],
  ['"a b"@napier.ac.uk', "yes"],
  ["a b@napier.ac.uk", "yes"],
]

for (const [typed, expected] of answers) {
  test(`a stranger's MAIL FROM:<${typed}> is answered ${expected}`, async () => {
    assert.equal(await mailFrom(typed), expected)
  })
}

test("accept_unresolvable_domains and accept_unqualified_senders take what they say", async () => {
  const features = { accept_unresolvable_domains: [], accept_unqualified_senders: [] }
  assert.equal(await mailFrom("a@nosuchdomain.example.org", { features }), "yes")
  assert.equal(await mailFrom("a@tempfail.example.org", { features }), "yes")
  assert.equal(await mailFrom("bare", { features }), "yes")
  assert.equal(await mailFrom("a@localhost", { features }), "yes")
})

test("this host's own programs may leave the domain away", async () => {
  const gate = gateOf(site)
  const decision = await gate.sender(arrivalOf(undefined), classify("bob"), 0)
  assert.ok(decision.outcome === "yes")
  assert.equal(printPath(decision.value), "bob@mail.hello.com")
  assert.equal(await mailFrom("bob@localhost", {}, arrivalOf("127.0.0.1")), "yes")
})

const access = `From:sp1.example.org	REJECT
From:good@sp1.example.org	OK
From:bad@napier.ac.uk	ERROR:5.7.1:550 We do not like you
sp2.example.org	REJECT
From:d.example.org	DISCARD
From:q.example.org	QUARANTINE:look at this
From:cyber@	REJECT
Connect:192.0.2.70	REJECT
Connect:192.0.2.72	ERROR:4.7.1:450 Try later
Connect:h74.example.net	REJECT
Connect:192.0.2.71	DISCARD`

const listed: readonly (readonly [string, string])[] = [
  ["a@sp1.example.org", "550 5.7.1 Access denied"],
  ["a@sub.sp1.example.org", "550 5.7.1 Access denied"],
  ["good@sp1.example.org", "yes"],
  ["BAD@Napier.AC.UK", "550 5.7.1 We do not like you"],
  ["a@sp2.example.org", "550 5.7.1 Access denied"],
  ["x@d.example.org", "yes"],
  ["cyber@anywhere.napier.ac.uk", "550 5.7.1 Access denied"],
  ["a@napier.ac.uk", "yes"],
]

for (const [typed, expected] of listed) {
  test(`with the access table, MAIL FROM:<${typed}> is answered ${expected}`, async () => {
    assert.equal(await mailFrom(typed, { tables: { access } }), expected)
  })
}

test("access is asked for the client's name, then its address", async () => {
  const gate = gateOf({ ...site, tables: { access } })
  const ask = async (address: string, name?: string) => said(await gate.connect(arrivalOf({ address, name })))
  assert.equal(await ask("192.0.2.70"), "550 5.7.1 Access denied")
  assert.equal(await ask("192.0.2.72"), "450 4.7.1 Try later")
  assert.equal(await ask("192.0.2.74", "h74.example.net"), "550 5.7.1 Access denied")
  assert.equal(await ask("192.0.2.75", "h75.example.net"), "yes")
})

test("a size beyond MaxMessageSize is refused before the message comes, and after", async () => {
  const options = { MaxMessageSize: 2000 }
  const declared = "552 5.2.3 Message size exceeds fixed maximum message size (2000)"
  assert.equal(await mailFrom("a@napier.ac.uk", { options }, stranger, 5000), declared)
  assert.equal(await mailFrom("a@napier.ac.uk", { options }, stranger, 2000), "yes")
  const gate = gateOf({ ...site, options })
  const message = (size: number) => gate.message(stranger, envelopeFrom("null"), Buffer.alloc(0), size)
  assert.equal(said(await message(2001)), "552 5.2.3 Message exceeds maximum fixed size (2000)")
  assert.equal(said(await message(2000)), "yes")
})

test("what access says of client, sender or recipient holds or discards the whole message", async () => {
  const features = { blocklist_recipients: [] }
  const lists = `${access}\nTo:quar@ QUARANTINE:to quar\nTo:disc@ DISCARD`
  const gate = gateOf({ ...site, features, tables: { access: lists } })
  const keep = async (address: string, from: string, to: string) => {
    const sender = await gate.sender(arrivalOf(address), classify(from), 0)
    assert.ok(sender.outcome === "yes")
    const path = await gate.recipient(arrivalOf(address), envelopeFrom(sender.value), classify(to))
    const admitted =
      path.outcome === "yes"
        ? [{ path: path.value, original: undefined, notify: [], admitted: path.reason }]
        : []
    const envelope = { ...envelopeFrom(sender.value), recipients: admitted }
    const decision = await gate.message(arrivalOf(address), envelope, Buffer.alloc(0), 10)
    return decision.outcome === "yes" ? decision.value.keep : said(decision)
  }
  assert.equal(await keep("192.0.2.5", "a@napier.ac.uk", "bob"), "deliver")
  assert.equal(await keep("192.0.2.71", "a@napier.ac.uk", "bob"), "discard")
  assert.equal(await keep("192.0.2.5", "x@d.example.org", "bob"), "discard")
  assert.equal(await keep("192.0.2.5", "x@q.example.org", "bob"), "hold")
})

test("FEATURE(blocklist_recipients) refuses by user@domain, user@ and domain", async () => {
  const lists = `badlocaluser@	550 Mailbox disabled for badlocaluser
host.hello.com	550 That host does not accept mail
jim@hello.com	550 Mailbox disabled for this username
To:andrew@hello.com	ERROR:5.2.2:552 full up
To:root@	REJECT`
  const gate = gateOf({ ...site, features: { blocklist_recipients: [] }, tables: { access: lists } })
  const ask = async (typed: string) => said(await rcpt(gate, stranger, typed))
  assert.equal(await ask("badlocaluser@hello.com"), "550 5.0.0 Mailbox disabled for badlocaluser")
  assert.equal(await ask("x@host.hello.com"), "550 5.0.0 That host does not accept mail")
  assert.equal(await ask("jim@hello.com"), "550 5.0.0 Mailbox disabled for this username")
  assert.equal(await ask("andrew@hello.com"), "552 5.2.2 full up")
  assert.equal(await ask("root@hello.com"), "550 5.2.1 Mailbox disabled for this recipient")
  assert.equal(await ask("jim@mail.hello.com"), "yes")
  assert.equal(await ask("jim"), "yes")
  assert.equal(
    said(await rcpt(gateOf({ ...site, tables: { access: lists } }), stranger, "jim@hello.com")),
    "yes",
  )
})

test("with delay_checks client and sender are judged when the recipient is named, logins not at all", async () => {
  const gate = gateOf({ ...site, features: { delay_checks: [] }, tables: { access } })
  const rejected = arrivalOf({ address: "192.0.2.70" })
  assert.equal(said(await gate.connect(rejected)), "yes")
  assert.equal(said(await gate.sender(rejected, classify("a@nosuchdomain.example.org"), 0)), "yes")
  assert.equal(said(await rcpt(gate, rejected, "bob")), "550 5.7.1 Access denied")
  const spam = await gate.sender(stranger, classify("a@sp1.example.org"), 0)
  assert.ok(spam.outcome === "yes")
  assert.equal(said(await rcpt(gate, stranger, "bob", spam.value)), "550 5.7.1 Access denied")
  assert.equal(said(await rcpt(gate, { ...rejected, authenticated: "ann" }, "bob", spam.value)), "yes")
})

test("VRFY names the user or alias, EXPN everybody behind it, each with the full name", async () => {
  const gate = gateOf({
    ...site,
    tables: { aliases: "team: bob, x@napier.ac.uk\nprog: |/bin/capture p" },
  })
  const lines = async (verb: "verify" | "expand", name: string) => {
    const decision = await gate[verb](stranger, classify(name))
    return decision.outcome === "yes" ? decision.value : said(decision)
  }
  assert.deepEqual(await lines("verify", "bob@hello.com"), ["<bob@mail.hello.com>"])
  assert.deepEqual(await lines("verify", "team"), ["<team@mail.hello.com>"])
  assert.deepEqual(await lines("verify", "nosuch"), "550 5.1.1 User unknown")
  assert.deepEqual(await lines("expand", "team"), ["<bob@mail.hello.com>", "<x@napier.ac.uk>"])
  assert.deepEqual(await lines("expand", "prog"), ['<"|/bin/capture p">'])
})
