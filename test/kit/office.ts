// The site that the console's tests look at: a small office with tables, aliases (one of them a loop), and a destination where nobody
// answers; and what people type at it.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { dirname } from "node:path"
import { freePort, run, System } from "./system.ts"

const mc = `OSTYPE(\`linux')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`virtusertable', \`text -o @DIR@/tables/virtusertable')dnl
FEATURE(\`mailertable', \`text -o @DIR@/mailertable')dnl
FEATURE(\`access_db', \`text -o @DIR@/access')dnl
FEATURE(\`genericstable', \`text -o @DIR@/genericstable')dnl
GENERICS_DOMAIN(\`grussell.org')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
DAEMON_OPTIONS(\`Port=@PORT@, Addr=127.0.0.1, Name=MTA')dnl
FEATURE(\`no_default_msa')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h @DEAD@')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

/** Tables and files of the office, by name. */
const files: Readonly<Record<string, string>> = {
  "tables/virtusertable": "info@grussell.org\tme\n",
  mailertable: "example.org\tesmtp:[127.0.0.1]\n",
  access: "Connect:127.0.0.1\tRELAY\nFrom:spammer@hello.com\tREJECT\n",
  aliases: "team: me, jim\nround: about\nabout: round\n",
  genericstable: "me\tMary.Edwards@grussell.org\n",
}

/** Starts the office with its console; `me` and `jim` have mailboxes, mail to example.org is put off. */
export async function startOffice(more: Readonly<Record<string, string>> = {}): Promise<System> {
  const dead = await freePort()
  const system = await System.start({
    mc: mc.replace("@DEAD@", String(dead)),
    console: true,
    users: ["me", "jim"],
    files: { ...files, ...more },
  })
  await system.said(/console: http/)
  return system
}

/** The console has no rights of root: a file that it may write belongs to the mail system's own user. */
export async function giveToConsole(file: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  await run("chown", ["waypost", dirname(file), file])
}

/** Types a session into Debian's telnet (which ends lines by itself as the network wants them), each line after the answer to the one before. */
export async function telnet(system: System, lines: readonly string[]): Promise<string> {
  const child = spawn("telnet", ["127.0.0.1", String(system.port)], {
    stdio: ["pipe", "pipe", "ignore"],
  })
  let heard = ""
  const waiting = [...lines]
  child.stdout.setEncoding("latin1").on("data", (text: string) => {
    heard += text
    if (/^221 /m.test(text)) return // it has closed
    if (/^\d{3} [^\n]*\r?\n$/m.test(text)) child.stdin.write(`${waiting.shift() ?? "QUIT"}\n`)
  })
  await once(child, "close")
  return heard
}

/** The lines of a session that sends one short message. */
export function typedMail(from: string, to: string, subject: string): readonly string[] {
  const message = [`From: ${from}`, `To: ${to}`, `Subject: ${subject}`, "", "hello", "."].join("\n")
  return ["EHLO hello.com", `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, "DATA", message]
}

/** A message whose hops contradict one another. */
export const forged = `Received: from mail.napier.ac.uk (unknown [203.0.113.9]) by mail.grussell.org (8.18.1/8.18.1) with SMTP id 4AOA00xx012345; Tue, 24 Nov 2026 10:00:00 +0000
Received: from desk.napier.ac.uk (desk.napier.ac.uk [192.0.2.1]) by mail.napier.ac.uk with ESMTP id abc; Tue, 24 Nov 2026 12:30:00 +0000
Message-ID: <1@hello.com>
From: "The Bank" <security@hello.com>
To: me@grussell.org
Date: Tue, 24 Nov 2030 09:59:00 +0000
Subject: Your account

Please log in.
`
