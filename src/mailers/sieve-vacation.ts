// The answer that a script's vacation asks for: to whom, whether it is due, and as a letter (RFC 5230).
import { answerTo, writeAnswer } from "../filters/vacation.ts"
import type { Vacation } from "../filters/sieve-state.ts"
import { printPath } from "../mail/address.ts"
import { type Content, headerOf, inMemory } from "../mail/content.ts"
import { because, type Decision, pass, yes } from "../mail/decision.ts"
import { shownSender } from "../mail/envelope.ts"
import { scanHeader } from "../message/header.ts"
import type { SieveDelivery, SieveServices } from "./sieve-world.ts"

/** The letter, or why none is due. */
export async function answerFor(
  vacation: Vacation,
  { entry, pending, account, content, delivery }: SieveDelivery,
  memory: Pick<SieveServices, "seen">,
): Promise<Decision<{ readonly recipient: string; readonly content: Content }>> {
  const header = scanHeader(await headerOf(content))
  const own = printPath(pending.recipient.path)
  const names = [account.name, own, ...vacation.addresses]
  const answered = answerTo({ sender: shownSender(entry.envelope), header, names })
  if (answered.outcome !== "yes") return answered
  const to = answered.value
  // RFC 5230 §4.2: one answer to each sender for each text.
  const key = `vacation ${account.name} ${to.toLowerCase()} ${vacation.handle}`
  const { seconds } = vacation
  if (seconds > 0 && memory.seen({ key, seconds, last: false, delivery }))
    return pass(because("vacation", `${to} has had this answer`))
  const text = writeAnswer({ text: written(vacation, own), to, header })
  const bytes = Buffer.from(text.replaceAll(/\r?\n/g, "\r\n"))
  return yes({ recipient: to, content: inMemory(bytes, bytes.indexOf("\r\n\r\n") + 4) }, answered.reason)
}

/** The user's text under the fields that are his. */
function written({ reason, subject, from, mime }: Vacation, own: string): string {
  const fields = [
    `From: ${clean(from ?? own)}`,
    ...(subject === undefined ? [] : [`Subject: ${clean(subject)}`]),
    ...(mime
      ? []
      : ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]),
  ]
  // :mime: the text brings its own MIME fields (RFC 5230 §4.4).
  return mime ? [...fields, "MIME-Version: 1.0", reason].join("\n") : `${fields.join("\n")}\n\n${reason}\n`
}

function clean(text: string): string {
  return text.replaceAll(/[\r\n\0]+/g, " ")
}
