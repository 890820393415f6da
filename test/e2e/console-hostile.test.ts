// Whoever writes a subject, a name, a header or a DNS record writes on the console's pages: forty hostile texts of each kind come by real
// SMTP and real DNS, and stay text wherever they are shown.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import type { Browser } from "playwright-core"
import type { Messages } from "../../src/console/api.ts"
import { startBrowser, Visitor } from "../kit/browser.ts"
import { ConsoleUser } from "../kit/console.ts"
import { without } from "../kit/debian.ts"
import { hostileTexts } from "../kit/hostile.ts"
import { type Nameserver, startNameserver, type Zone } from "../kit/nameserver.ts"
import { handIn, Session, System } from "../kit/system.ts"

const skip = without("chromium")

const mc = `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`mail.grussell.org')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`access_db', \`text -o @DIR@/access')dnl
FEATURE(\`spf')dnl
FEATURE(\`dnsbl', \`bl.test')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
DAEMON_OPTIONS(\`Port=@PORT@, Addr=127.0.0.1, Name=MTA')dnl
FEATURE(\`no_default_msa')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

/** A text as a domain name: DNS takes any octets, 63 in a label. */
function asName(text: string): string {
  const labels = text.split(".").flatMap((label) => label.match(/.{1,60}/g) ?? [])
  return `${labels.join(".")}.test`
}

/** Hosts with a hostile PTR, listed ones with a hostile reason, senders with a hostile explanation, domains with a hostile exchanger. */
const zone: Zone = Object.fromEntries(
  hostileTexts.flatMap((text, n) => [
    [`${n + 1}.1.0.127.in-addr.arpa`, { PTR: asName(text) }],
    [`${n + 1}.2.0.127.bl.test`, { A: ["127.0.0.2"], TXT: [text] }],
    [`x${n}.example`, { TXT: [`v=spf1 exp=e${n}.example -all`] }],
    [`e${n}.example`, { TXT: [text.replaceAll("%", "%%")] }],
    [`m${n}.example`, { MX: [[10, asName(text)]] as const }],
    [asName(text), { fail: "SERVFAIL" as const }],
    ["waits.example", { fail: "SERVFAIL" as const }],
  ]),
)

let nameserver: Nameserver
let system: System
let browser: Browser
let visitor: Visitor

before(async () => {
  if (skip !== false) return
  nameserver = await startNameserver(zone)
  system = await System.start({
    mc,
    console: true,
    users: ["me"],
    files: { access: "Connect:127.0.0.1\tRELAY\n" },
    args: ["--resolver", nameserver.resolver],
  })
  await system.said(/console: http/)
  browser = await startBrowser()
  visitor = await Visitor.enter(browser, system)
})

after(async () => {
  await browser?.close()
  await system?.stop()
  await nameserver?.close()
})

/** A session from this address of the loopback; the last reply. */
async function talk(address: string, lines: readonly string[]): Promise<string> {
  const session = await Session.open(system.port, "127.0.0.1", address)
  let reply = await session.reply()
  for (const line of lines) reply = await session.say(line)
  session.close()
  return reply
}

async function idsOf(words: string): Promise<readonly string[]> {
  const user = await ConsoleUser.enter(system)
  const found = (await user.get(`/api/messages?limit=500&q=${encodeURIComponent(words)}`)).json as Messages
  return found.messages.map(({ id }) => id)
}

/** Looks at the pages of these ids, one after the other; all that was written on them. */
async function readAll(ids: readonly string[]): Promise<string> {
  let text = ""
  for (const id of ids) {
    await visitor.turn(`messages/${id}`)
    await visitor.page.locator(".head p", { hasText: id }).waitFor()
    await visitor.page.locator(".timeline").waitFor()
    text += `${await visitor.page.locator("main").innerText()}\n`
    await isHarmless(id)
  }
  return text
}

async function isHarmless(where: string): Promise<void> {
  const bad =
    "main :is(script, iframe, img, object, embed, video, base, meta, link, style, form[action], [onload])"
  assert.equal(await visitor.page.locator(bad).count(), 0, where)
  assert.equal(await visitor.page.evaluate(() => "harm" in globalThis), false, where)
  assert.deepEqual(visitor.wrongs, [], where)
}

/** Lines are wrapped and blanks run together on a page. */
function has(page: string, text: string): boolean {
  const plain = (words: string) => words.replaceAll(/\s+/g, " ").toLowerCase()
  return plain(page).includes(plain(text))
}

test("forty hostile subjects, names and headers are text on every page", { skip }, async () => {
  const { page } = visitor
  for (const [n, text] of hostileTexts.entries()) {
    const header = `From: "${text.replaceAll(/["\\]/g, "\\$&")}" <x${n}@hello.com>\nTo: you@waits.example\nSubject: ${text}\nX-Note: ${text}\n`
    const reply = await handIn(system, {
      from: `x${n}@hello.com`,
      to: ["you@waits.example"],
      text: `${header}\nhello\n`,
    })
    assert.match(reply, /^250/)
  }
  await visitor.go("queue")
  const shown = await page.locator(".queue .subject").allTextContents()
  for (const text of hostileTexts) assert.ok(shown.includes(text), text)
  await isHarmless("queue")
  await visitor.go("messages?q=hello.com")
  const listed = await page.locator(".row .subject").allTextContents()
  for (const text of hostileTexts) assert.ok(listed.includes(text), text)
  const written = await readAll(await idsOf("hello.com"))
  for (const text of hostileTexts) assert.ok(has(written, text), text)
})

