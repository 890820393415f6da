import assert from "node:assert/strict"
import { createHook } from "node:async_hooks"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import type { Agent, AgentAnswer } from "../agent/protocol.ts"
import { hashPassword } from "../host/password-hash.ts"
import { openPasswordFiles } from "../host/password-files.ts"
import type { Decision } from "../mail/decision.ts"
import { arrivalOf } from "../../test/kit/gate.ts"
import { siteOf } from "../../test/kit/site.ts"
import { makeAuthenticator } from "./authenticator.ts"
import { LoginThrottle } from "./login-throttle.ts"

const folder = mkdtempSync(join(tmpdir(), "authenticator-"))
after(() => rmSync(folder, { recursive: true, force: true }))
writeFileSync(
  join(folder, "users"),
  `gor:${await hashPassword("secret of gor")}:/home/gor:::\nann::/home/ann:::\npat:{CRYPT}old:/home/pat:::\n`,
)

const limits = { free: 1000, most: 1000, mostAtAccount: 1000, longestWait: 0, window: 60_000 }

/** The users file has gor; the agent answers so about accounts, and tells what it was asked. */
function authenticator(backends: string, answer: AgentAnswer = failed) {
  const asked: string[] = []
  const agent: Agent = {
    ask: async (request, body) => {
      asked.push(`${request.verb} ${Buffer.concat(body).toString()}`)
      return { answer, body: Buffer.alloc(0) }
    },
    askWithPieces: () => assert.fail("no login is that long"),
    close: () => {},
  }
  const { settings } = siteOf({ options: { AuthBackends: backends } })
  const files = openPasswordFiles(join(folder, "users"), join(folder, "sasldb"))
  const throttle = new LoginThrottle(
    () => 0,
    limits,
    async () => {},
  )
  const made = makeAuthenticator({ settings, files, agent, throttle })
  return { made, asked, logins: made.logins(arrivalOf("192.0.2.7")) }
}

const failed: AgentAnswer = { outcome: "failed", status: "5.7.8", text: "no" }
const done: AgentAnswer = { outcome: "done", status: "2.0.0", text: "yes" }
const later: AgentAnswer = { outcome: "later", status: "4.3.0", text: "the agent is not there" }

function line(decision: Decision<string>): string {
  return decision.outcome === "yes" ? `yes ${decision.value}` : decision.outcome
}

test("the users file knows a password; who has none there, or another, or is not there, hears the same", async () => {
  const { logins } = authenticator("users")
  assert.equal(line(await logins.password("gor", "secret of gor")), "yes gor")
  const wrong = await Promise.all([
    logins.password("gor", "guess"),
    logins.password("ann", ""),
    logins.password("nobody", "guess"),
  ])
  const replies = new Set(
    wrong.map((one) => (one.outcome === "no" ? JSON.stringify(one.reply) : one.outcome)),
  )
  assert.equal(replies.size, 1)
  assert.match([...replies][0] ?? "", /"code":535/)
})

test("backends are asked in their order until one says yes; one that cannot tell is no refusal", async () => {
  const both = authenticator("users system", done)
  assert.equal(line(await both.logins.password("gor", "the machine's")), "yes gor")
  assert.deepEqual(both.asked, ["login the machine's"])
  assert.equal(
    line(await authenticator("system users", later).logins.password("gor", "secret of gor")),
    "later",
  )
  assert.equal(line(await authenticator("system users").logins.password("gor", "secret of gor")), "yes gor")
  const dovecot = authenticator(`dovecot=${join(folder, "no-socket")}`)
  assert.equal(line(await dovecot.logins.password("gor", "x")), "later")
})

test("a right password is remembered, a wrong one never is", async () => {
  const { asked, logins } = authenticator("system", done)
  await logins.password("gor", "right")
  await logins.password("gor", "right")
  assert.equal(asked.length, 1)
  await logins.password("gor", "another")
  assert.equal(asked.length, 2)
})

test("EXTERNAL is for a verified certificate, and for its own name", async () => {
  const { made } = authenticator("users")
  const facts = { version: "TLSv1.3", cipher: "x", bits: 256 }
  const certificate = {
    subject: "",
    issuer: "",
    cnSubject: "gor",
    cnIssuer: "",
    altNames: [],
    fingerprint: "",
  }
  const by = (verify: "OK" | "FAIL") =>
    made.logins(arrivalOf("192.0.2.7", { tlsFacts: { ...facts, verify, certificate } }))
  assert.equal(line(await by("OK").external("")), "yes gor")
  assert.equal(line(await by("OK").external("ann")), "no")
  assert.equal(line(await by("FAIL").external("")), "no")
  assert.equal(line(await made.logins(arrivalOf("192.0.2.7")).external("")), "no")
})

/** The slow hashes that are worked out meanwhile: what an answer's time is made of, whatever else the machine does. */
async function slowWork(ask: () => Promise<unknown>): Promise<readonly string[]> {
  const jobs: string[] = []
  const hook = createHook({
    init: (_, type) => {
      if (type === "SCRYPTREQUEST" || type === "PBKDF2REQUEST") jobs.push(type)
    },
  })
  hook.enable()
  try {
    await ask()
  } finally {
    hook.disable()
  }
  return jobs
}

for (const backends of ["sasldb", "users", "sasldb users", "users system", "system"]) {
  test(`${backends}: a login that is not there, or has no password, takes as long as a wrong password`, async () => {
    const { logins } = authenticator(backends)
    for (const login of ["gor", "ann", "pat", "nobody"])
      assert.deepEqual(await slowWork(() => logins.password(login, "guess")), ["SCRYPTREQUEST"], login)
  })
}

test("SCRAM's first answer takes as long for a login that is not there, and is the same each time", async () => {
  for (const login of ["gor", "ann", "pat", "nobody"]) {
    const { logins } = authenticator("users sasldb")
    assert.deepEqual(await slowWork(() => logins.verifier(login)), ["PBKDF2REQUEST"], login)
    assert.deepEqual(await slowWork(() => logins.verifier(login)), [], `${login}, asked again`)
  }
  const { logins } = authenticator("users")
  assert.deepEqual(await logins.verifier("nobody"), await logins.verifier("nobody"))
})

test("AUTH is worth offering when somebody has a password", () => {
  assert.equal(authenticator("users").made.anybody(), true)
  assert.equal(authenticator("sasldb").made.anybody(), false)
  assert.equal(authenticator("sasldb system").made.anybody(), true)
})
