// sendmail -bv: where addresses lead, in sendmail's words, asked of the running daemon.
import type { Explained, ExplainedEnd, ExplainedFailure } from "../routing/explain-address.ts"
import { parseReplyWords } from "./submit.ts"
import { type Answer, Control } from "./control-client.ts"
import { exits, type Io, refuse } from "./io.ts"

/** Each address in turn; ends with EX_NOUSER when one leads nowhere, with EX_TEMPFAIL when one cannot be told now. */
export async function verify(addresses: readonly string[], state: string, io: Io): Promise<number> {
  if (addresses.length === 0) return refuse(io, "Recipient names must be specified", exits.usage)
  const control = await Control.open(state)
  let code: number = exits.ok
  try {
    for (const address of addresses) {
      for await (const answer of control.ask({ verb: "explain", address })) {
        const { deliverable, failed } = explainedOf(answer)
        for (const one of failed) io.stdout.write(`${failedLine(address, one)}\n`)
        for (const one of deliverable) io.stdout.write(`${deliverableLine(one)}\n`)
        if (failed.some(({ outcome }) => outcome === "later")) code = exits.tryAgain
        else if (failed.length > 0 && code === exits.ok) code = exits.noUser
      }
    }
    return code
  } finally {
    control.close()
  }
}

/** Our own daemon of our own version answers: a look at the shape is enough. */
function explainedOf(answer: Answer): Pick<Explained, "deliverable" | "failed"> {
  const { deliverable, failed } = answer
  if (!Array.isArray(deliverable) || !Array.isArray(failed)) {
    throw new Error(`not an explanation: ${JSON.stringify(answer).slice(0, 200)}`)
  }
  return { deliverable: deliverable as ExplainedEnd[], failed: failed as ExplainedFailure[] }
}

/** `bob... deliverable: mailer local, user bob`: for the local mailer sendmail names the login alone. */
function deliverableLine({ address, mailer, host, user }: ExplainedEnd): string {
  const at = host === "" ? "" : `, host ${host}${/^\[|\.$|:/.test(host) ? "" : "."}`
  return `${mailer === "local" ? user : address}... deliverable: mailer ${mailer}${at}, user ${user}`
}

/** `nosuch... User unknown`: a name of this host as it was typed. */
function failedLine(typed: string, { address, reply }: ExplainedFailure): string {
  const words = parseReplyWords(reply)
  return words.startsWith("<")
    ? words.replace(/^<([^>]*)>/, "$1")
    : `${address.startsWith(`${typed}@`) ? typed : address}... ${words}`
}
