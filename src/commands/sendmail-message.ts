// sendmail's main business: a message on standard input, made whole and handed to the running system, or left in the client queue
// for it.
import { isAscii } from "node:buffer"
import { hostFacts } from "../host/facts.ts"
import { qualified } from "../mail/address.ts"
import type { Listener, Submission } from "../daemon/submission.ts"
import { parseAddressList } from "../message/addresses.ts"
import { type Header, scanHeader } from "../message/header.ts"
import { recipientListsIn } from "../message/submit.ts"
import { clientParameters } from "../queue/client-file.ts"
import { exits, type Io, Refusal } from "./io.ts"
import { localSender } from "./local-sender.ts"
import { conclude, type End, Kept, type Letter, octetsOf, utf8Word, wishesOf } from "./sendmail-end.ts"
import { type Facts, prepareHeader } from "./sendmail-header.ts"
import type { HopTrace } from "./sendmail-hop-log.ts"
import type { SendmailOptions } from "./sendmail-options.ts"
import { asRefusal, openSubmission } from "./submit.ts"
import { submitFile } from "./submit-file.ts"
import { asLines, openMessage } from "./typed-message.ts"

/** Where a message comes from and goes to. */
export type Sending = {
  readonly state: string
  readonly listener: Listener
  readonly io: Io
  readonly input: AsyncIterable<Buffer | string>
}

/** Reads a message and sends it. */
export async function sendMessage(given: SendmailOptions, sending: Sending): Promise<number> {
  const { state, io } = sending
  const named = given.operands.map(addressesIn)
  if (named.flat().length === 0 && !given.recipientsFromHeader) {
    io.stdout.write("Recipient names must be specified\n") // sendmail's words, where it says them
    return exits.usage
  }
  const hop = await hopOf(given, state)
  const options = { ...given, errorMode: given.errorMode ?? hop?.program.errorMode }
  const { head, rest } = await openMessage(asLines(sending.input, { dotEnds: !options.ignoreDots }))
  const header = scanHeader(head)
  const lists = [...named, ...(options.recipientsFromHeader ? recipientListsIn(header) : [])]
  // sendmail puts each argument's and each field's recipients before those that it has; its log and its server see them so.
  const recipients = [...new Set((hop === undefined ? lists : lists.toReversed()).flat())]
  const sender = localSender(options, io)
  if (recipients.length === 0) {
    if (hop !== undefined) {
      const facts = { host: hop.program.host, sender, recipients }
      const trace = hop.hopTrace(hop.program, facts, options.senderFlag)
      const letter = await letterOf(options, { header, rest }, { ...facts, trace })
      await hop.noteNobody(letter, { program: hop.program, trace, options, state, io })
    }
    io.stdout.write("No recipient addresses found in header\n")
    return exits.ok // sendmail differs from its own manual here, and programs go by what it does
  }
  for (const address of [sender.path, ...recipients]) checkAddress(address)
  const submission = waitsInClientQueue(options) ? undefined : await openWay(hop, sending)
  try {
    const host = hop?.program.host ?? submission?.host ?? hostFacts().hostname
    const facts = { host, sender, recipients }
    const trace = hop?.hopTrace(hop.program, facts, options.senderFlag)
    const letter = await letterOf(options, { header, rest }, { ...facts, trace })
    if (hop !== undefined && trace !== undefined)
      return await hop.sendByHop(letter, submission, { program: hop.program, trace, options, state, io })
    return submission === undefined
      ? await leave(letter, state)
      : await send(letter, submission, { options, state, io })
  } finally {
    submission?.close()
  }
}

/** The submission program of submit.mc and what it does; loaded only where there is one. */
async function hopOf(options: SendmailOptions, state: string) {
  const file = submitFile(options, state)
  if (file === undefined) return undefined
  const [{ openHop, submissionProgram }, acts] = await Promise.all([
    import("./submission-program.ts"),
    import("./sendmail-hop.ts"),
  ])
  const program = submissionProgram(file, state)
  return program === undefined ? undefined : { ...acts, program, openHop }
}

