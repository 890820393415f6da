// waypost dns: the records that a domain should have, ready for its zone file, and whether it has them.
import { existsSync, readFileSync } from "node:fs"
import { isIP } from "node:net"
import { option } from "../config/options.ts"
import { feature, macro, type Settings, type SubmissionHop } from "../config/settings.ts"
import { keysByDefault } from "../daemon/signing.ts"
import { readKeys } from "../trust/dkim-keys.ts"
import { fetchPolicy } from "../trust/mta-sts-fetch.ts"
import { type Arguments, readArguments, stateOption, type Usage } from "./arguments.ts"
import { loadConfiguration } from "./configuration.ts"
import { domainOf, zoneLine } from "./dkim.ts"
import { missingServer } from "./check-submit.ts"
import { type CheckedBimi, checkBimi } from "./dns-bimi.ts"
import { type Checked, checkRecord } from "./dns-check.ts"
import { type CheckedPolicy, checkPolicy } from "./dns-policy.ts"
import { type Site, stsPolicy, type Wanted, wantedRecords } from "./dns-records.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { resolverFor } from "./resolver-option.ts"
import { runningConfiguration, runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost dns",
  operands: "setup|check DOMAIN",
  mostOperands: 2,
  about:
    "The DNS records a mail domain should have: setup prints them, check says for each whether it is there and right, and what to do.",
  options: {
    state: stateOption,
    config: { value: "FILE", says: "the configuration (else that of the running system)" },
    host: { value: "NAME", says: "the exchanger's name (else $j of the configuration)" },
    address: { value: "IP[,IP]", says: "the exchanger's addresses (else what DNS says of its name)" },
    keys: { value: "DIR", says: "where the DKIM keys are (else as FEATURE(dkim_sign) says)" },
    json: { says: "the answer as JSON" },
    resolver: { value: "ADDR:PORT", says: "the name server to ask, instead of /etc/resolv.conf" },
  },
}

/** Runs the command. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [word, operand] = given.operands
  if ((word !== "setup" && word !== "check") || operand === undefined)
    throw new Refusal("setup DOMAIN or check DOMAIN; see waypost dns --help", exits.usage)
  const site = await siteOf(domainOf(operand), given, io)
  return word === "setup" ? setup(site, given, io) : await check(site, given, io)
}

type SiteHere = Site & {
  readonly submission: SubmissionHop | undefined
  /** The command that makes keys where they are looked for. */
  readonly newKeys: string
}

async function siteOf(domain: string, given: Arguments, io: Io): Promise<SiteHere> {
  const state = runningState(given.text("state"), io)
  const loaded = loadConfiguration(given.text("config") ?? runningConfiguration(state), state)
  if (!loaded.ok) throw new Refusal(loaded.error, exits.config)
  const { settings } = loaded.value
  const host = domainOf(given.text("host") ?? macro(settings, "j") ?? domain)
  const addresses = await addressesOf(host, given)
  const configured = feature(settings, "dkim_sign")?.args[0] || keysByDefault
  const directory = given.text("keys") ?? configured
  const keys = given.text("keys") !== undefined || existsSync(directory) ? keysOf(domain, directory) : []
  const newKeys = `waypost dkim new ${domain}${directory === keysByDefault ? "" : ` --dir ${directory}`}`
  const today = new Date().toISOString().slice(0, 10).replaceAll("-", "")
  const { submission } = settings
  return { domain, host, addresses, keys, certificate: certificateOf(settings), today, submission, newKeys }
}

async function addressesOf(host: string, given: Arguments): Promise<readonly string[]> {
  const named = given
    .text("address")
    ?.split(",")
    .map((one) => one.trim())
  const wrong = named?.find((one) => isIP(one) === 0)
  if (wrong !== undefined) throw new Refusal(`--address: "${wrong}" is no IP address`, exits.usage)
  if (named !== undefined) return named
  const answer = await resolverFor(given.text("resolver")).addresses(host)
  return answer.found === "records" ? answer.records : []
}

