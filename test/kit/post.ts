// Outgoing mail in tests: the SMTP mailer with a name server of the test's own zone, remote hosts, batches, and statuses in short.
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type Socket } from "node:net"
import type { TestContext } from "node:test"
import type { MailerDefinition, Setting, Settings } from "../../src/config/settings.ts"
import { askFrom } from "../../src/host/dns.ts"
import { printPath } from "../../src/mail/address.ts"
import { inMemory } from "../../src/mail/content.ts"
import { replyLine } from "../../src/mail/reply.ts"
import type { DeliveryStatus } from "../../src/mail/status.ts"
import { makeSmtpMailer, type SmtpBatch, type SmtpMailer, type SmtpWorld } from "../../src/mailers/esmtp.ts"
import { mailbox, recipient } from "./client-play.ts"
import { startNameserver, type Zone } from "./nameserver.ts"
import { type Sink, type SinkOptions, startSink } from "./sink.ts"

/** What is sent unless a test says otherwise. */
export const message = Buffer.from("Subject: hello\r\n\r\n.dots\r\nand text\r\n")

/** Settings with the mailers `esmtp` to this port and `lmtp`, and these options. */
export function settings(
  port: number,
  options: Readonly<Record<string, string | number>> = {},
): SmtpWorld["settings"] {
  const line = { file: "/etc/mail/sendmail.mc", line: 1, column: 1 }
  const set = new Map<string, Setting<string | number>>()
  for (const [name, value] of Object.entries(options)) set.set(name, { value, at: line })
  const mailers = new Map<string, MailerDefinition>()
  for (const [name, flags] of [
    ["esmtp", "mDFMuXa"],
    ["single", "DFMuXa"],
    ["lmtp", "mzDFM"],
  ] as const) {
    const args = `TCP $h ${port}`
    mailers.set(name, { name, path: "[IPC]", args, flags, maxSize: undefined, at: undefined })
  }
  return { options: set, mailers, classes: new Map(), clients: [] } satisfies Partial<Settings>
}

/** The mailer under test and what it logged. */
export type Post = { readonly mailer: SmtpMailer; readonly log: string[] }

/** The mailer for hosts on this port, with the name server of this zone. */
export async function post(
  t: TestContext,
  port: number,
  zone: Zone = {},
  more: Partial<SmtpWorld> = {},
): Promise<Post> {
  const nameserver = await startNameserver(zone)
  const log: string[] = []
  const mailer = makeSmtpMailer({
    dns: askFrom([nameserver], { timeoutMs: 5000, attempts: 1 }),
    clock: () => Date.UTC(2026, 10, 24),
    settings: settings(port),
    log: (line) => log.push(line),
    hello: "mail.example.org",
    ourAddresses: [{ address: "127.0.0.9", port }],
    random: () => 0,
    ...more,
  })
  t.after(async () => {
    await mailer.close()
    await nameserver.close()
  })
  return { mailer, log }
}

/** A remote host on 127.0.0.2, gone when the test is. */
export async function host(t: TestContext, options: SinkOptions = {}): Promise<Sink> {
  const sink = await startSink({ address: "127.0.0.2", ...options })
  t.after(() => sink.close())
  return sink
}

/** The message for these recipients, separated by blanks. */
export function batch(to: string, route = "[127.0.0.2]", more: Partial<SmtpBatch> = {}): SmtpBatch {
  return {
    id: "a0000000000001",
    envelope: {
      reversePath: mailbox("ann@example.org"),
      body: "7bit",
      smtputf8: false,
      ret: undefined,
      envid: undefined,
    },
    recipients: to.split(" ").map((address) => recipient(address)),
    route: { mailer: "esmtp", host: route, user: "" },
    content: inMemory(message, 18),
    ...more,
  }
}

/** `me relayed 2.0.0` for each, with the words where it was not. */
export function told(statuses: readonly DeliveryStatus[]): string[] {
  return statuses.map(({ recipient: { path }, action, status, diagnostic }) => {
    const words =
      typeof diagnostic === "string" ? diagnostic : diagnostic === undefined ? "" : replyLine(diagnostic)
    const local = printPath(path).split("@")[0]
    return action === "relayed" ? `${local} relayed ${status}` : `${local} ${action} ${status} (${words})`
  })
}

/** A host that does with each connection what the test says; returns its port. */
export async function rawHost(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    t.after(() => socket.destroy())
    socket.on("error", () => socket.destroy())
    serve(socket)
  }).listen(0, "127.0.0.2")
  await once(server, "listening")
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === "object" && address !== null)
  return address.port
}
