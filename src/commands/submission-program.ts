// Whether the sendmail command is a hop of its own here, as sendmail's submission program is: what submit.mc says, where there is
// one beside the configuration of the system it speaks to.
import { once } from "node:events"
import { existsSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { basename, dirname, join } from "node:path"
import { hasFlag } from "../config/options.ts"
import {
  classMembers,
  type ClassMembers,
  macro,
  type Settings,
  type SubmissionHop,
} from "../config/settings.ts"
import { hostOfHop, submissionHop } from "../config/submission.ts"
import { type Listener, Submission, SubmissionEnded } from "../daemon/submission.ts"
import { serverSilence } from "../daemon/submission-stream.ts"
import { hostFacts } from "../host/facts.ts"
import { loadSubmission, runningConfiguration } from "./configuration.ts"
import { exits, Refusal } from "./io.ts"
import type { SendmailOptions } from "./sendmail-options.ts"

export type SubmissionProgram = {
  readonly hop: SubmissionHop
  /** Our name ($j). */
  readonly host: string
  /** Class t: who may name another sender. */
  readonly trusted: ClassMembers
  /** PrivacyOptions has authwarnings, as it has by default. */
  readonly warns: boolean
}

/** The submission program's configuration; undefined where there is none, or -Am asks for the mail system itself. */
export function submissionProgram(options: SendmailOptions, state: string): SubmissionProgram | undefined {
  if (options.queue === "main") return undefined
  const file = submitFile(options.config, state)
  if (file === undefined) return undefined
  const settings = loadSubmission(file, state)
  if (!settings.ok) throw new Refusal(`the mail was not sent: ${settings.error}`, exits.config)
  return programOf(settings.value)
}

/** The one of -C; else the one beside the configuration that the machine's own system runs on. */
function submitFile(named: string | undefined, state: string): string | undefined {
  if (named !== undefined && basename(named) === "submit.mc") return named
  const configuration = runningConfiguration(state)
  const file = configuration === undefined ? undefined : join(dirname(configuration), "submit.mc")
  return file !== undefined && existsSync(file) ? file : undefined
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
  }
}

/** A conversation with its server that has said hello; undefined when that is not there, or not now. */
export async function openHop(
  { hop, host }: SubmissionProgram,
  listener: Listener,
): Promise<Submission | undefined> {
  const socket = await connectTo(hop)
  if (socket === undefined) return undefined
  try {
    return await Submission.open(socket, listener, host)
  } catch (error) {
    socket.destroy()
    if (!(error instanceof SubmissionEnded)) throw error
    if (error.said === undefined || error.said.code < 500) return undefined
    throw new Refusal(`the mail was not sent: ${hop.host} said: ${error.message}`, exits.unavailable)
  }
}

/** A name that nothing is known of, a port where nobody listens: it may be otherwise soon, so the mail waits. */
async function connectTo(hop: SubmissionHop): Promise<Socket | undefined> {
  const socket = connect({ host: hostOfHop(hop), port: hop.port })
  socket.setTimeout(serverSilence, () => socket.destroy(new Error("no answer")))
  try {
    await once(socket, "connect")
    return socket
  } catch {
    socket.destroy()
    return undefined
  }
}
