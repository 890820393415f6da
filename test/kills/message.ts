// Messages of the kill tests: their octets follow from id and size, so that the test knows them without having been told.
import { because } from "../../src/mail/decision.ts"
import type { Entry, Pending } from "../../src/queue/entry.ts"

const header = "Received: from hello.com by mx.test\r\nSubject: SMTP\r\n\r\n"

/** The header goes into the spool as prefix, the rest as what the client sent. */
export const headerSize = Buffer.byteLength(header)

export function octetsOf(id: string, size: number): Buffer {
  return Buffer.concat([Buffer.from(header), Buffer.alloc(size - headerSize, `This is ${id}.\r\n`)], size)
}

export function messageOf(
  id: string,
  size: number,
  recipients: number,
): { entry: Entry; pending: Pending[] } {
  const domain = { kind: "name", ascii: "example.org", unicode: "example.org" } as const
  const admitted = because("access", 'To:example.org says "RELAY"', {
    file: "/etc/mail/access",
    line: 3,
    column: 1,
  })
  const pending = Array.from({ length: recipients }, (_, number) => ({
    number,
    recipient: {
      path: { localPart: `user${number}`, domain },
      original: undefined,
      notify: [],
      admitted,
    },
    route: undefined,
    expandedFrom: undefined,
    attempts: 0,
    nextAttempt: 0,
    lastStatus: undefined,
    warned: false,
  }))
  const entry: Entry = {
    id,
    envelope: {
      reversePath: { localPart: "ann", domain },
      body: "7bit",
      smtputf8: false,
      ret: undefined,
      envid: undefined,
    },
    arrival: {
      session: `session-${id}`,
      protocol: "ESMTP",
      client: { address: "192.0.2.7", port: 40_000, name: undefined },
      helo: "hello.com",
      authenticated: undefined,
      door: "MTA",
      submission: false,
      tls: undefined,
    },
    acceptedAt: Date.UTC(2026, 10, 24),
    size,
    headerSize,
    summary: { messageId: `<${id}@example.org>`, subject: "SMTP", from: "ann@example.org" },
    held: undefined,
  }
  return { entry, pending }
}
