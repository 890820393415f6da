import assert from "node:assert/strict"
import { test } from "node:test"
import { mc, settingsOf } from "../../test/kit/site.ts"
import { filtersOf, parseFilter } from "./milter-definition.ts"

const read = (equates: string) => parseFilter({ name: "dkim", equates, at: mc(9) })

test("a definition says where the filter is, what happens without it, and how long to wait", () => {
  assert.deepEqual(read("S=inet:8891@localhost, F=T, T=C:1m;S:3s;R:4;E:2m"), {
    ok: true,
    value: {
      name: "dkim",
      place: { address: "127.0.0.1", port: 8891 },
      without: "tempfail",
      timeouts: { connect: 60_000, send: 3000, reply: 4000, end: 120_000 },
      at: mc(9),
    },
  })
})

test("what a definition does not say is as in sendmail", () => {
  const one = read("S=/run/dkim.sock")
  assert.ok(one.ok)
  assert.deepEqual(one.value.timeouts, { connect: 300_000, send: 10_000, reply: 10_000, end: 300_000 })
  assert.equal(one.value.without, "pass")
})

test("sockets are those of sendmail", () => {
  const place = (equates: string) => {
    const one = read(equates)
    return one.ok ? one.value.place : one.error
  }
  assert.deepEqual(place("S=local:/run/f.sock"), { path: "/run/f.sock" })
  assert.deepEqual(place("S=unix:/run/f.sock"), { path: "/run/f.sock" })
  assert.deepEqual(place("S=inet:8891@192.0.2.7"), { address: "192.0.2.7", port: 8891 })
  assert.deepEqual(place("S=inet:8891"), { address: "127.0.0.1", port: 8891 })
  assert.deepEqual(place("S=inet6:8891@localhost"), { address: "::1", port: 8891 })
  assert.deepEqual(place("S=inet6:8891@[IPv6:2001:db8::7]"), { address: "2001:db8::7", port: 8891 })
  assert.deepEqual(place("S=inet:8891@filter.hello.com"), { address: "filter.hello.com", port: 8891 })
})

test("a definition that is wrong is told with its line", () => {
  const wrong: readonly (readonly [equates: string, error: RegExp])[] = [
    ["F=T", /milter dkim: it has no S=socket \(\/etc\/mail\/sendmail\.mc:9\)/],
    ["S=inet:0@localhost", /not inet:PORT@HOST/],
    ["S=inet:70000", /not inet:PORT@HOST/],
    ["S=inet6:25@192.0.2.7", /no address of inet6/],
    ["S=pipe:/x", /none of unix:PATH/],
    ["S=unix:run/x", /whole path/],
    ["S=/x, F=Q", /F=Q is not one of/],
    ["S=/x, T=X:1s", /none of C:, S:, R:, E:/],
    ["S=/x, T=R:soon", /none of C:, S:, R:, E:/],
    ["S=/x, Z=1", /"Z=1" is none of/],
  ]
  for (const [equates, error] of wrong) {
    const one = read(equates)
    assert.match(one.ok ? "" : one.error, error, equates)
  }
})

test("a door asks the filters of the configuration, or those it names itself; a name of nobody is an error", () => {
  const filters = new Map(
    ["a", "b"].map((name) => [name, { name, equates: `S=/run/${name}`, at: mc(3) }] as const),
  )
  const settings = { ...settingsOf({ options: { InputMailFilters: ["a", "b"] } }), filters }
  const names = (other: ReadonlyMap<string, string> | undefined) => {
    const found = filtersOf(settings, other === undefined ? undefined : { other })
    return found.ok ? found.value.map(({ name }) => name) : found.error
  }
  assert.deepEqual(names(undefined), ["a", "b"])
  assert.deepEqual(names(new Map()), ["a", "b"])
  assert.deepEqual(names(new Map([["inputmailfilters", "b"]])), ["b"])
  assert.deepEqual(names(new Map([["inputmailfilters", ""]])), [])
  assert.match(String(names(new Map([["inputmailfilters", "c"]]))), /names c, which no MAIL_FILTER defines/)
})
