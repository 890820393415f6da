import assert from "node:assert/strict"
import { test } from "node:test"
import type { TlsFacts } from "../mail/arrival.ts"
import type { Decision } from "../mail/decision.ts"
import type { LookupTable } from "../maps/table.ts"
import { parseMailbox } from "../mail/address.ts"
import { askAuthInfo } from "./auth-info.ts"
import {
  clientIsWell,
  parseRequirement,
  recipientIsWell,
  relaysByCertificate,
  serverIsWell,
  triesTls,
} from "./tls.ts"

/** access with these lines, folded as its keys are. */
function access(lines: Readonly<Record<string, string>>): readonly LookupTable[] {
  const entries = Object.entries(lines).map(([key, value], n) => {
    const at = { file: "/etc/mail/access", line: n + 1, column: 1 }
    return [key.toLowerCase(), { key, value, at }] as const
  })
  const byKey = new Map(entries)
  return [
    {
      name: "access",
      via: undefined,
      lookup: (key) => {
        const entry = byKey.get(key.toLowerCase())
        return entry === undefined ? { found: "nothing" } : { found: "entry", entry }
      },
    },
  ]
}

const peer = { host: "mx1.napier.ac.uk", address: "192.0.2.7" }
const certificate = {
  subject: "/C=GB/CN=mx1.napier.ac.uk",
  issuer: "/CN=Authority",
  cnSubject: "mx1.napier.ac.uk",
  cnIssuer: "Authority",
  altNames: ["mx1.napier.ac.uk", "*.hello.com"],
  fingerprint: "AA:BB",
}
const verified: TlsFacts = {
  version: "TLSv1.3",
  cipher: "TLS_AES_128_GCM_SHA256",
  bits: 128,
  verify: "OK",
  certificate,
}

function said(decision: Decision<unknown>): string {
  return decision.outcome === "no" || decision.outcome === "later"
    ? `${decision.reply.code} ${decision.reply.status} ${decision.reply.text[0]}`
    : decision.outcome
}

const plain = undefined
for (const [value, facts, expected] of [
  ["VERIFY", verified, "yes"],
  ["VERIFY", { ...verified, verify: "FAIL" }, "454 4.7.0 authentication failed"],
  ["VERIFY", { ...verified, verify: "NO" }, "454 4.7.0 not authenticated"],
  ["VERIFY", { ...verified, verify: "NOT" }, "454 4.7.0 no authentication requested"],
  ["VERIFY", plain, "454 4.7.0 other side does not support STARTTLS"],
  ["PERM+VERIFY", plain, "503 5.7.0 other side does not support STARTTLS"],
  ["VERIFY:128", verified, "yes"],
  ["VERIFY:256", verified, "454 4.7.0 encryption too weak 128 less than 256"],
  ["ENCR:112", { ...verified, verify: "FAIL" }, "yes"],
  ["TEMP+ENCR:112", plain, "454 4.7.0 encryption too weak 0 less than 112"],
  ["VERIFY:112+CN", verified, "yes"],
  ["VERIFY+CN:mx.hello.com", verified, "yes"],
  ["VERIFY+CN:hello.com", verified, "454 4.7.0 CN mx1.napier.ac.uk does not match hello.com"],
  ["VERIFY+CI:/CN=Authority++CS:/C=GB/CN=mx1.napier.ac.uk", verified, "yes"],
  ["VERIFY+CI:/CN=Other", verified, "454 4.7.0 Cert Issuer /CN=Authority does not match /CN=Other"],
  ["VERIFY+XX:1", verified, '454 4.7.0 access asks for "XX:1", which is not known'],
  ["OK", plain, "yes"],
] as const) {
  test(`TLS_Srv ${value} with ${facts?.verify ?? "no TLS"}: ${expected}`, async () => {
    assert.equal(said(await serverIsWell(peer, facts, access({ "TLS_Srv:napier.ac.uk": value }))), expected)
  })
}

test("TLS_Srv: the most exact key decides, by name, domain, address, network, and the tag alone for all others", async () => {
  const lines = { "TLS_Srv:mx1.napier.ac.uk": "OK", "TLS_Srv:192.0.2": "VERIFY", "TLS_Srv:": "PERM+ENCR:256" }
  const table = access(lines)
  assert.equal(said(await serverIsWell(peer, plain, table)), "yes")
  assert.match(said(await serverIsWell({ ...peer, host: "mx.hello.com" }, plain, table)), /^454/)
  assert.match(
    said(await serverIsWell({ host: "mx.hello.com", address: "198.51.100.1" }, plain, table)),
    /^503/,
  )
  assert.equal(said(await serverIsWell(peer, plain, access({ "napier.ac.uk": "REJECT" }))), "pass")
  assert.equal(said(await serverIsWell(peer, plain, [])), "pass")
})

