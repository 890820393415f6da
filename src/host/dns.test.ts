import assert from "node:assert/strict"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { type TestContext, test } from "node:test"
import { decode, encode, type Packet } from "dns-packet"
import type { Dns } from "../mail/world.ts"
import {
  type Nameserver,
  type NameserverOptions,
  startNameserver,
  type Zone,
} from "../../test/kit/nameserver.ts"
import { parseNameserver, parseResolvConf } from "./dns-conf.ts"
import { askFrom, type ResolverOptions, resolverFrom, reverseName } from "./dns.ts"
import { parseHostsFile } from "./hosts.ts"

const zone: Zone = {
  "grussell.org": {
    MX: [
      [20, "Backup.Grussell.ORG"],
      [10, "mail.grussell.org"],
    ],
    TXT: ["v=spf1 mx -all", "x".repeat(600)],
  },
  "mail.grussell.org": { A: ["127.0.0.2"], AAAA: ["::1"] },
  "napier.ac.uk": { CNAME: "web.napier.ac.uk" },
  "web.napier.ac.uk": { A: ["127.0.0.3"], MX: [[5, "mail.napier.ac.uk"]] },
  "hello.com": { MX: [[0, "."]] },
  "2.0.0.127.in-addr.arpa": { PTR: "Mail.Grussell.org" },
  "round.test": { CNAME: "about.test" },
  "about.test": { CNAME: "round.test" },
  "broken.test": { fail: "SERVFAIL" },
  "silent.test": { fail: "silent" },
  "long.test": { TXT: ["y".repeat(3000)], fail: "truncate" },
  "brief.test": { A: ["127.0.0.4"], ttl: 0 },
  "printer.example.org": { A: ["127.0.0.5"] },
}

async function resolver(
  t: TestContext,
  server: NameserverOptions = {},
  options: Partial<ResolverOptions> = {},
): Promise<{ dns: Dns; server: Nameserver }> {
  const started = await startNameserver(zone, server)
  t.after(() => started.close())
  return { dns: made({ resolver: started.resolver, timeoutMs: 150, ...options }), server: started }
}

function made(options: Partial<ResolverOptions>): Dns {
  const dns = resolverFrom({ resolvConf: "", ...options })
  assert.ok(dns.ok)
  return dns.value
}

test("records come with their life, names in lower case and without the last dot", async (t) => {
  const { dns } = await resolver(t)
  assert.deepEqual(await dns.mx("grussell.org"), {
    found: "records",
    records: [
      { preference: 20, exchange: "backup.grussell.org" },
      { preference: 10, exchange: "mail.grussell.org" },
    ],
    secure: false,
    ttl: 300,
  })
  const addresses = await dns.addresses("mail.grussell.org")
  assert.deepEqual(addresses.found === "records" && addresses.records, ["127.0.0.2", "::1"])
  const names = await dns.names("127.0.0.2")
  assert.deepEqual(names.found === "records" && names.records, ["mail.grussell.org"])
  const texts = await dns.txt("GRUSSELL.org.")
  assert.deepEqual(texts.found === "records" && texts.records, ["v=spf1 mx -all", "x".repeat(600)])
})

test("a null MX is told as a record of the root", async (t) => {
  const { dns } = await resolver(t)
  const answer = await dns.mx("hello.com")
  assert.deepEqual(answer.found === "records" && answer.records, [{ preference: 0, exchange: "." }])
})

test("no such name, no such record and cannot tell are three answers", async (t) => {
  const { dns } = await resolver(t)
  assert.deepEqual(await dns.mx("nowhere.test"), { found: "nothing", why: "no such name", secure: false })
  assert.deepEqual(await dns.mx("mail.grussell.org"), {
    found: "nothing",
    why: "no such record",
    secure: false,
  })
  assert.deepEqual(await dns.mx("org"), { found: "nothing", why: "no such record", secure: false })
  const broken = await dns.mx("broken.test")
  assert.match(broken.found === "unavailable" ? broken.why : "", /^SERVFAIL from 127\.0\.0\.1 port \d+$/)
  assert.equal((await dns.mx("silent.test")).found, "unavailable")
})

test("a name that cannot be asked for does not exist, and nobody is asked", async (t) => {
  const { dns, server } = await resolver(t)
  for (const name of ["a..b", "x".repeat(64), `${"long.".repeat(60)}test`, "", "spa ce.test", "ä.test"]) {
    assert.deepEqual(await dns.mx(name), { found: "nothing", why: "no such name", secure: false }, name)
  }
  assert.deepEqual(server.queries, [])
})

test("a CNAME is followed, whether the server did it or left it to us; a loop is cannot tell", async (t) => {
  for (const bare of [false, true]) {
    const { dns } = await resolver(t, { bare })
    const answer = await dns.mx("napier.ac.uk")
    assert.deepEqual(answer.found === "records" && answer.records, [
      { preference: 5, exchange: "mail.napier.ac.uk" },
    ])
    const loop = await dns.mx("round.test")
    assert.match(loop.found === "unavailable" ? loop.why : loop.found, /CNAME/)
    assert.deepEqual((await dns.cname("napier.ac.uk")).found, "records")
  }
})

