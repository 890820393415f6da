// Damage in the queue is told to the postmaster by mail: what happened, in whose words, what to do. What is found within a few
// seconds makes one letter.
import { because } from "../mail/decision.ts"
import type { Result } from "../mail/result.ts"
import type { DamagedMessage, DamageReport } from "../spool/requests.ts"
import { type LetterFacts, type LetterWorld, type OwnLetter, queueLetter } from "./own-letter.ts"

/** Milliseconds in which more damage comes into the same letter; and until one that could not be queued is tried again. */
const gathering = 3000
/** Messages that one letter names. */
const mostNamed = 500

/** Owned by the mail process, closed once. */
export class DamageNotices {
  readonly #world: () => LetterWorld
  #found: DamageReport[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(world: () => LetterWorld) {
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

function queueNotice(found: readonly DamageReport[], world: LetterWorld): Promise<Result<string>> {
  const letter: OwnLetter = {
    about: "damage",
    reversePath: "null",
    body: "8bitmime",
    recipient: {
      path: "postmaster",
      original: undefined,
      notify: [],
      admitted: because("damage", "the postmaster is told of damage in the queue"),
    },
    write: (facts) => ({ header: `${headerOf(found, facts)}\r\n`, body: bodyOf(found, facts.host) }),
  }
  return queueLetter(letter, world)
}

function subjectOf(found: readonly DamageReport[]): string {
  const count = found.reduce((sum, { lost }) => sum + lost.length, 0)
  return count === 0
    ? "Postmaster notify: damage in the queue, nothing is lost"
    : `Postmaster notify: damage in the queue, ${messages(count)} set aside`
}

function headerOf(found: readonly DamageReport[], { id, host, date }: LetterFacts): string {
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
