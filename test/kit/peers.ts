// Other people's mail programs as judges of ours: servers, filters, name servers. They live in chroots under .cache/, made from
// Debian by root with debootstrap and apt-get, so that the machine's own mail system is never touched. `node test/kit/peers.ts`
// makes them; so does the whole test run. Postfix and sendmail cannot live in one Debian, so there are two.
import { type ChildProcess, spawn, spawnSync, type SpawnOptions } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { whereIs } from "./debian.ts"
import { project } from "./system.ts"

type House = "peers" | "sendmail"

/** Each program by the path it has in Debian, the package it comes from, and the chroot it lives in. */
const programs: Readonly<
  Record<string, { readonly path: string; readonly from: string; readonly house: House }>
> = {
  dkimverify: { path: "/usr/bin/dkimverify", from: "python3-dkim", house: "peers" },
  dovecot: { path: "/usr/sbin/dovecot", from: "dovecot-core", house: "peers" },
  "dovecot-imapd": { path: "/usr/lib/dovecot/imap", from: "dovecot-imapd", house: "peers" },
  "dovecot-lmtpd": { path: "/usr/lib/dovecot/lmtp", from: "dovecot-lmtpd", house: "peers" },
  "dovecot-pop3d": { path: "/usr/lib/dovecot/pop3", from: "dovecot-pop3d", house: "peers" },
  "ldns-signzone": { path: "/usr/bin/ldns-signzone", from: "ldnsutils", house: "peers" },
  nsd: { path: "/usr/sbin/nsd", from: "nsd", house: "peers" },
  opendkim: { path: "/usr/sbin/opendkim", from: "opendkim", house: "peers" },
  pebble: { path: "/usr/bin/pebble", from: "pebble", house: "peers" },
  postfix: { path: "/usr/sbin/postfix", from: "postfix", house: "peers" },
  procmail: { path: "/usr/bin/procmail", from: "procmail", house: "peers" },
  "s-nail": { path: "/usr/bin/s-nail", from: "s-nail", house: "peers" },
  sendmail: { path: "/usr/libexec/sendmail/sendmail", from: "sendmail-bin", house: "sendmail" },
  "sieve-test": { path: "/usr/bin/sieve-test", from: "dovecot-sieve", house: "peers" },
  "spamass-milter": { path: "/usr/sbin/spamass-milter", from: "spamass-milter", house: "peers" },
  unbound: { path: "/usr/sbin/unbound", from: "unbound", house: "peers" },
}

/** Where a chroot of ours is, whether it has been made or not. */
export function houseOf(program: string): string {
  return join(project, ".cache", nameOf(known(program).house))
}

/** For a test's `skip` option: false when all are there, else why the test is skipped. */
export function withoutPeers(...wanted: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return `needs root, to run ${wanted.join(", ")} in a chroot`
  const missing = wanted.filter((program) => !existsSync(join(houseOf(program), known(program).path)))
  if (missing.length === 0) return false
  return `needs ${missing.join(", ")} in a chroot (./waypost test makes it, as root)`
}

/** What a peer is run with besides its arguments. */
export type Visit = {
  readonly args?: readonly string[]
  /** Another program of the same chroot to run instead, by its path there. */
  readonly path?: string
  /** Folders and files of the machine by the place where the peer sees them (folders are made there). */
  readonly binds?: Readonly<Record<string, string>>
  readonly env?: NodeJS.ProcessEnv
}

/**
 * The command line that runs a peer in its chroot, with /proc, /dev and the folders of `binds` in a mount namespace of its own:
 * when its processes have ended, nothing stays mounted. The peer keeps the pid of the process that is started.
 */
export function peerCommand(program: string, visit: Visit = {}): readonly [string, ...string[]] {
  const house = houseOf(program)
  const binds = Object.entries({ "/proc": "/proc", "/dev": "/dev", ...visit.binds })
  const script = [
    'house=$1; shift; count=$1; shift; i=0; while [ $i -lt $count ]; do { [ -e "$house$1" ] || mkdir -p "$house$1"; } && mount --rbind "$2" "$house$1"',
    'shift 2; i=$((i+1)); done; exec chroot "$house" "$@"',
  ].join(" || exit 71; ")
  const arguments_ = [house, String(binds.length), ...binds.flat(), visit.path ?? known(program).path]
  return [
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-c",
    script,
    "sh",
    ...arguments_,
    ...(visit.args ?? []),
  ]
}

/** Starts a peer. */
export function startPeer(
  program: string,
  visit: Visit = {},
  options: Omit<SpawnOptions, "env"> = {},
): ChildProcess {
  const [command, ...args] = peerCommand(program, visit)
  return spawn(command, args, { ...options, env: visit.env ?? plainEnvironment })
}

/** Runs a peer to its end, with this on its standard input. */
export function runPeer(program: string, visit: Visit = {}, input: string | Uint8Array = "") {
  const [command, ...args] = peerCommand(program, visit)
  const env = visit.env ?? plainEnvironment
  return spawnSync(command, args, { input, env, encoding: "utf8", maxBuffer: 1 << 26 })
}

