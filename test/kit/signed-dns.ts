// Zones that are really signed: Debian's nsd serves them, signed by ldns-signzone, and Debian's unbound in front of it validates, so
// that the AD bit is there where it should be and SERVFAIL where somebody has tampered.
import type { ChildProcess } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { askFrom } from "../../src/host/dns.ts"
import type { Dns } from "../../src/mail/world.ts"
import { peerVersion, runPeer, startPeer } from "./peers.ts"
import { freePort } from "./system.ts"

export const signedDnsPeers = ["nsd", "unbound", "ldns-signzone"] as const

export type SignedZone = {
  /** Lines of the zone below its SOA and NS. */
  readonly records: readonly string[]
  /** Not signed, and no trust anchor: insecure. */
  readonly insecure?: true
  /** Changes the signed file, as an attacker would. */
  readonly tamper?: (text: string) => string
}

export type SignedDns = {
  readonly dns: Dns
  /** "127.0.0.1:5353", of unbound. */
  readonly resolver: string
  readonly versions: string
  close(): void
}

/** Signs, serves and validates; resolves when unbound answers. A port that somebody else took meanwhile costs another try. */
export async function startSignedDns(zones: Readonly<Record<string, SignedZone>>): Promise<SignedDns> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(zones)
    } catch (error) {
      if (tries === 3) throw error
    }
  }
}

async function startOnce(zones: Readonly<Record<string, SignedZone>>): Promise<SignedDns> {
  const directory = mkdtempSync(join(tmpdir(), "waypost-dnssec-"))
  chmodSync(directory, 0o755)
  mkdirSync(join(directory, "zones"))
  const binds = { "/tmp/dnssec": directory }
  const served = await freePort()
  const asked = await freePort()
  const anchors = Object.entries(zones).flatMap(([name, zone]) => makeZone(name, zone, directory, binds))
  writeFileSync(join(directory, "nsd.conf"), nsdConf(Object.keys(zones), served))
  writeFileSync(join(directory, "unbound.conf"), unboundConf(Object.keys(zones), { served, asked, anchors }))
  const quiet = { stdio: "ignore" } as const
  const children: readonly ChildProcess[] = [
    startPeer("nsd", { args: ["-d", "-c", "/tmp/dnssec/nsd.conf"], binds }, quiet),
    startPeer("unbound", { args: ["-d", "-p", "-c", "/tmp/dnssec/unbound.conf"], binds }, quiet),
  ]
  const dns = askFrom([{ address: "127.0.0.1", port: asked }], { timeoutMs: 2000 })
  const close = () => {
    for (const child of children) child.kill("SIGTERM")
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }) // they write as they end
  }
  const first = Object.keys(zones)[0] ?? ""
  for (let tries = 0; ; tries++) {
    // Neither says when it is ready: a fresh resolver each time, which remembers no failure.
    const probe = askFrom([{ address: "127.0.0.1", port: asked }], { timeoutMs: 500, attempts: 1 })
    const answer = await probe.txt(first)
    if (answer.found !== "unavailable") break
    if (tries > 80) {
      close()
      throw new Error(`unbound does not answer: ${answer.why}`)
    }
    await pause(100)
  }
  const versions = signedDnsPeers.map(peerVersion).join(", ")
  return { dns, resolver: `127.0.0.1:${asked}`, versions, close }
}

/** Writes the zone, signed where it is to be; its trust anchor, if it has one. */
function makeZone(
  name: string,
  { records, insecure, tamper }: SignedZone,
  directory: string,
  binds: Readonly<Record<string, string>>,
): readonly string[] {
  const file = join(directory, "zones", name)
  const head = [
    `$ORIGIN ${name}.`,
    "$TTL 300",
    `@ IN SOA ns.${name}. hostmaster.${name}. 1 3600 600 86400 300`,
    `@ IN NS ns.${name}.`,
    "ns IN A 127.0.0.1",
  ]
  writeFileSync(file, `${[...head, ...records].join("\n")}\n`)
  if (insecure === true) return []
  const keygen = `cd /tmp/dnssec/zones && ldns-keygen -a ECDSAP256SHA256 -k ${name}`
  const made = runPeer("ldns-signzone", { path: "/bin/sh", args: ["-c", keygen], binds })
  const key = made.stdout.trim()
  const args = [
    "-f",
    `/tmp/dnssec/zones/${name}.signed`,
    `/tmp/dnssec/zones/${name}`,
    `/tmp/dnssec/zones/${key}`,
  ]
  const signed = runPeer("ldns-signzone", { args, binds })
  if (signed.status !== 0) throw new Error(`ldns-signzone: ${made.stderr}${signed.stderr}`)
  const text = readFileSync(`${file}.signed`, "utf8")
  writeFileSync(file, tamper === undefined ? text : tamper(text))
  const ds = readdirSync(join(directory, "zones")).find((one) => one === `${key}.ds`)
  return ds === undefined ? [] : [readFileSync(join(directory, "zones", ds), "utf8").trim()]
}

function nsdConf(zones: readonly string[], port: number): string {
  return [
    "server:",
    `  ip-address: 127.0.0.1@${port}`,
    '  username: ""',
    '  chroot: ""',
    '  zonesdir: "/tmp/dnssec/zones"',
    '  pidfile: ""',
    '  database: ""',
    '  zonelistfile: "/tmp/dnssec/zone.list"',
    '  xfrdfile: "/tmp/dnssec/xfrd.state"',
    '  xfrdir: "/tmp/dnssec"',
    "  server-count: 1",
    "remote-control:",
    "  control-enable: no",
    ...zones.flatMap((name) => ["zone:", `  name: "${name}"`, `  zonefile: "${name}"`]),
    "",
  ].join("\n")
}

function unboundConf(
  zones: readonly string[],
  at: { readonly served: number; readonly asked: number; readonly anchors: readonly string[] },
): string {
  return [
    "server:",
    "  interface: 127.0.0.1",
    `  port: ${at.asked}`,
    "  do-daemonize: no",
    '  username: ""',
    '  chroot: ""',
    '  pidfile: ""',
    "  use-syslog: no",
    '  module-config: "validator iterator"',
    "  do-not-query-localhost: no",
    "  num-threads: 1",
    ...at.anchors.map((anchor) => `  trust-anchor: "${anchor.replaceAll(/\s+/g, " ")}"`),
    "remote-control:",
    "  control-enable: no",
    ...zones.flatMap((name) => ["stub-zone:", `  name: "${name}"`, `  stub-addr: 127.0.0.1@${at.served}`]),
    "",
  ].join("\n")
}
