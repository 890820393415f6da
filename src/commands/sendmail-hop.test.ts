import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type AddressInfo } from "node:net"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { after, beforeEach, test } from "node:test"
import { memoryIo } from "../../test/kit/memory-io.ts"
import { MemorySpool, open } from "../../test/kit/server.ts"
import { layoutOf, makeLayout } from "../daemon/layout.ts"
import { printPath } from "../mail/address.ts"
import { scanHeader, valueOf, fields } from "../message/header.ts"
import { isClientName, parseClientFile } from "../queue/client-file.ts"
import { run } from "./sendmail.ts"

const state = mkdtempSync(join(tmpdir(), "hop-"))
assert.ok(makeLayout(layoutOf(state), undefined).ok)
const login = userInfo().username

// A server of grussell.org on TCP, that sees who comes by the network.
let spool = new MemorySpool()
let greets: "as ever" | "421" | "hangs up at DATA" = "as ever"
const server = createServer((socket) => {
  socket.on("error", () => {})
  if (greets === "421") {
    socket.end("421 4.3.2 grussell.org is busy\r\n")
    return
  }
  if (greets === "hangs up at DATA")
    socket.on("data", (octets) => void (octets.includes("DATA") && socket.destroy()))
  const client = { address: "127.0.0.1", port: 40000, name: "localhost" }
  const { client: session } = open({ spool, arrival: { client, door: "MTA" } })
  socket.on("close", () => session.end())
  socket.pipe(session).pipe(socket)
})
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
const { port } = server.address() as AddressInfo
after(() => {
  server.close()
  rmSync(state, { recursive: true })
})
beforeEach(() => {
  spool = new MemorySpool()
  greets = "as ever"
  for (const name of readdirSync(layoutOf(state).clientQueue)) rmSync(join(layoutOf(state).clientQueue, name))
})

const mc = join(state, "submit.mc")
const usual = [
  "define(`confDOMAIN_NAME', `mail.grussell.org')dnl",
  `FEATURE(\`msp', \`[127.0.0.1]', \`${port}')dnl`,
]

/** `sendmail -C submit.mc`, where that file says this. */
async function sendmail(argv: readonly string[], lines: readonly string[] = usual) {
  writeFileSync(mc, `${lines.join("\n")}\n`)
  const io = memoryIo("Subject: lunch\n\nIs it time?\n", { WAYPOST_STATE: state, HOME: state })
  const code = await run(["-C", mc, ...argv], io).catch((error: unknown) => String(error))
  return { code, ...io.written }
}

function delivered() {
  const [stored] = spool.stored
  assert.ok(stored !== undefined && spool.stored.length === 1)
  const header = scanHeader(Buffer.from(stored.text, "latin1"))
  const all = (name: string) => fields(header, name).map((field) => valueOf(header, field))
  const { entry, pending } = stored.queued
  return {
    from: printPath(entry.envelope.reversePath),
    to: pending.map((one) => printPath(one.recipient.path)),
    all,
  }
}

test("confERROR_MODE says how errors are told, unless -oe does; a word that is none is refused with its line", async () => {
  const quiet = [...usual, "define(`confERROR_MODE', `quiet')dnl"]
  assert.deepEqual(await sendmail(["nosuch"], quiet), { code: 69, stdout: "", stderr: "" })
  assert.match((await sendmail(["-oep", "nosuch"], quiet)).stderr, /^nosuch\.\.\. Relaying denied$/m)
  const { code } = await sendmail(["me"], [...usual, "define(`confERROR_MODE', `loud')dnl"])
  assert.match(String(code), /submit\.mc:3: confERROR_MODE "loud" is none of p q m w e/)
})

function waiting() {
  const names = readdirSync(layoutOf(state).clientQueue).filter(isClientName)
  return names.map((name) => {
    const text = readFileSync(join(layoutOf(state).clientQueue, name), "latin1")
    const end = text.indexOf("\n")
    const file = parseClientFile(text.slice(0, end))
    assert.ok(file.ok)
    return { file: file.value, octets: text.slice(end + 1) }
  })
}

