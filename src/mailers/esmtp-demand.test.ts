import assert from "node:assert/strict"
import { test } from "node:test"
import { because, type Decision, later, pass, yes } from "../mail/decision.ts"
import { reply } from "../mail/reply.ts"
import { demandOf, type Demands } from "./esmtp-demand.ts"

const target = {
  exchanger: {
    host: "mx.grussell.org",
    address: undefined,
    preference: 0,
    reason: because("mx", "it is one"),
  },
  address: "192.0.2.25",
  secure: true,
} as const

const policy = { mode: "enforce", maxAge: 86_400, mx: ["mx.grussell.org"] } as const
const way = {
  domain: "grussell.org",
  reported: "grussell.org",
  mxSecure: true,
  sts: { policy, says: "policy of grussell.org" },
}

const dane: NonNullable<Demands["dane"]> = {
  cname: async () => ({ found: "nothing", why: "no such record", secure: true }),
  async tlsa() {
    const record = { usage: 3, selector: 1, matching: 1, octets: Buffer.alloc(32) }
    return { found: "records", records: [record], secure: true, ttl: 60 }
  },
}

async function demanded(letters: Decision<string>): Promise<string> {
  const demands: Demands = { dane, log: () => {}, features: async () => letters }
  const found = await demandOf(target, way, { demands, port: 25 })
  if (found.is === "demand") return found.demand.by
  return found.is === "nothing" ? `nothing: ${found.reason?.says}` : (found.fate.diagnostic?.toString() ?? "")
}

const said = (letters: string) => yes(letters, because("clt_features", `letters ${letters}`))

test("a host proves itself by DANE, without it by MTA-STS, and by neither where letters take both away", async () => {
  assert.equal(await demanded(pass(because("clt_features", "nothing"))), "DANE")
  assert.equal(await demanded(said("M")), "DANE")
  assert.equal(await demanded(said("D")), "MTA-STS")
  assert.equal(await demanded(said("D M")), "nothing: letters D M")
})

test("letters that cannot be told now let mail wait: cannot tell is never no", async () => {
  const silent = later(reply(451, "4.3.0", "later"), because("access", "no answer"))
  assert.equal(await demanded(silent), "no answer")
})
