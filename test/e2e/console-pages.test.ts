// The console's pages in Debian's chromium, before a whole running system: mail is typed in by telnet, watched, followed, explained,
// held and released; a forged one is caught; a table is changed only after its what-if.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { after, before, test } from "node:test"
import { gzipSync } from "node:zlib"
import type { Browser } from "playwright-core"
import { startBrowser, Visitor } from "../kit/browser.ts"
import { without } from "../kit/debian.ts"
import { hostileTexts } from "../kit/hostile.ts"
import { freePort, handIn, run, System } from "../kit/system.ts"

const skip = without("chromium", "telnet")

const mc = `OSTYPE(\`linux')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`virtusertable', \`text -o @DIR@/tables/virtusertable')dnl
FEATURE(\`mailertable', \`text -o @DIR@/mailertable')dnl
FEATURE(\`access_db', \`text -o @DIR@/access')dnl
define(\`confLOCAL_MAILBOX_DIR', \`@DIR@/mail')dnl
define(\`ALIAS_FILE', \`@DIR@/aliases')dnl
LOCAL_DOMAIN(\`grussell.org')dnl
DAEMON_OPTIONS(\`Port=@PORT@, Addr=127.0.0.1, Name=MTA')dnl
FEATURE(\`no_default_msa')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP $h @DEAD@')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

const forged = `Received: from mail.napier.ac.uk (unknown [203.0.113.9]) by mail.grussell.org (8.18.1/8.18.1) with SMTP id 4AOA00xx012345; Tue, 24 Nov 2026 10:00:00 +0000
Received: from desk.napier.ac.uk (desk.napier.ac.uk [192.0.2.1]) by mail.napier.ac.uk with ESMTP id abc; Tue, 24 Nov 2026 12:30:00 +0000
Message-ID: <1@hello.com>
From: "The Bank" <security@hello.com>
To: me@grussell.org
Date: Tue, 24 Nov 2030 09:59:00 +0000
Subject: Your account

Please log in.
`

let system: System
let browser: Browser
let visitor: Visitor

before(async () => {
  if (skip !== false) return
  const dead = await freePort()
  system = await System.start({
    mc: mc.replace("@DEAD@", String(dead)),
    console: true,
    users: ["me", "jim"],
    files: {
      "tables/virtusertable": "info@grussell.org\tme\n",
      mailertable: "example.org\tesmtp:[127.0.0.1]\n",
      access: "Connect:127.0.0.1\tRELAY\nFrom:spammer@hello.com\tREJECT\n",
      aliases: "team: me, jim\nround: about\nabout: round\n",
    },
  })
  browser = await startBrowser()
  visitor = await Visitor.enter(browser, system)
})

after(async () => {
  await browser?.close()
  if (process.env["CONSOLE_LOG"] !== undefined) process.stderr.write(system?.stderr ?? "")
  await system?.stop()
})

/** The console has no rights of root: a table that it may write belongs to the mail system's own user. */
async function giveToConsole(file: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { stdout } = await run("chown", ["waypost", dirname(file), file])
  assert.equal(stdout, "")
}

/** Types a session into Debian's telnet (which ends lines by itself as the network wants them), each line after the answer to the one before. */
async function telnet(lines: readonly string[]): Promise<string> {
  const child = spawn("telnet", ["127.0.0.1", String(system.port)], {
    stdio: ["pipe", "pipe", "ignore"],
  })
  let heard = ""
  const waiting = [...lines]
  child.stdout.setEncoding("latin1").on("data", (text: string) => {
    heard += text
    if (/^221 /m.test(text)) return // it has closed
    if (/^\d{3} [^\n]*\r?\n$/m.test(text)) child.stdin.write(`${waiting.shift() ?? "QUIT"}\n`)
  })
  await once(child, "close")
  return heard
}

function typedMail(from: string, to: string, subject: string): readonly string[] {
  const message = [`From: ${from}`, `To: ${to}`, `Subject: ${subject}`, "", "hello", "."].join("\n")
  return ["EHLO hello.com", `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, "DATA", message]
}

test("mail that telnet brings appears on the page Now while it is looked at", { skip }, async () => {
  const { page } = visitor
  await visitor.go("now")
  await page.getByText("listening", { exact: true }).waitFor()
  const heard = await telnet(typedMail("g.russell@napier.ac.uk", "me@grussell.org", "Lunch on Friday"))
  assert.match(heard, /250 2\.0\.0 \S+ Message accepted/)
  const live = page.getByRole("list", { name: "Events, the newest first" })
  await live.getByText("Lunch on Friday").first().waitFor()
  await live.getByText("delivered").first().waitFor()
})

