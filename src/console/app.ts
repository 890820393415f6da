// The console's HTTP face: which address is answered by what. Every answer passes the guard first; errors are JSON with a hint.
import { getConnInfo } from "@hono/node-server/conninfo"
import { type Context, Hono, type MiddlewareHandler } from "hono"
import { bodyLimit } from "hono/body-limit"
import { deleteCookie, getCookie, setCookie } from "hono/cookie"
import { streamSSE } from "hono/streaming"
import { version } from "../host/version.ts"
import type { Clock } from "../mail/world.ts"
import type { QueueFilter, QueueVerb } from "./api-queue.ts"
import type { ApiError, Health, Login, Session } from "./api.ts"
import { type Ask, first, Refused } from "./asking.ts"
import type { Doorkeeper } from "./doorkeeper.ts"
import type { Events } from "./events.ts"
import { explain } from "./explaining.ts"
import { configuration, type Place, writeFile } from "./files.ts"
import { forensics } from "./judging.ts"
import { knowsUs, knowsWho, safeHeaders, type Seen } from "./guard.ts"
import { Fields, idOf, numberIn } from "./input.ts"
import { findMessages, oneMessage } from "./messages.ts"
import type { NowPage } from "./now.ts"
import { openApi } from "./openapi.ts"
import { changeQueue, queuePage } from "./queue.ts"
import type { Opened, Person } from "./sessions.ts"
import type { Pages } from "./static-pages.ts"
import { tryChange, whyUnusable } from "./trying.ts"
import { timeoutOf, waitFor } from "./wait.ts"

export type AppParts = {
  readonly ask: Ask
  readonly clock: Clock
  readonly doorkeeper: Doorkeeper
  readonly pages: Pages
  readonly place: Place
  /** A folder where the mail process can read what is tried. */
  readonly aside: string
  /** This host's name. */
  readonly host: string
  /** Its names that mean something outside. */
  readonly ours: readonly string[]
  readonly hosts: ReadonlySet<string>
  readonly secure: boolean
  readonly cookie: string
  readonly health: () => Promise<readonly Health[]>
  readonly bug: (error: unknown) => void
}

/** What outlives new settings: the minutes of the last hour, and the pages that listen. */
export type Lasting = { readonly now: NowPage; readonly events: Events }

export type App = { readonly fetch: Hono<Seen>["fetch"] }

const verbs: readonly QueueVerb[] = ["hold", "release", "remove", "retry"]
/** Live pages at once. */
const mostPages = 50
const beatEvery = 20_000
const longestLogin = 16 << 10

/** Makes it. */
export function makeApp(parts: AppParts, { now, events }: Lasting): App {
  const app = new Hono<Seen>()
  app.use(async (context, next) => {
    await next()
    for (const [name, value] of Object.entries(safeHeaders(parts.secure))) context.header(name, value)
  })
  app.onError((error, context) => answerError(error, context, parts))
  app.use(knowsUs(parts))
  addOpenDoors(app, parts)
  app.use("/api/*", knowsWho(parts))
  app.use("/api/*", atMost(12 << 20))
  addReading(app, parts, now)
  addChanging(app, parts)
  addLive(app, events)
  app.all("/api/*", () => {
    throw new Refused(404, "there is no such address in this API", "GET /api/openapi.json lists them")
  })
  app.get("*", (context) => {
    const person = parts.doorkeeper.sessions.find(getCookie(context, parts.cookie) ?? "")
    return parts.pages.answer({
      path: context.req.path,
      packings: context.req.header("accept-encoding") ?? "",
      session: person === undefined ? undefined : sessionOf(person, parts),
    })
  })
  return { fetch: app.fetch }
}

/** Octets of a body that are read. */
function atMost(octets: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: octets,
    onError: () => {
      throw new Refused(413, "that is too large")
    },
  })
}

