// The header of a message that the sendmail command was given: made whole, and names of this host given its domain where the mail
// system is to see them from outside (sendmail: the relay mailer of submit.cf).
import { qualified } from "../mail/address.ts"
import { makeIds, someRun } from "../daemon/ids.ts"
import type { Header } from "../message/header.ts"
import { completeHeader, type Completion, missingFields } from "../message/submit.ts"
import { rewriteHeader } from "../routing/rewrite-header.ts"
import type { LocalSender } from "./local-sender.ts"
import type { SendmailOptions } from "./sendmail-options.ts"

export type Facts = {
  readonly host: string
  readonly sender: LocalSender
  readonly recipients: readonly string[]
}

/** What the submission program puts on top: its Received:, and behind the fields that were missing its warning. */
type Trace = { readonly received: string; readonly warning: string }

/** The header twice: as it was meant, for dead.letter and the mail system's own queue (-Am), and as it is handed over. */
export type Prepared = { readonly own: Buffer; readonly handedOver: Buffer }

/** With -G it is another system's, and left alone but for its Bcc under -t. */
export async function prepareHeader(
  header: Header,
  options: SendmailOptions,
  facts: Facts & { readonly trace?: Trace | undefined },
): Promise<Prepared> {
  const { trace = { received: "", warning: "" } } = facts
  if (options.gateway && !options.recipientsFromHeader) {
    const handedOver = Buffer.concat([Buffer.from(trace.received + trace.warning), header.bytes])
    return { own: header.bytes, handedOver }
  }
  const { completed, traced } = complete(header, facts, trace)
  const body = header.bytes.subarray(header.bodyStart)
  const own = Buffer.concat([completed, body])
  if (options.queue === "main") return { own, handedOver: own }
  const rewritten = await rewriteHeader(traced, async (address) => {
    const whole = qualified(address, facts.host)
    return whole === address ? undefined : whole
  })
  return { own, handedOver: rewritten === completed ? own : Buffer.concat([rewritten, body]) }
}

const nobody = { address: "", fullName: undefined }

/** The header made whole, and the same with the trace of this hop: warnings stand behind what was missing, as sendmail's do. */
function complete(
  header: Header,
  { host, sender, recipients }: Facts,
  trace: Trace,
): { readonly completed: Buffer; readonly traced: Buffer } {
  const completion: Completion = {
    host,
    id: makeIds(Date.now, someRun())(),
    now: Date.now(),
    // With -f '<>' and no From: of its own, sendmail sends an empty one: nobody is there to answer. So do we.
    sender: sender.path === "" ? nobody : { address: sender.path, fullName: sender.fullName },
    recipients,
    noRecipientAction: "none", // the daemon's door does what its configuration says
  }
  const completed = completeHeader(header, completion)
  if (trace.received === "") return { completed, traced: completed }
  const missing = Buffer.byteLength(missingFields(header, completion))
  const pieces = [
    Buffer.from(trace.received),
    completed.subarray(0, missing),
    Buffer.from(trace.warning),
    completed.subarray(missing),
  ]
  return { completed, traced: Buffer.concat(pieces) }
}
