// The report on mail that the client queue could not hand over: the mail system's own refusals, told to whoever wrote it.
import { macro, type Settings } from "../config/settings.ts"
import { type ForwardPath, parseMailbox, type ReversePath } from "../mail/address.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Content } from "../mail/content.ts"
import { because } from "../mail/decision.ts"
import { type EnhancedCode, type Reply, reply } from "../mail/reply.ts"
import type { DeliveryStatus } from "../mail/status.ts"
import { scanHeader, summary } from "../message/header.ts"
import type { ClientFile } from "../queue/client-file.ts"
import { type Entry, type Queued, untried } from "../queue/entry.ts"
import type { Settled } from "../queue/settle.ts"
import type { Kept } from "./client-queue.ts"

export type ClientReport = {
  readonly queued: Queued
  readonly content: Content
  readonly told: readonly Settled[]
  /** It comes from outside the mail system's own queue, so it names the host. */
  readonly author: string
}

/** Everything that daemon/reports.ts needs to tell of it; undefined when there is no sender to tell. */
export async function clientReport(
  { id, login, file }: Kept,
  octets: AsyncIterable<Buffer>,
  {
    refused,
    settings,
    now,
  }: { readonly refused: ClientFile["refused"]; readonly settings: Settings; readonly now: number },
): Promise<ClientReport | undefined> {
  const host = macro(settings, "j") ?? "localhost"
  const sender = pathOf(file.sender, host)
  if (sender === undefined) return undefined
  const content = await contentOf(octets, file)
  const header = scanHeader((content.bytes ?? Buffer.alloc(0)).subarray(0, file.headerSize))
  const entry: Entry = {
    id,
    envelope: { reversePath: sender, body: file.body, smtputf8: false, ret: file.ret, envid: file.envid },
    arrival: arrivalOf(login),
    acceptedAt: file.acceptedAt,
    size: file.size,
    headerSize: file.headerSize,
    summary: summary(header),
    held: undefined,
  }
  const told = refused.flatMap(({ recipient, said }, number) => {
    const path = pathOf(recipient, host)
    return path === undefined ? [] : [settled(path, number, { file, said, now })]
  })
  return told.length === 0
    ? undefined
    : { queued: { entry, pending: [] }, content, told, author: `MAILER-DAEMON@${host}` }
}

function pathOf(text: string, host: string): Exclude<ReversePath, "null"> | undefined {
  const parsed = parseMailbox(text.includes("@") ? text : `${text}@${host}`)
  return parsed.ok ? parsed.value : undefined
}

function arrivalOf(login: string): Arrival {
  return {
    session: "",
    protocol: "local",
    client: undefined,
    helo: undefined,
    authenticated: login,
    door: "MSP",
    submission: true,
    tls: undefined,
  }
}

/** Small enough to be held: what a user typed. A report returns it whole, so it is read whole. */
async function contentOf(octets: AsyncIterable<Buffer>, { headerSize, size }: ClientFile): Promise<Content> {
  const pieces: Buffer[] = []
  for await (const piece of octets) pieces.push(piece)
  const bytes = Buffer.concat(pieces)
  return {
    size,
    headerSize,
    bytes,
    async *chunks(start = 0) {
      if (start < bytes.length) yield bytes.subarray(start)
    },
  }
}

/** Where the sendmail command hands mail over: sendmail's own submission program says so of its server. */
const submitHost = "[127.0.0.1]"

function settled(
  path: ForwardPath,
  number: number,
  { file, said, now }: { readonly file: ClientFile; readonly said: readonly string[]; readonly now: number },
): Settled {
  const words = replyOf(said)
  const recipient = {
    path,
    original: undefined,
    notify: file.notify ?? [],
    admitted: because("client queue", "the sendmail command was given it"),
  }
  const status: DeliveryStatus = {
    recipient,
    action: "failed",
    status: words.status ?? "5.0.0",
    diagnostic: words,
    remote: submitHost,
    at: new Date(now),
    reason: because("client queue", "the mail system refused the recipient"),
  }
  return {
    pending: { ...untried(number, recipient), attempts: 1 },
    status,
    routed: undefined,
    waits: undefined,
    tell: "failed",
  }
}

function replyOf(said: readonly string[]): Reply {
  const [first = ""] = said
  const code = Number(/^\d{3}/.exec(first)?.[0] ?? 550)
  const status = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3}) /.exec(first)?.[1]
  const text = said.map((line) => line.replace(/^\d{3}[ -]?(?:[245]\.\d{1,3}\.\d{1,3} )?/, ""))
  return reply(code, status as EnhancedCode | undefined, ...text)
}
