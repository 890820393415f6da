// A server engine for tests, whole but for the socket and the disk: its spool is an array, its gate a small fixed policy.
import { duplexPair, type Duplex } from "node:stream"
import { converse } from "../../src/daemon/connection.ts"
import type { World } from "../../src/daemon/world.ts"
import { parseMailbox } from "../../src/mail/address.ts"
import type { Arrival } from "../../src/mail/arrival.ts"
import { inMemory } from "../../src/mail/content.ts"
import { because, no, type Reason, yes } from "../../src/mail/decision.ts"
import type { Gate } from "../../src/mail/gate.ts"
import { reply, type Reply } from "../../src/mail/reply.ts"
import { fail, ok } from "../../src/mail/result.ts"
import type { Queued } from "../../src/queue/entry.ts"
import type { Offers } from "../../src/smtp/session.ts"
import type { Event, Incoming, Spool } from "../../src/spool/spool.ts"

/** What was stored: the entry, its recipients, and the octets as they stand in the spool. */
export type Stored = { readonly queued: Queued; readonly text: string; readonly prefix: number }

/** A spool in memory. `full` makes it as a full disk would be. */
export class MemorySpool implements Pick<Spool, "incoming" | "room"> {
  readonly stored: Stored[] = []
  aborted = 0
  full: "no" | "at MAIL" | "at commit" = "no"

  room(size: number) {
    return this.full === "at MAIL" || size > 1e10 ? fail("no space above the reserve") : ok(undefined)
  }

  incoming(id: string): Incoming {
    const pieces: Buffer[] = []
    return {
      id,
      write: (chunk) => void pieces.push(Buffer.from(chunk)),
      async *written(start) {
        yield Buffer.concat(pieces).subarray(start)
      },
      abort: () => void this.aborted++,
      commit: async (entry, pending, prefix) => {
        if (this.full === "at commit") return fail({ full: true, why: "no space left on device" })
        const bytes = Buffer.concat([prefix, ...pieces])
        this.stored.push({
          queued: { entry, pending },
          text: bytes.toString("latin1"),
          prefix: prefix.length,
        })
        return ok({ entry, pending, content: inMemory(bytes, entry.headerSize) })
      },
    }
  }
}

const here = new Set(["grussell.org", "hello.com"])
const users = new Set(["me", "gordon", "andrew", "postmaster"])
const fine = because("test", "fine")

/** Mail for me, gordon, andrew and postmaster at grussell.org and hello.com; from anybody but @spam.test. */
export const smallGate: Gate = {
  connect: async () => yes(undefined, fine),
  hello: async () => yes(undefined, fine),
  async sender(_arrival, path) {
    if (path === "null") return yes("null", fine)
    const mailbox = parseMailbox(path.text.includes("@") ? path.text : `${path.text}@grussell.org`)
    if (!mailbox.ok) return no(reply(553, "5.1.3", "Invalid address"), because("syntax", mailbox.error))
    return path.text.endsWith("@spam.test")
      ? no(reply(550, "5.7.1", "Access denied"), because("access", "REJECT for From:spam.test"))
      : yes(mailbox.value, fine)
  },
  async recipient(_arrival, _envelope, path) {
    if (path === "postmaster") return yes("postmaster", fine)
    const mailbox = parseMailbox(path.text.includes("@") ? path.text : `${path.text}@grussell.org`)
    if (!mailbox.ok) return no(reply(553, "5.1.3", "Invalid address"), because("syntax", mailbox.error))
    const { localPart, domain } = mailbox.value
    if (domain.kind === "literal" || !here.has(domain.ascii)) {
      return no(reply(550, "5.7.1", "Relaying denied"), because("relay", "not local"))
    }
    return users.has(localPart)
      ? yes(mailbox.value, because("local?", `${localPart} has a mailbox`))
      : no(reply(550, "5.1.1", "User unknown"), because("local?", `no user ${localPart}`))
  },
  content: async () => yes(undefined, fine),
  message: async () => yes({ keep: "deliver" }, fine),
  verify: async (_arrival, path) =>
    users.has(path.text)
      ? yes([`<${path.text}@grussell.org>`], fine)
      : no(reply(550, "5.1.1", "User unknown"), because("local?", "no such user")),
  expand: async () => yes(["<me@grussell.org>", "<gordon@grussell.org>"], fine),
}

