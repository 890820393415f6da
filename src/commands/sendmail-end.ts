// How sendmail's submission ends: what was refused is told in the way that was asked for (-oe), kept where it would be lost, and the
// exit code says how it went.
import type { Said, Submission, Submitted } from "../daemon/submission.ts"
import { makeIds, someRun } from "../daemon/ids.ts"
import type { ClientFile } from "../queue/client-file.ts"
import type { Io } from "./io.ts"
import { exits, isTerminal, Refusal } from "./io.ts"
import type { Facts, Prepared } from "./sendmail-header.ts"
import type { ErrorMode, SendmailOptions } from "./sendmail-options.ts"
import { exitOf, wordsOf } from "./submit.ts"

/** A message that is ready to be handed over. */
export type Letter = Facts & {
  readonly prepared: Prepared
  /** Octets of header of what is handed over. */
  readonly headerSize: number
  /** What follows the header that was read. */
  readonly rest: Kept
} & Pick<ClientFile, "notify" | "ret" | "envid" | "body">

/** Octets that are read once and remembered, up to a limit, for whoever must keep them. */
export class Kept {
  readonly #source: AsyncIterable<Buffer>
  readonly #pieces: Buffer[] = []
  #octets = 0
  #began = false
  readonly #most = 8 * 1024 * 1024

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source
  }

  /** The octets; they can be read once. */
  async *read(): AsyncGenerator<Buffer> {
    this.#began = true
    for await (const piece of this.#source) {
      if (this.#octets < this.#most) this.#pieces.push(piece)
      this.#octets += piece.length
      yield piece
    }
  }

  /** How many octets came so far. */
  get octets(): number {
    return this.#octets
  }

  /** What was read already, then what is still to be read; undefined when too much was read to be remembered. */
  again(): AsyncGenerator<Buffer> | undefined {
    if (!this.#began) return this.read()
    return this.#octets <= this.#most ? pieces(...this.#pieces) : undefined
  }

  /** All that is remembered, and whether that is all there was; what nobody has read yet is read now. */
  async all(): Promise<{ readonly octets: Buffer; readonly whole: boolean }> {
    if (!this.#began) for await (const _ of this.read()) if (this.#octets > this.#most) break
    return { octets: Buffer.concat(this.#pieces), whole: this.#octets <= this.#most }
  }
}

/** What is to be done when it has ended. */
export type End = {
  readonly options: SendmailOptions
  readonly io: Io
  /** Into the client queue. */
  readonly keep: (
    file: Pick<ClientFile, "recipients" | "refused">,
    content: AsyncIterable<Buffer>,
  ) => Promise<void>
}

/** Tells what was refused, keeps what nobody got; the result is the exit code. */
export async function conclude(letter: Letter, { refused, said }: Submitted, end: End): Promise<number> {
  const whole = said !== undefined && said.code !== 250 ? said : undefined
  const errorMode = modeOf(end)
  if (errorMode === "p" || errorMode === "w") tell(refused, whole, end.io)
  const failed = whole ?? refused.find(({ said: words }) => words.code >= 500)?.said
  const later = refused.filter(({ said: words }) => words.code < 500).map(({ recipient }) => recipient)
  if (whole === undefined && later.length > 0) await keepSome(letter, { recipients: later, refused: [] }, end)
  if (failed === undefined) return exits.ok
  if (failed.code >= 500) await keepFailed(letter, whole, refused, end)
  return errorMode === "e" && failed.code >= 500 ? exits.ok : exitOf(failed)
}

/** Where nobody sits at a terminal to write to, it is told by mail (sendmail: savemail.c, ESM_REPORT). */
function modeOf({ options: { errorMode = "p" }, io }: End): ErrorMode {
  return errorMode === "w" && !isTerminal(io) ? "m" : errorMode
}

function tell(refused: Submitted["refused"], whole: Said | undefined, io: Io): void {
  for (const one of refused) io.stderr.write(`${refusalLine(one.recipient, one.said)}\n`)
  if (whole !== undefined) io.stderr.write(`sendmail: ${whole.lines.join(" ")}\n`)
}

/** `nosuch... User unknown`; the server's own words begin with the address already. */
function refusalLine(recipient: string, said: Said): string {
  return `${recipient}... ${wordsOf(said).replace(/^<[^>]*>\.\.\. /, "")}`
}

/** By mail to the sender with -oem and -oee, not at all with -oeq, else into dead.letter. */
async function keepFailed(
  letter: Letter,
  whole: Said | undefined,
  refused: Submitted["refused"],
  end: End,
): Promise<void> {
  const errorMode = modeOf(end)
  if (errorMode === "q") return
  const byMail = (errorMode === "m" || errorMode === "e") && letter.sender.path !== ""
  const named = refused
    .filter(({ said }) => said.code >= 500)
    .map(({ recipient, said }) => ({ recipient, said: said.lines }))
  const failed =
    whole === undefined ? named : letter.recipients.map((recipient) => ({ recipient, said: whole.lines }))
  if (byMail && (await letter.rest.all()).whole)
    return keepSome(letter, { recipients: [], refused: failed }, end)
  const { octets, whole: isWhole } = await letter.rest.all()
  const { keepDeadLetter } = await import("./dead-letter.ts")
  keepDeadLetter(
    {
      sender: letter.sender.path,
      login: letter.sender.login,
      host: letter.host,
      id: makeIds(Date.now, someRun())(),
      recipient: letter.recipients.length === 1 ? letter.recipients[0] : undefined,
      octets: Buffer.concat([letter.prepared.own, octets]),
      whole: isWhole,
    },
    end.io,
  )
}

async function keepSome(
  letter: Letter,
  file: Pick<ClientFile, "recipients" | "refused">,
  end: End,
): Promise<void> {
  const { octets } = await letter.rest.all()
  await end.keep(file, pieces(letter.prepared.handedOver, octets))
}

async function* pieces(...all: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* all
}

/** What the client queue is told beside recipients and refusals. */
export function wishesOf({
  sender,
  notify,
  ret,
  envid,
  body,
  headerSize,
}: Letter): Omit<ClientFile, "size" | "recipients" | "refused"> {
  return { sender: sender.path, notify, ret, envid, body, acceptedAt: Date.now(), headerSize }
}

/** The message as it is handed over. */
export async function* octetsOf({ prepared, rest }: Letter): AsyncGenerator<Buffer> {
  yield prepared.handedOver
  yield* rest.read()
}

/** The same once more, after an attempt; undefined when it is too large to have been remembered. */
export async function* octetsAgain(letter: Letter): AsyncGenerator<Buffer> {
  const rest = letter.rest.again()
  if (rest === undefined)
    throw new Refusal("the mail was not sent: its server went away, try again", exits.tryAgain)
  yield letter.prepared.handedOver
  yield* rest
}

/** The parameter of MAIL for international addresses (RFC 6531 §3.4). */
export function utf8Word({ sender, recipients }: Letter, { offers }: Submission): string {
  const international = [sender.path, ...recipients].some((address) => /[^\x00-\x7f]/.test(address))
  return international && offers.includes("SMTPUTF8") ? " SMTPUTF8" : ""
}
