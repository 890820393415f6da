import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import { compareSides } from "./what-if.ts"
import type { Question } from "./what-if-record.ts"
import type { Side } from "./what-if-side.ts"

const zone = {
  "client.test": { MX: "10 client.test", A: "192.0.2.7" },
  "7.2.0.192.in-addr.arpa": { PTR: "client.test" },
}

/** One configuration, ready to be asked. */
function side(mc: string, files: Readonly<Record<string, string>> = {}): Side {
  const text = `OSTYPE(linux)dnl\nLOCAL_DOMAIN(\`napier.ac.uk')dnl\n${mc}\nMAILER(local)dnl\nMAILER(smtp)dnl\n`
  const host = mailhost({
    dns: zone,
    files: { "/etc/mail/sendmail.mc": text, ...files },
    accounts: ["bob"],
  })
  const { settings, routing, gate } = host
  return { settings, routing, gate: () => gate, notices: [], close: () => {} }
}

const plain = side("")
const accessOf = (text: string) => side("FEATURE(access_db)dnl", { "/etc/mail/access": text })

const question: Question = {
  id: "6AO7AgXX000001",
  at: 0,
  arrival: {
    session: "6AO7AgXX000000",
    protocol: "ESMTP",
    client: { address: "192.0.2.7", port: 1, name: "client.test" },
    helo: "client.test",
    authenticated: undefined,
    door: "MTA",
    submission: false,
    tls: undefined,
  },
  sender: "ann@client.test",
  recipient: "bob@napier.ac.uk",
  size: 1000,
  header: undefined,
  was: "accepted",
  times: 1,
}

const cases: readonly {
  readonly says: string
  readonly asked?: Partial<Question>
  readonly now?: Side
  readonly instead: Side
  readonly expected: readonly [now: RegExp, instead: RegExp] | undefined
  readonly at?: RegExp
}[] = [
  { says: "the same configuration changes nothing", instead: side(""), expected: undefined },
  {
    says: "a table that has nothing about it changes nothing",
    instead: accessOf("From:hello.com\tREJECT\n"),
    expected: undefined,
  },
  {
    says: "a sender that access refuses",
    instead: accessOf("# new\nFrom:ann@client.test\tREJECT\n"),
    expected: [/^accepted: local bob$/, /^55\d 5\.7\.1 .*Access denied/],
    at: /^\/etc\/mail\/access:2$/,
  },
  {
    says: "a client that access refuses",
    instead: accessOf("Connect:192.0.2\tREJECT\n"),
    expected: [/^accepted/, /^550 5\.7\.1 Access denied/],
    at: /access:1$/,
  },
  {
    says: "a recipient who may be relayed to",
    asked: { recipient: "gor@example.org", was: "550 5.7.1 <gor@example.org>... Relaying denied" },
    instead: accessOf("To:example.org\tRELAY\n"),
    expected: [/^550 5\.7\.1 .*Relaying denied/, /^accepted: esmtp example\.org gor@example\.org$/],
  },
  {
    says: "another way for mail that is relayed",
    asked: { recipient: "gor@example.org" },
    now: accessOf("To:example.org\tRELAY\n"),
    instead: side("FEATURE(access_db)dnl\ndefine(`SMART_HOST', `[192.0.2.99]')dnl", {
      "/etc/mail/access": "To:example.org\tRELAY\n",
    }),
    expected: [/^accepted: esmtp example\.org /, /^accepted: relay \[192\.0\.2\.99\] /],
    at: /sendmail\.mc:4$/,
  },
  {
    says: "an alias that leads elsewhere",
    instead: side("", { "/etc/mail/aliases": "bob: carol@example.org\n" }),
    expected: [/^accepted: local bob$/, /^accepted: esmtp example\.org carol@example\.org$/],
  },
  {
    says: "a session that ended with its sender goes as far again",
    asked: { recipient: undefined, was: "550 5.7.1 Access denied" },
    now: accessOf("From:client.test\tREJECT\n"),
    instead: plain,
    expected: [/^550 5\.7\.1/, /^sender accepted$/],
  },
  {
    says: "a rule that looks at a field of the header",
    asked: { header: "Subject: Make money\r\n\r\n" },
    instead: side(
      "LOCAL_RULESETS\nHSubject: $>CheckSubject\nSCheckSubject\nRMake money\t$#error $@ 5.7.0 $: 553 no\n",
    ),
    expected: [/^accepted/, /^553 5\.7\.0 /],
  },
]

for (const { says, asked, now = plain, instead, expected, at } of cases) {
  test(`what if: ${says}`, async () => {
    const found = await compareSides({ ...question, ...asked }, { now, instead })
    assert.equal(found.differ, expected !== undefined, JSON.stringify(found))
    if (expected === undefined) return
    assert.match(found.now.says, expected[0])
    assert.match(found.instead.says, expected[1])
    if (at !== undefined) assert.match(found.instead.at ?? "", at)
  })
}

test("what is in force may say otherwise than was said: that is told apart", async () => {
  const then = { ...question, was: "450 4.1.8 Domain of sender address does not resolve" }
  const found = await compareSides(then, { now: plain, instead: plain })
  assert.deepEqual([found.differ, found.moved], [false, true])
  assert.equal((await compareSides(question, { now: plain, instead: plain })).moved, false)
})
