// Another's evaluator of SPF, mailauth's, on the same public suite as ours (auth/spf-suite.test.ts): where the two differ, the suite
// is with us. A new difference is news of either.
import assert from "node:assert/strict"
import { test } from "node:test"
import { spf } from "mailauth/lib/spf/index.js"
import { dnsOf, scenarios } from "../../test/kit/spf-suite.ts"
import { checkHost } from "../auth/spf.ts"
import type { SpfDns } from "../auth/spf-dns.ts"
import type { DnsAnswer } from "../mail/world.ts"

/** DNS as mailauth asks it: records, or an error with a code. */
function resolverOver(dns: SpfDns) {
  const records = async <T>(asked: Promise<DnsAnswer<T>>): Promise<readonly T[]> => {
    const answer = await asked
    if (answer.found === "records") return answer.records
    throw Object.assign(new Error(answer.found), {
      code: answer.found === "nothing" ? "ENOTFOUND" : "ETIMEOUT",
    })
  }
  // Its types know no answer of MX, which is objects.
  function resolve(name: string, type: string): Promise<string[]>
  async function resolve(name: string, type: string): Promise<readonly unknown[]> {
    switch (type) {
      case "TXT":
        return (await records(dns.txt(name))).map((text) => [text])
      case "A":
        return records(dns.ipv4?.(name) ?? assert.fail())
      case "AAAA":
        return records(dns.ipv6?.(name) ?? assert.fail())
      case "MX":
        return (await records(dns.mx(name))).map(({ preference, exchange }) => ({
          priority: preference,
          exchange,
        }))
      case "PTR":
        return records(dns.names(addressOf(name)))
      default:
        return assert.fail(`nobody asks for ${type}`)
    }
  }
  return resolve
}

/** Of 7.2.0.192.in-addr.arpa, 192.0.2.7. */
function addressOf(name: string): string {
  const labels = name
    .replace(/\.(?:in-addr|ip6)\.arpa$/i, "")
    .split(".")
    .toReversed()
  return labels.length === 4 ? labels.join(".") : labels.join("").replaceAll(/.{4}(?=.)/g, "$&:")
}

/** The cases of the suite that mailauth gets wrong; ours must be right in each. */
async function wrongIn(mode: { readonly strict: boolean }): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const { tests, zone } of scenarios) {
    const dns = dnsOf(zone)
    for (const [name, { host, helo, mailfrom, result }] of Object.entries(tests)) {
      const at = mailfrom.lastIndexOf("@")
      const identity =
        mailfrom === ""
          ? { localPart: "postmaster", domain: helo }
          : { localPart: mailfrom.slice(0, Math.max(0, at)), domain: mailfrom.slice(at + 1) }
      const question = { ...identity, address: host, helo, receiver: "mx.grussell.org" }
      const ours = await checkHost(question, { dns, clock: () => 0 })
      assert.ok(result.includes(ours.result), name)
      const asked = { sender: mailfrom, ip: host, helo, mta: question.receiver, resolver: resolverOver(dns) }
      const { status } = await spf({ ...asked, ...mode })
      if (!result.includes(status.result)) wrong.push(`${name}: ${status.result}`)
    }
  }
  return wrong
}

test("mailauth, as strict as RFC 7208, agrees with us in all 203 cases of the suite", async () => {
  assert.deepEqual(await wrongIn({ strict: true }), [])
})

test("mailauth as it is without that word gets these of the suite wrong, and we none", async () => {
  assert.deepEqual(await wrongIn({ strict: false }), [
    "bare-ip6: fail",
    "exp-syntax-error: neutral",
    "exp-twice: fail",
    "exp-only-macro-char: fail",
    "invalid-hello-macro: permerror",
    "hello-domain-literal: permerror",
    "require-valid-helo: permerror",
  ])
})
