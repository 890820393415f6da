// The console's HTTP API, asked as browsers, programs and attackers ask it, of a whole running system.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { get, request } from "node:http"
import { join } from "node:path"
import { after, before, test } from "node:test"
import type { Config, ConfigTried } from "../../src/console/api-config.ts"
import type { ExplainAnswer } from "../../src/console/api-explain.ts"
import type { Forensics } from "../../src/console/api-forensics.ts"
import type { QueueChanged, QueuePage } from "../../src/console/api-queue.ts"
import type { Message, Messages, Now, Waited } from "../../src/console/api.ts"
import { codeAt, stepAt } from "../../src/console/totp.ts"
import { ConsoleUser, send } from "../kit/console.ts"
import { hostileTexts } from "../kit/hostile.ts"
import { handIn, System } from "../kit/system.ts"

const mc = `OSTYPE(\`linux')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`virtusertable', \`text -o @DIR@/virtusertable')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
define(\`confAUTH_MECHANISMS', \`PLAIN')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
FEATURE(\`use_cw_file')dnl
define(\`confCW_FILE', \`@DIR@/local-host-names')dnl
RELAY_DOMAIN_FILE(\`@DIR@/relay-domains')dnl
DAEMON_OPTIONS(\`Port=@PORT@, Addr=127.0.0.1, Name=MTA')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`maildir', \`@DIR@/unmounted/mail/%u')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

let system: System
let user: ConsoleUser

before(async () => {
  system = await System.start({
    mc,
    console: true,
    users: ["me", "jim"],
    files: {
      virtusertable: "info@grussell.org\tme\n",
      aliases: "team: me, jim\nround: about\nabout: round\n",
      "local-host-names": "napier.ac.uk\n",
      "relay-domains": "example.org\n",
    },
  })
  await system.said(/console: http/)
  user = await ConsoleUser.enter(system)
})

after(async () => system.stop())

function message(subject: string, from = "G.Russell@napier.ac.uk"): string {
  return `From: ${from}\nTo: me@grussell.org\nSubject: ${subject}\n\nhello\n`
}

async function accepted(subject: string): Promise<void> {
  const reply = await handIn(system, {
    from: "g.russell@napier.ac.uk",
    to: ["me@grussell.org"],
    text: message(subject),
  })
  assert.match(reply, /^250/)
}

test("the link of the start lets in once; its cookie is no script's and no other site's", async () => {
  const link = /console: (http\S+)/.exec(system.stderr)?.[1] ?? ""
  const first = await send(link, "GET")
  assert.equal(first.status, 303)
  assert.match(String(first.headers["set-cookie"]), /; HttpOnly; SameSite=Strict$/)
  const second = await send(link, "GET")
  assert.equal(second.headers["location"], "/login?stale")
  assert.equal(second.headers["set-cookie"], undefined)
})

test("looking at a link by HEAD does not use it up", async () => {
  const { stdout } = await system.waypost("console", "link")
  assert.equal((await send(stdout.trim(), "HEAD")).status, 400)
  assert.equal((await send(stdout.trim(), "GET")).status, 303)
})

test("nothing is told to whoever is not logged in, but that the console lives", async () => {
  const { origin } = user
  for (const path of [
    "/api/session",
    "/api/now",
    "/api/events",
    "/api/queue",
    "/api/messages/x",
    "/api/config",
    "/metrics",
  ])
    assert.equal((await send(origin + path, "GET")).status, 401, path)
  assert.equal(
    (await send(`${origin}/api/now`, "GET", { headers: { cookie: "waypost0=guess" } })).status,
    401,
  )
  assert.equal((await send(`${origin}/healthz`, "GET")).text, "ok\n")
  assert.equal((await send(`${origin}/readyz`, "GET")).text, "ready\n")
})

test("every answer, errors too, forbids inline script, framing and sniffing", async () => {
  for (const path of ["/", "/healthz", "/api/now", "/api/none", "/login/none", "/no/such.js"]) {
    const { headers } = await user.get(path)
    assert.match(String(headers["content-security-policy"]), /script-src 'self';/, path)
    assert.match(String(headers["content-security-policy"]), /frame-ancestors 'none'/)
    assert.doesNotMatch(String(headers["content-security-policy"]), /unsafe/)
    assert.equal(headers["x-frame-options"], "DENY")
    assert.equal(headers["x-content-type-options"], "nosniff")
  }
})

