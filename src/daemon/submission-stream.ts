// The way to the server that submit.mc names, for mail that the sendmail command left in the client queue.
import { connect, type LookupFunction, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { macro, type Settings, type SubmissionHop } from "../config/settings.ts"
import { asksForExchangers, hostOfHop } from "../config/submission.ts"
import { exchangerLookup } from "../host/exchanger-lookup.ts"

/** How long the server may be silent, milliseconds: RFC 5321 §4.5.3.2.1. */
export const serverSilence = 5 * 60_000

/** A connection there, and the name we say; undefined where there is no submit.mc. A server that is not there ends the stream. */
export function submissionStream(
  settings: Settings,
): { readonly stream: Duplex; readonly name: string } | undefined {
  const { submission } = settings
  if (submission === undefined) return undefined
  const stream = connectToHop(submission)
  stream.setTimeout(serverSilence, () => stream.destroy())
  return { stream, name: macro(settings, "j") ?? "localhost" }
}

/** A connection under way to the server, or to one of its MX hosts where its name has no brackets. */
export function connectToHop(hop: SubmissionHop): Socket {
  const place = { host: hostOfHop(hop), port: hop.port }
  return connect(asksForExchangers(hop) ? { ...place, lookup: byExchangers } : place)
}

/** The resolver is loaded by those few who need it: every message of the sendmail command comes by here. */
const byExchangers: LookupFunction = (name, options, done) => {
  void import("../host/resolver.ts").then(({ systemResolver }) => {
    const dns = systemResolver(process.env["WAYPOST_RESOLVER"])
    if (dns.ok) exchangerLookup(dns.value)(name, options, done)
    else done(new Error(dns.error), "")
  })
}
