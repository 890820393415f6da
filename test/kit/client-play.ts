// A peer in a few words for tests of the SMTP client: replies in, what the client did out; no socket.
import assert from "node:assert/strict"
import { parseMailbox } from "../../src/mail/address.ts"
import { because } from "../../src/mail/decision.ts"
import type { Envelope, Recipient } from "../../src/mail/envelope.ts"
import { Client, type ClientOptions, type Next } from "../../src/smtp/client.ts"
import type { Work } from "../../src/smtp/client-commands.ts"
import type { Fate } from "../../src/smtp/client-fate.ts"

/** An address as a value. */
export function mailbox(text: string) {
  const parsed = parseMailbox(text)
  assert.ok(parsed.ok, text)
  return parsed.value
}

/** A recipient that policy let in. */
export function recipient(text: string, more: Partial<Recipient> = {}): Recipient {
  return {
    path: mailbox(text),
    original: undefined,
    notify: [],
    admitted: because("test", "said so"),
    ...more,
  }
}

const envelope: Omit<Envelope, "recipients"> = {
  reversePath: mailbox("ann@example.org"),
  body: "7bit",
  smtputf8: false,
  ret: undefined,
  envid: undefined,
}

/** One message from ann@example.org. */
export function work(
  to: readonly (string | Recipient)[] = ["a@grussell.org", "b@grussell.org"],
  more: Partial<Omit<Envelope, "recipients">> = {},
): Work {
  const recipients = to.map((one) => (typeof one === "string" ? recipient(one) : one))
  return { envelope: { ...envelope, ...more }, recipients, size: 1000, utf8Header: false }
}

/** Plays a peer that says these replies one after the other, each as soon as the client waits; returns all that the client did. */
export class Play {
  readonly client: Client
  readonly log: string[] = []
  readonly replies: string[]
  ended: Next | undefined

  constructor(replies: readonly string[], options: Partial<ClientOptions> = {}) {
    this.client = new Client({ hello: "example.org", lmtp: false, ...options })
    this.replies = [...replies]
  }

  /** Greeting and EHLO. */
  open(...offers: string[]): this {
    this.replies.unshift(
      "220 hi",
      `250-grussell.org\r\n${offers.map((offer) => `250-${offer}\r\n`).join("")}250 HELP`,
    )
    this.run({ kind: "wait", step: "initial" })
    this.log.length = 0
    return this
  }

  run(next: Next): this {
    let now = next
    for (;;) {
      if (now.kind === "send") this.log.push(...now.text.trimEnd().split("\r\n"))
      if (now.kind === "content") {
        this.log.push(now.form === "dots" ? "(message)" : now.prefix.trimEnd())
        now = this.client.contentSent()
      } else if (now.kind === "ready" || now.kind === "broken") {
        this.ended = now
        return this
      } else {
        const reply = this.replies.shift()
        if (reply === undefined) now = this.client.lost("Connection closed by the peer")
        else now = this.client.feed(Buffer.from(`${reply}\r\n`))
      }
    }
  }

  send(job: Work): this {
    return this.run(this.client.start(job))
  }

  /** `a relayed 2.0.0` for each recipient; `?` where nothing was decided. */
  get fates(): string {
    return this.client.fates.map(show).join(", ")
  }

  get end(): string {
    const { broken } = this.client
    return broken === undefined ? "ready" : `broken ${broken.status}${broken.permanent ? " for good" : ""}`
  }
}

function show(fate: Fate | undefined): string {
  return fate === undefined ? "?" : `${fate.action} ${fate.status}`
}
