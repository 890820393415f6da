// Damage in the queue is told to the postmaster by mail: what happened, in whose words, what to do. What is found within a few
// seconds makes one letter.
import { macro, type Settings } from "../config/settings.ts"
import { because } from "../mail/decision.ts"
import type { Result } from "../mail/result.ts"
import { fail, ok } from "../mail/result.ts"
import type { Clock, NewId } from "../mail/world.ts"
import { printDate } from "../message/date.ts"
import { writeReceived } from "../message/received.ts"
import type { Content } from "../mail/content.ts"
import type { Entry, Pending, Queued } from "../queue/entry.ts"
import type { DamagedMessage, DamageReport } from "../spool/requests.ts"
import type { Spool } from "../spool/spool.ts"

export type NoticeWorld = {
  readonly spool: Pick<Spool, "incoming">
  readonly settings: Settings
  readonly software: string
  readonly clock: Clock
  readonly ahead: () => number
  readonly newId: NewId
  readonly onAccepted: (queued: Queued, content: Content) => void
  readonly say: (line: string) => void
}

/** Milliseconds in which more damage comes into the same letter; and until one that could not be queued is tried again. */
const gathering = 3000
/** Messages that one letter names. */
const mostNamed = 500

/** Owned by the mail process, closed once. */
export class DamageNotices {
  readonly #world: () => NoticeWorld
  #found: DamageReport[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(world: () => NoticeWorld) {
    this.#world = world
  }

  tell(report: DamageReport): void {
    this.#found.push(report)
    this.#timer ??= setTimeout(() => void this.#send(), gathering)
  }

  async #send(): Promise<void> {
    this.#timer = undefined
    const found = this.#found
    this.#found = []
    const world = this.#world()
    const queued = await queueNotice(found, world)
    if (queued.ok) return world.say(`the postmaster is told of the damage by ${queued.value}`)
    world.say(`the postmaster cannot be told of the damage now: ${queued.error}`)
    this.#found.unshift(...found)
    this.#timer ??= setTimeout(() => void this.#send(), gathering).unref()
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}

async function queueNotice(found: readonly DamageReport[], world: NoticeWorld): Promise<Result<string>> {
  const { spool, newId, clock, ahead, software, settings } = world
  const id = newId()
  const host = macro(settings, "j") ?? "localhost"
  const date = printDate(clock() + ahead())
  const trace = writeReceived({ arrival, by: host, id, software, recipient: "postmaster", date })
  const header = Buffer.from(`${trace}${headerOf(found, { id, host, date })}\r\n`)
  const body = Buffer.from(bodyOf(found, host))
  const entry: Entry = {
    id,
    envelope: { reversePath: "null", body: "8bitmime", smtputf8: false, ret: undefined, envid: undefined },
    arrival,
    acceptedAt: clock(),
    size: header.length + body.length,
    headerSize: header.length,
    summary: { messageId: "", subject: subjectOf(found), from: `MAILER-DAEMON@${host}` },
    held: undefined,
  }
  const incoming = spool.incoming(id, entry.size)
  await incoming.write(header)
  await incoming.write(body)
  const committed = await incoming.commit(entry, [pending], Buffer.alloc(0))
  if (!committed.ok) return fail(committed.error.why)
  const { content, ...queued } = committed.value
  world.onAccepted(queued, content)
  return ok(id)
}

const arrival: Entry["arrival"] = {
  session: "damage",
  protocol: "local",
  client: undefined,
  helo: undefined,
  authenticated: undefined,
  door: "report",
  submission: false,
  tls: undefined,
}

const pending: Pending = {
  number: 0,
  recipient: {
    path: "postmaster",
    original: undefined,
    notify: [],
    admitted: because("damage", "the postmaster is told of damage in the queue"),
  },
  route: undefined,
  expandedFrom: undefined,
  attempts: 0,
  nextAttempt: 0,
  lastStatus: undefined,
  warned: false,
}

function subjectOf(found: readonly DamageReport[]): string {
  const count = found.reduce((sum, { lost }) => sum + lost.length, 0)
  return count === 0
    ? "Postmaster notify: damage in the queue, nothing is lost"
    : `Postmaster notify: damage in the queue, ${messages(count)} set aside`
}

function headerOf(
  found: readonly DamageReport[],
  { id, host, date }: { readonly id: string; readonly host: string; readonly date: string },
): string {
  return [
    `Date: ${date}`,
    "From: Mail Delivery Subsystem <MAILER-DAEMON>",
    `Message-Id: <damage.${id}@${host}>`,
    "To: postmaster",
    `Subject: ${subjectOf(found)}`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "Auto-Submitted: auto-generated (postmaster-notification)",
    "",
  ].join("\r\n")
}

function bodyOf(found: readonly DamageReport[], host: string): string {
  const lost = found.flatMap((report) => report.lost)
  const lines = [
    `This is the mail system at ${host}.`,
    "",
    "A part of its queue is not what was written to the disk:",
    "",
    ...found.flatMap(whatWasFound),
    ...(lost.length === 0 ? ["No message is lost, and mail goes on."] : whatIsLost(lost, found)),
    "",
    "Disk, memory or another program did this: look at the machine's own log (dmesg) and at the disk's",
    "(smartctl -a) before it happens again.",
  ]
  return lines.map((line) => `${line}\r\n`).join("")
}

function whatWasFound({ why, kept, where, lost }: DamageReport): readonly string[] {
  const goesOn = kept === 0 ? [] : [`    ${messages(kept)} in it are whole, and go on in a new one.`]
  const aside = lost.length === 0 && kept === 0 ? [] : [`    What is left of the rest is in ${where}`]
  return [`    ${clean(why)}`, ...goesOn, ...aside, ""]
}

function whatIsLost(lost: readonly DamagedMessage[], found: readonly DamageReport[]): readonly string[] {
  const more = lost.length - mostNamed
  return [
    lost.length === 1
      ? "This message was accepted, and cannot be delivered as it is:"
      : `These ${lost.length} messages were accepted, and cannot be delivered as they are:`,
    "",
    ...lost.slice(0, mostNamed).flatMap(lineOf),
    ...(more > 0 ? [`    and ${more} more, which the log names`] : []),
    "",
    "All other mail goes on. What you can do: the file ID in the folder damaged is what is left of a message,",
    "ID.entry what is left of its envelope. Send a good one again with `sendmail -f SENDER RECIPIENT < ID`,",
    "tell the senders of the others, and forget them with `waypost queue remove ID --yes`.",
    ...(found.some(({ kept }) => kept > 0) ? ["`waypost show ID` has what the timelines know of each."] : []),
  ]
}

function lineOf({ id, why, sender, recipients, subject }: DamagedMessage): readonly string[] {
  const from = sender === undefined ? "" : ` from <${clean(sender)}>`
  const some = recipients.slice(0, 5).map((one) => `<${clean(one)}>`)
  const to = some.length === 0 ? "" : ` to ${some.join(", ")}${recipients.length > 5 ? " …" : ""}`
  const about = subject === undefined || subject === "" ? [] : [`        Subject: ${clean(subject)}`]
  return [`    ${id}${from}${to}`, ...about, `        ${clean(why)}`]
}

/** What came from elsewhere never ends a line of ours, nor makes one too long. */
function clean(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ").slice(0, 200)
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`
}