test("mail of a user has two Received: fields, the command's own and its server's", async () => {
  assert.deepEqual(await sendmail(["me@grussell.org"]), { code: 0, stdout: "", stderr: "" })
  const [server = "", own = ""] = delivered().all("received")
  assert.match(
    server,
    /^from mail\.grussell\.org \(localhost \[127\.0\.0\.1\]\)\s+by grussell\.org .* with ESMTP id \w+/s,
  )
  assert.match(
    own,
    new RegExp(
      `^\\(from ${login}@localhost\\)\\s+by mail\\.grussell\\.org \\(8\\.17\\.1/Waypost \\S+/Submit\\) id \\w{14}\\s+for me@grussell\\.org;`,
    ),
  )
})

test("names of this host leave whole, and each argument's recipients come before those before them", async () => {
  await sendmail(["gordon@grussell.org", "me@grussell.org,andrew@grussell.org"])
  const { from, to } = delivered()
  assert.equal(from, `${login}@mail.grussell.org`)
  assert.deepEqual(to, ["me@grussell.org", "andrew@grussell.org", "gordon@grussell.org"])
})

test("who names another sender is named, but not whom class t of submit.mc trusts", async () => {
  const untrusted =
    login === "root" ? [] : [`mail.grussell.org: ${login} set sender to x@example.org using -f`]
  await sendmail(["-f", "x@example.org", "me@grussell.org"])
  assert.deepEqual(delivered().all("x-authentication-warning"), untrusted)
  assert.equal(delivered().from, "x@example.org")
  spool = new MemorySpool()
  await sendmail(
    ["-f", "x@example.org", "me@grussell.org"],
    [`define(\`confTRUSTED_USERS', \`${login}')dnl`, ...usual],
  )
  assert.deepEqual(delivered().all("x-authentication-warning"), [])
})

test("masquerading of submit.mc is seen in the header, and in the envelope where it says so", async () => {
  const masks = ["MASQUERADE_AS(`grussell.org')dnl", ...usual]
  await sendmail(["me@grussell.org"], masks)
  assert.match(delivered().all("from")[0] ?? "", new RegExp(`<?${login}@grussell\\.org>?$`))
  assert.equal(delivered().from, `${login}@mail.grussell.org`)
  spool = new MemorySpool()
  await sendmail(["me@grussell.org"], ["FEATURE(`masquerade_envelope')dnl", ...masks])
  assert.equal(delivered().from, `${login}@grussell.org`)
})

test("what waits for its server is masqueraded too", async () => {
  const lines = ["define(`confDOMAIN_NAME', `mail.grussell.org')dnl", "MASQUERADE_AS(`grussell.org')dnl"]
  await sendmail(["me@grussell.org"], [...lines, "FEATURE(`msp', `[127.0.0.1]', `1')dnl"])
  assert.match(waiting()[0]?.octets ?? "", new RegExp(`^From: .*${login}@grussell\\.org`, "m"))
})

test("a server that is not there leaves the mail in the client queue, with the Received: of its hop", async () => {
  const [name = ""] = usual
  const nobody = [name, "FEATURE(`msp', `[127.0.0.1]', `1')dnl"]
  assert.deepEqual(await sendmail(["me@grussell.org"], nobody), { code: 0, stdout: "", stderr: "" })
  const [kept] = waiting()
  assert.deepEqual([kept?.file.hop, kept?.file.recipients], [true, ["me@grussell.org"]])
  assert.match(kept?.octets ?? "", /^Received: \(from /)
})

for (const how of ["421", "hangs up at DATA"] as const) {
  test(`a server that ${how === "421" ? "greets with 421" : how} leaves it there too, once and whole`, async () => {
    greets = how
    assert.equal((await sendmail(["me@grussell.org"])).code, 0)
    assert.deepEqual(spool.stored, [])
    const kept = waiting()
    assert.equal(kept.length, 1)
    assert.match(kept[0]?.octets ?? "", /\r\n\r\nIs it time\?\r\n$/)
  })
}

test("whom the server refuses is told by the exit code, and the rest is sent", async () => {
  const { code, stderr } = await sendmail(["me@grussell.org", "nosuch@grussell.org"])
  assert.equal(code, 67)
  assert.match(stderr, /^nosuch@grussell\.org\.\.\. User unknown$/m)
  assert.deepEqual(delivered().to, ["me@grussell.org"])
})

test("a submit.mc that cannot be understood says where, and nothing is sent", async () => {
  const { code } = await sendmail(
    ["me@grussell.org"],
    ["define(`confDOMAIN_NAME', `mail", "FEATURE(`msp')dnl"],
  )
  assert.match(String(code), /submit\.mc/)
  assert.deepEqual(spool.stored, [])
})
