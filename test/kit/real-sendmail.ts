// The real sendmail in the chroot of its own, over a directory of the test: one port of loopback, its own key, no DNS, and an alias
// that puts the mail of ann into a file.
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { hostname } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { makeSelfSigned } from "../../src/trust/self-signed.ts"
import { runPeer, startPeer } from "./peers.ts"
import { freePort } from "./system.ts"

export type RealSendmail = {
  readonly port: number
  /** The file that ann's mail goes to. */
  readonly box: string
  log(): string
  stop(): Promise<void>
}

const mcFor = (port: number, further: string) => `
include(\`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(\`debian')dnl
define(\`confDOMAIN_NAME', \`mail.example.org')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=${port}')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
define(\`confSERVICE_SWITCH_FILE', \`/etc/mail/service.switch')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confHOST_STATUS_DIRECTORY', \`/var/spool/mqueue')dnl
define(\`confPID_FILE', \`/var/spool/mqueue/pid')dnl
define(\`confREFUSE_LA', \`1000')dnl
define(\`confQUEUE_LA', \`1000')dnl
define(\`ALIAS_FILE', \`/etc/mail/aliases')dnl
define(\`confCACERT', \`/etc/mail/cert.pem')dnl
define(\`confCACERT_PATH', \`/etc/mail')dnl
define(\`confSERVER_CERT', \`/etc/mail/cert.pem')dnl
define(\`confSERVER_KEY', \`/etc/mail/key.pem')dnl
define(\`confCLIENT_CERT', \`/etc/mail/cert.pem')dnl
define(\`confCLIENT_KEY', \`/etc/mail/key.pem')dnl
${further}
LOCAL_DOMAIN(\`example.org')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

/** Starts one with these further lines of sendmail.mc. */
export async function startSendmail(directory: string, further: string): Promise<RealSendmail> {
  const port = await freePort()
  const own = join(directory, "sendmail")
  const at = (name: string) => join(own, name)
  for (const name of ["mail", "queue", "taken"]) mkdirSync(at(name), { recursive: true, mode: 0o755 })
  const { certificate, key } = makeSelfSigned(["mail.example.org"], new Date(), 30)
  writeFileSync(at("mail/cert.pem"), certificate)
  writeFileSync(at("mail/key.pem"), key, { mode: 0o600 })
  writeFileSync(at("mail/service.switch"), "hosts files\naliases files\n")
  writeFileSync(at("mail/local-host-names"), "")
  writeFileSync(at("mail/trusted-users"), "")
  writeFileSync(at("mail/aliases"), "ann: /taken/box\npostmaster: root\nmailer-daemon: postmaster\n")
  writeFileSync(at("taken/box"), "", { mode: 0o600 })
  chownSync(at("taken/box"), 8, 8) // DefaultUser, as whom it writes there
  const compiled = runPeer(
    "sendmail",
    { path: "/usr/bin/m4", args: ["-D_CF_DIR_=/usr/share/sendmail/cf/", "-"] },
    mcFor(port, further),
  )
  if (compiled.status !== 0) throw new Error(`m4: ${compiled.stderr}`)
  writeFileSync(at("mail/sendmail.cf"), compiled.stdout)
  // It waits a minute where its own name has no dot.
  writeFileSync(at("hosts"), `127.0.0.1 localhost\n127.0.1.1 mail.example.org ${hostname()}\n`)
  const binds = {
    "/etc/hosts": at("hosts"),
    "/etc/mail": at("mail"),
    "/var/spool/mqueue": at("queue"),
    "/taken": at("taken"),
  }
  const made = runPeer("sendmail", { args: ["-bi"], binds })
  if (made.status !== 0) throw new Error(`sendmail -bi: ${made.stdout}${made.stderr}`)
  const child = startPeer(
    "sendmail",
    { args: ["-bD", "-q1m", "-X/taken/log"], binds },
    { stdio: "ignore", detached: true },
  )
  const log = () => (existsSync(at("taken/log")) ? readFileSync(at("taken/log"), "utf8") : "")
  await answering(port, child, log)
  return {
    port,
    box: at("taken/box"),
    log,
    async stop() {
      child.kill("SIGTERM")
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
    },
  }
}

async function answering(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`sendmail ended with ${child.exitCode}: ${log()}`)
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
  throw new Error(`sendmail does not answer on port ${port}: ${log()}`)
}
