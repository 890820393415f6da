import assert from "node:assert/strict"
import { setTimeout as sleep } from "node:timers/promises"
import { test } from "node:test"
import type { Zone } from "../../test/kit/nameserver.ts"
import { batch, host, message, post, settings, told } from "../../test/kit/post.ts"
import type { SinkRule } from "../../test/kit/sink.ts"

const grussell: Zone = {
  "grussell.org": {
    MX: [
      [10, "mx1.grussell.org"],
      [20, "mx2.grussell.org"],
    ],
  },
  "mx1.grussell.org": { A: ["127.0.0.2"] },
  "mx2.grussell.org": { A: ["127.0.0.3"] },
  "hello.com": { MX: [[0, "."]] },
  "napier.ac.uk": { A: ["127.0.0.2"] },
  "loop.test": {
    MX: [
      [10, "us.loop.test"],
      [20, "mx1.grussell.org"],
    ],
  },
  "second.test": {
    MX: [
      [10, "mx1.grussell.org"],
      [20, "us.loop.test"],
    ],
  },
  "us.loop.test": { A: ["127.0.0.9"] },
  "broken.test": { fail: "SERVFAIL" },
  "half.test": {
    MX: [
      [10, "broken.test"],
      [20, "mx2.grussell.org"],
    ],
  },
}

test("a message goes to the MX, octet by octet, and the status names who took it and why", async (t) => {
  const sink = await host(t)
  const { mailer } = await post(t, sink.port, grussell)
  const [status] = await mailer.deliver(batch("me@grussell.org", "grussell.org"))
  assert.equal(status?.action, "relayed")
  assert.equal(status.remote, "mx1.grussell.org [127.0.0.2]")
  assert.equal(status.reason.after[0]?.says, "grussell.org MX 10 mx1.grussell.org")
  assert.deepEqual(sink.transactions[0]?.content, message)
  assert.equal(sink.commands[1], "EHLO mail.example.org")
})

test("the same session carries the next message, and several at once have sessions of their own", async (t) => {
  const sink = await host(t)
  const { mailer } = await post(t, sink.port)
  await mailer.deliver(batch("me@grussell.org"))
  await mailer.deliver(batch("me@grussell.org"))
  assert.equal(sink.sessions(), 1)
  await Promise.all(Array.from({ length: 5 }, () => mailer.deliver(batch("me@grussell.org"))))
  assert.equal(sink.sessions(), 5)
  assert.equal(sink.received(), 7)
})

test("no more sessions than the limit are opened; the others wait their turn", async (t) => {
  const sink = await host(t)
  const { mailer } = await post(t, sink.port, {}, { limits: { sessions: 2 } })
  const all = await Promise.all(Array.from({ length: 20 }, () => mailer.deliver(batch("me@grussell.org"))))
  assert.ok(all.flat().every(({ action }) => action === "relayed"))
  assert.equal(sink.sessions(), 2)
})

test("a session is left after so many messages, and after resting too long", async (t) => {
  const sink = await host(t)
  const { mailer } = await post(t, sink.port, {}, { limits: { transactions: 2, idleMs: 20 } })
  for (let n = 0; n < 3; n++) await mailer.deliver(batch("me@grussell.org"))
  assert.equal(sink.sessions(), 2)
  await sink.quiet()
  assert.equal(sink.commands.filter((line) => line === "QUIT").length, 2)
  await mailer.deliver(batch("me@grussell.org"))
  assert.equal(sink.sessions(), 3)
})

test("a rested session that the peer has ended meanwhile costs nothing", async (t) => {
  for (const rule of [
    { on: /^MAIL.*/, act: "421 4.4.2 idle too long", times: 1 },
    { on: /^MAIL.*/, act: { end: "close" }, times: 1 },
    { on: /^MAIL.*/, act: { end: "reset" }, times: 1 },
  ] as const) {
    const sink = await host(t, { rules: [{ on: /^MAIL.*/, act: "250 ok", times: 1 }, rule] })
    const { mailer, log } = await post(t, sink.port)
    for (let n = 0; n < 2; n++) {
      assert.deepEqual(told(await mailer.deliver(batch("me@grussell.org"))), ["me relayed 2.0.0"])
    }
    assert.equal(sink.sessions(), 2)
    assert.deepEqual(log, [])
  }
})

