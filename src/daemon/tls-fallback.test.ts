// Hosts whose STARTTLS ends in nothing: what becomes of mail for them, and what TLS reports hear.
import assert from "node:assert/strict"
import type { Socket } from "node:net"
import { test, type TestContext } from "node:test"
import { batch, post, rawHost, told } from "../../test/kit/post.ts"
import { settingsOf } from "../../test/kit/site.ts"
import { noMaterial } from "../../test/kit/tls-host.ts"
import type { SeenSession } from "../auth/tls-report.ts"
import type { OptionValue } from "../config/settings.ts"
import type { SmtpBatch } from "../mailers/esmtp.ts"
import { makeClientTls } from "../trust/tls-client.ts"
import { makePeerSecurity } from "./peer-security.ts"

type Sent = {
  readonly status: string
  /** What the host heard. */
  readonly commands: readonly string[]
  readonly seen: readonly SeenSession[]
}

/** Takes mail, and answers a handshake with a line of SMTP. */
function withoutTls(socket: Socket, commands: string[]): void {
  const replies: Readonly<Record<string, string>> = {
    EHLO: "250-mx.hello.com\r\n250 STARTTLS\r\n",
    STARTTLS: "220 2.0.0 go ahead\r\n",
    DATA: "354 go on\r\n",
  }
  commands.push("connect")
  socket.write("220 mx.hello.com ESMTP\r\n")
  let inContent = false
  socket.setEncoding("latin1").on("data", (octets) => {
    if (String(octets).startsWith("\x16\x03")) return socket.end("500 5.5.1 what is this?\r\n")
    for (const line of String(octets).split("\r\n").slice(0, -1)) {
      if (inContent && line !== ".") continue
      commands.push(line)
      inContent = line === "DATA"
      socket.write(replies[line.split(" ")[0] ?? ""] ?? "250 2.0.0 ok\r\n")
    }
    return socket
  })
}

/** One message to a host that says 220 to STARTTLS, and then no word of TLS. */
async function send(
  t: TestContext,
  options: Readonly<Record<string, OptionValue>>,
  more: Partial<SmtpBatch> = {},
): Promise<Sent> {
  const commands: string[] = []
  const port = await rawHost(t, (socket) => withoutTls(socket, commands))
  const seen: SeenSession[] = []
  const settings = settingsOf({ options })
  const security = makePeerSecurity({
    settings,
    access: [],
    authInfo: [],
    tls: makeClientTls(noMaterial, assert.fail),
  })
  const zone = { "hello.com": { MX: [[10, "mx.hello.com"]] }, "mx.hello.com": { A: ["127.0.0.2"] } } as const
  const demands = { log: () => {}, report: (session: SeenSession) => void seen.push(session) }
  const { mailer } = await post(t, port, zone, { security, demands })
  const [status = ""] = told(await mailer.deliver(batch("bob@hello.com", "hello.com", more)))
  return { status, commands, seen }
}

const failed = "no-policy-found hello.com: validation-failure at mx.hello.com [127.0.0.2] from 127.0.0.1"

function inWords({ policy, failure }: SeenSession): string {
  const { result, receivingHost, receivingAddress, sendingAddress } = failure ?? { result: "good" }
  return `${policy.type} ${policy.domain}: ${result} at ${receivingHost} [${receivingAddress}] from ${sendingAddress}`
}

test("a handshake that fails delays the mail, as in sendmail, and is reported", async (t) => {
  const { status, commands, seen } = await send(t, {})
  assert.match(status, /^bob delayed 4\.7\.0 \(TLS handshake failed: /)
  assert.ok(!commands.some((line) => line.startsWith("MAIL")))
  assert.deepEqual(seen.map(inWords), [failed])
})

test("confTLS_FALLBACK_TO_CLEAR: it goes in clear text then, and is reported all the same", async (t) => {
  const { status, commands, seen } = await send(t, { TLSFallbacktoClear: true })
  assert.equal(status, "bob relayed 2.0.0")
  assert.equal(commands.filter((line) => line === "connect").length, 2)
  assert.deepEqual(seen.map(inWords), [failed])
})

test("a report about TLS goes in clear text, and is not reported (RFC 8460 §3)", async (t) => {
  const { status, seen } = await send(t, {}, { despiteTls: true })
  assert.equal(status, "bob relayed 2.0.0")
  assert.deepEqual(seen, [])
})