test("forty hostile names of exchangers are text where the queue says why it waits", { skip }, async () => {
  for (const n of hostileTexts.keys()) {
    const envelope = { from: "me@grussell.org", to: [`you@m${n}.example`] }
    assert.match(await handIn(system, { ...envelope, text: "Subject: exchangers\n\nhello\n" }), /^250/)
  }
  assert.equal((await system.waypost("idle")).code, 0)
  await visitor.go("queue?to=@m")
  await isHarmless("queue")
  const written = await readAll(await idsOf("exchangers"))
  const seen = hostileTexts.filter((text) => has(written, asName(text).replace(/\.test$/, "")))
  assert.ok(seen.length >= 30, `${seen.length} are seen`)
  await visitor.go("explain?address=you@m0.example")
  await visitor.page.locator(".tree").waitFor()
  await isHarmless("explain")
  await visitor.go("now")
  await isHarmless("now")
})

test("forty hostile names of clients, in DNS and in HELO, are text", { skip }, async () => {
  for (const [n, text] of hostileTexts.entries()) {
    const transaction = [
      "MAIL FROM:<a@napier.ac.uk>",
      "RCPT TO:<nosuch@grussell.org>",
      "RCPT TO:<me@grussell.org>",
    ]
    const lines = [`HELO ${text}`, ...transaction, "DATA", `Subject: client ${n}\r\n\r\nhello\r\n.`]
    assert.match(await talk(`127.0.1.${n + 1}`, lines), /^250 2\.0\.0 /)
  }
  const [messages, sessions] = [await idsOf("client napier"), await idsOf("nosuch")]
  assert.equal(messages.length, hostileTexts.length)
  assert.equal(sessions.length, hostileTexts.length)
  const written = await readAll([...messages, ...sessions])
  for (const n of hostileTexts.keys()) assert.ok(has(written, `127.0.1.${n + 1}]`))
  await visitor.go("messages?q=nosuch")
  await isHarmless("messages")
})

test("forty hostile texts of a list that refuses clients are text", { skip }, async () => {
  for (const n of hostileTexts.keys()) {
    const lines = ["EHLO client.example", "MAIL FROM:<a@napier.ac.uk>", "RCPT TO:<me@grussell.org>"]
    assert.match(await talk(`127.0.2.${n + 1}`, lines), /^550/)
  }
  const written = await readAll(await idsOf("127.0.2."))
  for (const text of hostileTexts) assert.ok(has(written, text), text)
})

test("forty hostile explanations of SPF are text", { skip }, async () => {
  for (const n of hostileTexts.keys())
    assert.match(await talk("127.0.3.1", ["EHLO client.example", `MAIL FROM:<a@x${n}.example>`]), /^550/)
  const ids = await idsOf("127.0.3.1")
  assert.equal(ids.length, hostileTexts.length)
  const written = await readAll(ids)
  for (const text of hostileTexts) assert.ok(has(written, text), text)
})

test("hostile words in the pages' own address are text", { skip }, async () => {
  for (const text of hostileTexts) {
    const word = encodeURIComponent(text)
    for (const place of [`messages?q=${word}`, `queue?to=${word}&ids=${word}`, `${word}/${word}?${word}`]) {
      await visitor.turn(place)
      await visitor.page.getByRole("heading", { level: 1 }).waitFor()
    }
    const asked = `explain?address=${word}`
    await visitor.turn(asked)
    await visitor.page.locator("main :is([role=region][aria-label=Answer], [role=alert])").first().waitFor()
    await isHarmless(asked)
  }
})

test("a hostile message is examined as text, its drawing too", { skip }, async () => {
  const { page } = visitor
  await visitor.go("forensics")
  for (const text of hostileTexts) {
    const message = `Received: from ${text} (${text}) by ${text} with SMTP id ${text}; Tue, 24 Nov 2026 10:00:00 +0000\nFrom: ${text} <a@b.example>\nSubject: ${text}\n\n`
    await page.getByLabel("The message with its whole header").fill(message)
    await page.getByRole("button", { name: "Examine" }).click()
    await page.locator(".marked", { hasText: `Subject: ${text}` }).waitFor()
    await isHarmless(text)
  }
})