test("a DNS name that was rebound to us is not ours", async () => {
  for (const host of [
    "evil.example",
    "evil.example:8025",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
  ])
    assert.equal(
      (await send(`${user.origin}/api/now`, "GET", { headers: { host, cookie: user.cookie } })).status,
      403,
      host,
    )
})

test("another site's page changes nothing: neither by its origin nor without the CSRF token", async () => {
  const { origin, cookie, csrf } = user
  const body = { all: true }
  const removal = (headers: Record<string, string>) =>
    send(`${origin}/api/queue/remove`, "POST", { headers: { cookie, ...headers }, body })
  assert.equal((await removal({ "x-csrf-token": csrf, origin: "http://evil.example" })).status, 403)
  assert.equal((await removal({ "x-csrf-token": csrf, origin: "null" })).status, 403)
  assert.equal((await removal({ "x-csrf-token": csrf, "sec-fetch-site": "cross-site" })).status, 403)
  assert.equal((await removal({})).status, 403)
  assert.equal((await removal({ "x-csrf-token": `${csrf}x` })).status, 403)
  assert.equal((await removal({ "x-csrf-token": csrf, "content-type": "text/plain" })).status, 400)
})

/** The code that a request hears which says that so much will come, before any of it comes. */
function announced(path: string, octets: number): Promise<number | undefined> {
  const headers = { cookie: user.cookie, "x-csrf-token": user.csrf, origin: user.origin }
  return new Promise((resolve, reject) => {
    const asked = request(user.origin + path, {
      method: "POST",
      agent: false,
      headers: { ...headers, "content-type": "application/json", "content-length": octets },
    })
    asked.on("error", reject)
    asked.on("response", ({ statusCode }) => {
      resolve(statusCode)
      asked.on("error", () => {}).destroy()
    })
    asked.flushHeaders()
  })
}

test("nobody fills the console's memory before he is in, nor much of it afterwards", async () => {
  assert.equal(await announced("/api/login", 20_000), 413)
  assert.equal(await announced("/api/explain", 13 << 20), 413)
})

test("an id is letters and digits: nothing else is looked for", async () => {
  for (const id of ["..%2f..%2fetc%2fpasswd", "%3Cscript%3E", "a%20b", "a%00b", "'%20OR%201=1"])
    assert.equal((await user.get(`/api/messages/${id}`)).status, 400, id)
  assert.equal((await user.get("/api/messages/0AAAAAA00000000")).status, 404)
})

test("forty hostile subjects, names and headers come back as they were, as JSON that no browser takes for a page", async () => {
  for (const text of hostileTexts) {
    const hostile = message(text, `${text} <me@napier.ac.uk>\nX-Note: ${text}`)
    const envelope = { from: "me@napier.ac.uk", to: ["me@grussell.org"] }
    assert.match(await handIn(system, { ...envelope, text: hostile }), /^250/)
  }
  const answer = await user.get("/api/messages?limit=100")
  assert.match(String(answer.headers["content-type"]), /^application\/json/)
  const bySubject = new Map((answer.json as Messages).messages.map(({ subject, id }) => [subject, id]))
  for (const text of hostileTexts) {
    const { headers, json } = await user.get(`/api/messages/${bySubject.get(text) ?? "none"}`)
    assert.match(String(headers["content-type"]), /^application\/json/)
    const { fields } = json as Message
    const note = fields.find(({ name }) => name === "X-Note")
    assert.equal(note?.value.trim(), text)
  }
})

test("a deferred message is found, shown, held, released and removed, each seen before it is done", async () => {
  await accepted("the ferry is late")
  const found = (await user.get("/api/messages?q=ferry")).json as Messages
  const id = found.messages[0]?.id ?? ""
  assert.equal(found.messages.length, 1)
  const shown = (await user.get(`/api/messages/${id}`)).json as Message
  assert.deepEqual(shown.envelope.slice(0, 2), [
    "MAIL FROM:<g.russell@napier.ac.uk>",
    "RCPT TO:<me@grussell.org>",
  ])
  assert.ok(
    shown.fields.some(({ name, value }) => name === "Subject" && value.trim() === "the ferry is late"),
  )
  const preview = (await user.send("POST", "/api/queue/hold", { ids: [id], preview: true }))
    .json as QueueChanged
  assert.deepEqual([preview.count, preview.done], [1, false])
  const held = (await user.send("POST", "/api/queue/hold", { ids: [id], because: "look at it" }))
    .json as QueueChanged
  assert.deepEqual([held.count, held.done], [1, true])
  const page = (await user.get("/api/queue?state=held")).json as QueuePage
  assert.deepEqual(
    page.messages.map((one) => [one.id, one.held]),
    [[id, "look at it (link, console)"]],
  )
  assert.equal(((await user.send("POST", "/api/queue/release", { ids: [id] })).json as QueueChanged).count, 1)
  assert.equal(((await user.get("/api/queue?state=held")).json as QueuePage).messages.length, 0)
  assert.equal(((await user.send("POST", "/api/queue/remove", { ids: [id] })).json as QueueChanged).count, 1)
  const after = (await user.get(`/api/messages/${id}`)).json as Message
  assert.deepEqual(
    after.events.map(({ what }) => what).filter((what) => what !== "deferred"),
    ["accepted", "held", "released", "removed"],
  )
})

