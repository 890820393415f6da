// sendmail -bv: where addresses lead, in sendmail's words, asked of the running daemon.
import type { Explained, ExplainedEnd, ExplainedFailure } from "../routing/explain-address.ts"
import { parseReplyWords } from "./submit.ts"
import { type Answer, Control } from "./control-client.ts"
import { exitOfReply } from "./exit-of-reply.ts"
import { exits, type Io, refuse } from "./io.ts"

/** Each address in turn; ends with the exit code of what led nowhere (sysexits(3)), or EX_TEMPFAIL when one cannot be told now. */
export async function verify(operands: readonly string[], state: string, io: Io): Promise<number> {
  if (operands.length === 0) return refuse(io, "Recipient names must be specified", exits.usage)
  const control = await Control.open(state)
  const explain = async function* (address: string) {
    for await (const answer of control.ask({ verb: "explain", address })) yield explainedOf(answer)
  }
  try {
    return await printEnds(operands, explain, io)
  } finally {
    control.close()
  }
}

/** The same by a sendmail.mc, without a system that runs on it (-C FILE). */
export async function verifyByFile(
  operands: readonly string[],
  { config, state }: { readonly config: string; readonly state: string },
  io: Io,
): Promise<number> {
  if (operands.length === 0) return refuse(io, "Recipient names must be specified", exits.usage)
  const { verifierOf } = await import("./verify-by-file.ts")
  const verifier = verifierOf(config, state, io)
  const explain = async function* (address: string) {
    yield await verifier.explain(address)
  }
  try {
    return await printEnds(operands, explain, io)
  } finally {
    verifier.close()
  }
}

type Ends = Pick<Explained, "deliverable" | "failed">

async function printEnds(
  operands: readonly string[],
  explain: (address: string) => AsyncGenerator<Ends>,
  io: Io,
): Promise<number> {
  let code: number = exits.ok
  for (const address of operands.flatMap(addressesIn)) {
    for await (const { deliverable, failed } of explain(address)) {
      for (const one of failed) io.stdout.write(`${failedLine(address, one)}\n`)
      for (const one of deliverable) io.stdout.write(`${deliverableLine(address, one)}\n`)
      const worst = failed.find(({ outcome }) => outcome === "later") ?? failed[0]
      if (worst !== undefined && code !== exits.tryAgain) code = exitOfReply(worst.reply, worst.word)
    }
  }
  return code
}

/** An argument with blanks is a list of names, unless something in it says that it is one address (sendmail: sendtolist). */
function addressesIn(operand: string): readonly string[] {
  return /[,;<>()"]/.test(operand) ? [operand] : operand.split(/\s+/).filter((name) => name !== "")
}

/** Our own daemon of our own version answers: a look at the shape is enough. */
function explainedOf(answer: Answer): Pick<Explained, "deliverable" | "failed"> {
  const { deliverable, failed } = answer
  if (!Array.isArray(deliverable) || !Array.isArray(failed)) {
    throw new Error(`not an explanation: ${JSON.stringify(answer).slice(0, 200)}`)
  }
  return { deliverable: deliverable as ExplainedEnd[], failed: failed as ExplainedFailure[] }
}

/** `bob... deliverable: mailer local, user bob`. A name keeps its backslash, a program its bar, as sendmail shows them. */
function deliverableLine(asked: string, { typed, known, mailer, host, user }: ExplainedEnd): string {
  const at = host === "" ? "" : `, host ${host}${known && mailer !== "local" ? "." : ""}`
  const name =
    mailer === "prog" ? `"|${user}"` : mailer === "local" && typed.startsWith("\\") ? `\\${user}` : user
  return `${typed || asked}... deliverable: mailer ${mailer}${at}, user ${name}`
}

/** `nosuch... User unknown`: a name as it was written; 451, 551 and 552 say their words alone (err.c: fmtmsg). */
function failedLine(asked: string, { typed, reply }: ExplainedFailure): string {
  const words = parseReplyWords(reply)
  const own = words.replace(/^<[^>]*>\.\.\. /, "")
  return /^\d(?:50|53)/.test(reply) ? `${typed || asked}... ${own}` : own
}
