// The console over a long queue: `node bench/console.ts [MESSAGES]`. Prints how soon its API answers with so many waiting, how soon its
// pages are seen in a browser, and what the idle system with its console holds in memory.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startBrowser, Visitor } from "../test/kit/browser.ts"
import { ConsoleUser } from "../test/kit/console.ts"
import { without } from "../test/kit/debian.ts"
import { fillQueue } from "../test/kit/long-queue.ts"
import { System } from "../test/kit/system.ts"

const count = Number(process.argv[2] ?? 100_000)
/** A page is looked at so often; the middle one counts. */
const rounds = 7

const mc = `OSTYPE(\`linux')dnl
define(\`confDOMAIN_NAME', \`grussell.org')dnl
FEATURE(\`no_default_msa')dnl
DAEMON_OPTIONS(\`Name=MTA, Addr=127.0.0.1, Port=@PORT@')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function parentOf(pid: string): string | undefined {
  try {
    return /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
  } catch {
    return undefined // it ended meanwhile
  }
}

/** MiB of the system's processes, what they share counted once (PSS). */
function memoryOf(pid: number): string {
  const family = readdirSync("/proc").filter((one) => one === String(pid) || parentOf(one) === String(pid))
  const kib = family.map((one) =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, "utf8"))?.[1]),
  )
  return `${(kib.reduce((sum, one) => sum + one, 0) / 1024).toFixed(0)} MiB in ${family.length} processes`
}

async function timed(what: string, ask: () => Promise<{ readonly status: number }>): Promise<void> {
  const began = performance.now()
  const { status } = await ask()
  say(`${milliseconds(performance.now() - began)}  ${status} ${what}`)
}

function milliseconds(time: number): string {
  return `${time.toFixed(0).padStart(7)} ms`
}

async function benchApi(user: ConsoleUser): Promise<void> {
  for (const path of [
    "/api/queue",
    "/api/queue",
    "/api/queue?limit=500",
    "/api/queue?to=host777.example.org",
    "/api/queue?reason=never",
    "/api/queue?state=held",
    "/api/now",
    "/api/now",
    "/api/messages",
    "/api/messages?q=nothing",
  ])
    await timed(`GET ${path}`, () => user.get(path))
  await timed("POST /api/queue/hold of everything, preview", () =>
    user.send("POST", "/api/queue/hold", { all: true, preview: true }),
  )
  await timed("POST /api/queue/hold of one destination, preview", () =>
    user.send("POST", "/api/queue/hold", { to: "host3.example.org", preview: true }),
  )
  await timed("POST /api/queue/hold of one destination", () =>
    user.send("POST", "/api/queue/hold", { to: "host3.example.org" }),
  )
}

const places = [
  ["now", ".heat tbody tr"],
  ["messages", "h1"],
  ["queue", ".queue > li"],
  ["queue?to=host777.example.org", ".queue > li"],
  ["queue?reason=never", ".empty"],
  ["explain", "form"],
  ["configuration", ".source tr"],
  ["forensics", "form"],
] as const

type Seen = { readonly paint: number; readonly whole: number }

/** From the request for the page to the first paint, and to the content that `selector` names. */
async function seen({ page, origin }: Visitor, place: string, selector: string): Promise<Seen> {
  await page.goto("about:blank")
  await page.goto(`${origin}/#/${place}`, { waitUntil: "commit" })
  await page.locator(selector).first().waitFor({ timeout: 60_000 })
  const whole = await page.evaluate<number>("performance.now()")
  return { paint: await paintOf(page), whole }
}

/** What this machine takes now for a page that has nothing but words: all else is ours. */
async function bare({ page, origin }: Visitor): Promise<number> {
  await page.goto("about:blank")
  await page.goto(`${origin}/healthz`)
  return paintOf(page)
}

/** Milliseconds from the request to the first paint with something in it; the browser tells some time after. */
function paintOf(page: Visitor["page"]): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve) => {
    new PerformanceObserver((list) => {
      const [painted] = list.getEntriesByName("first-contentful-paint")
      if (painted !== undefined) resolve(painted.startTime)
    }).observe({ type: "paint", buffered: true })
  })`)
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function benchPages(system: System): Promise<void> {
  const missing = without("chromium")
  if (missing !== false) return say(`pages: ${missing}`)
  const browser = await startBrowser()
  const visitor = await Visitor.enter(browser, system)
  const words = await repeated(() => bare(visitor))
  say(`${milliseconds(middle(words))}  first paint of a line of text, which nobody can beat here now`)
  for (const [place, selector] of places) {
    const looks = await repeated(() => seen(visitor, place, selector))
    const paint = middle(looks.map((one) => one.paint))
    const whole = middle(looks.map((one) => one.whole))
    say(`${milliseconds(whole)}  page ${place} (first paint ${paint.toFixed(0)} ms)`)
  }
  await photographs(visitor)
  await browser.close()
}

async function repeated<T>(look: () => Promise<T>): Promise<readonly T[]> {
  const looks: T[] = []
  for (let n = 0; n < rounds; n++) looks.push(await look())
  return looks
}

/** Pictures for people, where CONSOLE_PICTURES names a folder. */
async function photographs(visitor: Visitor): Promise<void> {
  const folder = process.env["CONSOLE_PICTURES"]
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  for (const width of [360, 1440])
    for (const scheme of ["light", "dark"] as const)
      for (const place of ["now", "queue"]) {
        await visitor.page.setViewportSize({ width, height: 900 })
        await visitor.page.emulateMedia({ colorScheme: scheme })
        await visitor.go(place)
        await visitor.page.screenshot({ path: join(folder, `long-${place}-${scheme}-${width}.png`) })
      }
}

const directory = mkdtempSync(join(tmpdir(), "waypost-console-"))
await fillQueue(join(directory, "state", "queue"), count)
const system = await System.start({ mc, console: true, directory })
try {
  await system.said(/console: http/)
  const user = await ConsoleUser.enter(system)
  say(`${count} messages wait; the system holds ${memoryOf(system.pid)}`)
  await benchApi(user)
  await benchPages(system)
  say(`after that it holds ${memoryOf(system.pid)}`)
} finally {
  await system.stop()
  rmSync(directory, { recursive: true, force: true })
}