test("nothing named changes nothing: everything must be asked for", async () => {
  for (const nothing of [{}, { state: "any" }, { state: "waiting" }, { to: "" }])
    assert.equal((await user.send("POST", "/api/queue/remove", nothing)).status, 400)
})

test("the queue comes in pages", async () => {
  const first = (await user.get("/api/queue?limit=15")).json as QueuePage
  assert.equal(first.messages.length, 15)
  const second = (await user.get(`/api/queue?limit=15&cursor=${first.cursor}`)).json as QueuePage
  const third = (await user.get(`/api/queue?limit=15&cursor=${second.cursor}`)).json as QueuePage
  const ids = [first, second, third].flatMap(({ messages }) => messages.map(({ id }) => id))
  assert.equal(new Set(ids).size, first.total)
  assert.equal(third.cursor, undefined)
})

test("a refused session is found, and told why", async () => {
  const reply = await handIn(system, {
    from: "spam@napier.ac.uk",
    to: ["nosuch@grussell.org"],
    text: message("no"),
  })
  assert.match(reply, /^550/)
  const found = ((await user.get("/api/messages?q=nosuch@grussell.org")).json as Messages).messages[0]
  assert.equal(found?.session, true)
  const shown = (await user.get(`/api/messages/${found?.id}`)).json as Message
  assert.ok((shown.events[0]?.reasons.length ?? 0) > 0)
})

test("the first page counts, and says of all that is not well what to do", async () => {
  const now = (await user.get("/api/now")).json as Now
  assert.ok(now.accepted >= hostileTexts.length)
  assert.ok(now.refused >= 1)
  assert.ok(now.destinations.some(({ destination }) => destination === "grussell.org"))
  for (const { state, todo } of now.health)
    assert.ok(state === "ok" || state === "unknown" || todo !== undefined)
})

test("live events reach a page that is open", async () => {
  const events = await new Promise<string>((resolve, reject) => {
    const asked = get(`${user.origin}/api/events`, { headers: { cookie: user.cookie }, agent: false })
    asked.on("error", reject)
    asked.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (piece: string) => {
        if (text === "") void accepted("live and well").catch(reject)
        text += piece
        if (!text.includes("live and well")) return
        resolve(text)
        asked.destroy()
      })
    })
  })
  assert.match(events, /"what":"accepted"/)
})

test("an address is explained with its tree, and a loop is shown as a loop", async () => {
  const ask = async (address: string) =>
    (await user.send("POST", "/api/explain", { kind: "address", address })).json as ExplainAnswer
  const team = (await ask("team@grussell.org")).explained[0]
  assert.deepEqual(team?.deliverable.map((one) => one.user).toSorted(), ["jim", "me"])
  assert.equal(team?.tree?.fate, "expanded")
  assert.deepEqual(
    team?.tree?.under.map(({ fate }) => fate),
    ["delivered", "delivered"],
  )
  assert.match(JSON.stringify((await ask("round@grussell.org")).explained[0]?.tree), /"fate":"loop"/)
})

test("a session is rehearsed by the code that real ones meet, and leaves no trace", async () => {
  const asked = {
    kind: "session",
    client: "192.0.2.7",
    from: "a@napier.ac.uk",
    to: ["me@grussell.org", "x@example.net"],
  }
  const { session } = (await user.send("POST", "/api/explain", asked)).json as ExplainAnswer
  assert.deepEqual(
    session.filter(({ says }) => says.startsWith("RCPT")).map(({ outcome }) => outcome),
    ["yes", "no"],
  )
  const { messages } = (await user.get("/api/messages?q=192.0.2.7")).json as Messages
  assert.deepEqual(messages, [])
})

