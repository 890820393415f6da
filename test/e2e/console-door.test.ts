// Where the console listens: a port that is taken, an address that others reach.
import assert from "node:assert/strict"
import { chmodSync, mkdtempSync } from "node:fs"
import { get, type IncomingMessage } from "node:http"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import type { Config, ConfigFile } from "../../src/console/api-config.ts"
import { ConsoleUser, send, type Sent } from "../kit/console.ts"
import { freePort, handIn, run, System } from "../kit/system.ts"

const mc = `OSTYPE(\`linux')dnl
FEATURE(\`accept_unresolvable_domains')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
DAEMON_OPTIONS(\`Port=@PORT@, Addr=127.0.0.1, Name=MTA')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`maildir', \`@DIR@/mail/%u')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

test("a port that is taken is one line, and mail flows on", async (t) => {
  const port = await freePort()
  const squatter = createServer().listen(port, "127.0.0.1")
  t.after(() => squatter.close())
  const other = await System.start({
    mc: mc.replace("MAILER(`local')", `define(\`confCONSOLE_PORT', \`${port}')dnl\nMAILER(\`local')`),
    console: "configured",
    users: ["me"],
  })
  t.after(() => other.stop())
  await other.said(/console: port \d+ of 127\.0\.0\.1 is taken/)
  const text = "Subject: hello\n\nhello\n"
  const reply = await handIn(other, { from: "a@napier.ac.uk", to: ["me@grussell.org"], text })
  assert.match(reply, /^250/)
})

test("where others reach it, it speaks TLS, to administrators", async (t) => {
  const port = await freePort()
  const more = [
    ["confCONSOLE_PORT", String(port)],
    ["confCONSOLE_ADDRESS", "0.0.0.0"],
    ["confCONSOLE_HOSTS", "console.grussell.org"],
    ["confCONSOLE_CERT", "@DIR@/cert.pem"],
    ["confCONSOLE_KEY", "@DIR@/key.pem"],
  ].map(([name, value]) => `define(\`${name}', \`${value}')dnl\n`)
  const directory = mkdtempSync(join(tmpdir(), "waypost-"))
  chmodSync(directory, 0o755)
  const made = await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...[
      "-subj",
      "/CN=console.grussell.org",
      "-keyout",
      join(directory, "key.pem"),
      "-out",
      join(directory, "cert.pem"),
    ],
  ])
  assert.equal(made.code, 0, made.stderr)
  const other = await System.launch({
    mc: mc.replace("MAILER(`local')", `${more.join("")}MAILER(\`local')`),
    console: "configured",
    directory,
    users: ["me"],
  })
  t.after(() => other.stop())
  await other.said(/wants an administrator with a password/)
  assert.equal((await other.waypost("user", "admin", "me", "--no-code")).code, 0)
  assert.equal((await other.waypost("reload")).code, 0)
  await other.said(/reloaded/)
  const ask = (path: string, more: Sent = {}) =>
    send(`https://127.0.0.1:${port}${path}`, more.body === undefined ? "GET" : "POST", {
      ...more,
      headers: { host: `console.grussell.org:${port}` },
    })
  while ((await other.waypost("console", "link")).code !== 0) await delay(50) // it listens in a moment
  assert.equal((await ask("/healthz")).text, "ok\n")
  const entered = await ask("/api/login", { body: { name: "me", password: "secret of gor" } })
  assert.equal(entered.status, 200, entered.text)
  assert.match(String(entered.headers["set-cookie"]), /^__Host-waypost\d+=[\w-]{43}; .*; Secure;/)
  assert.match(String(entered.headers["strict-transport-security"]), /max-age/)
})

test("where others reach it, it wants TLS before it listens", async (t) => {
  const port = await freePort()
  const other = await System.start({
    mc: mc.replace(
      "MAILER(`local')",
      `define(\`confCONSOLE_PORT', \`${port}')dnl\ndefine(\`confCONSOLE_ADDRESS', \`0.0.0.0')dnl\nMAILER(\`local')`,
    ),
    console: "configured",
  })
  t.after(() => other.stop())
  await other.said(/console: 0\.0\.0\.0 is reached by others, which wants TLS/)
  await assert.rejects(send(`http://127.0.0.1:${port}/healthz`, "GET"), /ECONNREFUSED/)
})

/** The live events of a page that is open. */
async function listening({ origin, cookie }: ConsoleUser): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  get(`${origin}/api/events`, { headers: { cookie }, agent: false })
    .on("response", resolve)
    .on("error", reject)
  return (await promise).setEncoding("utf8")
}

function heard(events: IncomingMessage, pattern: RegExp): Promise<void> {
  let text = ""
  return new Promise((resolve, reject) => {
    events.on("data", (piece: string) => pattern.test((text += piece)) && resolve())
    events.on("close", () => reject(new Error(`it ended before ${pattern}: ${text}`)))
  })
}

test("a written configuration and a reload move neither the port nor the people: who is in stays in", async (t) => {
  const system = await System.start({ mc, console: true, users: ["me"] })
  t.after(() => system.stop())
  await system.said(/console: http/)
  if (process.getuid?.() === 0)
    await run("chown", ["waypost", system.directory, join(system.directory, "sendmail.mc")])
  const user = await ConsoleUser.enter(system)
  const broken = { file: join(system.directory, "sendmail.mc"), text: "FEATUER(`x')dnl\n", confirm: true }
  const { files: before } = (await user.get("/api/config")).json as Config
  const refused = await user.send("PUT", "/api/config/file", { ...broken, version: before[0]?.version })
  assert.equal(refused.status, 422, "what a reload would not take is not written")
  assert.match(refused.text, /sendmail\.mc:1: .*FEATUER/)
  const events = await listening(user)
  t.after(() => events.destroy())
  const lines = heard(events, /written-by-the-console/)
  const { files } = (await user.get("/api/config")).json as Config
  const { file, text, version } = files[0] ?? assert.fail()
  const added = text.replace("MAILER(`local')", "LOCAL_DOMAIN(`napier.ac.uk')dnl\nMAILER(`local')")
  const written = await user.send("PUT", "/api/config/file", { file, text: added, version, confirm: true })
  assert.equal(written.status, 200, written.text)
  await system.said(/reloaded/)
  const after = (await user.get("/api/config")).json as { readonly files: readonly ConfigFile[] }
  assert.ok(after.files[0]?.lines.some(({ does }) => does.includes("napier.ac.uk is in class w")))
  const envelope = { from: "a@hello.com", to: ["me@napier.ac.uk"] }
  assert.match(await handIn(system, { ...envelope, text: "Subject: written-by-the-console\n\nx\n" }), /^250/)
  await lines
  assert.equal((system.stderr.match(/console: http/g) ?? []).length, 1)
})