/** What an ordinary door of grussell.org offers. */
export const someOffers: Offers = {
  hostname: "grussell.org",
  greeting: "grussell.org ESMTP Waypost 0.1.0; $b",
  software: "Waypost 0.1.0",
  lmtp: false,
  privacy: new Set(),
  maxMessageSize: 0,
  maxHeaderSize: 1 << 20,
  maxRecipients: 0,
  maxHops: 25,
  maxBadCommands: 25,
  maxIdleCommands: 200,
  badRecipientThrottle: 0,
  extensions: new Set(["CHUNKING", "BINARYMIME", "SMTPUTF8"]),
  leastDeliverBy: 0,
  rejectNul: false,
  noRecipientAction: "none",
  origins: {},
}

/** napier.ac.uk's machine of the lecture's session. */
export const someArrival: Arrival = {
  session: "s1",
  protocol: "SMTP",
  client: { address: "10.4.5.6", port: 40000, name: "pc236b.napier.ac.uk" },
  helo: undefined,
  authenticated: undefined,
  door: "MTA",
  submission: false,
  tls: undefined,
}

export type Watched = { readonly reply: Reply; readonly reason: Reason | undefined }

/** Everything a session left behind. */
export type Traces = {
  readonly spool: MemorySpool
  readonly log: string[]
  readonly bugs: unknown[]
  readonly events: Event[]
  readonly queueRuns: string[]
  readonly watched: Watched[]
}

export type Setting = {
  readonly gate?: Partial<Gate>
  readonly offers?: Partial<Offers>
  readonly arrival?: Partial<Arrival>
  readonly world?: Partial<World>
  readonly spool?: MemorySpool
}

/** A session that runs: the client's end of the stream, what it leaves, and its end. */
export type Running = { readonly client: Duplex; readonly traces: Traces; readonly over: Promise<void> }

/** The moment all tests happen at. */
export const someMoment = Date.UTC(2026, 10, 24, 7, 10, 42)

/** Opens a session without a socket. */
export function open(setting: Setting = {}): Running {
  const [client, server] = duplexPair()
  client.on("end", () => client.end()) // as a client does who has read the last reply
  const spool = setting.spool ?? new MemorySpool()
  const traces: Traces = { spool, log: [], bugs: [], events: [], queueRuns: [], watched: [] }
  let ids = 0
  const world: World = {
    gate: { ...smallGate, ...setting.gate },
    spool,
    newId: () => `6AO7Ag${String(++ids).padStart(8, "0")}`,
    clock: () => someMoment,
    timeouts: { command: 300_000, datablock: 300_000 },
    log: {
      refused: (id, text) => void traces.log.push(`${id}: ${text}`),
      note: (id, text) => void traces.log.push(`${id}: ${text}`),
      bug: (error) => void traces.bugs.push(error),
    },
    onAccepted: () => {},
    note: (events) => void traces.events.push(...events),
    runQueue: (node) => void traces.queueRuns.push(node),
    watch: (_arrival, said, reason) => void traces.watched.push({ reply: said, reason }),
    ...setting.world,
  }
  const arrival = { ...someArrival, ...setting.arrival }
  const over = converse(server, { arrival, offers: { ...someOffers, ...setting.offers } }, world)
  return { client, traces, over }
}

/** A whole session in given pieces: all that the server says until it closes (or the client has). */
export async function sessionOf(
  pieces: readonly (string | Buffer)[],
  setting: Setting = {},
): Promise<{ readonly said: string; readonly traces: Traces }> {
  const { client, traces, over } = open(setting)
  const said: Buffer[] = []
  client.on("data", (chunk: Buffer) => said.push(chunk))
  for (const piece of pieces) client.write(piece)
  client.end()
  await over
  return { said: Buffer.concat(said).toString("latin1"), traces }
}

/** The lines of what the server said, each of which ends with CRLF. */
export function lines(said: string): string[] {
  if (!said.endsWith("\r\n")) throw new Error(`a reply without CRLF: ${JSON.stringify(said)}`)
  return said.slice(0, -2).split("\r\n")
}

/** The replies to commands that are sent one after the other in one piece, without the greeting. */
export async function replies(commands: string | string[], setting: Setting = {}): Promise<string[]> {
  const text = typeof commands === "string" ? commands : commands.map((line) => `${line}\r\n`).join("")
  return lines((await sessionOf([text], setting)).said).slice(1)
}
