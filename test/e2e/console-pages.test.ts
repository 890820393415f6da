// The console's pages in Debian's chromium, before a whole running system: mail is typed in by telnet, watched, followed, explained,
// held and released, tried again and removed; a forged one is caught; a table is changed only after its what-if.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { gzipSync } from "node:zlib"
import type { Browser } from "playwright-core"
import { codeAt, stepAt } from "../../src/console/totp.ts"
import { startBrowser, Visitor } from "../kit/browser.ts"
import { without } from "../kit/debian.ts"
import { forged, giveToConsole, startOffice, telnet, typedMail } from "../kit/office.ts"
import type { System } from "../kit/system.ts"

const skip = without("chromium", "telnet")

let system: System
let browser: Browser
let visitor: Visitor

before(async () => {
  if (skip !== false) return
  system = await startOffice()
  browser = await startBrowser()
  visitor = await Visitor.enter(browser, system)
})

after(async () => {
  await browser?.close()
  await system?.stop()
})

test("mail that telnet brings appears on the page Now while it is looked at", { skip }, async () => {
  const { page } = visitor
  await visitor.go("now")
  await page.getByText("listening", { exact: true }).waitFor()
  const heard = await telnet(
    system,
    typedMail("g.russell@napier.ac.uk", "me@grussell.org", "Lunch on Friday"),
  )
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
})

test("a refused session is found and says which line of access refused it", { skip }, async () => {
  const { page } = visitor
  await telnet(system, typedMail("spammer@hello.com", "me@grussell.org", "Buy"))
  await visitor.go("messages?q=spammer")
  await page
    .getByRole("link", { name: /refused/ })
    .first()
    .click()
  await page.locator(".timeline code.place", { hasText: "access:2" }).first().waitFor()
})

test("an address is explained as a tree, a loop with an arrow to where it leads back", { skip }, async () => {
  const { page } = visitor
  await visitor.go("explain")
  await page.getByLabel("Address", { exact: true }).fill("round@grussell.org")
  await page.getByRole("button", { name: "Explain" }).click()
  const tree = page.getByRole("list", { name: "Aliases and .forward files" })
  await tree.locator(".loop > .node", { hasText: "leads back to round" }).waitFor()
  assert.match((await tree.locator(".turn > .node").textContent()) ?? "", /^round@grussell\.org/)
  await page.locator(".loops .loop-line").waitFor()
})

test("a deferred message is seen with the last words of its peer, held, and released again", {
  skip,
}, async () => {
  const { page } = visitor
  await telnet(system, typedMail("me@grussell.org", "friend@example.org", "Are you there"))
  await visitor.go("queue?to=example.org")
  await page.getByText("Are you there").waitFor()
  await page.locator(".recipients", { hasText: "the host did not answer." }).waitFor()
  for (const [verb, did] of [
    ["Hold", "are held"],
    ["Release", "are released"],
  ] as const) {
    await page.getByRole("button", { name: `${verb} …` }).click()
    await page.getByRole("button", { name: `${verb} 1 message` }).click()
    await page.getByText(`1 message: ${did}`).waitFor()
  }
})

test("a destination of the first page's picture leads to what waits for it", { skip }, async () => {
  const { page } = visitor
  await visitor.go("now")
  await page.locator(".heat").getByRole("link", { name: "[127.0.0.1]" }).click()
  await page.getByRole("heading", { level: 1, name: "Queue" }).waitFor()
  await page.getByText("Are you there").waitFor()
  assert.equal(await page.getByLabel("Destination").inputValue(), "[127.0.0.1]")
})

test("a message is held with a reason that others read, and its page says so", { skip }, async () => {
  const { page } = visitor
  await visitor.go("queue?to=example.org")
  await page.getByRole("button", { name: "Hold …" }).click()
  await page.getByLabel("Why they are held").fill("ask Gordon first")
  await page.getByRole("button", { name: "Hold 1 message" }).click()
  await page.locator(".queue .says", { hasText: "ask Gordon first (link, console)" }).waitFor()
  await page.getByRole("link", { name: "Are you there" }).click()
  await page.locator(".timeline", { hasText: "ask Gordon first" }).waitFor()
  await page.getByRole("link", { name: "In the queue" }).click()
  await page.getByText("1 message chosen").waitFor()
  await page.getByRole("button", { name: "Release …" }).click()
  await page.getByRole("button", { name: "Release 1 message" }).click()
  await page.getByText("1 message: are released").waitFor()
})

test("a deferred message is tried again at once when somebody presses for it", { skip }, async () => {
  const { page } = visitor
  const attempts = async () => {
    const text = await page.locator(".recipients .path").first().textContent()
    return Number(/(\d+) attempts? so far/.exec(text ?? "")?.[1])
  }
  await visitor.go("queue?to=example.org")
  const before = await attempts()
  await page.getByRole("button", { name: "Retry now …" }).click()
  await page.getByText("will be tried at once").waitFor()
  await page.getByRole("button", { name: "Retry now 1 message" }).click()
  await page.getByText("1 message: are being tried").waitFor()
  assert.equal((await system.waypost("idle")).code, 0)
  await page.getByRole("button", { name: "Look again" }).click()
  await page.getByText(`${before + 1} attempts so far`).waitFor()
})