/** The version Debian gives the package of a program, for a test to print. */
export function peerVersion(program: string): string {
  const args = ["-W", "-f", "${Package} ${Version}", known(program).from]
  return runPeer(program, { path: "/usr/bin/dpkg-query", args }).stdout
}

const plainEnvironment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8", HOME: "/root" }

function known(program: string) {
  const found = programs[program]
  if (found === undefined) throw new Error(`no peer is called ${program}: test/kit/peers.ts lists them`)
  return found
}

function nameOf(house: House): string {
  return house === "peers" ? "peers" : `peers-${house}`
}

/** Makes the chroots and installs what is missing in them, if it may; says what it did or what to do. */
export function installPeers(say: (line: string) => void): void {
  const missing = Object.keys(programs).filter(
    (program) => !existsSync(join(houseOf(program), known(program).path)),
  )
  if (missing.length === 0) return
  if (process.getuid?.() !== 0 || whereIs("apt-get") === undefined) {
    say(
      "other people's mail programs are run in a chroot, which only root makes, on Debian: those tests are skipped",
    )
    return
  }
  say(`making a chroot with ${missing.join(", ")} under .cache/ (minutes, only once)`)
  try {
    makeBase()
    for (const house of ["peers", "sendmail"] as const) furnish(house, missing, say)
  } catch (error) {
    say(`that failed, so some tests are skipped: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const base = join(project, ".cache/peers-base")

/** The smallest Debian of the machine's release, which each chroot begins as a copy of. */
function makeBase(): void {
  if (existsSync(join(base, ".complete"))) return
  rmSync(base, { recursive: true, force: true })
  mkdirSync(base, { recursive: true })
  if (whereIs("debootstrap") === undefined && !apt("install", "debootstrap")) {
    apt("update")
    must("apt-get", ["--yes", "--quiet", "--quiet", "--no-install-recommends", "install", "debootstrap"])
  }
  const release = /^VERSION_CODENAME=(\S+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1]
  if (release === undefined) throw new Error("/etc/os-release has no VERSION_CODENAME: is this Debian?")
  must("debootstrap", ["--variant=minbase", "--include=ca-certificates", release, base, mirrorOf(release)])
  for (const path of [
    "/etc/apt",
    "/usr/share/keyrings",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/ssl/certs",
  ]) {
    cpSync(path, join(base, path), { recursive: true, dereference: true, force: true })
  }
  writeFileSync(join(base, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 }) // nothing starts by itself
  writeFileSync(join(base, ".complete"), "")
}

function mirrorOf(release: string): string {
  const listed = spawnSync("apt-get", ["indextargets", "--format", "$(REPO_URI) $(RELEASE)"], {
    encoding: "utf8",
  })
  const line = listed.stdout.split("\n").find((each) => each.endsWith(` ${release}`))
  if (line === undefined) throw new Error(`apt knows no archive of ${release} (apt-get update?)`)
  return line.slice(0, line.indexOf(" "))
}

function furnish(house: House, missing: readonly string[], say: (line: string) => void): void {
  const wanted = missing.filter((program) => known(program).house === house)
  if (wanted.length === 0) return
  const root = join(project, ".cache", nameOf(house))
  if (!existsSync(join(root, ".complete"))) {
    rmSync(root, { recursive: true, force: true })
    must("cp", ["--archive", base, root])
  }
  inside(root, "apt-get", ["--quiet", "--quiet", "update"])
  for (const from of new Set(wanted.map((program) => known(program).from))) {
    const trouble = install(root, from)
    if (trouble !== undefined)
      say(`${from} could not be installed in ${root}, its tests are skipped: ${trouble}`)
  }
}

/** The last words of what went wrong. */
function install(root: string, name: string): string | undefined {
  const args = ["--yes", "--quiet", "--quiet", "--no-install-recommends", "install", name]
  const { status, signal, stderr } = inside(root, "apt-get", args)
  if (status === 0) return undefined
  return stderr.trim().split("\n").at(-1) || `apt-get ended with ${status ?? signal}`
}

// Packages look at /proc when they are set up.
function inside(root: string, command: string, args: readonly string[]) {
  const env = { ...process.env, PATH: plainEnvironment.PATH, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" }
  const script = 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"'
  const all = ["--mount", "--propagation", "private", "sh", "-c", script, root, command, ...args]
  return spawnSync("unshare", all, {
    env,
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
    maxBuffer: 1 << 26,
  })
}

function apt(verb: string, ...names: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  const args = ["--yes", "--quiet", "--quiet", "--no-install-recommends", verb, ...names]
  return spawnSync("apt-get", args, { env, stdio: "ignore" }).status === 0
}

function must(command: string, args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" }
  const ended = spawnSync(command, args, { env, encoding: "utf8", maxBuffer: 1 << 26 })
  if (ended.status === 0) return
  const words = `${ended.stdout}\n${ended.stderr}`.trim().split("\n").slice(-3).join(" / ")
  throw new Error(`${command} ended with ${ended.status ?? ended.signal}: ${words}`)
}

if (import.meta.main) installPeers((line) => process.stdout.write(`${line}\n`))