/** To the server of submit.mc, or by the submission socket. */
function openWay(
  hop: Awaited<ReturnType<typeof hopOf>>,
  { state, listener, io }: Sending,
): Promise<Submission | undefined> {
  return hop === undefined ? openSubmission(state, listener, io.alone) : hop.openHop(hop.program, listener)
}

/** -odq without -Am: the submission program's own queue, as sendmail's is. */
function waitsInClientQueue({ queueOnly, queue }: SendmailOptions): boolean {
  return queueOnly && queue !== "main"
}

/**
 * The addresses of one argument: parted by commas alone, for blanks do not part what a program gave as one (sendmail: BlankSub
 * stands in their place).
 */
function addressesIn(argument: string): readonly string[] {
  if (/["()<>:;]/.test(argument)) return parseAddressList(argument).map(({ address }) => address)
  return argument.split(",").flatMap((one) => {
    const address = one.trim().replaceAll(/\s+/g, (blank) => (one.includes("@") ? blank : "."))
    return address === ""
      ? []
      : one.includes("@")
        ? parseAddressList(address).map((token) => token.address)
        : [address]
  })
}

async function letterOf(
  options: SendmailOptions,
  { header, rest }: { readonly header: Header; readonly rest: AsyncIterable<Buffer> },
  facts: Facts & { readonly trace: HopTrace | undefined },
): Promise<Letter> {
  const prepared = await prepareHeader(header, options, facts)
  const eightBit = options.body === "8BITMIME" || (options.body === undefined && hasEightBit(header.bytes))
  return {
    ...facts,
    prepared,
    headerSize: prepared.handedOver.length - (header.bytes.length - header.bodyStart),
    rest: new Kept(rest),
    notify: options.notify,
    ret: options.ret === undefined ? undefined : options.ret === "FULL" ? "full" : "headers",
    envid: options.envid,
    body: eightBit ? "8bitmime" : "7bit",
  }
}

/** Into the client queue: nothing runs that would take it now, or it is to wait. */
async function leave(letter: Letter, state: string): Promise<number> {
  const { keepForLater } = await import("./client-queue.ts")
  await keepForLater(
    state,
    { ...wishesOf(letter), recipients: letter.recipients, refused: [] },
    octetsOf(letter),
  )
  return exits.ok
}

type Way = { readonly options: SendmailOptions; readonly state: string; readonly io: Io }

async function send(letter: Letter, submission: Submission, { options, state, io }: Way): Promise<number> {
  const own = letter.sender.path
  const sender = options.queue === "main" ? own : qualified(own, submission.host)
  const { mail, rcpt } = clientParameters(letter)
  const sent = await asRefusal(
    submission.send({
      sender,
      recipients: letter.recipients,
      parameters: `${mail}${utf8Word(letter, submission)}${options.queueOnly ? " XQUEUE" : ""}${options.senderFlag === "r" ? " XR" : ""}`,
      recipientParameters: rcpt,
      content: octetsOf(letter),
    }),
  )
  await asRefusal(submission.quit(options.verbose || options.trafficLog !== undefined ? "wait" : "go"))
  if (options.verbose && !options.queueOnly)
    await (await import("./sendmail-follow.ts")).showDelivery(sent, state, io)
  const keep: End["keep"] = async (file, content) => {
    const [{ keepForLater }, { askOnce }] = await Promise.all([
      import("./client-queue.ts"),
      import("./control-client.ts"),
    ])
    await keepForLater(state, { ...wishesOf(letter), ...file }, content)
    if (file.refused.length > 0) await askOnce(state, { verb: "client run" }) // the sender is told now
  }
  return conclude(letter, sent, { options, io, keep })
}

/** What was typed never ends a command. */
function checkAddress(address: string): void {
  if (/[\u0000-\u001f\u007f]/.test(address)) {
    throw new Refusal(`an address cannot hold control characters: ${JSON.stringify(address)}`, exits.usage)
  }
}

function hasEightBit(octetsSoFar: Buffer): boolean {
  return !isAscii(octetsSoFar)
}
