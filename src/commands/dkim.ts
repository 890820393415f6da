// waypost dkim: new keys for a domain and the records to publish, those of the keys there are, and what the signatures of a message
// come to, step by step.
import { domainToASCII } from "node:url"
import { chainInWords, signatureInWords } from "../auth/results.ts"
import { isDomain } from "../auth/spf.ts"
import { hasArc, wrongArcFields } from "../auth/arc-fields.ts"
import { verifier } from "../daemon/signatures.ts"
import { keysByDefault } from "../daemon/signing.ts"
import { scanHeader } from "../message/header.ts"
import { judgeAuthors } from "../policy/authors.ts"
import { isSelector, type KeyRecord, makeKeys, readKeys, recordOf } from "../trust/dkim-keys.ts"
import { SignatureThreads } from "../trust/mailauth.ts"
import { type Arguments, readArguments, type Usage } from "./arguments.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { readMessages } from "./forensics-input.ts"
import { findMailUser } from "./mail-user.ts"
import { resolverFor } from "./resolver-option.ts"

const usage: Usage = {
  name: "waypost dkim",
  operands: "new DOMAIN | show DOMAIN | verify FILE|-",
  mostOperands: 2,
  about:
    "Keys that sign mail (FEATURE(dkim_sign)): new makes one of RSA and one of Ed25519 and prints the records to publish; show prints those of the keys that sign now; verify tells what a message's signatures come to.",
  options: {
    dir: { value: "DIR", says: `where keys are kept (${keysByDefault})` },
    selector: { value: "NAME", says: "new: what the selectors begin with (today's date); r and e are added" },
    resolver: { value: "ADDR:PORT", says: "verify: the name server to ask, instead of /etc/resolv.conf" },
  },
}

/** Runs the command. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [word, operand] = given.operands
  if (operand !== undefined) {
    switch (word) {
      case "new":
        return makeNew(domainOf(operand), given, io)
      case "show":
        return show(domainOf(operand), given, io)
      case "verify":
        return await verify(operand, given, io)
    }
  }
  throw new Refusal("new DOMAIN, show DOMAIN or verify FILE; see waypost dkim --help", exits.usage)
}

/** The domain in the form DNS has it, or a refusal. */
export function domainOf(typed: string): string {
  const domain = /^[\w.-]+$/.test(typed) ? typed.toLowerCase().replace(/\.$/, "") : domainToASCII(typed)
  if (!isDomain(domain)) throw new Refusal(`"${typed}" is no domain`, exits.usage)
  return domain
}

function makeNew(domain: string, given: Arguments, io: Io): number {
  const directory = given.text("dir") ?? keysByDefault
  const selector =
    given.text("selector")?.toLowerCase() ?? new Date().toISOString().slice(0, 10).replaceAll("-", "")
  if (!isSelector(`${selector}r`)) throw new Refusal(`"${selector}" is no selector`, exits.usage)
  const owner = process.getuid?.() === 0 ? findMailUser() : undefined
  const made = makeKeys(directory, domain, selector, owner)
  if (!made.ok) throw new Refusal(made.error, exits.cannotCreate)
  const lines = [
    `; two keys for ${domain} are in ${directory}/${domain}; publish these records:`,
    ...made.value.map((key) => zoneLine(recordOf(domain, key))),
    `; then, when DNS shows them (waypost dns check ${domain}), sign with them: FEATURE(\`dkim_sign', \`${directory}')dnl`,
    "; in sendmail.mc, and waypost reload. The newest key of each kind signs, from the next start or reload on; keep old",
    "; records for a week.",
  ]
  io.stdout.write(`${lines.join("\n")}\n`)
  return exits.ok
}

function show(domain: string, given: Arguments, io: Io): number {
  const directory = given.text("dir") ?? keysByDefault
  const ring = readKeys(directory)
  if (!ring.ok) throw new Refusal(ring.error, exits.noInput)
  const keys = ring.value.get(domain)
  if (keys === undefined)
    throw new Refusal(`${directory} has no keys of ${domain}: waypost dkim new ${domain}`, exits.noInput)
  io.stdout.write(`${keys.map((key) => zoneLine(recordOf(domain, key))).join("\n")}\n`)
  return exits.ok
}

/** A TXT record as a zone file has it: strings of at most 255 octets. */
export function zoneLine({ name, text }: KeyRecord): string {
  const strings = text.match(/[\s\S]{1,255}/g) ?? [""]
  const quoted = strings.map((one) => `"${one.replaceAll(/["\\]/g, "\\$&")}"`)
  return quoted.length === 1
    ? `${name}. IN TXT ${quoted[0]}`
    : `${name}. IN TXT (\n  ${quoted.join("\n  ")} )`
}

async function verify(operand: string, given: Arguments, io: Io): Promise<number> {
  const dns = resolverFor(given.text("resolver"))
  const threads = new SignatureThreads(dns.txt, (line) => io.stderr.write(`waypost dkim: ${line}\n`))
  const look = verifier(() => threads, { does: "verify", dkim: true, arc: true })
  let passed = true
  try {
    for await (const { name, bytes } of readMessages(operand, io)) {
      const octets = withCrlf(bytes)
      const header = scanHeader(octets)
      const found = await look(octets.subarray(0, header.bodyStart), async function* () {
        yield octets.subarray(header.bodyStart)
      })
      if (!found.ok) throw new Refusal(`${name}: ${found.error}`, exits.tryAgain)
      const { signatures, asked, chain } = found.value
      const wrong = hasArc(header) ? wrongArcFields(header) : undefined
      const vouchers = signatures.map(({ domain, result }) => ({ by: "dkim", domain, result }) as const)
      const world = { txt: dns.txt, addresses: dns.ipv4 ?? dns.addresses }
      const verdicts = await judgeAuthors(header, vouchers, world)
      const lines = [
        ...asked.map((one) => `  asked     ${one.name}: ${one.said}`),
        ...(signatures.length === 0 ? ["  dkim      the message is not signed"] : []),
        ...signatures.map((one) => `  dkim      ${one.result}: ${signatureInWords(one)}`),
        `  arc       ${wrong === undefined ? `${chain.result}: ${chainInWords(chain)}` : `fail: ${wrong}`}`,
        ...verdicts.flatMap(({ trail, result, domain, why }) => [
          ...trail.map(({ says }) => `  asked     ${says}`),
          `  dmarc     ${result}${domain === "" ? "" : ` for ${domain}`} by DKIM alone: ${why}`,
        ]),
      ]
      io.stdout.write(`${name}\n${lines.join("\n")}\n`)
      passed &&= signatures.some(({ result }) => result === "pass")
    }
  } finally {
    await threads.close()
  }
  return passed ? exits.ok : exits.dataError
}

/** A file of this machine has LF alone; what is signed has CRLF. */
function withCrlf(bytes: Buffer): Buffer {
  return bytes.includes("\r\n")
    ? bytes
    : Buffer.from(bytes.toString("latin1").replaceAll("\n", "\r\n"), "latin1")
}
