// How long an attempt may take to reach hosts: Timeout.iconnect for the first of a message, Timeout.aconnect for all hosts together.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { type TestContext, test } from "node:test"
import { Leaving } from "../host/leaving.ts"
import { batch, host, post, told } from "../../test/kit/post.ts"

/** A host whose queue of connections is full: whoever connects now hears nothing. */
async function deafHost(t: TestContext): Promise<number> {
  const program = [
    "import socket, sys, time",
    "deaf = socket.socket()",
    "deaf.bind(('127.0.0.2', 0))",
    "deaf.listen(0)",
    "held = [socket.socket() for _ in range(4)]",
    "for one in held: one.setblocking(False); one.connect_ex(deaf.getsockname())",
    "time.sleep(0.1)",
    "print(deaf.getsockname()[1], flush=True)",
    "sys.stdin.read()",
  ].join("\n")
  const child = spawn("python3", ["-c", program], { stdio: ["pipe", "pipe", "inherit"] })
  t.after(() => child.stdin.end())
  const [port] = await once(child.stdout, "data")
  return Number(String(port))
}

test("the first attempt for a message waits confTO_ICONNECT for a connection, later ones confTO_CONNECT", async (t) => {
  const port = await deafHost(t)
  const { mailer } = await post(t, port, {}, { timeouts: { connect: 60_000, iconnect: 100 } })
  const first = await mailer.deliver(batch("me@grussell.org", "[127.0.0.2]", { first: true }))
  assert.deepEqual(told(first), ["me delayed 4.4.1 (Connection timed out with [127.0.0.2])"])
  mailer.forget()
  const leaving = new Leaving()
  const later = mailer.deliver(batch("me@grussell.org"), leaving)
  assert.equal(await Promise.race([later, sleep(500, "waits")]), "waits")
  leaving.begin()
  assert.deepEqual(told(await later), ["me delayed 4.3.2 (Shutting down)"])
})

const two = {
  "grussell.org": {
    MX: [
      [10, "mx1.grussell.org"],
      [20, "mx2.grussell.org"],
    ],
  },
  "mx1.grussell.org": { A: ["127.0.0.2"] },
  "mx2.grussell.org": { A: ["127.0.0.3"] },
} as const

test("no other host is asked when confTO_ACONNECT is over; without it the second one has its turn", async (t) => {
  for (const [aconnect, expected] of [
    [10, "me delayed 4.4.2"],
    [0, "me relayed 2.0.0"],
  ] as const) {
    const silent = await host(t, { rules: [{ on: /^connect/, act: { end: "silence" } }] })
    const second = await host(t, { address: "127.0.0.3", port: silent.port })
    const timeouts = { initial: 80, aconnect }
    const { mailer } = await post(t, silent.port, two, { timeouts, clock: () => performance.now() })
    const [status = ""] = told(await mailer.deliver(batch("me@grussell.org", "grussell.org")))
    assert.ok(status.startsWith(expected), status)
    assert.equal(second.received(), aconnect === 0 ? 1 : 0)
    await silent.close()
    await second.close()
  }
})