function answerError(error: Error, context: Context<Seen>, { secure, bug }: AppParts): Response {
  for (const [name, value] of Object.entries(safeHeaders(secure))) context.header(name, value)
  context.header("cache-control", "no-store")
  if (error instanceof Refused) {
    const { message, hint, status } = error
    return context.json(
      { error: message, ...(hint === undefined ? {} : { hint }) } satisfies ApiError,
      status,
    )
  }
  if (error instanceof SyntaxError) return context.json({ error: "that is no JSON" } satisfies ApiError, 400)
  bug(error)
  return context.json({ error: "this is a bug of the console; its log tells more" } satisfies ApiError, 500)
}

/** What is open without a session: whether it lives, how to come in. */
function addOpenDoors(app: Hono<Seen>, parts: AppParts): void {
  const { ask, doorkeeper, cookie, secure } = parts
  const enter = (context: Context<Seen>, opened: Opened) =>
    setCookie(context, cookie, opened.cookie, { httpOnly: true, sameSite: "Strict", secure, path: "/" })
  app.get("/healthz", (context) => context.text("ok\n"))
  app.get("/readyz", async (context) => {
    await first(ask({ verb: "ready" }))
    return context.text("ready\n")
  })
  app.get("/login/:secret", (context) => {
    if (context.req.method !== "GET") throw new Refused(400, "a link is opened by GET")
    const opened = doorkeeper.sessions.useLink(context.req.param("secret"))
    if (opened === undefined) return context.redirect("/login?stale", 303)
    enter(context, opened)
    context.header("cache-control", "no-store")
    return context.redirect("/", 303)
  })
  app.use("/api/login", atMost(longestLogin)) // anybody may send one
  app.post("/api/login", async (context) => {
    mustBeJson(context)
    const fields = new Fields(await context.req.json())
    const totp = fields.optional("totp")
    const login: Login = {
      name: fields.text("name"),
      password: fields.text("password"),
      ...(totp === undefined ? {} : { totp }),
    }
    const opened = await doorkeeper.login(login, addressOf(context))
    enter(context, opened)
    return context.json(sessionOf(opened.person, parts))
  })
}

function addressOf(context: Context): string {
  return getConnInfo(context).remote.address ?? "unknown"
}

/** No form of another site can send this type without asking first. */
function mustBeJson(context: Context): void {
  if (!/^application\/json\b/i.test(context.req.header("content-type") ?? ""))
    throw new Refused(400, "the body is JSON, and content-type says so")
}

function sessionOf({ user, csrf }: Person, { host }: AppParts): Session {
  return { user, csrf: csrf ?? "", version, host }
}

