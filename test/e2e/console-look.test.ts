// How the pages look and whom they reach: in light and dark, wide and from 360 pixels, empty and full, by axe-core's rules and by the
// keyboard alone. With CONSOLE_PICTURES=FOLDER each state is photographed.
import assert from "node:assert/strict"
import { join } from "node:path"
import { after, before, test } from "node:test"
import type { Browser } from "playwright-core"
import type { Messages } from "../../src/console/api.ts"
import { type Look, startBrowser, Visitor } from "../kit/browser.ts"
import { ConsoleUser } from "../kit/console.ts"
import { without } from "../kit/debian.ts"
import { forged, giveToConsole, startOffice } from "../kit/office.ts"
import { handIn, type System } from "../kit/system.ts"

const skip = without("chromium")

let system: System
let browser: Browser

before(async () => {
  if (skip !== false) return
  system = await startOffice({ "tables/virtusertable": "info@grussell.org\tme\nbroken-line\n" })
  await giveToConsole(join(system.directory, "tables/virtusertable"))
  browser = await startBrowser()
})

after(async () => {
  await browser?.close()
  await system?.stop()
})

/** A state of a page: where it is, and what is done to come to it. */
type State = {
  readonly name: string
  readonly place: string
  readonly until: string
  readonly steps?: (visitor: Visitor) => Promise<void>
}

const empty: readonly State[] = [
  { name: "empty-now", place: "now", until: ".live, .empty" },
  { name: "empty-messages", place: "messages", until: ".empty" },
  { name: "empty-search", place: "messages?q=nothing", until: ".empty" },
  { name: "empty-queue", place: "queue", until: ".empty" },
  { name: "empty-explain", place: "explain", until: ".empty" },
  { name: "empty-forensics", place: "forensics", until: ".empty" },
]

const table = () => encodeURIComponent(join(system.directory, "tables/virtusertable"))

async function usual(): Promise<readonly State[]> {
  const user = await ConsoleUser.enter(system)
  const first = async (q: string) => {
    const { messages } = (await user.get(`/api/messages?q=${q}`)).json as Messages
    return messages[0]?.id ?? assert.fail(`nothing is known of ${q}`)
  }
  return [
    { name: "now", place: "now", until: ".heat" },
    { name: "messages", place: "messages", until: ".row" },
    { name: "message", place: `messages/${await first("delivered")}`, until: ".timeline" },
    { name: "session", place: `messages/${await first("refused")}`, until: ".timeline" },
    { name: "queue", place: "queue", until: ".queue > li" },
    { name: "queue-preview", place: "queue", until: ".queue > li", steps: previewed },
    { name: "explain-tree", place: "explain?address=team@grussell.org", until: ".tree" },
    { name: "explain-loop", place: "explain?address=round@grussell.org", until: ".loop-line" },
    { name: "explain-nobody", place: "explain?address=nosuch@grussell.org", until: ".end" },
    { name: "explain-message", place: "explain", until: "form", steps: rehearsed },
    { name: "configuration", place: "configuration", until: ".source" },
    {
      name: "configuration-problem",
      place: `configuration/${table()}`,
      until: ".source .bad, .source .warning",
    },
    { name: "configuration-change", place: `configuration/${table()}`, until: ".source", steps: tried },
    { name: "forensics", place: "forensics", until: "form", steps: examined },
  ]
}

async function previewed({ page }: Visitor): Promise<void> {
  await page.getByRole("button", { name: "Remove …" }).click()
  await page.locator(".preview").waitFor()
}

async function rehearsed({ page }: Visitor): Promise<void> {
  await page.getByText("A message", { exact: true }).click()
  const text = "From: me@grussell.org\nTo: friend@example.org, team@grussell.org\nSubject: pasted\n\nhello\n"
  await page.getByLabel("The message, header and all").fill(text)
  await page.getByRole("button", { name: "Explain" }).click()
  await page.locator(".rewrite").first().waitFor()
}

async function tried({ page }: Visitor): Promise<void> {
  await page.getByRole("button", { name: "Change …" }).click()
  await page.getByLabel("Text of the file").fill("info@grussell.org\tjim\nsales@grussell.org\tme\n")
  await page.getByRole("button", { name: "What would change?" }).click()
  await page.locator(".whatif").waitFor()
}

