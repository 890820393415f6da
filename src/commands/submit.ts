// The sendmail command's way to the running system: its submission socket. The kernel tells the daemon who we are, so nothing here
// is to be believed, and nothing is decided here.
import { layoutOf } from "../daemon/layout.ts"
import { type Listener, type Said, Submission, SubmissionEnded } from "../daemon/submission.ts"
import type { Channel } from "../host/channel.ts"
import { type Alone, exits, Refusal } from "./io.ts"

/** A conversation that has said hello; undefined when nothing runs there. `alone` is the process's, where it may wait in place. */
export async function openSubmission(
  state: string,
  listener: Listener,
  alone?: Alone,
): Promise<Submission | undefined> {
  const channel = await connectTo(state, alone)
  return channel === undefined ? undefined : asRefusal(Submission.open(channel, listener))
}

/** What ended in the middle is a refusal: one line and a code. */
export async function asRefusal<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof SubmissionEnded)) throw error
    const code = error.said === undefined ? exits.tryAgain : exitOf(error.said)
    throw new Refusal(`the mail was not sent: ${error.message}`, code)
  }
}

async function connectTo(state: string, alone: Alone | undefined): Promise<Channel | undefined> {
  const path = layoutOf(state).submit
  try {
    if (alone !== undefined) return await alone.connect(path)
    return await (await import("./stream-connect.ts")).streamTo(path)
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTDIR") return undefined
    throw new Refusal(
      `the mail was not sent: the Waypost on ${state} cannot be spoken to (${String(code)})`,
      exits.tryAgain,
    )
  }
}

/** The words without code and enhanced code. */
export function wordsOf({ lines }: Said): string {
  return lines.map(parseReplyWords).join(" ")
}

/** `<me>... User unknown` of `550 5.1.1 <me>... User unknown`. */
export function parseReplyWords(line: string): string {
  return line.replace(/^\d{3}[ -]?(?:[245]\.\d+\.\d+ )?/, "")
}

/** sysexits(3) for a refusal: user unknown is EX_NOUSER, other noes EX_UNAVAILABLE, "not now" EX_TEMPFAIL. */
export function exitOf({ code, lines }: Said): number {
  if (code >= 400 && code < 500) return exits.tryAgain
  return / 5\.1\.[0-9]/.test(` ${(lines[0] ?? "").slice(4)}`) ? exits.noUser : exits.unavailable
}
