// A real Dovecot in the chroot of peers, over a directory of the test: IMAP, POP3 and LMTP on ports of loopback, users in a file.
// Dovecot 2.3 and 2.4 are configured in different words.
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { basename, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "./system.ts"
import { runPeer, startPeer } from "./peers.ts"

export type DovecotUser = {
  readonly name: string
  readonly uid: number
  readonly gid: number
  /** His mailbox is an mbox, DIRECTORY/mail/NAME, and his folders are files in his home's mail. */
  readonly mbox?: true
}

export type Dovecot = {
  readonly version: string
  readonly imap: number
  readonly pop3: number
  readonly lmtp: number
  /** The unix socket of LMTP, as the machine sees it. */
  readonly lmtpSocket: string
  /** Its authentication service, as the machine sees it. */
  readonly authSocket: string
  readonly password: string
  log(): string
  stop(): Promise<void>
}

const password = "secret"

/** Starts one whose users have their Maildirs in DIRECTORY/home/NAME/Maildir, if they have no mbox. */
export async function startDovecot(directory: string, users: readonly DovecotUser[]): Promise<Dovecot> {
  const inside = `/mnt/${basename(directory)}` // where the peer sees the directory
  const own = join(directory, "dovecot")
  mkdirSync(join(own, "run"), { recursive: true })
  chmodSync(own, 0o755)
  const ports = { imap: await freePort(), pop3: await freePort(), lmtp: await freePort() }
  const version = runPeer("dovecot", { args: ["--version"] }).stdout.trim()
  const isOld = /^2\.[0-3]\./.test(version)
  const lines = users.map(({ name, uid, gid, mbox }) => {
    const fields = mbox === true ? mboxFields(`${inside}/mail/${name}`, isOld) : ""
    return `${name}:{PLAIN}${password}:${uid}:${gid}::${inside}/home/${name}::${fields}`
  })
  writeFileSync(join(own, "users"), `${lines.join("\n")}\n`)
  const words = isOld ? words23(inside) : words24(inside, version)
  writeFileSync(join(own, "dovecot.conf"), words + common(inside, ports))
  const binds = { [inside]: directory }
  const child = startPeer(
    "dovecot",
    { args: ["-F", "-c", `${inside}/dovecot/dovecot.conf`], binds },
    { stdio: "inherit" },
  )
  const log = () => (existsSync(join(own, "log")) ? readFileSync(join(own, "log"), "utf8") : "")
  for (const port of [ports.imap, ports.pop3, ports.lmtp]) await answering(port, child, log)
  return {
    version,
    ...ports,
    lmtpSocket: join(own, "lmtp"),
    authSocket: join(own, "auth-client"),
    password,
    log,
    async stop() {
      child.kill("SIGTERM")
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
    },
  }
}

/** What this user has for himself, behind the last colon of his line. */
function mboxFields(inbox: string, isOld: boolean): string {
  return isOld
    ? `userdb_mail=mbox:~/mail:INBOX=${inbox}`
    : `userdb_mail_driver=mbox userdb_mail_path=~/mail userdb_mail_inbox_path=${inbox}`
}

function common(inside: string, { imap, pop3, lmtp }: { imap: number; pop3: number; lmtp: number }): string {
  return `
base_dir = ${inside}/dovecot/run
log_path = ${inside}/dovecot/log
listen = 127.0.0.1
ssl = no
auth_failure_delay = 0
first_valid_uid = 1
service imap-login {
  inet_listener imap {
    port = ${imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    port = ${pop3}
  }
  inet_listener pop3s {
    port = 0
  }
}
service auth {
  unix_listener ${inside}/dovecot/auth-client {
    mode = 0666
  }
}
service lmtp {
  unix_listener ${inside}/dovecot/lmtp {
    mode = 0666
  }
  inet_listener lmtp {
    port = ${lmtp}
  }
}
`
}

function words23(inside: string): string {
  return `protocols = imap pop3 lmtp
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
auth_username_format = %Ln
passdb {
  driver = passwd-file
  args = ${inside}/dovecot/users
}
userdb {
  driver = passwd-file
  args = ${inside}/dovecot/users
}
`
}

function words24(inside: string, version: string): string {
  const [number = "2.4.0"] = /^\d+\.\d+\.\d+/.exec(version) ?? []
  return `dovecot_config_version = ${number}
dovecot_storage_version = ${number}
protocols {
  imap = yes
  pop3 = yes
  lmtp = yes
}
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = ~/Maildir
auth_username_format = %{user | username | lower}
passdb passwd-file {
  passwd_file_path = ${inside}/dovecot/users
}
userdb passwd-file {
  passwd_file_path = ${inside}/dovecot/users
}
`
}

async function answering(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`Dovecot ended with ${child.exitCode}: ${log()}`)
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
  throw new Error(`Dovecot does not answer on port ${port}: ${log()}`)
}
