// sendmail -v: a delivery shown as it happens, by the mail system that accepted the message.
import type { Submitted } from "../daemon/submission.ts"
import { ask } from "./control-client.ts"
import { type Io, print, Refusal } from "./io.ts"

/** -v: what becomes of it, as it happens; with the code that sendmail gives such lines. */
export async function showDelivery({ said }: Submitted, state: string, io: Io): Promise<void> {
  const id = /^250 2\.0\.0 (\S+) /.exec(said?.lines[0] ?? "")?.[1]
  if (id === undefined) return
  try {
    for await (const { line } of ask(state, { verb: "follow", id })) {
      if (typeof line === "string") print(io, `050 ${line}\n`)
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    print(io, `050 (its delivery cannot be followed: ${error.message})\n`) // it is accepted all the same
  }
}