test("what is known is not asked again, and what is being asked is asked once", async (t) => {
  const { dns, server } = await resolver(t)
  await Promise.all([dns.mx("grussell.org"), dns.mx("grussell.org"), dns.mx("GRUSSELL.ORG")])
  await dns.mx("grussell.org")
  await dns.mx("nowhere.test")
  await dns.mx("nowhere.test")
  assert.deepEqual(server.queries, ["MX grussell.org", "MX nowhere.test"])
  await dns.addresses("brief.test")
  await dns.addresses("brief.test")
  assert.equal(server.queries.filter((query) => query === "A brief.test").length, 2, "a TTL of 0 is not kept")
})

test("each question comes from a port of its own", async (t) => {
  const { dns, server } = await resolver(t)
  for (let n = 0; n < 8; n++) await dns.mx(`n${n}.test`)
  assert.ok(new Set(server.sources).size > 4, `ports ${server.sources.join(" ")}`)
})

test("an answer too long for UDP is fetched over TCP", async (t) => {
  const { dns, server } = await resolver(t)
  const answer = await dns.txt("long.test")
  assert.deepEqual(answer.found === "records" && answer.records, ["y".repeat(3000)])
  assert.deepEqual(server.queries, ["TXT long.test", "tcp TXT long.test"])
})

test("a server that does not know EDNS is asked without it", async (t) => {
  const { dns } = await resolver(t, { noEdns: true })
  assert.equal((await dns.mx("grussell.org")).found, "records")
})

test("AD counts from a resolver on this machine or by trust-ad, from no other", async (t) => {
  const { dns } = await resolver(t, { authentic: true })
  const answer = await dns.mx("grussell.org")
  assert.ok(answer.found === "records" && answer.secure)
  assert.equal(parseResolvConf("nameserver 192.0.2.53").trusted, false)
  assert.equal(parseResolvConf("nameserver 192.0.2.53\noptions trust-ad").trusted, true)
})

const forged = {
  type: "MX" as const,
  name: "grussell.org",
  ttl: 300,
  data: { preference: 1, exchange: "evil.test" },
}
const lies: readonly { readonly name: string; readonly lie: (right: Packet) => readonly Packet[] }[] = [
  {
    name: "a wrong id",
    lie: (right) => [{ ...right, id: ((right.id ?? 0) + 1) & 0xffff, answers: [forged] }],
  },
  {
    name: "a wrong question",
    lie: (right) => [{ ...right, questions: [{ type: "MX", name: "evil.test" }], answers: [forged] }],
  },
  {
    name: "another type of question",
    lie: (right) => [{ ...right, questions: [{ type: "TXT", name: "grussell.org" }], answers: [forged] }],
  },
  { name: "no question", lie: (right) => [{ ...right, questions: [], answers: [forged] }] },
  { name: "a query instead of an answer", lie: (right) => [{ ...right, type: "query", answers: [forged] }] },
]

for (const { name, lie } of lies) {
  test(`an answer with ${name} is not heard, and the right one after it is`, async (t) => {
    const { dns } = await resolver(t, { lie: (right) => [...lie(right), right] })
    const answer = await dns.mx("grussell.org")
    assert.deepEqual(
      answer.found === "records" && answer.records.map(({ exchange }) => exchange).toSorted(),
      ["backup.grussell.org", "mail.grussell.org"],
    )
  })
}

test("records of a name that was not asked for are left out", async (t) => {
  const other = { ...forged, name: "example.org" }
  const { dns } = await resolver(t, { lie: (right) => [{ ...right, answers: [other] }] })
  assert.deepEqual(await dns.mx("grussell.org"), { found: "nothing", why: "no such record", secure: false })
})

test("an answer from another address is not heard", async (t) => {
  const server = createSocket("udp4")
  const stranger = createSocket("udp4")
  server.bind(0, "127.0.0.1")
  stranger.bind(0, "127.0.0.2")
  await Promise.all([once(server, "listening"), once(stranger, "listening")])
  t.after(() => {
    server.close()
    stranger.close()
  })
  server.on("message", (bytes, from) => {
    const question = decode(bytes)
    const lie = encode({
      type: "response",
      id: question.id ?? 0,
      questions: question.questions ?? [],
      answers: [forged],
    })
    stranger.send(lie, from.port, from.address)
  })
  const { port } = server.address()
  const dns = made({ resolver: `127.0.0.1:${port}`, timeoutMs: 100 })
  const answer = await dns.mx("grussell.org")
  assert.match(answer.found === "unavailable" ? answer.why : answer.found, /^no answer in time/)
})