test("its timeline tells what was decided by which line, beside envelope and header", { skip }, async () => {
  const { page } = visitor
  await visitor.go("messages?q=Lunch")
  await page
    .getByRole("link", { name: /Lunch on Friday/ })
    .first()
    .click()
  await page.getByRole("heading", { name: "Timeline" }).waitFor()
  await page.getByText("delivered").first().waitFor()
  await page.locator(".timeline code.place", { hasText: /:\d+$/ }).first().waitFor()
  await page.getByText("MAIL FROM:<g.russell@napier.ac.uk>").waitFor()
  assert.equal(await page.locator(".fields dd", { hasText: "Lunch on Friday" }).count(), 1)
  await photograph(visitor, "message")
})

test("a refused session is found and says which line of access refused it", { skip }, async () => {
  const { page } = visitor
  await telnet(typedMail("spammer@hello.com", "me@grussell.org", "Buy"))
  await visitor.go("messages?q=spammer")
  await page
    .getByRole("link", { name: /refused/ })
    .first()
    .click()
  await page.locator(".timeline code.place", { hasText: "access:2" }).first().waitFor()
})

test("an address is explained as a tree, a loop as a loop", { skip }, async () => {
  const { page } = visitor
  await visitor.go("explain")
  await page.getByLabel("Address", { exact: true }).fill("round@grussell.org")
  await page.getByRole("button", { name: "Explain" }).click()
  const tree = page.getByRole("list", { name: "Aliases and .forward files" })
  await tree.getByText("↻ loop").waitFor()
  assert.ok((await tree.textContent())?.includes("about"))
  await photograph(visitor, "loop")
})

test("a deferred message is seen with the last words of its peer, held, and released again", {
  skip,
}, async () => {
  const { page } = visitor
  await telnet(typedMail("me@grussell.org", "friend@example.org", "Are you there"))
  await visitor.go("queue?to=example.org")
  await page.getByText("Are you there").waitFor()
  for (const [verb, did] of [
    ["Hold", "are held"],
    ["Release", "are released"],
  ] as const) {
    await page.getByRole("button", { name: `${verb} …` }).click()
    await page.getByRole("button", { name: `${verb} 1 message` }).click()
    await page.getByText(`1 message: ${did}`).waitFor()
  }
})

test("a forged message is caught, its evidence marked in the header", { skip }, async () => {
  const { page } = visitor
  await visitor.go("forensics")
  await page.getByLabel("The message with its whole header").fill(forged)
  await page.getByLabel("Your own server").fill("mail.grussell.org")
  await page.getByRole("button", { name: "Examine" }).click()
  await page.locator(".verdict strong").waitFor()
  assert.match((await page.locator(".verdict strong").textContent()) ?? "", /forged|suspicious/)
  assert.ok((await page.locator(".marked mark").count()) > 0)
  assert.equal(await page.locator(".route .trust").count(), 1)
  await photograph(visitor, "verdict")
})

test("forty hostile subjects and names that came by SMTP are text on every page", { skip }, async () => {
  const { page } = visitor
  for (const [n, text] of hostileTexts.entries()) {
    const header = `From: "${text.replaceAll(/["\\]/g, "\\$&")}" <x${n}@hello.com>\nTo: friend@example.org\nSubject: ${text}\nX-Note: ${text}\n`
    const reply = await handIn(system, {
      from: `x${n}@hello.com`,
      to: ["friend@example.org"],
      text: `${header}\nhello\n`,
    })
    assert.match(reply, /^250/)
  }
  await visitor.go("queue")
  const shown = await page.locator(".queue .subject").allTextContents()
  for (const text of hostileTexts) assert.ok(shown.includes(text), text)
  await visitor.go("messages")
  const ids = await page
    .locator(".row")
    .evaluateAll((rows) => rows.map((row) => row.getAttribute("href") ?? ""))
  for (const href of ids.slice(0, hostileTexts.length)) {
    await page.goto(`${visitor.origin}/${href}`)
    await page.locator(".head p", { hasText: href.replace("#/messages/", "") }).waitFor()
    await page.locator(".fields dt", { hasText: "X-Note" }).waitFor()
    assert.equal(await page.locator(".fields dt", { hasText: "X-Note" }).count(), 1)
  }
  assert.equal(await page.evaluate(() => "harm" in globalThis), false)
  assert.equal(
    await page.locator("main :is(script, iframe, img, object, embed, video, base, meta)").count(),
    0,
  )
  assert.deepEqual(visitor.wrongs, [])
})

