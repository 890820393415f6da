// docs/rfcs.md, made from the lines of src/ that cite a standard: `node test/rfcs.ts` writes it anew.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"

export const rfcsFile = join(import.meta.dirname, "../docs/rfcs.md")
const source = join(import.meta.dirname, "../src")

/** What each standard is about, for who has not its number in his head. */
const titles: ReadonlyMap<number, string> = new Map([
  [1035, "Domain names"],
  [1123, "Requirements for Internet hosts"],
  [1413, "Identification protocol"],
  [1870, "SMTP: SIZE"],
  [1985, "SMTP: ETRN"],
  [2033, "LMTP"],
  [2034, "SMTP: enhanced error codes"],
  [2046, "MIME: media types"],
  [2047, "MIME: text in header fields"],
  [2156, "X.400 and RFC 822 (Importance, Priority)"],
  [2195, "CRAM-MD5"],
  [2231, "MIME: parameter values"],
  [2308, "DNS: negative caching"],
  [2369, "List-… header fields"],
  [2852, "SMTP: DELIVERBY"],
  [2919, "List-Id"],
  [2920, "SMTP: PIPELINING"],
  [3030, "SMTP: CHUNKING and BINARYMIME"],
  [3164, "syslog"],
  [3207, "SMTP: STARTTLS"],
  [3339, "Dates on the Internet"],
  [3461, "SMTP: DSN"],
  [3463, "Enhanced status codes"],
  [3464, "Delivery status notifications"],
  [3501, "IMAP (flags)"],
  [3596, "DNS: AAAA"],
  [3834, "Automatic responses"],
  [3848, "Words after `with` in Received"],
  [3849, "IPv6 addresses for documentation"],
  [3986, "URIs"],
  [4007, "IPv6 scoped addresses"],
  [4013, "SASLprep"],
  [4155, "application/mbox"],
  [4226, "HOTP"],
  [4291, "IPv6 addresses"],
  [4422, "SASL"],
  [4616, "SASL: PLAIN"],
  [4648, "Base64, Base32"],
  [4790, "Collations"],
  [4954, "SMTP: AUTH"],
  [5173, "Sieve: body"],
  [5228, "Sieve"],
  [5229, "Sieve: variables"],
  [5230, "Sieve: vacation"],
  [5231, "Sieve: relational"],
  [5232, "Sieve: imap4flags"],
  [5233, "Sieve: subaddress"],
  [5246, "TLS 1.2"],
  [5256, "IMAP: SORT and THREAD (base subject)"],
  [5260, "Sieve: date and index"],
  [5280, "X.509 certificates"],
  [5293, "Sieve: editheader"],
  [5321, "SMTP"],
  [5322, "Internet message format"],
  [5429, "Sieve: reject, ereject"],
  [5452, "DNS: against forged answers"],
  [5490, "Sieve: mailbox"],
  [5737, "IPv4 addresses for documentation"],
  [5782, "DNS block lists"],
  [5802, "SCRAM"],
  [5952, "IPv6 addresses as text"],
  [6008, "Authentication-Results for several DKIM results"],
  [6125, "Names in certificates"],
  [6131, "Sieve: vacation in seconds"],
  [6152, "SMTP: 8BITMIME"],
  [6238, "TOTP"],
  [6376, "DKIM"],
  [6409, "Message submission"],
  [6522, "multipart/report"],
  [6531, "SMTP: SMTPUTF8"],
  [6532, "Internationalized header fields"],
  [6533, "Internationalized DSNs"],
  [6598, "Shared IPv4 address space"],
  [6609, "Sieve: include"],
  [6698, "DANE"],
  [6761, "Special-use domain names"],
  [6762, "Multicast DNS (.local)"],
  [6840, "DNSSEC: clarifications"],
  [6890, "Special-purpose addresses"],
  [6891, "DNS: EDNS"],
  [7208, "SPF"],
  [7352, "Sieve: duplicate"],
  [7372, "Status codes for authentication"],
  [7489, "DMARC, as it was first published"],
  [7504, "SMTP: 521 and 556"],
  [7505, "Null MX"],
  [7671, "DANE: operation"],
  [7672, "DANE for SMTP"],
  [7677, "SCRAM-SHA-256"],
  [8301, "DKIM: algorithms and key sizes"],
  [8314, "TLS for submission (implicit)"],
  [8375, "home.arpa"],
  [8410, "Ed25519 keys in certificates"],
  [8446, "TLS 1.3"],
  [8460, "SMTP TLS reporting"],
  [8461, "MTA-STS"],
  [8463, "DKIM: Ed25519"],
  [8555, "ACME"],
  [8601, "Authentication-Results"],
  [8617, "ARC"],
  [8689, "SMTP: REQUIRETLS"],
  [8996, "TLS 1.0 and 1.1 are over"],
  [9266, "TLS 1.3: tls-exporter channel binding"],
  [9422, "SMTP: LIMITS"],
  [9989, "DMARC"],
  [9990, "DMARC: aggregate reports"],
])

type Cited = { readonly sections: Set<string>; readonly files: Set<string> }

/** Throws on a standard without a title: whoever cites one adds it. */
export function writeRfcs(): string {
  const rows = [...citations()]
    .toSorted(([one], [other]) => one - other)
    .map(([number, { sections, files }]) => {
      const title = titles.get(number)
      if (title === undefined) throw new Error(`test/rfcs.ts has no title for RFC ${number}`)
      return `| [${number}](https://www.rfc-editor.org/rfc/rfc${number}) | ${title} | ${sorted(sections)} | ${links(files)} |`
    })
  return `# The standards, and where they are kept

Where a standard rules, the line of the program says so, with the section. This table is made from those lines (\`node test/rfcs.ts\`): it
is a way into the sources for who knows the standard, and into the standard for who reads the sources. Where we leave a standard for
sendmail's sake, [sendmail-differences.md](sendmail-differences.md) and the line itself say it.

| RFC | about | sections cited | where |
| --- | --- | --- | --- |
${rows.join("\n")}
`
}

function citations(): Map<number, Cited> {
  const all = new Map<number, Cited>()
  for (const path of sources()) {
    const file = relative(source, path)
    for (const [, number, sections] of readFileSync(path, "utf8").matchAll(citation)) {
      const cited = all.get(Number(number)) ?? { sections: new Set(), files: new Set() }
      all.set(Number(number), cited)
      cited.files.add(file)
      for (const [section] of (sections ?? "").matchAll(/[0-9A-Z][0-9A-Z.]*(?<!\.)/g))
        cited.sections.add(section)
    }
  }
  return all
}

/** "RFC 5321 §4.5.3.1.10", "RFC 3464 §2.3.3, §2.3.4" */
const citation = /\bRFC (\d{3,5})((?:,? §[0-9A-Z][0-9A-Z.]*)*)/g

function sources(): readonly string[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name))
    .map((name) => join(source, name))
    .toSorted()
}

function sorted(sections: ReadonlySet<string>): string {
  const order = new Intl.Collator("en", { numeric: true })
  return [...sections].toSorted(order.compare).join(", ")
}

function links(files: ReadonlySet<string>): string {
  return [...files].map((file) => `[${file}](../src/${file})`).join(", ")
}

if (import.meta.main) writeFileSync(rfcsFile, writeRfcs())