const firstHostFails: readonly (readonly [string, readonly SinkRule[]])[] = [
  ["greets with 4xx", [{ on: /^connect/, act: "450 4.3.2 busy" }]],
  ["greets with 421", [{ on: /^connect/, act: { reply: "421 4.3.2 busy", end: "close" } }]],
  ["greets with 5xx", [{ on: /^connect/, act: "554 5.7.1 not you" }]],
  ["hangs up at once", [{ on: /^connect/, act: { end: "close" } }]],
  ["resets at EHLO", [{ on: /^EHLO/, act: { end: "reset" } }]],
  ["hangs up at MAIL", [{ on: /^MAIL/, act: { end: "close" } }]],
  ["hangs up at RCPT", [{ on: /^RCPT/, act: { end: "close" } }]],
  ["hangs up at DATA", [{ on: /^DATA/, act: { end: "close" } }]],
  ["says 421 to MAIL", [{ on: /^MAIL/, act: { reply: "421 4.3.0 bye", end: "close" } }]],
  ["talks nonsense", [{ on: /^connect/, act: "SSH-2.0-OpenSSH" }]],
  ["is silent when greeting", [{ on: /^connect/, act: { end: "silence" } }]],
  ["is silent at RCPT", [{ on: /^RCPT/, act: { end: "silence" } }]],
  ["dribbles a reply without end", [{ on: /^MAIL/, act: { raw: "250-" } }]],
]

for (const [name, rules] of firstHostFails) {
  test(`the second MX is asked when the first ${name}`, async (t) => {
    const first = await host(t, { rules })
    const second = await host(t, { address: "127.0.0.3", port: first.port })
    const timeouts = { initial: 100, mail: 100, rcpt: 100 }
    const { mailer, log } = await post(t, first.port, grussell, { timeouts })
    const statuses = await mailer.deliver(batch("me@grussell.org", "grussell.org"))
    assert.deepEqual(told(statuses), ["me relayed 2.0.0"])
    assert.equal(statuses[0]?.remote, "mx2.grussell.org [127.0.0.3]")
    assert.equal(second.received(), 1)
    assert.match(log[0] ?? "", /^a0000000000001: mx1\.grussell\.org \[127\.0\.0\.2\]: /)
  })
}

test("the second MX is asked when nobody listens at the first", async (t) => {
  const second = await host(t, { address: "127.0.0.3" })
  const { mailer, log } = await post(t, second.port, grussell)
  assert.deepEqual(told(await mailer.deliver(batch("me@grussell.org", "grussell.org"))), ["me relayed 2.0.0"])
  assert.deepEqual(log, [
    "a0000000000001: mx1.grussell.org [127.0.0.2]: Connection refused by mx1.grussell.org.",
  ])
})

test("once the message is on its way no other host is asked: it may have arrived", async (t) => {
  for (const act of [{ end: "close" }, { end: "reset" }, { end: "silence" }] as const) {
    const first = await host(t, { rules: [{ on: /^\./, act }] })
    const second = await host(t, { address: "127.0.0.3", port: first.port })
    const { mailer } = await post(t, first.port, grussell, { timeouts: { datafinal: 100 } })
    const [status] = await mailer.deliver(batch("me@grussell.org", "grussell.org"))
    assert.equal(`${status?.action} ${status?.status}`, "delayed 4.4.2")
    assert.equal(status?.remote, "mx1.grussell.org [127.0.0.2]")
    assert.equal(second.sessions(), 0)
  }
})

test("a refused recipient is not tried elsewhere, and the others are", async (t) => {
  const first = await host(t, {
    rules: [
      { on: /^RCPT To:<no@/, act: "550 5.1.1 User unknown" },
      { on: /^DATA/, act: { reply: "421 4.3.0 bye", end: "close" } },
    ],
  })
  const second = await host(t, { address: "127.0.0.3", port: first.port })
  const { mailer } = await post(t, first.port, grussell)
  const statuses = await mailer.deliver(batch("no@grussell.org me@grussell.org", "grussell.org"))
  assert.deepEqual(told(statuses), ["no failed 5.1.1 (550 5.1.1 User unknown)", "me relayed 2.0.0"])
  assert.deepEqual(second.transactions[0]?.rcpt, ["<me@grussell.org>"])
})

test("when no host can be had, what may pass outweighs what is final", async (t) => {
  const first = await host(t, { rules: [{ on: /^connect/, act: "554 5.7.1 not you" }] })
  const second = await host(t, {
    address: "127.0.0.3",
    port: first.port,
    rules: [{ on: /^connect/, act: "450 4.7.1 busy" }],
  })
  const { mailer } = await post(t, first.port, grussell)
  const both = await mailer.deliver(batch("me@grussell.org", "grussell.org"))
  assert.deepEqual(told(both), ["me delayed 4.7.1 (450 4.7.1 busy)"])
  await second.close()
  const refused = await mailer.deliver(batch("me@napier.ac.uk", "napier.ac.uk"))
  assert.deepEqual(told(refused), ["me failed 5.7.1 (554 5.7.1 not you)"])
})

const unreachable: readonly (readonly [string, string, string])[] = [
  ["a null MX is never tried", "hello.com", "me failed 5.1.10 (Domain does not accept mail (null MX))"],
  [
    "a domain that does not exist",
    "nowhere.test",
    "me failed 5.1.2 (Host unknown (Name server: nowhere.test: host not found))",
  ],
  [
    "DNS that cannot tell",
    "broken.test",
    "me delayed 4.4.3 (Name server: broken.test: host name lookup failure)",
  ],
  [
    "ourselves as the best exchanger",
    "loop.test",
    "me failed 5.3.5 (us.loop.test. config error: mail loops back to me (MX problem?))",
  ],
  [
    "a route that is no host",
    "[x",
    'me delayed 4.3.5 ("[x" is no host, [host] or list of hosts joined by colons)',
  ],
]

