// A message in the queue as tests of the queue need one: everything usual but what is said.
import assert from "node:assert/strict"
import { parseMailbox, type ReversePath } from "../../src/mail/address.ts"
import { because } from "../../src/mail/decision.ts"
import type { Pending, Queued } from "../../src/queue/entry.ts"

export type Wish = {
  readonly id?: string
  /** "null" is the null sender. */
  readonly from?: string
  readonly to?: readonly string[]
  readonly held?: string
  /** The last words about each recipient. */
  readonly said?: string
  /** Where all recipients are routed to. */
  readonly host?: string
  readonly acceptedAt?: number
}

/** A message of 5000 octets from me@grussell.org to you@napier.ac.uk. */
export function queuedFor(wish: Wish = {}): Queued {
  const {
    to = ["you@napier.ac.uk"],
    from = "me@grussell.org",
    acceptedAt = Date.UTC(2026, 10, 24, 7, 10, 42),
  } = wish
  return {
    entry: {
      id: wish.id ?? "6AO7AgXX000001",
      envelope: { reversePath: path(from), body: "7bit", smtputf8: false, ret: undefined, envid: undefined },
      arrival: {
        session: "s1",
        protocol: "ESMTP",
        client: { address: "127.0.0.1", port: 1, name: "localhost" },
        helo: "laptop",
        authenticated: undefined,
        door: "MTA",
        submission: false,
        tls: undefined,
      },
      acceptedAt,
      size: 5000,
      headerSize: 300,
      summary: { messageId: "<1@grussell.org>", subject: "lunch", from: "me@grussell.org" },
      held: wish.held === undefined ? undefined : { reason: wish.held, at: undefined },
    },
    pending: to.map((address, number) => pendingFor(address, number, wish)),
  }
}

function path(text: string): ReversePath {
  if (text === "null") return "null"
  const parsed = parseMailbox(text)
  assert.ok(parsed.ok, text)
  return parsed.value
}

function pendingFor(address: string, number: number, { said, host, acceptedAt = 0 }: Wish): Pending {
  const to = address === "postmaster" ? address : path(address)
  assert.notEqual(to, "null")
  return {
    number,
    recipient: {
      path: to as Exclude<typeof to, "null">,
      original: undefined,
      notify: [],
      admitted: because("test", "let in"),
    },
    route: host === undefined ? undefined : { mailer: "esmtp", host, user: address },
    expandedFrom: undefined,
    attempts: said === undefined ? 0 : 1,
    nextAttempt: 0,
    lastStatus:
      said === undefined ? undefined : { status: "4.4.1", text: said, remote: undefined, at: acceptedAt },
    warned: false,
  }
}