async function examined({ page }: Visitor): Promise<void> {
  await page.getByLabel("The message with its whole header").fill(forged)
  await page.getByLabel("Your own server").fill("mail.grussell.org")
  await page.getByRole("button", { name: "Examine" }).click()
  await page.locator(".verdict").waitFor()
}

/** Goes through these states: nothing is wider than the window, and, if asked, nothing is wrong by axe-core. */
async function walk(states: readonly State[], look: Look, axe: boolean): Promise<void> {
  const visitor = await Visitor.enter(browser, system, look)
  const suffix = `${look.scheme}-${look.width}`
  for (const { name, place, until, steps } of states) {
    await visitor.go(place)
    await visitor.page.locator(until).first().waitFor()
    await steps?.(visitor)
    assert.ok((await visitor.overflow()) <= 0, `${name} is wider than ${look.width}`)
    if (axe) assert.deepEqual(await visitor.violations(), [], `${name}, ${suffix}`)
    await visitor.photograph(`${name}-${suffix}`)
  }
  await visitor.page.getByRole("button", { name: "Log out" }).click()
  await visitor.page.getByRole("button", { name: "Log in" }).waitFor()
  if (axe) assert.deepEqual(await visitor.violations(), [], `login, ${suffix}`)
  await visitor.photograph(`login-${suffix}`)
  assert.deepEqual(visitor.wrongs, [])
  await visitor.close()
}

const looks: readonly Look[] = [
  { width: 360, scheme: "light" },
  { width: 1440, scheme: "dark" },
]
/** The other two; of a scheme at a width nothing new can be wrong but its size. */
const others: readonly Look[] = [
  { width: 360, scheme: "dark" },
  { width: 1440, scheme: "light" },
]

for (const look of looks)
  test(
    `with no mail yet every page says what to do, and is sound to axe-core: ${look.scheme}, ${look.width} pixels`,
    {
      skip,
    },
    () => walk(empty, look, true),
  )

async function fill(): Promise<void> {
  const envelope = { from: "g.russell@napier.ac.uk", to: ["me@grussell.org"] }
  const header = "From: Gordon Russell <g.russell@napier.ac.uk>\nTo: me@grussell.org\n"
  assert.match(
    await handIn(system, { ...envelope, text: `${header}Subject: Lunch on Friday\n\nhello\n` }),
    /^250/,
  )
  const away = { from: "me@grussell.org", to: ["friend@example.org", "foe@example.org"] }
  for (const subject of ["Are you there", "Minutes of the meeting", "=?utf-8?q?Gr=C3=BC=C3=9Fe?="])
    assert.match(
      await handIn(system, { ...away, text: `From: me@grussell.org\nSubject: ${subject}\n\nx\n` }),
      /^250/,
    )
  const spam = { from: "spammer@hello.com", to: ["me@grussell.org"], text: "Subject: Buy\n\nx\n" }
  assert.match(await handIn(system, spam), /^550/)
  assert.equal((await system.waypost("idle")).code, 0)
}

test("with mail in it every page is sound to axe-core and fits, in both schemes", { skip }, async () => {
  await fill()
  const states = await usual()
  for (const look of looks) await walk(states, look, true)
})

const photographed = process.env["CONSOLE_PICTURES"] !== undefined

test("every page fits in the other scheme at the other width, too", { skip }, async () => {
  const states = await usual()
  for (const look of others) await walk(photographed ? states : states.slice(0, 6), look, false)
})

/** Somebody who has only a keyboard. */
class Typist {
  readonly #page: Visitor["page"]

  constructor({ page }: Visitor) {
    this.#page = page
  }

  /** Presses Tab until what has the focus says this; it must be seen that it has it. */
  async tabTo(words: string): Promise<void> {
    for (let presses = 0; presses < 80; presses++) {
      await this.#page.keyboard.press("Tab")
      const { says, seen } = await this.#page.evaluate<{ says: string; seen: boolean }>(focused)
      if (says.startsWith(words)) return assert.ok(seen, `${words} has the focus, and nobody sees it`)
    }
    assert.fail(`Tab never comes to ${words}`)
  }

