// A real Postfix in the chroot of peers, over a directory of the test: one port of loopback, its own key, mailboxes in one folder.
import type { ChildProcess } from "node:child_process"
import { spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { makeSelfSigned } from "../../src/trust/self-signed.ts"
import { houseOf, runPeer, startPeer } from "./peers.ts"
import { freePort } from "./system.ts"

export type Postfix = {
  readonly port: number
  readonly pid: number
  /** The folder that virtual mailboxes lie in, of which `virtual_mailbox_maps` names the file. */
  readonly taken: string
  log(): string
  stop(): Promise<void>
}

const base = `
compatibility_level = 3.6
queue_directory = /var/spool/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
data_directory = /var/lib/postfix
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
disable_dns_lookups = yes
maillog_file = /var/log/mail.log
smtpd_tls_cert_file = /etc/postfix/cert.pem
smtpd_tls_key_file = /etc/postfix/key.pem
virtual_mailbox_base = /taken
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 100
`

/** Starts one with these further lines of main.cf; its key is of P-256, as ours is. */
export async function startPostfix(directory: string, main: string): Promise<Postfix> {
  const port = await freePort()
  const own = join(directory, "postfix")
  const at = (name: string) => join(own, name)
  furnish(own)
  const { certificate, key } = makeSelfSigned(["mail.hello.com"], new Date(), 30)
  writeFileSync(at("etc/cert.pem"), certificate)
  writeFileSync(at("etc/key.pem"), key, { mode: 0o600 })
  writeFileSync(at("etc/main.cf"), base + main)
  const master = readFileSync(at("etc/master.cf"), "utf8")
    .replaceAll(/^(\S+\s+(?:inet|unix|unix-dgram|fifo)\s+\S+\s+\S+\s+)[y-](?=\s)/gm, "$1n") // no chroot of its own
    .replace(/^smtp(?=\s+inet)/m, `127.0.0.1:${port}`)
  writeFileSync(at("etc/master.cf"), master)
  const binds = {
    "/etc/postfix": at("etc"),
    "/var/spool/postfix": at("spool"),
    "/var/lib/postfix": at("lib"),
    "/var/log": at("log"),
    "/taken": at("taken"),
  }
  // As its start script would: the queue's folders, of which Debian's packages make some or none.
  const checked = runPeer("postfix", { args: ["check"], binds })
  if (checked.status !== 0) throw new Error(`postfix check: ${checked.stderr}`)
  const visit = { path: "/usr/lib/postfix/sbin/master", args: ["-d"], binds }
  // Its end is told to its process group, which must not be the test's.
  const child = startPeer("postfix", visit, { stdio: "ignore", detached: true })
  const log = () => (existsSync(at("log/mail.log")) ? readFileSync(at("log/mail.log"), "utf8") : "")
  await answering(port, child, log)
  if (child.pid === undefined) throw new Error("Postfix has no pid")
  return {
    port,
    pid: child.pid,
    taken: at("taken"),
    log,
    async stop() {
      child.kill("SIGTERM")
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
    },
  }
}

/** Configuration, queue and state as the package made them, with their owners. */
function furnish(own: string): void {
  const house = houseOf("postfix")
  mkdirSync(own, { recursive: true })
  chmodSync(own, 0o755)
  for (const [from, to] of [
    ["etc/postfix", "etc"],
    ["var/spool/postfix", "spool"],
    ["var/lib/postfix", "lib"],
  ] as const) {
    const { status, stderr } = spawnSync("cp", ["--archive", join(house, from), join(own, to)], {
      encoding: "utf8",
    })
    if (status !== 0) throw new Error(`Postfix's ${from} cannot be copied: ${stderr}`)
  }
  for (const name of ["log", "taken"]) mkdirSync(join(own, name), { mode: 0o755 })
  chownSync(join(own, "taken"), 65_534, 65_534)
}

async function answering(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`Postfix ended with ${child.exitCode}: ${log()}`)
    const socket = connect(port, "127.0.0.1")
    const there = await new Promise<boolean>((resolve) => {
      socket.once("data", () => resolve(true))
      socket.once("error", () => resolve(false))
      socket.once("close", () => resolve(false))
    })
    socket.destroy()
    if (there) return
    await sleep(50) // it says nowhere that it listens
  }
  throw new Error(`Postfix does not answer on port ${port}: ${log()}`)
}
