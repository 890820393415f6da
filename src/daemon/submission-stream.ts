// The way to the server that submit.mc names, for mail that the sendmail command left in the client queue.
import { connect } from "node:net"
import type { Duplex } from "node:stream"
import { macro, type Settings } from "../config/settings.ts"
import { hostOfHop } from "../config/submission.ts"

/** How long the server may be silent, milliseconds: RFC 5321 §4.5.3.2.1. */
export const serverSilence = 5 * 60_000

/** A connection there, and the name we say; undefined where there is no submit.mc. A server that is not there ends the stream. */
export function submissionStream(
  settings: Settings,
): { readonly stream: Duplex; readonly name: string } | undefined {
  const { submission } = settings
  if (submission === undefined) return undefined
  const stream = connect({ host: hostOfHop(submission), port: submission.port })
  stream.setTimeout(serverSilence, () => stream.destroy())
  return { stream, name: macro(settings, "j") ?? "localhost" }
}