test("a pasted message is rehearsed with the addresses that it names", async () => {
  const asked = { kind: "message", client: "192.0.2.7", message: message("pasted") }
  const { session, header } = (await user.send("POST", "/api/explain", asked)).json as ExplainAnswer
  assert.deepEqual(
    session.map(({ says }) => says),
    [
      "(connects from 192.0.2.7)",
      "EHLO client.example",
      "MAIL FROM:<G.Russell@napier.ac.uk>",
      "RCPT TO:<me@grussell.org>",
      "DATA",
      "(the message)",
    ],
  )
  assert.ok(header.some(({ name }) => name === "From"))
})

test("the configuration is shown line by line; a change is tried, then written on confirmation, never over another's", async () => {
  const config = (await user.get("/api/config")).json as Config
  const table = config.files.find(({ name }) => name === "virtusertable")
  assert.ok(table !== undefined)
  assert.equal(table.lines[0]?.does, "mail for info@grussell.org goes to me")
  assert.ok(config.files[0]?.lines.some(({ does }) => /listens on 127.0.0.1/.test(does)))
  const text = "info@grussell.org\tjim\n"
  const tried = (await user.send("POST", "/api/config/try", { file: table.file, text })).json as ConfigTried
  assert.deepEqual(
    tried.diff.map(({ kind }) => kind),
    ["removed", "added"],
  )
  const [what] = tried.whatif?.changed ?? []
  assert.match(what?.before ?? "", /\bme$/)
  assert.match(what?.after ?? "", /\bjim$/)
  assert.match((what?.afterReasons ?? []).join("\n"), new RegExp(`${table.file}:1`))
  assert.equal(readFileSync(table.file, "utf8"), "info@grussell.org\tme\n")
  const write = (more: object) =>
    user.send("PUT", "/api/config/file", { file: table.file, text, version: tried.version, ...more })
  assert.equal((await write({})).status, 400)
  assert.equal((await write({ confirm: true, version: "0" })).status, table.writable ? 409 : 403)
  assert.equal((await write({ confirm: true, file: "/etc/passwd" })).status, 404)
  const written = await write({ confirm: true })
  if (table.writable) assert.equal(readFileSync(table.file, "utf8"), text)
  else assert.equal(written.status, 403)
})

test("names of a class have their what-if, too, before they are written", async () => {
  const file = join(system.directory, "relay-domains")
  const shown = ((await user.get("/api/config")).json as Config).files.find((one) => one.file === file)
  assert.deepEqual([shown?.kind, shown?.lines[0]?.does], ["class", "example.org is in class R"])
  const text = "example.org\nexample.net\n"
  const tried = (await user.send("POST", "/api/config/try", { file, text, addresses: [] }))
    .json as ConfigTried
  assert.deepEqual(tried.issues, [])
  assert.equal(tried.diff.filter(({ kind }) => kind === "added").length, 1)
  assert.ok(tried.whatif !== undefined && tried.whatif.asked >= 1)
  const hosts = join(system.directory, "local-host-names")
  const more = { file: hosts, text: "napier.ac.uk\nhello.com\n", addresses: [] }
  const other = (await user.send("POST", "/api/config/try", more)).json as ConfigTried
  const [what] = other.whatif?.changed.filter(({ address }) => address === "someone@hello.com") ?? []
  assert.match(what?.after ?? "", /User unknown/)
  assert.match(what?.afterReasons.join("\n") ?? "", /local-host-names:2/)
})

test("a bad line of a change is told with its place", async () => {
  const file = join(system.directory, "virtusertable")
  const map = (await user.send("POST", "/api/config/try", { file, text: "nothing-behind\n" }))
    .json as ConfigTried
  assert.equal(map.issues[0]?.at, `${file}:1`)
  const source = join(system.directory, "sendmail.mc")
  const text = "FEATUER(`access_db')dnl\n"
  const tried = (await user.send("POST", "/api/config/try", { file: source, text })).json as ConfigTried
  assert.equal(tried.issues.find(({ severity }) => severity === "error")?.at, `${source}:1`)
  assert.equal(tried.whatif, undefined)
})

