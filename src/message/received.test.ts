import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import type { Mailbox } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import { fields, scanHeader, valueOf } from "./header.ts"
import { type Trace, writeReceived } from "./received.ts"

const bob: Mailbox = {
  localPart: "bob",
  domain: { kind: "name", ascii: "hello.com", unicode: "hello.com" },
}

const fromNetwork: Arrival = {
  session: "s",
  protocol: "ESMTP",
  client: { address: "192.0.2.7", port: 40_000, name: "client.example.net" },
  helo: "client.example.net",
  authenticated: undefined,
  door: "MTA",
  submission: false,
  tls: undefined,
}

function write(arrival: Partial<Arrival>, trace: Partial<Trace> = {}): string {
  return writeReceived({
    arrival: { ...fromNetwork, ...arrival },
    by: "mail.hello.com",
    id: "6AO7AgXX000001",
    software: "8.17.1/Waypost 0.1.0",
    recipient: bob,
    date: "Tue, 24 Nov 2026 07:10:42 GMT",
    ...trace,
  })
}

const by = "by mail.hello.com (8.17.1/Waypost 0.1.0)"
const end = "\r\n\tfor <bob@hello.com>; Tue, 24 Nov 2026 07:10:42 GMT\r\n"

// The shapes are those of sendmail 8.17.1.
for (const [what, arrival, from, clause] of [
  ["EHLO", {}, "from client.example.net (client.example.net [192.0.2.7])", " with ESMTP"],
  ["HELO", { protocol: "SMTP" }, "from client.example.net (client.example.net [192.0.2.7])", " with SMTP"],
  [
    "no HELO at all",
    { protocol: "SMTP", helo: undefined },
    "from client.example.net (client.example.net [192.0.2.7])",
    " with SMTP",
  ],
  [
    "a client without a name",
    { helo: "x.test", client: { address: "127.0.0.44", port: 1, name: undefined } },
    "from x.test ([127.0.0.44])",
    " with ESMTP",
  ],
  [
    "a client without a name that says nothing",
    { protocol: "SMTP", helo: undefined, client: { address: "127.0.0.44", port: 1, name: undefined } },
    "from [127.0.0.44] ([127.0.0.44])",
    " with SMTP",
  ],
  [
    "IPv6",
    { helo: "[IPv6:2001:db8::7]", client: { address: "2001:db8::7", port: 1, name: "six.example.org" } },
    "from [IPv6:2001:db8::7] (six.example.org [IPv6:2001:db8::7])",
    " with ESMTP",
  ],
  [
    "TLS and AUTH",
    { tls: "TLSv1.3 TLS_AES_256_GCM_SHA384", authenticated: "bob" },
    "from client.example.net (client.example.net [192.0.2.7])",
    " with ESMTPSA",
  ],
  [
    "AUTH and an international envelope",
    { protocol: "UTF8SMTP", authenticated: "bob" },
    "from client.example.net (client.example.net [192.0.2.7])",
    " with UTF8SMTPA",
  ],
  [
    "the sendmail command",
    { protocol: "local", client: undefined, helo: undefined, authenticated: "bob" },
    "(from bob@localhost)",
    "",
  ],
  [
    "a report of our own",
    { protocol: "local", client: undefined, helo: undefined, authenticated: undefined },
    "from localhost (localhost)",
    "",
  ],
] as const satisfies readonly (readonly [string, Partial<Arrival>, string, string])[]) {
  test(`Received: tells of ${what} as sendmail does`, () => {
    assert.equal(write(arrival), `Received: ${from}\r\n\t${by}${clause} id 6AO7AgXX000001${end}`)
  })
}

test("with several recipients none is named", () => {
  assert.equal(
    write({}, { recipient: undefined }),
    "Received: from client.example.net (client.example.net [192.0.2.7])\r\n" +
      `\t${by} with ESMTP id 6AO7AgXX000001;\r\n\tTue, 24 Nov 2026 07:10:42 GMT\r\n`,
  )
})

test("a name with a comment, a semicolon and a line end in it is evidence, not syntax", () => {
  const field = write({ helo: 'evil)\r\nX: 1 (";<' })
  assert.match(
    field,
    /^Received: from evil\?\?\?X:\?1\?\?\?\?\?? \(client\.example\.net \[192\.0\.2\.7\]\)\r\n/,
  )
})

test("an international name stays what it is in an international envelope, and only there", () => {
  assert.match(write({ protocol: "UTF8SMTP", helo: "bücher.example.org" }), /^Received: from bücher\.example/)
  assert.match(write({ helo: "bücher.example.org" }), /^Received: from b\?cher\.example/)
})

test("whatever a client calls itself, the field is one field of short lines", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 0, maxLength: 400, size: "max" }),
      fc.boolean(),
      (helo, utf8) => {
        const client = { address: "2001:db8::7", port: 1, name: "n".repeat(253) }
        const field = write({ helo, client, protocol: utf8 ? "UTF8SMTP" : "ESMTP" })
        const header = scanHeader(Buffer.from(`${field}\r\n`, "utf8"))
        assert.equal(fields(header, "received").length, 1)
        assert.equal(header.fields.length, 1)
        const [only] = header.fields
        assert.ok(only !== undefined && valueOf(header, only).endsWith("; Tue, 24 Nov 2026 07:10:42 GMT"))
        for (const line of field.split("\r\n")) assert.ok(Buffer.byteLength(line) <= 998)
        assert.doesNotMatch(field.replaceAll("\r\n\t", "").slice(0, -2), /[\u0000-\u001f\u007f-\u009f]/)
      },
    ),
  )
})
