// waypost dns check and the policy of MTA-STS: got from a real web server, and judged as senders judge it.
import assert from "node:assert/strict"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { after, test } from "node:test"
import type { Dns } from "../mail/world.ts"
import { fail, ok } from "../mail/result.ts"
import { fetchPolicy } from "../trust/mta-sts-fetch.ts"
import { makeSelfSigned } from "../trust/self-signed.ts"
import { checkPolicy, type PolicyWorld } from "./dns-policy.ts"
import type { Site } from "./dns-records.ts"

const site: Site = {
  domain: "napier.ac.uk",
  host: "mail.napier.ac.uk",
  addresses: [],
  keys: [],
  certificate: undefined,
  today: "20261124",
}

const policy = (mode: string, mx: readonly string[], age = 604_800) =>
  ["version: STSv1", `mode: ${mode}`, ...mx.map((one) => `mx: ${one}`), `max_age: ${age}`, ""].join("\r\n")

const good = policy("enforce", ["mail.napier.ac.uk", "*.hello.com"])

type Answers = { readonly web?: "nothing" | "silent"; readonly mx?: readonly string[] | "silent" }

function dns({ web, mx = ["mail.napier.ac.uk"] }: Answers = {}): PolicyWorld["dns"] {
  const secure = false
  return {
    async addresses() {
      if (web === "silent") return { found: "unavailable", why: "SERVFAIL" }
      if (web === "nothing") return { found: "nothing", why: "no such name", secure }
      return { found: "records", records: ["127.0.0.1"], secure, ttl: 60 }
    },
    async mx() {
      if (mx === "silent") return { found: "unavailable", why: "SERVFAIL" }
      return {
        found: "records",
        records: mx.map((exchange) => ({ preference: 10, exchange })),
        secure,
        ttl: 60,
      }
    },
  }
}

const cases: readonly [
  what: string,
  text: string,
  answers: Answers,
  state: string,
  advice: RegExp | undefined,
][] = [
  ["that names the exchanger", good, {}, "ok", undefined],
  ["that names one of its patterns", good, { mx: ["mx2.hello.com"] }, "ok", undefined],
  ["in testing", policy("testing", ["mail.napier.ac.uk"]), {}, "ok", /mode: enforce/],
  [
    "that leaves an exchanger out",
    good,
    { mx: ["mail.napier.ac.uk", "mx.example.org"] },
    "wrong",
    /name mx\.example\.org with mx: lines: mail .* not delivered/,
  ],
  ["of mode none", "version: STSv1\nmode: none\nmax_age: 604800\n", {}, "wrong", /mode: testing/],
  ["that is kept for an hour", policy("enforce", ["mail.napier.ac.uk"], 3600), {}, "wrong", /max_age/],
  ["of another version", good.replace("STSv1", "STSv2"), {}, "wrong", /version/],
  ["that is a page of HTML", "<html></html>", {}, "wrong", /is no field/],
  ["whose domain's exchangers cannot be told", good, { mx: "silent" }, "unknown", /later/],
  [
    "whose host has no address",
    good,
    { web: "nothing" },
    "missing",
    /give mta-sts\.napier\.ac\.uk the address/,
  ],
  ["whose host DNS is silent about", good, { web: "silent" }, "unknown", /later/],
]

for (const [what, text, answers, state, advice] of cases) {
  test(`dns check: a policy ${what} is ${state}`, async () => {
    const checked = await checkPolicy(site, { dns: dns(answers), fetch: async () => ok(text) })
    assert.equal(checked.state, state, checked.advice ?? "")
    if (advice === undefined) assert.equal(checked.advice, undefined)
    else assert.match(checked.advice ?? "", advice)
  })
}

test("dns check: a certificate that senders would not take is told, for a policy counts on it", async () => {
  const own = makeSelfSigned(["mail.napier.ac.uk"], new Date(), 30).certificate
  const other = makeSelfSigned(["www.napier.ac.uk"], new Date(), 30).certificate
  const look = async (certificate: string) =>
    (await checkPolicy({ ...site, certificate }, { dns: dns(), fetch: async () => ok(good) })).advice ?? ""
  assert.match(await look(own), /ours has signed itself: mail is not delivered/)
  assert.match(await look(other), /a certificate for mail\.napier\.ac\.uk/)
})

const served = { status: 200, type: "text/plain", text: good }
const pair = makeSelfSigned(["mta-sts.napier.ac.uk"], new Date(), 30)
const server = createServer({ key: pair.key, cert: pair.certificate }, (_request, response) => {
  response.writeHead(served.status, { "content-type": served.type }).end(served.text)
})
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
after(() => server.close())
const { port } = server.address() as AddressInfo // it listens on TCP

/** Asks the real server. */
async function asked(authorities: readonly string[]) {
  const addresses: Dns["addresses"] = dns().addresses
  const fetch = (domain: string) => fetchPolicy(domain, { dns: { addresses }, authorities, port })
  return checkPolicy(site, { dns: dns(), fetch })
}

test("dns check gets the policy by HTTPS, and says why where it cannot be had", async () => {
  const checked = await asked([pair.certificate])
  assert.equal(checked.state, "ok", checked.advice ?? "")
  assert.deepEqual(checked.found, ["enforce, mx mail.napier.ac.uk, *.hello.com, kept for 7 days"])
  const untrusted = await asked([])
  assert.equal(untrusted.state, "wrong")
  assert.match(untrusted.advice ?? "", /it cannot be had: https:\/\/mta-sts\.napier\.ac\.uk: .*self.signed/)
  served.status = 302
  assert.match((await asked([pair.certificate])).advice ?? "", /HTTP status 302/)
  Object.assign(served, { status: 200, type: "text/html" })
  assert.match((await asked([pair.certificate])).advice ?? "", /its type is text\/html/)
})

test("dns check: a web server that does not answer in time says nothing of the policy", async () => {
  const fetch: PolicyWorld["fetch"] = async () =>
    fail({ says: "https://mta-sts.napier.ac.uk: The operation was aborted due to timeout" })
  assert.equal((await checkPolicy(site, { dns: dns(), fetch })).state, "unknown")
})
