import assert from "node:assert/strict"
import { test } from "node:test"
import type { Arrival } from "../mail/arrival.ts"
import type { Event } from "../spool/spool.ts"
import { printQuestion, Questions } from "./what-if-record.ts"

const arrival: Arrival = {
  session: "s",
  protocol: "ESMTP",
  client: { address: "192.0.2.7", port: 1, name: "client.test" },
  helo: "client.test",
  authenticated: undefined,
  door: "MTA",
  submission: false,
  tls: undefined,
}

const domain = { kind: "name", ascii: "client.test", unicode: "client.test" } as const

const blank = { address: "", status: "", detail: "", remote: undefined, reason: undefined }

function message(id: string, recipients: readonly string[], header = "Subject: x\r\n\r\n"): Event {
  const entry = {
    id,
    envelope: {
      reversePath: { localPart: "ann", domain },
      body: "7bit" as const,
      smtputf8: false,
      ret: undefined,
      envid: undefined,
    },
    arrival,
    acceptedAt: 1,
    size: 500,
    headerSize: 14,
    summary: { messageId: "", subject: "x", from: "" },
    held: undefined,
  }
  return { ...blank, id, at: 1, what: "accepted", message: { entry, recipients, header } }
}

const refusal = (id: string, sender: string | undefined, recipient: string | undefined): Event => ({
  ...blank,
  id,
  at: 2,
  what: "refused",
  status: "550 5.7.1 Access denied",
  asked: { arrival, question: "check_rcpt", sender, recipient, size: 0 },
})

test("each recipient of a message is a question, and those that are alike are one with a number", () => {
  const questions = new Questions(false)
  questions.add(message("new", ["bob@napier.ac.uk", "me@grussell.org"]))
  questions.add(message("old", ["bob@napier.ac.uk"], "Subject: y\r\n\r\n"))
  questions.add({ ...blank, id: "old", at: 3, what: "delivered" })
  assert.equal(questions.read, 2)
  assert.deepEqual(
    questions.all.map(({ id, recipient, times }) => [id, recipient, times]),
    [
      ["new", "bob@napier.ac.uk", 2],
      ["new", "me@grussell.org", 1],
    ],
  )
})

test("where rules look at headers, messages with other headers are other questions; a cut header is none", () => {
  const questions = new Questions(true)
  questions.add(message("a", ["bob@napier.ac.uk"]))
  questions.add(message("b", ["bob@napier.ac.uk"], "Subject: y\r\n\r\n"))
  questions.add(message("c", ["bob@napier.ac.uk"], "Subject"))
  assert.deepEqual(
    questions.all.map(({ header }) => header),
    ["Subject: x\r\n\r\n", "Subject: y\r\n\r\n", undefined],
  )
})

test("a refusal is a question as far as its session came", () => {
  const questions = new Questions(false)
  questions.add(refusal("r", "ann@client.test", "bob@napier.ac.uk"))
  questions.add(refusal("r", undefined, undefined))
  assert.deepEqual(questions.all.map(printQuestion), [
    "<ann@client.test> to <bob@napier.ac.uk> from client.test [192.0.2.7]",
    "a session from client.test [192.0.2.7]",
  ])
  assert.equal(questions.all[0]?.was, "550 5.7.1 Access denied")
})
