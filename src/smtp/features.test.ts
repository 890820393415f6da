import assert from "node:assert/strict"
import { test } from "node:test"
import { someOffers, smallGate } from "../../test/kit/server.ts"
import { because, later, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { extensionLines } from "./extensions.ts"
import { featured, withFeatures } from "./features.ts"
import { begin, type Offers } from "./session.ts"
import { someArrival } from "../../test/kit/server.ts"

const auth = { mechanisms: ["PLAIN"], inClear: true, required: false, mostFailures: 3 } as const
const door: Offers = { ...someOffers, startTls: true, auth, privacy: new Set() }

const lines = (letters: string) => extensionLines(withFeatures(door, letters), someArrival)

test("each capital takes its word out of EHLO's answer, and nothing else", () => {
  const whole = extensionLines(door, someArrival)
  for (const [letter, gone] of [
    ["A", ["AUTH PLAIN"]],
    ["B", ["VERB"]],
    ["D", ["DSN"]],
    ["E", ["ETRN"]],
    ["P", ["PIPELINING"]],
    ["S", ["STARTTLS"]],
    ["X", ["EXPN", "VERB"]],
    ["V", []],
  ] as const) {
    assert.deepEqual(
      lines(letter),
      whole.filter((line) => !gone.some((one) => one === line)),
      letter,
    )
  }
})

test("small letters give back what the door withholds, ask for a login, and keep passwords off a clear line", () => {
  const strict: Offers = { ...door, privacy: new Set(["noexpn", "noverb", "noreceipts"]) }
  assert.deepEqual([...withFeatures(strict, "x b d").privacy], [])
  assert.equal(withFeatures(door, "l").auth?.required, true)
  assert.equal(withFeatures({ ...door, auth: { ...auth, required: true } }, "L").auth?.required, false)
  assert.equal(withFeatures(door, "c").auth?.inClear, false)
  assert.equal(withFeatures({ ...door, auth: { ...auth, inClear: false } }, "C").auth?.inClear, true)
  const { auth: _, ...without } = door
  assert.deepEqual(withFeatures(without, "l").auth?.mechanisms, [], "nobody can log in, and it is asked for")
  assert.equal(withFeatures(without, "c").auth, undefined)
})

test("V takes the question for a certificate away, v puts it to this client", () => {
  assert.equal(withFeatures(door, "V").clientCertificate, false)
  assert.equal(withFeatures(door, "v").clientCertificate, true)
  assert.equal(withFeatures(door, "S").clientCertificate, undefined)
})

test("letters are asked for again within TLS, and then change the door and not what was changed before", async () => {
  const answers = ["A", "l"]
  const gate = {
    ...smallGate,
    features: async () => yes(answers.shift() ?? "", because("srv_features", "said")),
  }
  const first = await featured(begin(someArrival, door), gate)
  assert.equal(first.offers.auth, undefined)
  const second = await featured(begin(someArrival, first.offers), gate)
  assert.equal(second.offers.auth?.required, true)
  assert.deepEqual(second.offers.auth?.mechanisms, ["PLAIN"])
})

test("t puts a client off, and so does a table that does not answer", async () => {
  const asked = async (decision: ReturnType<typeof later> | ReturnType<typeof yes<string>>) =>
    (await featured(begin(someArrival, door), { ...smallGate, features: async () => decision })).refused
  assert.equal((await asked(yes("t", because("srv_features", "t"))))?.code, 450)
  const silent = reply(451, "4.3.0", "Temporary system failure")
  assert.equal(await asked(later(silent, because("srv_features", "no answer"))), silent)
})