function keysOf(domain: string, directory: string): Site["keys"] {
  const ring = readKeys(directory)
  if (!ring.ok) throw new Refusal(ring.error, exits.noInput)
  return ring.value.get(domain) ?? []
}

function certificateOf(settings: Settings): string | undefined {
  const file = option(settings, "ServerCertFile")?.split(",")[0]?.trim()
  return file === undefined || !existsSync(file) ? undefined : readFileSync(file, "utf8")
}

function setup(site: SiteHere, given: Arguments, io: Io): number {
  const { domain, host, addresses, keys, certificate, newKeys } = site
  const wanted = wantedRecords(site)
  if (given.has("json")) {
    io.stdout.write(
      `${JSON.stringify({ domain, host, records: wanted, stsPolicy: stsPolicy(host) }, undefined, 2)}\n`,
    )
    return exits.ok
  }
  const missing = [
    ...(addresses.length === 0
      ? [`; DNS knows no address of ${host}: say it with --address, for A, AAAA and PTR`]
      : []),
    ...(keys.length === 0 ? [`; no DKIM keys of ${domain} yet: ${newKeys}`] : []),
    ...(certificate === undefined ? ["; no certificate yet (confSERVER_CERT), so no TLSA record"] : []),
  ]
  const policy = stsPolicy(host)
    .trimEnd()
    .split("\n")
    .map((line) => `;   ${line}`)
  const lines = [
    ...wanted.flatMap((one) => [`; ${one.what}: ${one.why}`, lineOf(one)]),
    ...missing,
    `; mta-sts.${domain} is a web server, which has a certificate for that name. The policy of MTA-STS is there,`,
    `; at https://mta-sts.${domain}/.well-known/mta-sts.txt, of type text/plain:`,
    ...policy,
  ]
  io.stdout.write(`${lines.join("\n")}\n`)
  return exits.ok
}

/** A record as a zone file has it. */
export function lineOf({ name, type, text }: Wanted): string {
  return type === "TXT" ? zoneLine({ name, text }) : `${name}. IN ${type} ${text}`
}

async function check(site: SiteHere, given: Arguments, io: Io): Promise<number> {
  const dns = resolverFor(given.text("resolver"))
  const policyWorld = { dns, fetch: (domain: string) => fetchPolicy(domain, { dns, authorities: [] }) }
  const checked = await Promise.all([
    ...wantedRecords(site).map((wanted) => checkRecord(wanted, dns)),
    checkPolicy(site, policyWorld),
    checkBimi(site.domain, dns),
  ])
  const bad = checked.filter(({ state }) => state === "missing" || state === "wrong")
  if (given.has("json"))
    io.stdout.write(`${JSON.stringify({ domain: site.domain, checked }, undefined, 2)}\n`)
  else {
    const noKeys = site.keys.length === 0 ? [`missing  DKIM     no keys: ${site.newKeys}`] : []
    const server = site.submission && (await missingServer(site.submission, dns))
    const noServer = server === undefined ? [] : [`missing  submit   ${server.at ?? ""}: ${server.text}`]
    const noTls = site.certificate === undefined ? ["missing  TLSA     no certificate (confSERVER_CERT)"] : []
    io.stdout.write(`${[...checked.flatMap(wordsFor), ...noKeys, ...noTls, ...noServer].join("\n")}\n`)
  }
  if (checked.some(({ state }) => state === "unknown")) return exits.tryAgain
  return bad.length === 0 && site.keys.length > 0 ? exits.ok : exits.dataError
}

function wordsFor({
  wanted,
  state,
  found,
  advice,
}: Checked | CheckedPolicy | CheckedBimi): readonly string[] {
  const there = found.length === 0 ? wanted.name : `${wanted.name}: ${found.map(short).join(" | ")}`
  const first = `${state.padEnd(8)} ${wanted.what.padEnd(8)} ${there}`
  return advice === undefined ? [first] : [first, `         → ${advice}`]
}

function short(text: string): string {
  return text.length > 90 ? `${text.slice(0, 87)}...` : text
}