function addReading(app: Hono<Seen>, parts: AppParts, now: NowPage): void {
  const { ask, place, clock, doorkeeper } = parts
  app.use("/api/*", async (context, next) => {
    await next()
    context.header("cache-control", "no-store")
  })
  app.get("/api/session", (context) => context.json(sessionOf(context.get("person"), parts)))
  app.get("/api/now", async (context) => context.json(await now.page()))
  app.get("/api/messages", async (context) => {
    const { q = "", limit } = context.req.query()
    return context.json(await findMessages(ask, q, numberIn(limit, 50, 500)))
  })
  app.get("/api/messages/:id", async (context) =>
    context.json(await oneMessage(ask, idOf(context.req.param("id")))),
  )
  app.get("/api/queue", async (context) => {
    const { cursor, limit, ...given } = context.req.query()
    const filter = filterOf(new Fields(given))
    return context.json(await queuePage(ask, { ...filter, cursor, limit: numberIn(limit, 50, 500) }))
  })
  app.get("/api/config", (context) => context.json(configuration(place)))
  app.get("/api/wait", async (context) => {
    const { to, from, subject, timeout = "30s" } = context.req.query()
    const milliseconds = timeoutOf(timeout)
    if (milliseconds === undefined) throw new Refused(400, "timeout is a time of at most ten minutes", "30s")
    return context.json(
      await waitFor(ask, { to, from, subject, timeout: milliseconds }, clock, context.req.raw.signal),
    )
  })
  app.get("/api/tokens", (context) => context.json({ tokens: doorkeeper.tokens }))
  app.get("/api/openapi.json", (context) => context.json(openApi(version, parts.cookie)))
  app.get("/metrics", knowsWho(parts), async (context) => {
    const { text } = await first(ask({ verb: "metrics" }))
    return context.text(String(text), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" })
  })
}

function filterOf(fields: Fields): Omit<QueueFilter, "ids"> {
  const state = fields.optional("state")
  if (state !== undefined && state !== "any" && state !== "held" && state !== "waiting")
    throw new Refused(400, "state is any, held or waiting")
  const parts = {
    to: fields.optional("to"),
    from: fields.optional("from"),
    destination: fields.optional("destination"),
    reason: fields.optional("reason"),
    older: fields.optional("older"),
  }
  const given = Object.entries(parts).filter(([, value]) => value !== undefined && value !== "")
  return { ...Object.fromEntries(given), ...(state === undefined ? {} : { state }) }
}

function addChanging(app: Hono<Seen>, parts: AppParts): void {
  const { ask, place, doorkeeper, cookie } = parts
  const body = async (context: Context<Seen>): Promise<unknown> => {
    mustBeJson(context)
    return context.req.json()
  }
  app.post("/api/logout", (context) => {
    doorkeeper.sessions.close(getCookie(context, cookie) ?? "")
    deleteCookie(context, cookie, { path: "/" })
    return context.json({ ok: true })
  })
  for (const verb of verbs)
    app.post(`/api/queue/${verb}`, async (context) => {
      const fields = new Fields(await body(context))
      const ids = fields.texts("ids")
      const because = fields.optional("because")
      const asked = {
        ...filterOf(fields),
        ...(ids === undefined ? {} : { ids }),
        preview: fields.flag("preview"),
        all: fields.flag("all"),
        because: `${because ?? "by hand"} (${context.get("person").user}, console)`,
      }
      return context.json(await changeQueue(ask, verb, asked))
    })
  app.post("/api/explain", async (context) => context.json(await explain(ask, await body(context))))
  app.post("/api/forensics", async (context) =>
    context.json(await forensics(ask, await body(context), parts.ours)),
  )
  app.post("/api/config/try", async (context) => {
    const fields = new Fields(await body(context))
    const asked = {
      file: fields.text("file"),
      text: fields.text("text"),
      addresses: fields.texts("addresses") ?? [],
    }
    return context.json(await tryChange(ask, asked, place, parts.aside))
  })
  app.put("/api/config/file", async (context) => {
    const fields = new Fields(await body(context))
    if (!fields.flag("confirm")) throw new Refused(400, "nothing is written without confirm: true")
    const asked = { file: fields.text("file"), text: fields.text("text"), version: fields.text("version") }
    const wrong = whyUnusable(asked, place)
    if (wrong !== undefined)
      throw new Refused(422, wrong, "POST /api/config/try tells all that is wrong with it")
    const written = writeFile(place, { ...asked, confirm: true })
    await first(ask({ verb: "reload" }))
    return context.json({ ...written, reloaded: true })
  })
}

function addLive(app: Hono<Seen>, events: Events): void {
  app.get("/api/events", (context) => {
    if (events.size >= mostPages) throw new Refused(429, "too many live pages are open")
    context.header("x-accel-buffering", "no")
    return streamSSE(context, async (stream) => {
      const end = events.listen((event) => void stream.writeSSE({ data: JSON.stringify(event) }))
      stream.onAbort(end)
      try {
        while (!stream.aborted && !stream.closed) {
          await stream.writeSSE({ event: "beat", data: "" })
          await stream.sleep(beatEvery)
        }
      } finally {
        end()
      }
    })
  })
}
