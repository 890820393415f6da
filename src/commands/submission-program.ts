// Whether the sendmail command is a hop of its own here, as sendmail's submission program is: what submit.mc says, where there is
// one beside the configuration of the system it speaks to.
import { once } from "node:events"
import type { Socket } from "node:net"
import { hasFlag, option, optionAt } from "../config/options.ts"
import {
  classMembers,
  feature,
  type ClassMembers,
  macro,
  type Settings,
  type SubmissionHop,
} from "../config/settings.ts"
import { submissionHop } from "../config/submission.ts"
import { type Listener, Submission, SubmissionEnded } from "../daemon/submission.ts"
import { connectToHop, serverSilence } from "../daemon/submission-stream.ts"
import { streamChannel } from "../host/channel.ts"
import { hostFacts } from "../host/facts.ts"
import { loadSubmission } from "./configuration.ts"
import { exits, Refusal } from "./io.ts"
import { type ErrorMode, isErrorMode } from "./sendmail-options.ts"

export type SubmissionProgram = {
  readonly hop: SubmissionHop
  /** Our name ($j). */
  readonly host: string
  /** Class t: who may name another sender. */
  readonly trusted: ClassMembers
  /** PrivacyOptions has authwarnings, as it has by default. */
  readonly warns: boolean
  /** confERROR_MODE, for whom -oe says nothing. */
  readonly errorMode: ErrorMode
  /** Its settings, where they masquerade. */
  readonly masquerades: Settings | undefined
}

/** The submission program's configuration; undefined where that file is no submission program's. */
export function submissionProgram(file: string, state: string): SubmissionProgram | undefined {
  const settings = loadSubmission(file, state)
  if (!settings.ok) throw new Refusal(`the mail was not sent: ${settings.error}`, exits.config)
  return programOf(settings.value)
}

/** Without FEATURE(`msp') it is no submission program's. */
function programOf(settings: Settings): SubmissionProgram | undefined {
  const hop = submissionHop(settings)
  if (hop === undefined) return undefined
  return {
    hop,
    host: macro(settings, "j") ?? hostFacts().hostname,
    trusted: classMembers(settings, "t"),
    warns: hasFlag(settings, "PrivacyOptions", "authwarnings"),
    errorMode: errorModeOf(settings),
    masquerades: macro(settings, "M") || feature(settings, "genericstable") ? settings : undefined,
  }
}

function errorModeOf(settings: Settings): ErrorMode {
  const word = option(settings, "ErrorMode")
  const letter = word.charAt(0)
  if (isErrorMode(letter)) return letter
  const at = optionAt(settings, "ErrorMode")
  const line = at === undefined ? "" : `${at.file}:${at.line}: `
  throw new Refusal(
    `the mail was not sent: ${line}confERROR_MODE "${word}" is none of p q m w e`,
    exits.config,
  )
}

/** A conversation with its server that has said hello; undefined when that is not there, or not now. */
export async function openHop(
  { hop, host }: SubmissionProgram,
  listener: Listener,
): Promise<Submission | undefined> {
  const socket = await connectTo(hop)
  if (socket === undefined) return undefined
  try {
    return await Submission.open(streamChannel(socket), listener, host)
  } catch (error) {
    socket.destroy()
    if (!(error instanceof SubmissionEnded)) throw error
    if (error.said === undefined || error.said.code < 500) return undefined
    throw new Refusal(`the mail was not sent: ${hop.host} said: ${error.message}`, exits.unavailable)
  }
}

/** A name that nothing is known of, a port where nobody listens: it may be otherwise soon, so the mail waits. */
async function connectTo(hop: SubmissionHop): Promise<Socket | undefined> {
  const socket = connectToHop(hop)
  socket.setTimeout(serverSilence, () => socket.destroy(new Error("no answer")))
  try {
    await once(socket, "connect")
    return socket
  } catch {
    socket.destroy()
    return undefined
  }
}