  press(key: string): Promise<void> {
    return this.#page.keyboard.press(key)
  }

  type(text: string): Promise<void> {
    return this.#page.keyboard.type(text)
  }
}

// In the page: the name of what has the focus, and whether a ring is drawn round it (or round the label that stands for it).
const focused = `(() => {
  const one = document.activeElement
  const label = one.getAttribute("aria-label") ?? one.closest("label")?.innerText ?? one.labels?.[0]?.innerText ?? one.innerText ?? ""
  const ringed = [one, one.nextElementSibling].some((each) => each !== null && getComputedStyle(each).outlineStyle !== "none" && getComputedStyle(each).outlineWidth !== "0px")
  return { says: label.trim(), seen: ringed }
})()`

test("the keyboard alone comes in, to every page, and through each thing that is done there", {
  skip,
}, async () => {
  assert.equal((await system.waypost("user", "admin", "me", "--no-code")).code, 0)
  const visitor = await Visitor.come(browser, (await Visitor.enter(browser, system)).origin)
  const { page } = visitor
  const typist = new Typist(visitor)
  await typist.tabTo("Name")
  await typist.type("me")
  await typist.tabTo("Password")
  await typist.type("secret of gor")
  await typist.press("Enter")
  await page.getByRole("heading", { level: 1, name: "Now" }).waitFor()
  await page.reload()
  await page.getByRole("heading", { level: 1, name: "Now" }).waitFor()
  await typist.tabTo("To the page")
  await typist.press("Enter")
  assert.equal(await page.evaluate("document.activeElement.tagName"), "MAIN")

  await page.reload()
  await typist.tabTo("Queue")
  await typist.press("Enter")
  await page.getByRole("heading", { level: 1, name: "Queue" }).waitFor()
  assert.equal(await page.evaluate("document.activeElement.tagName"), "MAIN")
  await page.locator(".queue > li").first().waitFor()
  await typist.tabTo("Choose 6")
  await typist.press("Space")
  await page.getByText("1 message chosen").waitFor()
  await page.locator("main").focus()
  await typist.tabTo("Hold …")
  await typist.press("Enter")
  await page.locator(".preview").waitFor()
  await typist.tabTo("Why they are held")
  await typist.type("by keyboard")
  await typist.tabTo("Hold 1 message")
  await typist.press("Enter")
  await page.getByText("1 message: are held").waitFor()

  await page.reload()
  await typist.tabTo("Explain")
  await typist.press("Enter")
  await page.getByRole("heading", { level: 1, name: "Explain" }).waitFor()
  await typist.tabTo("An address")
  await typist.press("ArrowRight")
  await typist.tabTo("To")
  await typist.type("me@grussell.org")
  await typist.tabTo("From")
  await typist.type("a@hello.com")
  await typist.tabTo("Client")
  await typist.type("192.0.2.7")
  await typist.press("Enter")
  await page.getByRole("region", { name: "Session" }).waitFor()

  await page.reload()
  await typist.tabTo("Configuration")
  await typist.press("Enter")
  await page.locator(".source").waitFor()
  await typist.tabTo("virtusertable")
  await typist.press("Enter")
  await typist.tabTo("Change …")
  await typist.press("Enter")
  await typist.tabTo("Text of the file")
  await typist.type("x@grussell.org jim\n")
  await typist.tabTo("What would change?")
  await typist.press("Enter")
  await page.getByRole("region", { name: "Diff" }).waitFor()

  await page.reload()
  await typist.tabTo("Messages")
  await typist.press("Enter")
  await typist.tabTo("Search by id")
  await typist.type("Lunch")
  await typist.press("Enter")
  await page.getByRole("link", { name: /Lunch/ }).waitFor()
  await typist.tabTo("delivered")
  await typist.press("Enter")
  await page.getByRole("region", { name: "Timeline" }).waitFor()
  await typist.tabTo("Examine")
  await typist.press("Enter")
  await page.getByRole("region", { name: "Verdict" }).waitFor()

  await page.reload()
  await typist.tabTo("Log out")
  await typist.press("Enter")
  await page.getByRole("button", { name: "Log in" }).waitFor()
  await visitor.close()
})
