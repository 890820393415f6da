// Where the console listens: a port that is taken, an address that others reach.
import assert from "node:assert/strict"
import { chmodSync, mkdtempSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { setTimeout as delay } from "node:timers/promises"
import { send, type Sent } from "../kit/console.ts"
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
  assert.match(String(entered.headers["set-cookie"]), /; Secure;/)
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
