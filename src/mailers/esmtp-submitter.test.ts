// AUTH= of MAIL on its way to the next host (RFC 4954 §5): said to hosts that offer AUTH, and with AuthOptions=A to those alone to whom
// we are logged in.
import assert from "node:assert/strict"
import { type TestContext, test } from "node:test"
import { batch, host, post, told } from "../../test/kit/post.ts"
import { chooseExchange } from "../auth/sasl-client.ts"
import { because, pass, yes } from "../mail/decision.ts"
import { fail } from "../mail/result.ts"
import type { PeerSecurity } from "./esmtp-security.ts"

const nothing = pass(because("test", "nothing is asked"))
const security: PeerSecurity = {
  tries: async () => yes(false, because("test", "no TLS")),
  features: async () => nothing,
  isWell: async () => nothing,
  judgesRecipients: false,
  isWellFor: async () => nothing,
  login: async () => undefined,
  submitterIfLoggedIn: true,
  foresee: async () => [],
  secure: async () => fail("no TLS"),
  fallsBack: async () => false,
}

const credentials = {
  authorization: "",
  login: "us",
  password: "sesame",
  realm: undefined,
  mechanisms: ["PLAIN"],
}
const loggingIn: PeerSecurity = {
  ...security,
  login: async (_peer, offered) =>
    chooseExchange(credentials, { offered, allowed: ["PLAIN"], secure: true, certified: false, nonce: "n" }),
}

/** The MAIL command that a host hears which offers these. */
async function mailTo(
  t: TestContext,
  offers: readonly string[],
  by: PeerSecurity | undefined,
): Promise<string | undefined> {
  const sink = await host(t, {
    extensions: ["PIPELINING", ...offers],
    rules: [{ on: /^AUTH.*/, act: "235 2.7.0 ok" }],
  })
  const { mailer } = await post(t, sink.port, {}, { security: by })
  const { envelope, ...rest } = batch("me@grussell.org")
  const statuses = await mailer.deliver({ ...rest, envelope: { ...envelope, submitter: "gor@hello.com" } })
  assert.deepEqual(told(statuses), ["me relayed 2.0.0"])
  await sink.close()
  return sink.commands.find((line) => line.startsWith("MAIL"))
}

test("a host that offers AUTH hears whose mail it is, another does not", async (t) => {
  assert.match((await mailTo(t, ["AUTH PLAIN"], undefined)) ?? "", / AUTH=gor@hello\.com$/)
  assert.doesNotMatch((await mailTo(t, [], undefined)) ?? "", /AUTH=/)
})

test("with AuthOptions=A only a host to whom we are logged in hears it", async (t) => {
  assert.doesNotMatch((await mailTo(t, ["AUTH PLAIN"], security)) ?? "", /AUTH=/)
  assert.match((await mailTo(t, ["AUTH PLAIN"], loggingIn)) ?? "", / AUTH=gor@hello\.com$/)
})
