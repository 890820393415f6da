// Debian's chromium on a system's console: a person before the pages. What goes wrong in a page is collected, so that no test
// passes over it.
import assert from "node:assert/strict"
import { mkdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import { whereIs } from "./debian.ts"
import type { System } from "./system.ts"

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** How the window looks. */
export type Look = { readonly width?: number; readonly height?: number; readonly scheme?: "light" | "dark" }

type Violation = { readonly id: string; readonly nodes: readonly { readonly html: string }[] }

/** Starts the browser; the test that asks has skipped where there is none. */
export function startBrowser(): Promise<Browser> {
  const executablePath = whereIs("chromium")
  assert.ok(executablePath !== undefined)
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  })
}

/** Somebody who came by the one-time link, with one page. */
export class Visitor {
  readonly page: Page
  readonly origin: string
  /** Errors of scripts, refused by the policy or thrown, and words of the browser's own log. */
  readonly wrongs: string[] = []
  readonly #context: BrowserContext

  private constructor(context: BrowserContext, page: Page, origin: string) {
    this.#context = context
    this.page = page
    this.origin = origin
    page.on("pageerror", (error) => this.wrongs.push(String(error)))
    page.on("console", (line) => line.type() === "error" && this.wrongs.push(line.text()))
    page.on("dialog", (dialog) => void this.wrongs.push(dialog.message()))
  }

  /** Comes in by a fresh link. */
  static async enter(browser: Browser, system: System, look: Look = {}): Promise<Visitor> {
    const { code, stdout, stderr } = await system.waypost("console", "link")
    assert.equal(code, 0, stderr)
    return Visitor.come(browser, stdout.trim(), look)
  }

  /** Comes to an address as anybody could. */
  static async come(browser: Browser, address: string, look: Look = {}): Promise<Visitor> {
    const { width = 1280, height = 900, scheme = "light" } = look
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme })
    context.setDefaultTimeout(10_000)
    const page = await context.newPage()
    const visitor = new Visitor(context, page, new URL(address).origin)
    await page.goto(address)
    await page.getByRole("heading", { level: 1 }).waitFor()
    return visitor
  }

  /** Goes to a place by its address, as a link does. */
  async go(place: string): Promise<void> {
    await this.page.goto("about:blank") // so that nothing of the page before is taken for this one
    await this.page.goto(`${this.origin}/#/${place}`)
    await this.page.getByRole("heading", { level: 1 }).waitFor()
    await this.page.locator(".waiting").waitFor({ state: "detached" })
  }

  /** Turns to a place without loading the page anew, as a link within it does. */
  async turn(place: string): Promise<void> {
    await this.page.evaluate(`location.hash = ${JSON.stringify(`#/${place}`)}`)
  }

  /** What axe-core finds wrong with the page as it is now: the rule, and where. */
  async violations(): Promise<readonly string[]> {
    await this.page.evaluate(axeSource) // by the debugger: the page's policy takes no script from outside
    const found = await this.page.evaluate<readonly Violation[]>(
      "axe.run().then((found) => found.violations)",
    )
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`)
  }

  /** Pixels by which the page is wider than its window: none. */
  async overflow(): Promise<number> {
    const root = "document.documentElement"
    return this.page.evaluate<number>(`${root}.scrollWidth - ${root}.clientWidth`)
  }

  /** A picture for people, where CONSOLE_PICTURES names a folder. */
  async photograph(name: string): Promise<void> {
    const folder = process.env["CONSOLE_PICTURES"]
    if (folder === undefined) return
    mkdirSync(folder, { recursive: true })
    await this.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
  }

  close(): Promise<void> {
    return this.#context.close()
  }
}