test("octets that are no DNS at all are not heard", async (t) => {
  const server = createSocket("udp4")
  server.bind(0, "127.0.0.1")
  await once(server, "listening")
  t.after(() => server.close())
  server.on("message", (bytes, from) => {
    for (let cut = 0; cut <= bytes.length; cut += 3) {
      const piece = Buffer.from(bytes.subarray(0, cut))
      if (cut > 2) piece[2] = 0x80
      if (cut > 7) piece[7] = 9 // answers that are not there
      server.send(piece, from.port, from.address)
    }
  })
  const dns = made({ resolver: `127.0.0.1:${server.address().port}`, timeoutMs: 100 })
  assert.equal((await dns.mx("grussell.org")).found, "unavailable")
})

test("a silent or failing server hands over to the next", async (t) => {
  for (const fail of ["silent", "SERVFAIL", "REFUSED", "FORMERR"] as const) {
    const first = await startNameserver({ "grussell.org": { fail } })
    t.after(() => first.close())
    const { server: second } = await resolver(t)
    const answer = await askFrom([first, second], { timeoutMs: 100 }).mx("grussell.org")
    assert.equal(answer.found, "records", fail)
    assert.deepEqual(second.queries, ["MX grussell.org"])
    assert.ok(first.queries.length > 0)
  }
})

test("the time for one question is bounded, however many servers are silent", async (t) => {
  const { dns } = await resolver(t, {}, { timeoutMs: 5000, budgetMs: 120 })
  const begun = performance.now()
  assert.equal((await dns.mx("silent.test")).found, "unavailable")
  assert.ok(performance.now() - begun < 1500)
})

test("/etc/hosts comes first, for addresses and for names", async (t) => {
  const table = parseHostsFile(
    "127.0.0.7 Mail.grussell.org mail # ours\n::1 six\nnonsense here\n127.0.0.8 mail.grussell.org\n",
  )
  const { dns, server } = await resolver(t, {}, { hosts: { table: () => table } })
  const found = await dns.addresses("mail.grussell.org")
  assert.deepEqual(found.found === "records" && found.records, ["127.0.0.7", "127.0.0.8"])
  const names = await dns.names("127.0.0.7")
  assert.deepEqual(names.found === "records" && names.records, ["mail.grussell.org", "mail"])
  assert.deepEqual(server.queries, [])
})

test("localhost is this machine without asking anybody", async (t) => {
  const { dns, server } = await resolver(t)
  const found = await dns.addresses("localhost")
  assert.deepEqual(found.found === "records" && found.records, ["127.0.0.1"])
  assert.equal((await dns.mx("localhost")).found, "nothing")
  assert.deepEqual(server.queries, [])
})

test("a name without a dot is tried with the search list first", async (t) => {
  const { server } = await resolver(t)
  const dns = askFrom([{ address: "127.0.0.1", port: server.port }], {
    search: ["example.org"],
    timeoutMs: 150,
  })
  const found = await dns.addresses("printer")
  assert.deepEqual(found.found === "records" && found.records, ["127.0.0.5"])
  await dns.mx("grussell.org")
  assert.ok(!server.queries.some((query) => query.includes("grussell.org.example.org")))
})

test("resolv.conf is read as resolv.conf(5) says", () => {
  const conf = parseResolvConf(
    "# ours\nnameserver 192.0.2.1\nnameserver bad\nnameserver 2001:db8::1 ; second\ndomain example.org\nsearch a.test b.test.\noptions ndots:2 timeout:3 attempts:9 rotate\n",
  )
  assert.deepEqual(conf, {
    servers: [
      { address: "192.0.2.1", port: 53 },
      { address: "2001:db8::1", port: 53 },
    ],
    search: ["a.test", "b.test"],
    ndots: 2,
    timeoutMs: 3000,
    attempts: 5,
    rotate: true,
    trusted: false,
  })
  assert.deepEqual(parseResolvConf("").servers, [{ address: "127.0.0.1", port: 53 }])
})

test("a name server is written ADDRESS or ADDRESS:PORT", () => {
  for (const [text, address, port] of [
    ["192.0.2.1", "192.0.2.1", 53],
    ["127.0.0.1:5353", "127.0.0.1", 5353],
    ["::1", "::1", 53],
    ["[::1]:5353", "::1", 5353],
    ["[::1]", "::1", 53],
  ] as const) {
    assert.deepEqual(parseNameserver(text), { ok: true, value: { address, port } })
  }
  for (const text of ["", "ns.example.org", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:x", "[::1]x"]) {
    assert.deepEqual(parseNameserver(text).ok, false, text)
  }
})

test("the reverse name of an address", () => {
  const six = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
  assert.equal(reverseName("192.0.2.7"), "7.2.0.192.in-addr.arpa")
  assert.equal(reverseName("2001:db8::7"), six)
  assert.equal(reverseName("2001:DB8:0:0:0:0:0:7"), six)
  assert.equal(reverseName("::ffff:192.0.2.7")?.slice(0, 24), "7.0.2.0.0.0.0.c.f.f.f.f.")
  assert.equal(reverseName("mail.grussell.org"), undefined)
})