for (const [name, route, expected] of unreachable) {
  test(`no host is asked: ${name}`, async (t) => {
    const sink = await host(t)
    const { mailer } = await post(t, sink.port, grussell)
    const statuses = await mailer.deliver(batch("me@grussell.org", route))
    assert.deepEqual(told(statuses), [expected])
    assert.equal(statuses[0]?.remote, route) // nobody spoke, and this is of whom it is said
    assert.equal(sink.sessions(), 0)
  })
}

test("ourselves as the second exchanger ends the list, and the mail waits for the first", async (t) => {
  const { mailer } = await post(t, (await host(t, { address: "127.0.0.5" })).port, grussell)
  assert.deepEqual(told(await mailer.deliver(batch("me@second.test", "second.test"))), [
    "me delayed 4.4.1 (Connection refused by mx1.grussell.org.)",
  ])
})

test("an exchanger whose address cannot be had is passed over", async (t) => {
  const second = await host(t, { address: "127.0.0.3" })
  const { mailer } = await post(t, second.port, grussell)
  assert.deepEqual(told(await mailer.deliver(batch("me@half.test", "half.test"))), ["me relayed 2.0.0"])
})

test("FallbackMXhost takes what no exchanger took", async (t) => {
  const backup = await host(t, { address: "127.0.0.4" })
  const { mailer } = await post(t, backup.port, grussell, {
    settings: settings(backup.port, { FallbackMXhost: "[127.0.0.4]" }),
  })
  for (const domain of ["grussell.org", "broken.test"]) {
    assert.deepEqual(told(await mailer.deliver(batch("me@grussell.org", domain))), ["me relayed 2.0.0"])
  }
  assert.equal(backup.received(), 2)
})

test("FallbackSmartHost takes what no exchanger took, and mail for hosts that nobody knows", async (t) => {
  const smart = await host(t, { address: "127.0.0.4" })
  const { mailer } = await post(t, smart.port, grussell, {
    settings: settings(smart.port, { FallbackMXhost: "[127.0.0.9]", FallbackSmartHost: "[127.0.0.4]" }),
  })
  for (const domain of ["grussell.org", "broken.test", "nosuch.test"]) {
    assert.deepEqual(
      told(await mailer.deliver(batch("me@grussell.org", domain))),
      ["me relayed 2.0.0"],
      domain,
    )
  }
  assert.equal(smart.received(), 3)
})

test("a silent host is left alone for a while: only the first message waits for it", async (t) => {
  const silent = await host(t, { rules: [{ on: /^connect/, act: { end: "silence" } }] })
  const { mailer } = await post(t, silent.port, {}, { timeouts: { initial: 60 } })
  for (let n = 0; n < 4; n++) {
    const [status] = await mailer.deliver(batch("me@grussell.org"))
    assert.deepEqual([status?.action, status?.status], ["delayed", "4.4.2"])
  }
  assert.equal(silent.sessions(), 1)
})

test("one message finds out whether a silent host lives again; the others go by what it found", async (t) => {
  const silent = await host(t, { rules: [{ on: /^connect/, act: { end: "silence" } }] })
  const limits = { downMs: 40, downMostMs: 10_000 }
  const { mailer } = await post(t, silent.port, {}, { timeouts: { initial: 60 }, limits })
  const ten = async () =>
    await Promise.all(
      Array.from({ length: 10 }, async () => told(await mailer.deliver(batch("me@grussell.org")))),
    )
  await mailer.deliver(batch("me@grussell.org"))
  assert.equal(silent.sessions(), 1)
  for (let probes = 1; probes <= 2; probes++) {
    await sleep(40 * 2 ** (probes - 1) + 10)
    const statuses = await ten()
    assert.ok(
      statuses.every(([status]) => status?.startsWith("me delayed 4.4.2")),
      String(statuses),
    )
    assert.equal(silent.sessions(), 1 + probes, "ten messages, one probe")
    await ten() // within the doubled wait nobody asks
    assert.equal(silent.sessions(), 1 + probes)
  }
})

test("a host that refused is asked again at once when there is no other", async (t) => {
  const spare = await host(t, { address: "127.0.0.5" })
  const { mailer } = await post(t, spare.port)
  assert.deepEqual(told(await mailer.deliver(batch("me@grussell.org"))), [
    "me delayed 4.4.1 (Connection refused by [127.0.0.2])",
  ])
  const back = await host(t, { port: spare.port })
  assert.deepEqual(told(await mailer.deliver(batch("me@grussell.org"))), ["me relayed 2.0.0"])
  assert.equal(back.received(), 1)
})