test("a forged message is caught, with its route drawn and the words marked", async () => {
  const text = [
    "Received: from mail.hello.com (localhost [127.0.0.1]) by mail.grussell.org; Tue, 24 Nov 2026 10:00:00 +0000",
    "Received: from pc (pc [10.0.0.1]) by mail.hello.com; Wed, 25 Nov 2026 10:00:00 +0000",
    "From: Santa <santa@northpole.example>",
    "Date: Tue, 24 Nov 2026 09:00:00 +0000",
    "Subject: hello",
    "",
    "",
  ].join("\n")
  const judged = (await user.send("POST", "/api/forensics", { text, receiver: "mail.grussell.org" }))
    .json as Forensics
  assert.notEqual(judged.verdict, "genuine")
  assert.equal(judged.hops.length, 2)
  assert.match(judged.svg, /^<svg/)
  const [span] = judged.findings.flatMap(({ evidence }) => evidence)
  assert.ok(span !== undefined && span.end <= judged.header.length + 1)
  const id = ((await user.get("/api/messages?q=live")).json as Messages).messages[0]?.id
  assert.equal((await user.send("POST", "/api/forensics", { id })).status, 200)
})

test("waiting ends with the message, whether it comes before or after; else when the time is over", async () => {
  const waiting = user.get("/api/wait?to=me@grussell&subject=still%20to%20come&timeout=20s")
  await accepted("still to come")
  assert.equal(((await waiting).json as Waited).message?.subject, "still to come")
  const { code, stdout } = await system.waypost(
    "wait",
    "--to",
    "me@",
    "--subject",
    "STILL TO",
    "--timeout",
    "5s",
    "--json",
  )
  assert.equal(code, 0)
  assert.equal((JSON.parse(stdout) as { subject: string }).subject, "still to come")
  const none = (await user.get("/api/wait?subject=never&timeout=50ms")).json as Waited
  assert.equal(none.found, false)
  assert.equal((await system.waypost("wait", "--subject", "never", "--timeout", "50ms")).code, 1)
})

test("a token reads; one that may write changes; a removed one does nothing", async () => {
  const make = async (...args: string[]) => (await system.waypost("token", "new", ...args)).stdout.trim()
  const [reader, writer] = [await make("ci"), await make("steer", "--write")]
  const ask = (token: string, method: string, path: string, body?: unknown) =>
    send(user.origin + path, method, {
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body }),
    })
  assert.equal((await ask(reader, "GET", "/api/queue")).status, 200)
  assert.match((await ask(reader, "GET", "/metrics")).text, /^waypost_accepted_total/m)
  assert.equal((await ask(reader, "POST", "/api/explain", { kind: "address", address: "me" })).status, 200)
  const removal = { to: "nobody@nowhere.example" }
  assert.equal((await ask(reader, "POST", "/api/queue/remove", removal)).status, 403)
  assert.equal((await ask(writer, "POST", "/api/queue/remove", removal)).status, 200)
  await system.waypost("token", "remove", "ci")
  assert.equal((await ask(reader, "GET", "/api/queue")).status, 401)
})

test("an administrator logs in with password and code; nobody else, and no code twice", async () => {
  const made = await system.waypost("user", "admin", "me")
  const secret = /^ {2}([A-Z2-7]{32})$/m.exec(made.stdout)?.[1] ?? ""
  const login = (body: object) => send(`${user.origin}/api/login`, "POST", { body })
  const password = "secret of gor"
  const totp = codeAt(secret, stepAt(Date.now()))
  assert.equal((await login({ name: "me", password: "wrong", totp })).status, 401)
  assert.equal((await login({ name: "me", password })).status, 401)
  const entered = await login({ name: "me", password, totp })
  assert.equal(entered.status, 200, entered.text)
  const admin = await ConsoleUser.of(user.origin, entered)
  assert.equal((await login({ name: "me", password, totp })).status, 401)
  const jim = await login({ name: "jim", password })
  assert.equal(jim.status, 403)
  assert.equal((await admin.send("POST", "/api/logout", {})).status, 200)
  assert.equal((await admin.get("/api/now")).status, 401)
})

test("OpenAPI describes every call of the contract", async () => {
  const { paths } = (await user.get("/api/openapi.json")).json as {
    paths: Record<string, Record<string, object>>
  }
  const calls = [
    ...readFileSync(join(import.meta.dirname, "../../src/console/api.ts"), "utf8").matchAll(
      /^ {2}"(GET|POST|PUT) (\S+)": \{/gm,
    ),
  ]
  assert.ok(calls.length >= 18)
  for (const [, method = "", path = ""] of calls)
    assert.ok(
      paths[path.replace(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()] !== undefined,
      `${method} ${path}`,
    )
})
