// Each thing that the first page looks at, made bad on purpose: what it says then, and what there is to do.
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test, type TestContext } from "node:test"
import { type Nameserver, startNameserver, type Zone } from "../../test/kit/nameserver.ts"
import { settingsOf, type Site } from "../../test/kit/site.ts"
import { resolverFrom } from "../host/dns.ts"
import { makeKeys, recordOf } from "../trust/dkim-keys.ts"
import { makeSelfSigned } from "../trust/self-signed.ts"
import type { Health } from "./api.ts"
import { makeHealth } from "./health.ts"
import { certificateHealth, clockHealth, diskHealth } from "./health-machine.ts"

const now = Date.UTC(2026, 10, 24)
const day = 86_400_000
let directory: string
let nameserver: Nameserver

const wholeZone: Zone = {
  "mail.grussell.org": { A: ["192.0.2.25"], TXT: ["v=spf1 a -all"] },
  "grussell.org": { MX: [[10, "mail.grussell.org"]], TXT: ["v=spf1 mx -all"] },
  "25.2.0.192.in-addr.arpa": { PTR: "mail.grussell.org" },
  "_dmarc.grussell.org": { TXT: ["v=DMARC1; p=reject; rua=mailto:postmaster@grussell.org"] },
}

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "waypost-health-"))
  nameserver = await startNameserver(wholeZone)
})

after(async () => {
  await nameserver.close()
  rmSync(directory, { recursive: true })
})

const site: Site = { name: "mail.grussell.org", classes: { w: ["mail.grussell.org", "grussell.org"] } }

/** The health of a site whose DNS this name server is. */
async function healthOf(more: Site = {}, resolver = nameserver.resolver): Promise<readonly Health[]> {
  const dns = resolverFrom({ resolvConf: "", resolver, hosts: undefined, timeoutMs: 100 })
  assert.ok(dns.ok)
  const look = makeHealth({
    settings: () => settingsOf({ ...site, ...more }),
    state: directory,
    dns: dns.value,
    clock: () => now,
    clockIsKept: () => true,
    mail: async () => undefined,
  })
  for (;;) {
    const health = await look()
    if (!health.some(({ says }) => says === "is being asked")) return health
  }
}

/** What is not well must say what to do. */
function find(health: readonly Health[], name: string): Health {
  const one = health.find((each) => each.name === name) ?? assert.fail(`${name} is not looked at`)
  if (one.state === "bad" || one.state === "warning") assert.ok(one.todo !== undefined, name)
  return one
}

test("a site whose records are right is well", async () => {
  const health = await healthOf()
  assert.deepEqual(find(health, "DNS of grussell.org"), {
    name: "DNS of grussell.org",
    state: "ok",
    says: "MX, address, PTR, SPF, DMARC: there and right",
  })
  assert.equal(find(health, "DNS").state, "ok")
  assert.equal(find(health, "mail").state, "ok")
  assert.equal(
    health.some(({ name }) => name === "DNS of mail.grussell.org"),
    false,
    "the host's name wants no MX",
  )
})

test("records that are missing are told as lines for the zone file", async (t) => {
  t.after(() => nameserver.set(wholeZone))
  nameserver.set({ "mail.grussell.org": { A: ["192.0.2.25"] } })
  const health = find(await healthOf(), "DNS of grussell.org")
  assert.equal(health.state, "warning")
  assert.equal(health.says, "no MX; no PTR; no SPF; no SPF; no DMARC")
  assert.deepEqual(health.records, [
    "grussell.org. IN MX 10 mail.grussell.org.",
    "25.2.0.192.in-addr.arpa. IN PTR mail.grussell.org.",
    'grussell.org. IN TXT "v=spf1 mx -all"',
    'mail.grussell.org. IN TXT "v=spf1 a -all"',
    '_dmarc.grussell.org. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@grussell.org"',
  ])
})

test("records that are wrong are told with what to do", async (t) => {
  t.after(() => nameserver.set(wholeZone))
  nameserver.set({
    ...wholeZone,
    "grussell.org": { MX: [[10, "mail.hello.com"]], TXT: ["v=spf1 mx -all", "v=spf1 a -all"] },
    "_dmarc.grussell.org": { TXT: ["v=DMARC1; p=perhaps"] },
  })
  const { state, says, todo } = find(await healthOf(), "DNS of grussell.org")
  assert.equal(state, "warning")
  assert.match(says, /MX of grussell\.org is wrong; SPF of grussell\.org is wrong; DMARC .* is wrong/)
  assert.match(todo ?? "", /name this host, mail\.grussell\.org\., among the exchangers/)
  assert.match(todo ?? "", /keep one of the 2 records/)
})

test("the key that signs must be the one that DNS has", async (t) => {
  t.after(() => nameserver.set(wholeZone))
  const keys = join(directory, "dkim")
  mkdirSync(keys, { recursive: true })
  const made = makeKeys(keys, "grussell.org", "20261124")
  assert.ok(made.ok)
  const more: Site = { features: { dkim_sign: [keys] } }
  assert.match(find(await healthOf(more), "DNS of grussell.org").says, /^no DKIM/)
  const records = made.value.map((key) => recordOf("grussell.org", key))
  const published = Object.fromEntries(records.map(({ name, text }) => [name, { TXT: [text] }]))
  nameserver.set({ ...wholeZone, ...published })
  assert.equal(find(await healthOf(more), "DNS of grussell.org").state, "ok")
})

