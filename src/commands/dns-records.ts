// The records that a domain should have so that its mail is believed and comes in safely, each with what is said when it is missing.
import { createHash, X509Certificate } from "node:crypto"
import { reverseName } from "../host/dns.ts"
import { recordOf } from "../trust/dkim-keys.ts"
import type { SigningKey } from "../trust/mailauth-requests.ts"

export type Wanted = {
  readonly what: "MX" | "address" | "PTR" | "SPF" | "DKIM" | "DMARC" | "MTA-STS" | "TLS-RPT" | "TLSA"
  readonly name: string
  readonly type: "MX" | "A" | "AAAA" | "PTR" | "TXT" | "TLSA"
  readonly text: string
  /** What it is good for. */
  readonly why: string
}

export type Site = {
  readonly domain: string
  /** Our name, which is the domain's exchanger. */
  readonly host: string
  readonly addresses: readonly string[]
  readonly keys: readonly SigningKey[]
  /** PEM of the certificate that is shown on port 25. */
  readonly certificate: string | undefined
  /** For the id of the MTA-STS policy. */
  readonly today: string
}

/** What should be published, in the order of a zone file. */
export function wantedRecords({
  domain,
  host,
  addresses,
  keys,
  certificate,
  today,
}: Site): readonly Wanted[] {
  const tlsa = certificate === undefined ? [] : [tlsaOf(host, certificate)]
  return [
    { what: "MX", name: domain, type: "MX", text: `10 ${host}.`, why: "where mail for the domain goes" },
    ...addresses.flatMap((address) => addressRecords(host, address)),
    {
      what: "SPF",
      name: domain,
      type: "TXT",
      text: "v=spf1 mx -all",
      why: "who sends for the domain: its exchangers, and nobody else",
    },
    ...(host === domain
      ? []
      : [
          {
            what: "SPF",
            name: host,
            type: "TXT",
            text: "v=spf1 a -all",
            why: "the same for our name in HELO and bounces",
          } as const,
        ]),
    ...keys.map((key): Wanted => {
      const { name, text } = recordOf(domain, key)
      return { what: "DKIM", name, type: "TXT", text, why: `the ${key.algorithm} key we sign with` }
    }),
    {
      what: "DMARC",
      name: `_dmarc.${domain}`,
      type: "TXT",
      text: `v=DMARC1; p=none; rua=mailto:postmaster@${domain}`,
      why: "reports of who uses the name; when they are good, p=reject",
    },
    {
      what: "MTA-STS",
      name: `_mta-sts.${domain}`,
      type: "TXT",
      text: `v=STSv1; id=${today}`,
      why: "others must use TLS: there is a policy",
    },
    {
      what: "TLS-RPT",
      name: `_smtp._tls.${domain}`,
      type: "TXT",
      text: `v=TLSRPTv1; rua=mailto:postmaster@${domain}`,
      why: "reports of TLS that failed",
    },
    ...tlsa,
  ]
}

function addressRecords(host: string, address: string): readonly Wanted[] {
  const reverse = reverseName(address)
  const type = address.includes(":") ? "AAAA" : "A"
  return [
    { what: "address", name: host, type, text: address, why: "where the exchanger is" },
    ...(reverse === undefined
      ? []
      : [
          {
            what: "PTR",
            name: reverse,
            type: "PTR",
            text: `${host}.`,
            why: "the name of the address; whoever owns the network sets it",
          } as const,
        ]),
  ]
}

/** The public key, by its hash (RFC 7672 §3.1.1: DANE-EE, SPKI, SHA-256); it stays right when the certificate is renewed with it. */
function tlsaOf(host: string, pem: string): Wanted {
  const spki = new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" })
  const text = `3 1 1 ${createHash("sha256").update(spki).digest("hex")}`
  return {
    what: "TLSA",
    name: `_25._tcp.${host}`,
    type: "TLSA",
    text,
    why: "our certificate's key (DANE); only in a zone signed with DNSSEC",
  }
}

/** The policy that MTA-STS points to (RFC 8461 §3.2). */
export function stsPolicy(host: string): string {
  return `version: STSv1\nmode: testing\nmx: ${host}\nmax_age: 604800\n`
}
