// What a program's end means for the mail: sysexits(3) in sendmail's wording (sysexits.c).
import type { AgentAnswer } from "./protocol.ts"

/** How a process ended. */
export type EndedBy = { readonly code: number; readonly signal: string | undefined }

type Meaning = {
  readonly outcome: "later" | "failed"
  readonly status: `${4 | 5}.${number}.${number}`
  readonly text: string
}

const meanings: Readonly<Record<number, Meaning>> = {
  64: { outcome: "failed", status: "5.0.0", text: "Bad usage" },
  65: { outcome: "failed", status: "5.6.0", text: "Data format error" },
  66: { outcome: "failed", status: "5.3.0", text: "Cannot open input" },
  67: { outcome: "failed", status: "5.1.1", text: "User unknown" },
  68: { outcome: "failed", status: "5.1.2", text: "Host unknown" },
  69: { outcome: "failed", status: "5.0.0", text: "Service unavailable" },
  70: { outcome: "failed", status: "5.3.0", text: "Internal error" },
  71: { outcome: "later", status: "4.0.0", text: "Operating system error" },
  72: { outcome: "failed", status: "5.3.5", text: "System file missing" },
  73: { outcome: "failed", status: "5.0.0", text: "Can't create output" },
  74: { outcome: "later", status: "4.0.0", text: "I/O error" },
  75: { outcome: "later", status: "4.0.0", text: "Deferred" },
  76: { outcome: "failed", status: "5.5.0", text: "Remote protocol error" },
  77: { outcome: "failed", status: "5.0.0", text: "Insufficient permission" },
  78: { outcome: "failed", status: "5.3.5", text: "Local configuration error" },
}

/** The answer for a program that ended so; what it said stands behind ours. */
export function answerFor(end: EndedBy, said: string): AgentAnswer {
  const words = said === "" ? "" : `: ${said}`
  if (end.signal !== undefined) {
    return { outcome: "later", status: "4.3.0", text: `the program was ended by ${end.signal}${words}` }
  }
  if (end.code === 0) return { outcome: "done", status: "2.0.0", text: said === "" ? "Sent" : said }
  const meaning = meanings[end.code]
  return meaning === undefined
    ? { outcome: "failed", status: "5.0.0", text: `unknown mailer error ${end.code}${words}` }
    : { ...meaning, text: meaning.text + words }
}
