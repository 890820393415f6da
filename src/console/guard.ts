// What every request passes before anything is answered: the name it asks for (a rebound DNS name is not ours), where it comes from,
// who sends it, and the headers that keep a page from becoming something else.
import type { MiddlewareHandler } from "hono"
import { getCookie } from "hono/cookie"
import { timingSafeEqual } from "node:crypto"
import { Refused } from "./asking.ts"
import type { Doorkeeper } from "./doorkeeper.ts"
import type { Person } from "./sessions.ts"

/** What a request carries from the guard to its answer. */
export type Seen = { readonly Variables: { person: Person; address: string } }

export type GuardParts = {
  readonly doorkeeper: Doorkeeper
  /** Names that Host: may have, without the port. */
  readonly hosts: ReadonlySet<string>
  readonly secure: boolean
  readonly cookie: string
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ")

/** Headers of every answer, errors too. */
export function safeHeaders(secure: boolean): Readonly<Record<string, string>> {
  return {
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    ...(secure ? { "strict-transport-security": "max-age=31536000" } : {}),
  }
}

/** Refuses names that are not ours, and requests that another site's page sends. */
export function knowsUs({ hosts, secure }: Pick<GuardParts, "hosts" | "secure">): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header("host") ?? ""
    if (!hosts.has(nameIn(host)))
      throw new Refused(403, "the console is not called by this name", "confCONSOLE_HOSTS adds names")
    const origin = context.req.header("origin")
    if (origin !== undefined && origin !== `${secure ? "https" : "http"}://${host}`)
      throw new Refused(403, "this request comes from another site")
    const site = context.req.header("sec-fetch-site")
    if (site === "cross-site" && context.req.path.startsWith("/api/"))
      throw new Refused(403, "this request comes from another site")
    await next()
  }
}

/** `localhost:8025`, `[::1]:8025`, `mail.grussell.org`: the name alone, in lower case. */
function nameIn(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, "")
}

/** Lets in whoever has a session or a token; what changes something wants the right, and of browsers the CSRF token. */
export function knowsWho({ doorkeeper, cookie }: GuardParts): MiddlewareHandler<Seen> {
  return async (context, next) => {
    const bearer = /^Bearer ([\w-]{16,100})$/.exec(context.req.header("authorization") ?? "")?.[1]
    const session = getCookie(context, cookie)
    const person =
      bearer !== undefined
        ? doorkeeper.token(bearer)
        : session === undefined
          ? undefined
          : doorkeeper.sessions.find(session)
    if (person === undefined)
      throw new Refused(401, "you are not logged in", "waypost console link prints a link that lets you in")
    if (context.req.method !== "GET" && context.req.method !== "HEAD")
      mayChange(person, context.req.header("x-csrf-token"), context.req.path)
    context.set("person", person)
    await next()
  }
}

/** Asking by POST changes nothing, so a token to read is enough for it. */
const asks = new Set(["/api/explain", "/api/forensics", "/api/config/try"])

function mayChange({ csrf, rights }: Person, given: string | undefined, path: string): void {
  if (csrf !== undefined && !isSame(csrf, given ?? ""))
    throw new Refused(403, "the CSRF token is missing or wrong", "reload the page")
  if (rights !== "write" && !asks.has(path))
    throw new Refused(
      403,
      "this token may only read",
      "waypost token new NAME --write makes one that may change",
    )
}

function isSame(wanted: string, given: string): boolean {
  const [a, b] = [Buffer.from(wanted), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