test("a name server that fails, or says nothing, is bad; nothing is said of the records then", async (t) => {
  t.after(() => nameserver.set(wholeZone))
  for (const fail of ["SERVFAIL", "silent"] as const) {
    nameserver.set({ "mail.grussell.org": { fail } })
    const health = await healthOf()
    assert.equal(find(health, "DNS").state, "bad")
    assert.match(find(health, "DNS").says, /^does not answer: /)
    assert.equal(
      health.some(({ name }) => name.startsWith("DNS of")),
      false,
    )
  }
})

test("DNS that takes its time does not keep the page: it is being asked meanwhile", async (t) => {
  t.after(() => nameserver.set(wholeZone))
  nameserver.set({ "mail.grussell.org": { fail: "silent" } })
  const dns = resolverFrom({
    resolvConf: "",
    resolver: nameserver.resolver,
    hosts: undefined,
    timeoutMs: 1000,
  })
  assert.ok(dns.ok)
  const look = makeHealth({
    settings: () => settingsOf(site),
    state: directory,
    dns: dns.value,
    clock: () => now,
    clockIsKept: () => undefined,
    mail: async () => undefined,
  })
  assert.equal(find(await look(), "DNS").says, "is being asked")
})

test("a host that calls itself what nobody can look up is told so", async () => {
  const health = await healthOf({ name: "laptop", classes: { w: ["laptop", "grussell.org"] } })
  assert.equal(find(health, "name of this host").state, "warning")
  const inside = await healthOf({ name: "laptop", classes: { w: ["laptop"] } })
  assert.equal(find(inside, "DNS records").state, "unknown")
})

test("a mail system that does not answer is bad", async () => {
  const dns = resolverFrom({ resolvConf: "", resolver: nameserver.resolver, hosts: undefined })
  assert.ok(dns.ok)
  const health = await makeHealth({
    settings: () => undefined,
    state: directory,
    dns: dns.value,
    clock: () => now,
    clockIsKept: () => true,
    mail: async () => "the mail system does not answer",
  })()
  assert.equal(find(health, "mail").state, "bad")
})

const clocks = [
  [now, true, "ok"],
  [now, false, "warning"],
  [now, undefined, "unknown"],
  [Date.UTC(1970, 0, 2), true, "bad"],
] as const

for (const [at, kept, state] of clocks)
  test(`a clock at ${new Date(at).toISOString()}, kept right: ${kept ?? "not known"}, is ${state}`, () => {
    const health = clockHealth(at, kept)
    assert.equal(health.state, state)
    if (state === "bad" || state === "warning") assert.ok(health.todo !== undefined)
  })

const certificates: readonly (readonly [string, string, number, Health["state"], RegExp])[] = [
  ["is good", "mail.grussell.org", now, "ok", /good for 100 more days/],
  ["ends in ten days", "mail.grussell.org", now + 90 * day, "warning", /good for 10 more days/],
  ["ends tomorrow", "mail.grussell.org", now + 98.5 * day, "bad", /good for 1 more day$/],
  ["has ended", "mail.grussell.org", now + 120 * day, "bad", /ended 2\d days ago/],
  ["is not good yet", "mail.grussell.org", now - 30 * day, "bad", /good only from/],
  ["is for another name", "mail.hello.com", now, "warning", /not for mail\.grussell\.org/],
]

for (const [sentence, name, at, state, says] of certificates)
  test(`a certificate that ${sentence} is ${state}`, () => {
    const file = join(directory, "cert.pem")
    writeFileSync(file, makeSelfSigned([name], new Date(now), 100).certificate)
    const settings = settingsOf({ ...site, options: { ServerCertFile: file } })
    const [health] = certificateHealth(settings, at)
    assert.ok(health !== undefined)
    assert.equal(health.state, state, health.says)
    assert.match(health.says, says)
    if (state !== "ok") assert.ok(health.todo !== undefined)
  })

test("a certificate that is no certificate, that is not there, and none at all", () => {
  const nonsense = join(directory, "nonsense.pem")
  writeFileSync(nonsense, "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n")
  for (const file of [nonsense, join(directory, "none.pem")]) {
    const [health] = certificateHealth(settingsOf({ ...site, options: { ServerCertFile: file } }), now)
    assert.equal(health?.state, "bad")
    assert.ok(health.says.startsWith(file) && health.todo !== undefined)
  }
  const [none] = certificateHealth(settingsOf(site), now)
  assert.equal(none?.state, "warning")
  assert.match(none.todo ?? "", /confACME_DIRECTORY/)
})

/** A small file system, filled until little is left. */
function onSmallDisk(t: TestContext, options: string, act: (disk: string) => void): void {
  const disk = join(directory, "disk")
  mkdirSync(disk, { recursive: true })
  if (spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", disk]).status !== 0)
    return t.skip("only root may mount a small file system")
  try {
    act(disk)
  } finally {
    spawnSync("umount", [disk])
  }
}

test("a disk that fills up is told before it is full", (t) =>
  onSmallDisk(t, "size=4m", (disk) => {
    assert.equal(diskHealth(disk).state, "ok")
    writeFileSync(join(disk, "ballast"), Buffer.alloc(3_900_000))
    const tight = diskHealth(disk)
    assert.equal(tight.state, "warning")
    assert.match(tight.todo ?? "", /make room/)
    writeFileSync(join(disk, "more"), Buffer.alloc(200_000))
    assert.equal(diskHealth(disk).state, "bad")
  }))

test("a disk that runs out of inodes is told as that", (t) =>
  onSmallDisk(t, "size=4m,nr_inodes=20", (disk) => {
    for (let n = 0; n < 18; n++) writeFileSync(join(disk, String(n)), "")
    const health = diskHealth(disk)
    assert.notEqual(health.state, "ok")
    assert.match(health.todo ?? "", /few inodes/)
  }))

test("a disk that is not there is bad", () => {
  assert.equal(diskHealth(join(directory, "none")).state, "bad")
})
