import assert from "node:assert/strict"
import { test } from "node:test"
import { mailhost } from "../../test/kit/mailhost.ts"
import { parseMailbox } from "../mail/address.ts"
import { canonical } from "./canonify.ts"
import { resolve } from "./route.ts"

const dns = {
  "grussell.org": { MX: ["20 backup.example.org", "10 mx.test"] },
  "hello.com": { MX: ["20 mx.test", "10 mx.hello.com"] },
  "client.test": { MX: "10 client.test", A: "192.0.2.7" },
}
const host = (argument = "") =>
  mailhost({
    dns,
    accounts: ["gor"],
    files: {
      "/etc/mail/sendmail.mc": `
        OSTYPE(\`linux')dnl
        FEATURE(\`bestmx_is_local'${argument})dnl
        MAILER(\`local')dnl
        MAILER(\`smtp')dnl`,
    },
  })

async function way(text: string, argument?: string): Promise<string> {
  const { routing } = host(argument)
  const path = parseMailbox(text)
  assert.ok(path.ok)
  const found = await resolve(canonical(path.value, routing), routing)
  return found.outcome === "yes" ? `${found.value.route.mailer} ${found.value.route.user}` : found.outcome
}

for (const [text, argument, expected] of [
  ["gor@grussell.org", "", "local gor"],
  ["gor@hello.com", "", "esmtp gor@hello.com"],
  ["gor@nowhere.test", "", "esmtp gor@nowhere.test"],
  ["gor@grussell.org", ", `grussell.org'", "local gor"],
  ["gor@grussell.org", ", `example.org'", "esmtp gor@grussell.org"],
] as const) {
  test(`with bestmx_is_local${argument}, ${text} goes to ${expected}`, async () => {
    assert.equal(await way(text, argument), expected)
  })
}

test("bestmx_is_local: mail for such a domain is taken, its users are asked for, and the reason is the feature's line", async () => {
  await host().talk("192.0.2.7")`
    S: 220 *
    C: EHLO client.test
    S: 250-*
    S: 250 HELP
    C: MAIL FROM:<ann@client.test>
    S: 250 *
    C: RCPT TO:<gor@grussell.org>
    S: 250 2.1.5 <gor@grussell.org>... Recipient ok
       | bestmx_is_local yes: mx.test is the best MX of grussell.org /etc/mail/sendmail.mc:2
    C: RCPT TO:<nobody@grussell.org>
    S: 550 5.1.1 <nobody@grussell.org>... User unknown
    C: RCPT TO:<gor@hello.com>
    S: 550 5.7.1 <gor@hello.com>... Relaying denied
    C: QUIT
    S: 221 *
  `
})