test("of two messages the one that is chosen is removed, after a look, and not the other", {
  skip,
}, async () => {
  const { page } = visitor
  await telnet(system, typedMail("me@grussell.org", "foe@example.org", "Never mind"))
  await visitor.go("queue?to=example.org")
  const rows = page.getByRole("list", { name: "Waiting messages" })
  await rows.getByText("Never mind").waitFor()
  await rows.getByRole("listitem").filter({ hasText: "Never mind" }).getByRole("checkbox").first().check()
  await page.getByRole("button", { name: "Remove …" }).click()
  const preview = page.getByRole("group", { name: "Remove: look first" })
  await preview.getByText("will be removed for good").waitFor()
  assert.match((await preview.textContent()) ?? "", /Never mind/)
  assert.doesNotMatch((await preview.textContent()) ?? "", /Are you there/)
  await preview.getByRole("button", { name: "Leave them" }).click()
  await rows.getByText("Never mind").waitFor()
  await page.getByRole("button", { name: "Remove …" }).click()
  await page.getByRole("button", { name: "Remove 1 message" }).click()
  await rows.getByText("Never mind").waitFor({ state: "detached" })
  await rows.getByText("Are you there").waitFor()
})

test("a session is rehearsed: each reply that the client would hear, and the line behind it", {
  skip,
}, async () => {
  const { page } = visitor
  await visitor.go("explain")
  await page.getByText("A session", { exact: true }).click()
  await page.getByLabel("To", { exact: true }).fill("me@grussell.org, nobody@napier.ac.uk")
  await page.getByLabel("From").fill("spammer@hello.com")
  await page.getByLabel("Client").fill("192.0.2.7")
  await page.getByRole("button", { name: "Explain" }).click()
  const session = page.getByRole("region", { name: "Session" })
  await session.getByText("MAIL FROM:<spammer@hello.com>").waitFor()
  await session.locator("code.place", { hasText: "access:2" }).first().waitFor()
  await page.getByLabel("From").fill("friend@hello.com")
  await page.getByRole("button", { name: "Explain" }).click()
  await session.locator(".server", { hasText: /550 5\.7\.1 .*Relaying denied/ }).waitFor()
  assert.equal(await session.locator(".badge.ok", { hasText: "yes" }).count(), 5)
})

test("a pasted message is rehearsed: its session, its way, its header before and after", {
  skip,
}, async () => {
  const { page } = visitor
  await visitor.go("explain")
  await page.getByText("A message", { exact: true }).click()
  const text = "From: me@grussell.org\nTo: friend@example.org\nSubject: pasted\n\nhello\n"
  await page.getByLabel("The message, header and all").fill(text)
  await page.getByLabel("Client").fill("127.0.0.1")
  await page.getByRole("button", { name: "Explain" }).click()
  await page.getByRole("region", { name: "Session" }).getByText("(the message)").waitFor()
  const header = page.getByRole("region", { name: "Header by esmtp" })
  await header.getByText("Mary.Edwards@grussell.org").first().waitFor()
  await header.locator("code.place", { hasText: "genericstable:1" }).waitFor()
  assert.equal((await system.waypost("queue", "list", "--json")).stdout.includes("pasted"), false)
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
})

test("the scripts are less than 100 KB, packed as they are served; all is kept but the page itself", {
  skip,
}, async () => {
  const { page, origin } = visitor
  await page.goto(`${origin}/`)
  const sources = await page
    .locator("script[src], link[rel=stylesheet]")
    .evaluateAll((all) => all.map((one) => one.getAttribute("src") ?? one.getAttribute("href") ?? ""))
  assert.equal(sources.length, 2)
  let octets = 0
  for (const source of sources) {
    const answer = await page.request.get(origin + source)
    assert.match(answer.headers()["cache-control"] ?? "", /immutable/)
    assert.equal(answer.headers()["content-encoding"], "gzip")
    if (source.endsWith(".js")) octets += gzipSync(await answer.body()).length
  }
  assert.ok(octets > 10_000 && octets < 100_000, String(octets))
})

test("an administrator logs in by name, password and the code of the authenticator, and out again", {
  skip,
}, async () => {
  const made = await system.waypost("user", "admin", "me")
  const secret = /^ {2}([A-Z2-7]{32})$/m.exec(made.stdout)?.[1] ?? ""
  const other = await Visitor.come(browser, visitor.origin)
  const { page } = other
  const enter = async (code: string): Promise<void> => {
    await page.getByLabel("Name").fill("me")
    await page.getByLabel("Password").fill("secret of gor")
    await page.getByLabel("Code").fill(code)
    await page.getByRole("button", { name: "Log in" }).click()
  }
  await enter("000000")
  await page.getByRole("alert").getByText("name, password or code is wrong").waitFor()
  await enter(codeAt(secret, stepAt(Date.now())))
  await page.getByRole("heading", { level: 1, name: "Now" }).waitFor()
  await page.locator(".who .user", { hasText: "me" }).waitFor()
  await page.reload()
  await page.getByRole("heading", { level: 1, name: "Now" }).waitFor()
  await page.getByRole("button", { name: "Log out" }).click()
  await page.getByRole("button", { name: "Log in" }).waitFor()
  await page.reload()
  await page.getByRole("button", { name: "Log in" }).waitFor()
  await other.close()
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
  const write = page.getByRole("button", { name: `Write ${file}` })
  assert.equal(await write.isDisabled(), true)
  assert.match(readFileSync(file, "utf8"), /\tme\n/)
  await page.getByLabel(/I have read the change/).check()
  await write.click()
  await page.getByRole("button", { name: "Change …" }).waitFor()
  assert.match(readFileSync(file, "utf8"), /\tjim\n/)
})
