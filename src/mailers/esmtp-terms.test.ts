import assert from "node:assert/strict"
import { test } from "node:test"
import type { DaemonOptions, MailerDefinition } from "../config/settings.ts"
import { clientAddress, smtpDelivery, timeoutsFrom } from "./esmtp-terms.ts"

const at = { file: "/etc/mail/sendmail.mc", line: 3, column: 1 }

test("the times are those of RFC 5321 until the configuration sets others", () => {
  const usual = timeoutsFrom({ options: new Map() })
  assert.deepEqual(
    [usual.initial, usual.mail, usual.datainit, usual.datablock, usual.datafinal],
    [300_000, 300_000, 120_000, 180_000, 600_000],
  )
  const set = timeoutsFrom({
    options: new Map([
      ["Timeout.mail", { value: 20, at }],
      ["Timeout.rcpt", { value: 3600, at: undefined }],
      ["Timeout.connect", { value: 0, at }],
      ["Timeout.quit", { value: 120, at }],
    ]),
  })
  assert.equal(set.mail, 20_000)
  assert.equal(set.rcpt, usual.rcpt, "a default of sendmail's is not a wish")
  assert.equal(set.connect, usual.connect, "0 is sendmail's word for no limit of its own")
  assert.equal(set.quit, usual.quit)
})

function definition(args: string, flags = "mDFMuXa", path = "[IPC]"): ReturnType<typeof smtpDelivery> {
  const one: MailerDefinition = { name: "x", path, args, flags, maxSize: 1000, at }
  return smtpDelivery({ mailers: new Map([["x", one]]) }, "x")
}

test("a definition connects to the route's host, or to the one it names", () => {
  const hostFor = (args: string) => {
    const read = definition(args)
    return read.ok ? read.value.hostFor("hello.com") : read.error
  }
  assert.equal(hostFor("TCP $h"), "hello.com")
  assert.equal(hostFor("TCP"), "hello.com")
  assert.equal(hostFor("TCP [127.0.0.1] 24"), "[127.0.0.1]")
  assert.equal(hostFor("TCP lmtp.$h 24"), "lmtp.hello.com")
})

test("a mailer definition says port, protocol and how many recipients travel together", () => {
  const plain = {
    lmtp: false,
    port: 25,
    implicitTls: false,
    path: undefined,
    recipients: 100,
    maxSize: 1000,
  }
  const read = (args: string, flags?: string) => {
    const one = definition(args, flags)
    assert.ok(one.ok)
    const { hostFor: _, ...value } = one.value
    return value
  }
  assert.deepEqual(read("TCP $h"), plain)
  assert.deepEqual(read("TCP $h 2526"), { ...plain, port: 2526 })
  assert.deepEqual(read("TCP $h submission"), { ...plain, port: 587 })
  assert.deepEqual(read("TCP $h smtps"), { ...plain, port: 465, implicitTls: true })
  assert.deepEqual(read("TCP $h 2465 tls"), { ...plain, port: 2465, implicitTls: true })
  assert.deepEqual(read("TCP $h", "DFMuXa"), { ...plain, recipients: 1 })
  assert.deepEqual(read("TCP $h 24", "mz"), { ...plain, port: 24, lmtp: true })
  const unix = definition("FILE /run/lmtp", "mz")
  assert.ok(unix.ok && unix.value.path === "/run/lmtp" && unix.value.lmtp)
  for (const port of ["0", "65536", "mail", "-1"]) assert.equal(definition(`TCP $h ${port}`).ok, false, port)
})

function client(family: DaemonOptions["family"], address: string): DaemonOptions {
  return { name: "c", address, family, port: 0, modify: "", other: new Map(), at }
}

test("CLIENT_OPTIONS names the address that connections come from, by family", () => {
  const settings = { clients: [client("inet6", "2001:db8::1"), client("inet", "192.0.2.1")] }
  assert.equal(clientAddress(settings, "198.51.100.7"), "192.0.2.1")
  assert.equal(clientAddress(settings, "2001:db8::7"), "2001:db8::1")
  assert.equal(clientAddress({ clients: [] }, "198.51.100.7"), undefined)
})
