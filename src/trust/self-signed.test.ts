import assert from "node:assert/strict"
import { X509Certificate } from "node:crypto"
import { test } from "node:test"
import * as der from "./der.ts"
import { belongTogether, makeSelfSigned } from "./self-signed.ts"

const now = new Date("2026-11-24T12:00:00Z")

test("a self-signed certificate is one that OpenSSL reads: for its names, signed by itself, valid now and for ten years", () => {
  const { key, certificate } = makeSelfSigned(["mail.grussell.org", "grussell.org"], now)
  const read = new X509Certificate(certificate)
  assert.equal(read.subject, "CN=mail.grussell.org")
  assert.equal(read.issuer, "CN=mail.grussell.org")
  assert.equal(read.subjectAltName, "DNS:mail.grussell.org, DNS:grussell.org")
  assert.equal(read.verify(read.publicKey), true)
  assert.equal(read.checkIssued(read), true)
  assert.equal(read.checkHost("grussell.org"), "grussell.org")
  assert.equal(read.checkHost("napier.ac.uk"), undefined)
  assert.ok(read.validFromDate < now)
  assert.equal(read.validToDate.getUTCFullYear(), 2036)
  assert.equal(belongTogether(read, key), true)
  assert.equal(belongTogether(read, makeSelfSigned(["hello.com"], now).key), false)
})

test("a very long name is still a certificate: its common name is cut, its alternative name is not", () => {
  const name = `${"a".repeat(60)}.${"b".repeat(60)}.example.org`
  const read = new X509Certificate(makeSelfSigned([name], now).certificate)
  assert.equal(read.subject, `CN=${name.slice(0, 64)}`)
  assert.equal(read.checkHost(name), name)
})

test("DER: lengths of more than 127 octets, numbers with a high bit, times after 2049", () => {
  assert.equal(der.octetString(Buffer.alloc(127)).subarray(0, 2).toString("hex"), "047f")
  assert.equal(der.octetString(Buffer.alloc(128)).subarray(0, 3).toString("hex"), "048180")
  assert.equal(der.octetString(Buffer.alloc(256)).subarray(0, 4).toString("hex"), "04820100")
  assert.equal(der.integer(Buffer.from([0, 0x80])).toString("hex"), "02020080")
  assert.equal(der.integer(Buffer.from([0, 0])).toString("hex"), "020100")
  assert.equal(der.oid("1.2.840.10045.4.3.2").toString("hex"), "06082a8648ce3d040302")
  assert.equal(der.time(new Date("2049-12-31T23:59:59Z")).toString("latin1").slice(2), "491231235959Z")
  assert.equal(der.time(new Date("2050-01-01T00:00:00Z")).toString("latin1").slice(2), "20500101000000Z")
})
