import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import { fields, scanHeader } from "./header.ts"
import type { MakerName } from "./received-maker.ts"
import { readReceived, type Received } from "./received-read.ts"

function read(value: string): { readonly hop: Received; readonly bytes: Buffer } {
  const header = scanHeader(Buffer.from(`Received: ${value}\n\n`, "latin1"))
  const [field] = fields(header, "received")
  assert.ok(field !== undefined)
  return { hop: readReceived(header, field), bytes: header.bytes }
}

type Expected = {
  readonly maker: MakerName
  readonly by?: string
  readonly helo?: string
  readonly reverse?: string
  readonly address?: string
  readonly user?: string
  readonly id?: string
  readonly at: string
}

const shapes: readonly (readonly [string, string, Expected])[] = [
  [
    "sendmail 8.12",
    "from mail.napier.ac.uk (mail.napier.ac.uk [146.176.2.10])\n\tby grussell.org (8.12.3/8.12.3) with ESMTP id g6JF0wx06107\n\tfor <me@grussell.org>; Fri, 19 Jul 2002 16:00:58 +0100",
    {
      maker: "sendmail",
      by: "grussell.org",
      helo: "mail.napier.ac.uk",
      reverse: "mail.napier.ac.uk",
      address: "146.176.2.10",
      id: "g6JF0wx06107",
      at: "2002-07-19T15:00:58.000Z",
    },
  ],
  [
    "sendmail with ident and a doubted name",
    "from cpu59.hello.com (IDENT:gor@hello.com [64.28.67.73] (may be forged)) by grussell.org (8.11.6/8.11.6) with ESMTP id g77220k04020; Wed, 7 Aug 2002 03:02:00 +0100",
    {
      maker: "sendmail",
      by: "grussell.org",
      helo: "cpu59.hello.com",
      reverse: "hello.com",
      address: "64.28.67.73",
      id: "g77220k04020",
      at: "2002-08-07T02:02:00.000Z",
    },
  ],
  [
    "sendmail's local user",
    "(from gor@localhost) by pc236b.napier.ac.uk (8.11.6/8.11.6) id g798g0c28328; Fri, 9 Aug 2002 09:42:00 +0100",
    {
      maker: "sendmail",
      by: "pc236b.napier.ac.uk",
      user: "gor",
      id: "g798g0c28328",
      at: "2002-08-09T08:42:00.000Z",
    },
  ],
  [
    "Postfix",
    "from mail.napier.ac.uk (unknown [IPv6:2001:630:42::10])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\t key-exchange X25519)\n\tby grussell.org (Postfix) with ESMTPS id 442XYl4wtszDfXRT\n\tfor <me@grussell.org>; Sun, 17 Feb 2019 17:31:08 +0100 (CET)",
    {
      maker: "Postfix",
      by: "grussell.org",
      helo: "mail.napier.ac.uk",
      address: "2001:630:42::10",
      id: "442XYl4wtszDfXRT",
      at: "2019-02-17T16:31:08.000Z",
    },
  ],
  [
    "Exim",
    "from pc1.napier.ac.uk ([146.176.7.7] helo=mail.hello.com)\n\tby grussell.org with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.96)\n\tid 1h5BI0-0005Kv-0W for me@grussell.org; Sat, 16 Mar 2019 10:32:00 -0500",
    {
      maker: "Exim",
      by: "grussell.org",
      helo: "mail.hello.com",
      reverse: "pc1.napier.ac.uk",
      address: "146.176.7.7",
      id: "1h5BI0-0005Kv-0W",
      at: "2019-03-16T15:32:00.000Z",
    },
  ],
  [
    "Exim without a reverse name",
    "from [208.7.1.205] (helo=everest.hello.com) by grussell.org with smtp (Exim 3.31-VA-mm2 #1 (Debian)) id 17mGlZ-0007We-00; Tue, 03 Sep 2002 09:43:01 -0700",
    {
      maker: "Exim",
      by: "grussell.org",
      helo: "everest.hello.com",
      address: "208.7.1.205",
      id: "17mGlZ-0007We-00",
      at: "2002-09-03T16:43:01.000Z",
    },
  ],
  [
    "qmail's comment",
    "(qmail 30958 invoked by uid 1000); 6 Sep 2002 10:01:51 -0000",
    { maker: "qmail", user: "1000", at: "2002-09-06T10:01:51.000Z" },
  ],
  [
    "qmail",
    "from unknown (HELO maya.hello.com) (207.61.5.143)\n  by grussell.org with SMTP; 17 Sep 2002 18:16:58 -0000",
    {
      maker: "qmail",
      by: "grussell.org",
      helo: "maya.hello.com",
      address: "207.61.5.143",
      at: "2002-09-17T18:16:58.000Z",
    },
  ],
  [
    "Exchange",
    "from AM4PR09MB4635.eurprd05.prod.outlook.com\n (2603:10a6:20b:3d6::6) by\n AS8PR06MB8813.eurprd05.prod.outlook.com (2603:10a6:20b:3d6::9) with Microsoft SMTP Server\n (version=TLS1_2, cipher=X) id\n 15.20.6744.32; Sat, 23 Dec 2023 21:44:52 +0000",
    {
      maker: "Exchange",
      by: "as8pr06mb8813.eurprd05.prod.outlook.com",
      helo: "AM4PR09MB4635.eurprd05.prod.outlook.com",
      address: "2603:10a6:20b:3d6::6",
      id: "15.20.6744.32",
      at: "2023-12-23T21:44:52.000Z",
    },
  ],
  [
    "Gmail",
    "from mail.napier.ac.uk (mail.napier.ac.uk. [146.176.2.10])\n        by mx.google.com with ESMTPS id x7.42.2022.03.05.10.02.03 for <me@gmail.com>\n        (version=TLS1_3 cipher=X bits=256/256); Sat, 05 Mar 2022 10:02:04 -0800 (PST)",
    {
      maker: "Gmail",
      by: "mx.google.com",
      helo: "mail.napier.ac.uk",
      reverse: "mail.napier.ac.uk.",
      address: "146.176.2.10",
      id: "x7.42.2022.03.05.10.02.03",
      at: "2022-03-05T18:02:04.000Z",
    },
  ],
  [
    "Yahoo's web mail",
    "from [159.134.179.247] by web13904.mail.yahoo.com via HTTP; Mon, 12 Aug 2002 19:49:32 CEST",
    {
      maker: "Yahoo",
      by: "web13904.mail.yahoo.com",
      address: "159.134.179.247",
      at: "2002-08-12T17:49:32.000Z",
    },
  ],
  [
    "Hotmail's pickup",
    "from mail pickup service by hotmail.com with Microsoft SMTPSVC; Wed, 2 Oct 2002 09:43:33 -0700",
    { maker: "Microsoft SMTPSVC", by: "hotmail.com", helo: "mail", at: "2002-10-02T16:43:33.000Z" },
  ],
  [
    "Domino",
    "from mail.hello.com ([192.0.2.7]) by notes.example.org (Lotus Domino Release 5.0.8) with ESMTP id 2003010116234567:1234; Wed, 1 Jan 2003 16:23:45 +0100",
    {
      maker: "Domino",
      by: "notes.example.org",
      helo: "mail.hello.com",
      address: "192.0.2.7",
      id: "2003010116234567:1234",
      at: "2003-01-01T15:23:45.000Z",
    },
  ],
  [
    "amavis",
    "from grussell.org ([127.0.0.1])\n\tby localhost (grussell.org [127.0.0.1]) (amavisd-new, port 10024)\n\twith ESMTP id C4HNSUFxLZ34; Wed, 10 Mar 2021 07:59:58 -0500",
    {
      maker: "amavis",
      by: "localhost",
      helo: "grussell.org",
      address: "127.0.0.1",
      id: "C4HNSUFxLZ34",
      at: "2021-03-10T12:59:58.000Z",
    },
  ],
  [
    "fetchmail",
    "from mail.napier.ac.uk [146.176.2.10] by localhost with IMAP (fetchmail-5.9.0) for gor@localhost (single-drop); Mon, 07 Oct 2002 12:03:20 +0100 (IST)",
    {
      maker: "fetchmail",
      by: "localhost",
      helo: "mail.napier.ac.uk",
      address: "146.176.2.10",
      at: "2002-10-07T11:03:20.000Z",
    },
  ],
  [
    "SendGrid, with Go's time and no semicolon",
    "by filter0857p1.sendgrid.net with SMTP id filter0857p1-23390-56D5F4F0-1B 2016-03-01 20:01:20.557 +0000 UTC",
    {
      maker: "SendGrid",
      by: "filter0857p1.sendgrid.net",
      id: "filter0857p1-23390-56D5F4F0-1B",
      at: "2016-03-01T20:01:20.000Z",
    },
  ],
  [
    "PowerMTA",
    "from agent4 (206.16.0.226) by mta.hello.com (PowerMTA(TM) v1.5); Mon, 15 Jul 2002 19:45:40 -0700 (envelope-from <a@hello.com>)",
    {
      maker: "PowerMTA",
      by: "mta.hello.com",
      helo: "agent4",
      address: "206.16.0.226",
      at: "2002-07-16T02:45:40.000Z",
    },
  ],
  [
    "Dovecot's LMTP",
    "from grussell.org by grussell.org (Dovecot) with LMTP id kQ1kKx (envelope-from <a@hello.com>) for <me@grussell.org>; Tue, 24 Nov 2026 07:10:42 +0000",
    {
      maker: "Dovecot",
      by: "grussell.org",
      helo: "grussell.org",
      id: "kQ1kKx",
      at: "2026-11-24T07:10:42.000Z",
    },
  ],
  [
    "Amazon SES",
    "from ip-10-0-92-7.hello.com (unknown) by email-smtp.eu-west-1.amazonaws.com with SMTP (SimpleEmailService-d-7JX5ZK1) id 0102018f2a7d0f-000000; Tue, 30 Apr 2024 09:12:41 +0000 (UTC)",
    {
      maker: "Amazon SES",
      by: "email-smtp.eu-west-1.amazonaws.com",
      helo: "ip-10-0-92-7.hello.com",
      id: "0102018f2a7d0f-000000",
      at: "2024-04-30T09:12:41.000Z",
    },
  ],
  [
    "SES's own hosts, without from",
    "by a8-32.smtp-out.amazonses.com with ESMTP id 0100018f2a7d; Tue, 30 Apr 2024 09:12:43 +0000",
    {
      maker: "Amazon SES",
      by: "a8-32.smtp-out.amazonses.com",
      id: "0100018f2a7d",
      at: "2024-04-30T09:12:43.000Z",
    },
  ],
  [
    "Zimbra's mailbox server",
    "from zmta.hello.com (LHLO zmta.hello.com) (192.168.10.4) by\n zmbox.hello.com with LMTP; Mon, 6 Mar 2017 11:20:31 -0300 (BRT)",
    {
      maker: "Zimbra",
      by: "zmbox.hello.com",
      helo: "zmta.hello.com",
      reverse: "zmta.hello.com",
      address: "192.168.10.4",
      at: "2017-03-06T14:20:31.000Z",
    },
  ],
  [
    "Exchange's users, by MAPI",
    "from AM4PR09MB4635.eurprd05.prod.outlook.com ([fe80::1d2:9]) by AM4PR09MB4635.eurprd05.prod.outlook.com ([fe80::1d2:9%6]) with mapi id 15.20.7202.031; Mon, 15 Jan 2024 10:00:00 +0000",
    {
      maker: "Exchange",
      by: "am4pr09mb4635.eurprd05.prod.outlook.com",
      helo: "AM4PR09MB4635.eurprd05.prod.outlook.com",
      address: "fe80::1d2:9",
      id: "15.20.7202.031",
      at: "2024-01-15T10:00:00.000Z",
    },
  ],
  [
    "a web mailer's users, by HTTPS",
    "from [203.0.113.9] by webmail.hello.com (Horde Framework) with HTTPS; Wed, 10 Feb 2021 08:00:00 +0100",
    { maker: "unknown", by: "webmail.hello.com", address: "203.0.113.9", at: "2021-02-10T07:00:00.000Z" },
  ],
  [
    "Yahoo's NNFMP",
    "from [98.139.212.150] by nm12.bullet.mail.bf1.yahoo.com with NNFMP; 12 Sep 2013 14:05:33 -0000",
    {
      maker: "Yahoo",
      by: "nm12.bullet.mail.bf1.yahoo.com",
      address: "98.139.212.150",
      at: "2013-09-12T14:05:33.000Z",
    },
  ],
  [
    "Vircom",
    "from mail.napier.ac.uk (unverified [146.176.2.10]) by mx.hello.com (Vircom SMTPRS 5.3.232) with ESMTP id <B0012345678@mx.hello.com>; Fri, 19 Jul 2002 16:00:58 +0100",
    {
      maker: "Vircom",
      by: "mx.hello.com",
      helo: "mail.napier.ac.uk",
      address: "146.176.2.10",
      id: "<B0012345678@mx.hello.com>",
      at: "2002-07-19T15:00:58.000Z",
    },
  ],
  [
    "InterMail",
    "from [24.61.113.164] by mail.hello.com (InterMail vM.4.01.03.27 201-229) with ESMTP id <x1@[24.61.113.164]> for <me@grussell.org>; Sat, 21 Sep 2002 01:30:46 +0000",
    {
      maker: "InterMail",
      by: "mail.hello.com",
      address: "24.61.113.164",
      id: "<x1@[24.61.113.164]>",
      at: "2002-09-21T01:30:46.000Z",
    },
  ],
  ...(
    [
      "Kerio Connect 9.2",
      "CommuniGate Pro SMTP 5.1",
      "XMail 1.27 ESMTP Server",
      "iPlanet Messaging Server 5.2",
      "Scalix SMTP Relay 11.0",
      "ecelerity 3.5 r(0)",
      "Cyrus v2.1.5",
    ] as const
  ).map(
    (comment) =>
      [
        comment,
        `from mail.napier.ac.uk ([146.176.2.10]) by grussell.org (${comment}) with ESMTP id 12; Sat, 21 Sep 2002 01:30:46 +0000`,
        {
          maker: (comment.startsWith("ecelerity")
            ? "Momentum"
            : (comment.split(" ", 1)[0] ?? "")) as MakerName,
          by: "grussell.org",
          helo: "mail.napier.ac.uk",
          address: "146.176.2.10",
          id: "12",
          at: "2002-09-21T01:30:46.000Z",
        },
      ] as const,
  ),
  [
    "the teaching message's first hop, without a semicolon",
    "from pc236b.napier.ac.uk [10.2.4.5]\n\tby grussell.org (8.18.11) id PDQ666\n\tSun Nov 15 11:12:20 2008 -0000",
    {
      maker: "sendmail",
      by: "grussell.org",
      helo: "pc236b.napier.ac.uk",
      address: "10.2.4.5",
      id: "PDQ666",
      at: "2008-11-15T11:12:20.000Z",
    },
  ],
]

