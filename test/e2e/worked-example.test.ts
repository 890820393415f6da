// The worked example of the documentation: a user at napier.ac.uk writes to me@grussell.org; two whole mail systems and a name
// server, on loopback addresses.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { startNameserver } from "../kit/nameserver.ts"
import { freePort, System } from "../kit/system.ts"

const zone = {
  "napier.ac.uk": { MX: [[10, "mail.napier.ac.uk"]] },
  "mail.napier.ac.uk": { A: ["127.0.0.2"] },
  "grussell.org": {
    MX: [
      [10, "mail.grussell.org"],
      [5, "down.grussell.org"],
    ],
  },
  "mail.grussell.org": { A: ["127.0.0.3"] },
  "down.grussell.org": { A: ["127.0.0.4"] },
  "2.0.0.127.in-addr.arpa": { PTR: "mail.napier.ac.uk" },
} as const

const mc = (host: string, address: string) => `
OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.${host}')dnl
LOCAL_DOMAIN(\`${host}')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=${address}, Port=@PORT@')dnl
FEATURE(\`no_default_msa')dnl
CLIENT_OPTIONS(\`Addr=${address}')dnl
define(\`SMTP_MAILER_ARGS', \`TCP $h @PORT@')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h @PORT@')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

async function napierAndGrussell() {
  const nameserver = await startNameserver(zone)
  const port = await freePort("127.0.0.3")
  const start = (host: string, address: string, aliases: string) =>
    System.start({
      mc: mc(host, address),
      files: { aliases },
      ports: { mta: port, msa: 0 },
      address,
      users: ["g.russell", "gor", "andrew"],
      args: ["--resolver", nameserver.resolver],
    })
  const napier = await start("napier.ac.uk", "127.0.0.2", "postmaster: g.russell\n")
  const grussell = await start(
    "grussell.org",
    "127.0.0.3",
    "postmaster : gor\nme : gor\ndevel : gor, andrew\n",
  )
  return {
    napier,
    grussell,
    async stop() {
      await napier.stop()
      await grussell.stop()
      await nameserver.close()
    },
  }
}

test("mail submitted at napier.ac.uk reaches me's mailbox at grussell.org, by way of its MX", async () => {
  const both = await napierAndGrussell()
  try {
    const { napier, grussell } = both
    const message =
      "From: g.russell@napier.ac.uk\nTo: me@grussell.org\nSubject: Wow\n\nHello me.\nFrom here it is quoted.\n"
    const sent = await napier.command(
      "sendmail",
      ["-f", "g.russell@napier.ac.uk", "me@grussell.org"],
      message,
    )
    assert.equal(sent.code, 0, sent.stderr)
    await napier.idle()
    await grussell.idle()
    const box = readFileSync(join(grussell.directory, "mail", "gor"), "latin1")
    assert.match(
      box,
      /^From g\.russell@napier\.ac\.uk  \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\nReturn-Path: <g\.russell@napier\.ac\.uk>\n/,
    )
    assert.match(
      box,
      /\nReceived: from mail\.napier\.ac\.uk \(mail\.napier\.ac\.uk \[127\.0\.0\.2\]\)\n\tby mail\.grussell\.org \(Waypost [\d.]+\) with ESMTP id [0-9A-Za-z]{14}\n\tfor <me@grussell\.org>; /,
    )
    assert.match(
      box,
      /\nReceived: \(from [^)]*@localhost\)\n\tby mail\.napier\.ac\.uk \(Waypost [\d.]+\) id [0-9A-Za-z]{14}/,
    )
    assert.match(box, /\nMessage-I[dD]: <[^>]+@mail\.napier\.ac\.uk>\n/)
    assert.match(box, /\n\nHello me\.\n>From here it is quoted\.\n\n$/)
    assert.match(
      napier.stderr,
      /to=<me@grussell\.org>, .*mailer=esmtp, .*relay=mail\.grussell\.org\. \[127\.0\.0\.3\], dsn=2\.0\.0, stat=Sent \(\w+ Message accepted for delivery\)/,
    )
    assert.match(grussell.stderr, /to=gor, delay=.*mailer=local, .*dsn=2\.0\.0, stat=Sent/)
  } finally {
    await both.stop()
  }
})

test("an unknown user at the other end comes back as a report, and a list reaches all its members", async () => {
  const both = await napierAndGrussell()
  try {
    const { napier, grussell } = both
    const to = ["nobody.here@grussell.org", "devel@grussell.org"]
    const sent = await napier.command(
      "sendmail",
      ["-f", "g.russell@napier.ac.uk", ...to],
      "Subject: both\n\nHello.\n",
    )
    assert.equal(sent.code, 0, sent.stderr)
    await napier.idle()
    await grussell.idle()
    for (const user of ["gor", "andrew"])
      assert.match(readFileSync(join(grussell.directory, "mail", user), "latin1"), /\nSubject: both\n/)
    const report = readFileSync(join(napier.directory, "mail", "g.russell"), "latin1")
    assert.match(report, /^From MAILER-DAEMON /)
    assert.match(report, /\nReturn-Path: <>\n|\nReturn-Path: <MAILER-DAEMON>\n|^Return-Path: <>\n/m)
    assert.match(report, /\nContent-Type: multipart\/report; report-type=delivery-status/)
    assert.match(report, /\nFinal-Recipient: RFC822; nobody\.here@grussell\.org\n/i)
    assert.match(report, /\nAction: failed\nStatus: 5\.1\.1\n/)
    assert.match(report, /\nRemote-MTA: DNS; mail\.grussell\.org\n/i)
    assert.match(
      report,
      /\nDiagnostic-Code: SMTP; 550 5\.1\.1 <nobody\.here@grussell\.org>\.\.\. User unknown\n/i,
    )
    const queue = await napier.command("mailq", [])
    assert.match(queue.stdout, /is empty/)
  } finally {
    await both.stop()
  }
})
