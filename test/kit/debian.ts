// The programs of the machine that tests use as independent peers: mail clients, tools that look at us from outside.
// Installed from Debian when we are root, once, only those missing. Never a mail server: those live in a chroot under .cache/.
import { spawnSync } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { join } from "node:path"

/** Each command and the Debian package it comes from; a second one where the first forgets to ask for it. */
export const tools: Readonly<Record<string, string>> = {
  alpine: "alpine",
  cdb: "tinycdb",
  chromium: "chromium fonts-dejavu-core",
  faketime: "faketime",
  "git-send-email": "git-email libmailtools-perl",
  getent: "libc-bin",
  gsasl: "gsasl",
  m4: "m4",
  make: "make",
  msmtp: "msmtp",
  mutt: "mutt",
  php: "php-cli",
  ps: "procps",
  python3: "python3",
  setpriv: "util-linux",
  strace: "strace",
  swaks: "swaks",
  telnet: "inetutils-telnet",
  tmux: "tmux",
}

/** Where a command is, if the machine has it. */
export function whereIs(command: string): string | undefined {
  const folders = `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/git-core`
    .split(":")
    .filter((folder) => folder !== "")
  return folders.map((folder) => join(folder, command)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // not there, or not ours to run
  }
}

/** For a test's `skip` option: false when all are there, else why the test is skipped. */
export function without(...commands: readonly string[]): string | false {
  const missing = missingOf(commands)
  return missing.length === 0 ? false : `needs ${missing.join(", ")} (${installLine(missing)})`
}

/** Installs what is missing, if it may; says what it did or what to do. */
export function installTools(say: (line: string) => void): void {
  const missing = missingOf(Object.keys(tools))
  if (missing.length === 0) return
  if (process.getuid?.() !== 0 || whereIs("apt-get") === undefined) {
    say(`${missing.join(", ")}: not here, so some tests are skipped; as root: ${installLine(missing)}`)
    return
  }
  say(`installing ${packagesOf(missing).join(", ")} with apt-get`)
  if (!install(packagesOf(missing)) && !(apt(["update"]) && install(packagesOf(missing)))) {
    say(`apt-get could not; some tests are skipped; try: ${installLine(missing)}`)
  }
}

function missingOf(commands: readonly string[]): string[] {
  return commands.filter((command) => whereIs(command) === undefined)
}

function packagesOf(commands: readonly string[]): string[] {
  return [...new Set(commands.flatMap((command) => (tools[command] ?? command).split(" ")))]
}

function installLine(commands: readonly string[]): string {
  return `apt-get install --no-install-recommends ${packagesOf(commands).join(" ")}`
}

// Without recommendations: mutt would bring a mail server with it, and the machine's mail system is not ours to change.
function install(packages: readonly string[]): boolean {
  return apt(["install", "--yes", "--no-install-recommends", ...packages])
}

function apt(args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  return (
    spawnSync("apt-get", ["--quiet", "--quiet", ...args], { env, stdio: ["ignore", "ignore", "ignore"] })
      .status === 0
  )
}
