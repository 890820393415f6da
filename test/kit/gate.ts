// Questions to a gate as a test writes them: a client, a sender, recipients as they are typed; answers as the reply's line.
import { classify, type ReversePath } from "../../src/mail/address.ts"
import type { Arrival, Client } from "../../src/mail/arrival.ts"
import type { Decision } from "../../src/mail/decision.ts"
import type { Envelope } from "../../src/mail/envelope.ts"
import type { Gate } from "../../src/mail/gate.ts"
import { replyLine } from "../../src/mail/reply.ts"
import { makeGate } from "../../src/policy/check.ts"
import { dnsOf, type Site, siteOf } from "./site.ts"

/** The gate of a site. */
export function gateOf(site: Site): Gate {
  const routing = siteOf(site)
  return makeGate({ settings: routing.settings, routing, dns: dnsOf(site.dns), clock: () => 0 })
}

/** A session from this client. */
export function arrivalOf(
  client: string | Partial<Client> | undefined,
  more: Partial<Arrival> = {},
): Arrival {
  const known = typeof client === "string" ? { address: client } : client
  return {
    session: "s1",
    protocol: "ESMTP",
    client: known === undefined ? undefined : { address: "192.0.2.7", port: 1234, name: undefined, ...known },
    helo: "client.example.net",
    authenticated: undefined,
    door: "MTA",
    submission: false,
    tls: undefined,
    ...more,
  }
}

/** An envelope with this sender and nobody in it. */
export function envelopeFrom(reversePath: ReversePath): Envelope {
  return {
    reversePath,
    recipients: [],
    body: "7bit",
    smtputf8: false,
    ret: undefined,
    envid: undefined,
  }
}

/** A decision in one line: "yes", or what the peer hears. */
export function said(decision: Decision<unknown>): string {
  return decision.outcome === "yes" || decision.outcome === "pass"
    ? decision.outcome
    : replyLine(decision.reply)
}

/** RCPT TO this, without its brackets, from a null sender unless one is given. */
export function rcpt(
  gate: Gate,
  arrival: Arrival,
  typed: string,
  from: ReversePath = "null",
): ReturnType<Gate["recipient"]> {
  const path = typed.toLowerCase() === "postmaster" ? "postmaster" : classify(typed)
  return gate.recipient(arrival, envelopeFrom(from), path)
}
