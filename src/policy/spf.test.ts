import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"

const zone = {
  "client.test": { A: "192.0.2.7" },
  "grussell.org": { TXT: "v=spf1 ip4:192.0.2.7 -all", MX: "10 client.test" },
  "strict.example.org": { TXT: "v=spf1 -all exp=why.example.org", MX: "10 client.test" },
  "why.example.org": { TXT: "%{i} is none of ours" },
  "soft.example.org": { TXT: "v=spf1 ~all", MX: "10 client.test" },
  "wrong.example.org": { TXT: "v=spf1 all-", MX: "10 client.test" },
  "plain.example.org": { MX: "10 client.test" },
}

function host(more = "", access = "", feature = "") {
  return mailhost({
    dns: zone,
    accounts: ["bob"],
    files: {
      "/etc/mail/sendmail.mc": `
        FEATURE(access_db)dnl
        FEATURE(\`spf'${feature})dnl
        ${more}
        MAILER(smtp)dnl`,
      "/etc/mail/access": `
        ${access}`,
    },
  })
}

test("SPF: a fail is refused with the domain's own words, and the reason leads to the term and the line", async () => {
  await host().talk("192.0.2.66")`
    S: 220 *
    C: EHLO client.test
    S: 250-*
    S: 250 HELP
    C: MAIL FROM:<ann@strict.example.org>
    S: 550-5.7.23 <ann@strict.example.org>... 192.0.2.66 is not allowed to send mail from strict.example.org (SPF fail)
    S: 550 5.7.23 strict.example.org explains: 192.0.2.66 is none of ours
    C: MAIL FROM:<ann@grussell.org>
    S: 550 5.7.23 <ann@grussell.org>... 192.0.2.66 is not allowed to send mail from grussell.org (SPF fail)
    C: MAIL FROM:<ann@plain.example.org>
    S: 250 2.1.0 *
  `
})

async function sent(from: string, address: string, mx = host()): Promise<string> {
  await mx.play(
    address,
    `
    S: 220 *
    C: HELO client.test
    S: 250 *
    C: MAIL FROM:<${from}>
    S: 250 *
    C: RCPT TO:<bob@mx.test>
    S: 250 *
    C: DATA
    S: 354 *
    C: Authentication-Results: (believe me) mx.test; spf=pass
    C: Authentication-Results: other.test; spf=fail
    C: Subject: SPF
    C:
    C: text
    C: .
    S: 250 *
  `,
  )
  return mx.spool.stored.at(-1)?.text ?? ""
}

test("SPF: what was found stands on top of the message, and what others claim in our name is gone", async () => {
  const text = await sent("ann@grussell.org", "192.0.2.7")
  assert.match(
    text,
    /^Authentication-Results: mx\.test;\r\n\tspf=pass \([^)]*\) smtp\.mailfrom=ann@grussell\.org\r\nReceived-SPF: pass \(mx\.test: domain grussell\.org lets 192\.0\.2\.7 send: its record says ip4:192\.0\.2\.7\)\r\n\tclient-ip=192\.0\.2\.7;\r\n\tenvelope-from="ann@grussell\.org";\r\n\thelo=client\.test;\r\n\treceiver=mx\.test;\r\n\tidentity=mailfrom;\r\n\tmechanism="ip4:192\.0\.2\.7"\r\nReceived: /,
  )
  assert.doesNotMatch(text, /believe me/)
  assert.match(text, /^Authentication-Results: other\.test/m)
})

test("SPF: ~all marks and does no more; a wrong record is told; <> is judged by HELO", async () => {
  assert.match(await sent("ann@soft.example.org", "192.0.2.66"), /^Received-SPF: softfail /m)
  assert.match(await sent("ann@wrong.example.org", "192.0.2.66"), /^Received-SPF: permerror .*"all-"/m)
  assert.match(await sent("", "192.0.2.66"), /spf=none .* smtp\.helo=client\.test\r\n/)
})

test("SPF: softfail=discard throws away, softfail=reject refuses, softfail=none says nothing", async () => {
  const discarding = host("", "", ", `softfail=discard'")
  await sent("ann@soft.example.org", "192.0.2.66", discarding)
  assert.equal(discarding.spool.stored.length, 0)
  const silent = await sent(
    "ann@soft.example.org",
    "192.0.2.66",
    host("", "", ", `fail=mark, softfail=none'"),
  )
  assert.doesNotMatch(silent, /^Received-SPF|mx\.test; spf/m)
  await host("", "", ", `softfail=reject'").talk("192.0.2.66")`
    S: 220 *
    C: MAIL FROM:<ann@soft.example.org>
    S: 550 5.7.23 *
  `
})

test("SPF: whom access welcomes, whom we relay for, and who is on this host, is not asked", async () => {
  for (const [address, access] of [
    ["192.0.2.66", "Connect:192.0.2.66 OK"],
    ["192.0.2.66", "From:strict.example.org OK"],
    ["192.0.2.66", "192.0.2 RELAY"],
    ["127.0.0.1", ""],
  ] as const) {
    await host("", access).talk(address)`
      S: 220 *
      C: MAIL FROM:<ann@strict.example.org>
      S: 250 2.1.0 *
    `
  }
})

test("SPF: with delay_checks the refusal comes at RCPT", async () => {
  await host("FEATURE(`delay_checks')dnl").talk("192.0.2.66")`
    S: 220 *
    C: MAIL FROM:<ann@strict.example.org>
    S: 250 2.1.0 *
    C: RCPT TO:<bob@mx.test>
    S: 550-5.7.23 *
    S: 550 5.7.23 *
  `
})

test("SPF: a word that it does not know is told, with the one that was meant", () => {
  assert.throws(() => host("", "", ", `softfial=mark'"), /softfial.*|did you mean/s)
  assert.throws(() => host("", "", ", `fail=refuse'"), /reject, defer, hold/)
})

const withHelo = (feature: string) =>
  mailhost({
    dns: { ...zone, "client.test": { A: "192.0.2.7", TXT: "v=spf1 a -all" } },
    accounts: ["bob"],
    files: {
      "/etc/mail/sendmail.mc": `
        FEATURE(\`spf'${feature})dnl
        MAILER(smtp)dnl`,
    },
  })

test("SPF: the name in HELO is judged beside the sender, and both results stand on top of the message", async () => {
  const text = await sent("ann@plain.example.org", "192.0.2.66", withHelo(""))
  assert.match(
    text,
    /^\tspf=none \([^)]*\) smtp\.mailfrom=ann@plain\.example\.org;\r\n\tspf=fail \([^)]*\) smtp\.helo=client\.test\r\n/m,
  )
  assert.match(text, /^Received-SPF: fail [^;]*;[^]*?identity=helo/m)
  const silent = await sent("ann@plain.example.org", "192.0.2.66", withHelo(", `helo=none'"))
  assert.doesNotMatch(silent, /smtp\.helo/)
})

test("SPF: helo=reject refuses who uses the name of a host that he is not", async () => {
  const dialog = (address: string, reply: string) =>
    withHelo(", `helo=reject'").play(
      address,
      `
      S: 220 *
      C: HELO client.test
      S: 250 *
      C: MAIL FROM:<ann@plain.example.org>
      S: ${reply}
    `,
    )
  await dialog(
    "192.0.2.66",
    "550 5.7.23 <ann@plain.example.org>... 192.0.2.66 is not allowed to send mail from client.test (SPF fail)",
  )
  await dialog("192.0.2.7", "250 2.1.0 *")
})
