import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { askDovecot } from "./dovecot-auth.ts"

const folder = mkdtempSync(join(tmpdir(), "dovecot-auth-"))
after(() => rmSync(folder, { recursive: true, force: true }))

const hello = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t7\nCUID\t1\nCOOKIE\tab\nDONE\n"
let count = 0

/** A service that greets so and answers the login so ("" closes); what it heard, and the outcome. */
async function ask(
  answer: string,
  greeting = hello,
  greets: "first" | "second" = "first",
): Promise<{ outcome: string; says: string; heard: string }> {
  const path = join(folder, String(count++))
  let heard = ""
  const server: Server = createServer((socket) => {
    socket.on("error", () => {})
    if (greets === "first") socket.write(greeting)
    socket.setEncoding("utf8").on("data", (text) => {
      if (greets === "second" && heard === "") socket.write(greeting)
      heard += String(text)
      if (!heard.includes("\tresp=")) return
      if (answer === "") socket.end()
      else for (const octet of answer) socket.write(octet)
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const client = { address: "192.0.2.7", port: 1234, name: undefined }
  const arrival = { client, tls: "TLSv1.3" }
  const { outcome, reason } = await askDovecot(path, { login: "gor", password: "secret of gor", arrival })
  await new Promise((resolve) => server.close(resolve))
  return { outcome, says: reason.says, heard }
}

test("a login is asked for in Dovecot's words, with the client's address and the answer last", async () => {
  const { outcome, heard } = await ask("OK\t1\tuser=gor\n")
  assert.equal(outcome, "yes")
  const resp = Buffer.from("\0gor\0secret of gor").toString("base64")
  assert.match(
    heard,
    /^VERSION\t1\t\d+\nCPID\t\d+\nAUTH\t1\tPLAIN\tservice=smtp\tsecured\trip=192\.0\.2\.7\trport=1234\t/,
  )
  assert.ok(heard.endsWith(`\tresp=${resp}\n`))
})

for (const [answer, expected, why] of [
  ["FAIL\t1\tuser=gor\n", "no", /says it is not/],
  ["FAIL\t1\tuser=gor\ttemp\n", "later", /trouble of its own/],
  ["CONT\t1\tabc\n", "later", /asks for more/],
  ["", "later", /closed the connection/],
] as const) {
  test(`${JSON.stringify(answer)} is ${expected}`, async () => {
    const said = await ask(answer)
    assert.equal(said.outcome, expected)
    assert.match(said.says, why)
  })
}

test("another version, and a socket that is not there, are no refusal", async () => {
  assert.equal((await ask("OK\t1\n", "VERSION\t2\t0\nDONE\n")).outcome, "later")
  const arrival = { client: undefined, tls: undefined }
  const said = await askDovecot(join(folder, "none"), { login: "gor", password: "x", arrival })
  assert.equal(said.outcome, "later")
})

test("a service that speaks only after the client did, as Dovecot 2.4 does, is asked too", async () => {
  assert.equal((await ask("OK\t1\tuser=gor\n", hello, "second")).outcome, "yes")
})