for (const [name, value, expected] of shapes) {
  test(`the field of ${name} is read`, () => {
    const { hop } = read(value)
    const { source } = hop
    const got = {
      maker: hop.maker.name,
      by: hop.host,
      helo: source?.helo?.text,
      reverse: source?.reverse?.text,
      address: source?.address?.text,
      user: source?.user,
      id: hop.id?.value,
      at: hop.date?.at === undefined ? undefined : new Date(hop.date.at).toISOString(),
    }
    assert.deepEqual(got, {
      by: undefined,
      helo: undefined,
      reverse: undefined,
      address: undefined,
      user: undefined,
      id: undefined,
      ...expected,
    })
  })
}

test("each clause keeps its place in the message", () => {
  const { hop, bytes } = read(
    "from a.hello.com (b.hello.com [192.0.2.7])\n\tby grussell.org (Postfix) with ESMTP id 4F12A9059D; Tue, 24 Nov 2026 07:10:42 +0000",
  )
  const at = (span: { readonly start: number; readonly end: number } | undefined) =>
    bytes.toString("latin1", span?.start, span?.end)
  assert.equal(at(hop.from), "a.hello.com")
  assert.equal(at(hop.by), "grussell.org")
  assert.equal(at(hop.id), "4F12A9059D")
  assert.equal(at(hop.source?.address), "192.0.2.7")
  assert.equal(at(hop.source?.reverse), "b.hello.com")
  assert.equal(at(hop.dateSpan), "Tue, 24 Nov 2026 07:10:42 +0000")
})

test("whatever the octets are, a field is read without throwing, and no place lies outside it", () => {
  const words = fc.constantFrom(
    "from",
    "by",
    "with",
    "id",
    "for",
    ";",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    '"',
    "\\",
    " ",
    "\n ",
    "a.b",
    "1.2.3.4",
    "Mon,",
    "15",
    "Nov",
    "2008",
  )
  fc.assert(
    fc.property(
      fc.array(fc.oneof(words, fc.string({ unit: "binary", maxLength: 5 })), { maxLength: 60 }),
      (parts) => {
        const { hop } = read(parts.join(" ").replaceAll("\n", "\n "))
        for (const { start, end } of [...hop.clauses, ...hop.oddities, ...hop.leading]) {
          assert.ok(start >= hop.span.start && end <= hop.span.end && start <= end)
        }
      },
    ),
  )
})
