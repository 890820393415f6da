// The sendmail command as a hop of its own (sendmail's submission program): it puts its Received: and its warning on the message,
// hands it to the server of submit.mc by SMTP, and writes its own lines into the machine's log.
import { SubmissionEnded, type Submission, type Submitted } from "../daemon/submission.ts"
import { makeIds, someRun } from "../daemon/ids.ts"
import { version } from "../host/version.ts"
import { qualified } from "../mail/address.ts"
import { namesAnother } from "../message/authentication-warning.ts"
import { printDate } from "../message/date.ts"
import { writeReceived } from "../message/received.ts"
import { clientParameters } from "../queue/client-file.ts"
import { keepForLater } from "./client-queue.ts"
import { askOnce } from "./control-client.ts"
import { exits } from "./io.ts"
import { conclude, type End, type Letter, octetsAgain, octetsOf, utf8Word, wishesOf } from "./sendmail-end.ts"
import { showDelivery } from "./sendmail-follow.ts"
import { HopLog, type HopTrace, type HopWay, localArrival } from "./sendmail-hop-log.ts"
import type { Facts } from "./sendmail-header.ts"
import type { SubmissionProgram } from "./submission-program.ts"

/** The fields of this hop. */
export function hopTrace(
  program: SubmissionProgram,
  { sender, recipients }: Facts,
  flag: "f" | "r",
): HopTrace {
  const id = makeIds(Date.now, someRun())()
  const [only = ""] = recipients
  const received = writeReceived({
    arrival: localArrival(sender.login),
    by: program.host,
    id,
    software: `8.17.1/Waypost ${version}/Submit`,
    recipient: undefined,
    typed: recipients.length === 1 ? only : undefined,
    date: printDate(Date.now()),
  })
  const says = program.warns
    ? namesAnother({ ...program, sender: sender.path, login: sender.login, flag: `-${flag}` })
    : undefined
  const warning = says === undefined ? "" : `X-Authentication-Warning: ${program.host}: ${says}\r\n`
  return { id, received, warning }
}

/** Sends it; undefined: the server is not there, or is not to have it now, and it waits in the client queue. */
export async function sendByHop(
  written: Letter,
  submission: Submission | undefined,
  way: HopWay,
): Promise<number> {
  const log = new HopLog(written, way)
  try {
    const letter = await asSeen(written, way.program)
    if (submission === undefined) return await leaveForHop(letter, way, log)
    const sent = await transaction(letter, submission, way)
    if (sent === undefined) return await leaveForHop(letter, way, log)
    log.came(letter.rest.octets)
    log.went(sent)
    if (way.options.verbose) await showDelivery(sent, way.state, way.io)
    if (sent.said !== undefined && sent.said.code >= 400 && sent.said.code < 500)
      return await keepWhole(letter, way)
    return await conclude(letter, sent, { options: way.options, io: way.io, keep: keeper(letter, way) })
  } finally {
    log.close()
  }
}

/** A message that names nobody came, and goes nowhere: the log says that much. */
export async function noteNobody(letter: Letter, way: HopWay): Promise<void> {
  for await (const _ of letter.rest.read()) continue
  const log = new HopLog(letter, way)
  log.came(letter.rest.octets)
  log.close()
}

/** A server that goes away in the middle has not taken it: undefined, and it waits as if it had not been there. */
async function transaction(
  letter: Letter,
  submission: Submission,
  { program, options }: HopWay,
): Promise<Submitted | undefined> {
  const { mail, rcpt } = clientParameters(letter, submission.offers)
  const sent = letter.recipients.map((one) => qualified(one, program.host))
  try {
    const submitted = await submission.send({
      sender: qualified(letter.sender.path, program.host),
      recipients: sent,
      parameters: `${mail}${utf8Word(letter, submission)}`,
      recipientParameters: rcpt,
      content: octetsOf(letter),
    })
    await submission.quit(options.verbose || options.trafficLog !== undefined ? "wait" : "go")
    const typed = new Map(sent.map((name, n) => [name, letter.recipients[n] ?? name]))
    const refused = submitted.refused.map(({ recipient, said }) => ({
      recipient: typed.get(recipient) ?? recipient,
      said,
    }))
    return { ...submitted, refused }
  } catch (error) {
    if (error instanceof SubmissionEnded && error.said === undefined) return undefined
    throw error
  }
}

/** The letter as its server is to see it; the log has it as it was. */
async function asSeen(letter: Letter, { masquerades, host }: HopWay["program"]): Promise<Letter> {
  if (masquerades === undefined) return letter
  const { masqueraded } = await import("./submission-masquerade.ts")
  const { sender, prepared, headerSize } = letter
  const before = qualified(sender.path, host)
  const made = await masqueraded(before, prepared.handedOver, masquerades)
  return {
    ...letter,
    sender: made.sender === before ? sender : { ...sender, path: made.sender },
    prepared: { ...prepared, handedOver: made.head },
    headerSize: headerSize + made.head.length - prepared.handedOver.length,
  }
}

async function leaveForHop(letter: Letter, way: HopWay, log: HopLog): Promise<number> {
  const code = await keepWhole(letter, way)
  log.came(letter.rest.octets)
  log.waits()
  return code
}

async function keepWhole(letter: Letter, way: HopWay): Promise<number> {
  await keeper(letter, way)({ recipients: letter.recipients, refused: [] }, octetsAgain(letter))
  return exits.ok
}

function keeper(letter: Letter, { state }: HopWay): End["keep"] {
  return async (file, content) => {
    await keepForLater(state, { ...wishesOf(letter), ...file, hop: true }, content)
    if (file.refused.length > 0) await askOnce(state, { verb: "client run" }) // the sender is told now
  }
}