const places = [
  "now",
  "messages",
  "queue",
  "explain",
  "explain?address=team@grussell.org",
  "configuration",
  "forensics",
]

for (const scheme of ["light", "dark"] as const)
  for (const width of [360, 1440])
    test(`every page is sound to axe-core and fits, ${scheme}, ${width} pixels`, { skip }, async () => {
      const other = await Visitor.enter(browser, system, { width, scheme })
      for (const place of places) {
        await other.go(place)
        if (place.includes("=")) await other.page.locator(".tree").waitFor()
        assert.deepEqual(await other.violations(), [], place)
        assert.ok((await other.overflow()) <= 0, `${place} is wider than ${width}`)
        await photograph(
          other,
          `${place.replaceAll(/\W.*/g, place.includes("=") ? "-tree" : "")}-${scheme}-${width}`,
        )
      }
      await other.page.getByRole("button", { name: "Log out" }).click()
      await other.page.getByRole("button", { name: "Log in" }).waitFor()
      assert.deepEqual(await other.violations(), [], "login")
      await photograph(other, `login-${scheme}-${width}`)
      await other.close()
    })

/** Pictures for people, where CONSOLE_PICTURES names a folder. */
async function photograph({ page }: Visitor, name: string): Promise<void> {
  const folder = process.env["CONSOLE_PICTURES"]
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

test("all is reached by the keyboard alone", { skip }, async () => {
  const { page } = visitor
  await visitor.go("now")
  await page.reload()
  await page.getByRole("heading", { level: 1 }).waitFor()
  await page.keyboard.press("Tab")
  assert.equal(await page.evaluate("document.activeElement.textContent.trim()"), "To the page")
  await page.locator(".side nav a", { hasText: "Queue" }).focus()
  await page.keyboard.press("Enter")
  await page.getByRole("heading", { level: 1, name: "Queue" }).waitFor()
  assert.equal(await page.evaluate("document.activeElement.tagName"), "MAIN")
})

test("the scripts are less than 100 KB gzipped, the first paint comes within 300 ms", { skip }, async () => {
  const { page, origin } = visitor
  await page.goto(`${origin}/`)
  const sources = await page
    .locator("script")
    .evaluateAll((all) => all.map((one) => one.getAttribute("src") ?? ""))
  const scripts = await Promise.all(sources.map(async (src) => (await page.request.get(origin + src)).body()))
  const octets = scripts.reduce((sum, script) => sum + gzipSync(script).length, 0)
  assert.ok(octets > 0 && octets < 100_000, String(octets))
  await page.getByRole("heading", { level: 1, name: "Now" }).waitFor()
  const paint = await page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity,
  )
  process.stdout.write(`first paint ${Math.round(paint)} ms, scripts ${octets} octets gzipped\n`)
  assert.ok(paint <= 300, `${paint} ms`)
})

test("a change of virtusertable tells its what-if, and is written only when it is confirmed", {
  skip,
}, async () => {
  const { page } = visitor
  const file = join(system.directory, "tables/virtusertable")
  await giveToConsole(file)
  await visitor.go(`configuration/${encodeURIComponent(file)}`)
  await page.getByRole("button", { name: "Change …" }).click()
  await page.getByLabel("Text of the file").fill("info@grussell.org\tjim\n")
  await page.getByLabel("Also ask about").fill("info@grussell.org")
  await page.getByRole("button", { name: "What would change?" }).click()
  await page.locator(".whatif", { hasText: "info@grussell.org" }).waitFor()
  await photograph(visitor, "change")
  const write = page.getByRole("button", { name: `Write ${file}` })
  assert.equal(await write.isDisabled(), true)
  assert.match(readFileSync(file, "utf8"), /\tme\n/)
  await page.getByLabel(/I have read the change/).check()
  await write.click()
  await page.getByRole("button", { name: "Change …" }).waitFor()
  assert.match(readFileSync(file, "utf8"), /\tjim\n/)
})