test("TLS_Clt asks of the client, TLS_Rcpt of the way to a mailbox; a reason names the line", async () => {
  const client = { address: "192.0.2.7", port: 1, name: "mx1.napier.ac.uk" }
  const table = access({ "TLS_Clt:napier.ac.uk": "PERM+ENCR:128", "TLS_Rcpt:boss@hello.com": "VERIFY" })
  const refused = await clientIsWell({ client }, table)
  assert.equal(said(refused), "503 5.7.0 encryption too weak 0 less than 128")
  assert.equal(refused.reason.at?.line, 1)
  assert.equal(said(await clientIsWell({ client, tlsFacts: verified }, table)), "yes")
  assert.equal(said(await clientIsWell({ client: undefined }, table)), "pass")
  const boss = parseMailbox("boss@hello.com")
  const other = parseMailbox("bob@hello.com")
  assert.ok(boss.ok && other.ok)
  assert.match(said(await recipientIsWell(boss.value, peer, plain, table)), /^454/)
  assert.equal(said(await recipientIsWell(other.value, peer, plain, table)), "pass")
})

test("Try_TLS: NO keeps from it, anything else does not", async () => {
  const table = access({ "Try_TLS:mx1.napier.ac.uk": "NO" })
  const no = await triesTls(peer, table)
  assert.equal(no.outcome === "yes" && no.value, false)
  const others = await triesTls({ ...peer, host: "mx2.napier.ac.uk" }, table)
  assert.equal(others.outcome === "yes" && others.value, true)
})

test("a table that does not answer is later, never a yes", async () => {
  const silent: readonly LookupTable[] = [
    { name: "access", via: undefined, lookup: () => ({ found: "unavailable", why: "being built" }) },
  ]
  for (const decision of [
    await serverIsWell(peer, verified, silent),
    await triesTls(peer, silent),
    await relaysByCertificate({ tlsFacts: verified }, silent),
    await askAuthInfo(peer, { authInfo: silent, access: [] }),
  ])
    assert.equal(decision.outcome, "later")
})

for (const [what, lines, facts, expected] of [
  ["its issuer may", { "CERTISSUER:/CN=Authority": "RELAY" }, verified, "yes"],
  [
    "its issuer says SUBJECT, and the subject may",
    { "CERTISSUER:/CN=Authority": "SUBJECT", "CERTSUBJECT:/C=GB/CN=mx1.napier.ac.uk": "RELAY" },
    verified,
    "yes",
  ],
  [
    "its issuer says SUBJECT, and the subject is not listed",
    { "CERTISSUER:/CN=Authority": "SUBJECT" },
    verified,
    "pass",
  ],
  [
    "the subject is listed, its issuer is not",
    { "CERTSUBJECT:/C=GB/CN=mx1.napier.ac.uk": "RELAY" },
    verified,
    "pass",
  ],
  ["it is not verified", { "CERTISSUER:/CN=Authority": "RELAY" }, { ...verified, verify: "FAIL" }, "pass"],
] as const) {
  test(`a client with a certificate relays: ${what}: ${expected}`, async () => {
    const table = access(lines)
    assert.equal((await relaysByCertificate({ tlsFacts: facts }, table)).outcome, expected)
  })
}

test("authinfo is asked by name, by address and for all; access by domains too; authinfo where both are", async () => {
  const info = access({ "AuthInfo:192.0.2.7": "by address", "AuthInfo:": "for all" })
  const wide = access({ "AuthInfo:napier.ac.uk": "by domain" })
  const value = async (tables: Parameters<typeof askAuthInfo>[1]) => {
    const found = await askAuthInfo(peer, tables)
    return found.outcome === "yes" ? found.value : found.outcome
  }
  assert.equal(await value({ authInfo: info, access: wide }), "by address")
  assert.equal(await value({ authInfo: [], access: wide }), "by domain")
  assert.equal(await value({ authInfo: [], access: [] }), "pass")
})

test("words that are no requirement are none", () => {
  for (const word of ["", "OK", "VERIFIED", "ENCR 112", "PERM+"])
    assert.equal(parseRequirement(word), undefined)
})
