// A browser's manners without a browser: requests to a system's console over real HTTP, with its cookie and its CSRF token.
import assert from "node:assert/strict"
import { request as plain } from "node:http"
import { request as secure } from "node:https"
import type { System } from "./system.ts"

export type Reply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly text: string
  readonly json: unknown
}

export type Sent = {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** Sends one request as it is; whoever shows a certificate is believed. */
export function send(url: string, method: string, { headers = {}, body }: Sent = {}): Promise<Reply> {
  const octets = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const asked = (url.startsWith("https:") ? secure : plain)(url, {
      method,
      ...(url.startsWith("https:") ? { rejectUnauthorized: false } : {}),
      headers: { ...(octets === undefined ? {} : { "content-type": "application/json" }), ...headers },
      agent: false,
    })
    asked.on("error", reject)
    asked.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece))
      response.on("end", () => {
        const json: unknown =
          text !== "" && /json/.test(response.headers["content-type"] ?? "") ? JSON.parse(text) : undefined
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json })
      })
    })
    asked.end(octets)
  })
}

export class ConsoleUser {
  readonly origin: string
  readonly cookie: string
  readonly csrf: string

  private constructor(origin: string, cookie: string, csrf: string) {
    this.origin = origin
    this.cookie = cookie
    this.csrf = csrf
  }

  /** Comes in by a fresh one-time link. */
  static async enter(system: System): Promise<ConsoleUser> {
    const { code, stdout, stderr } = await system.waypost("console", "link")
    assert.equal(code, 0, stderr)
    const link = new URL(stdout.trim())
    const entered = await send(link.href, "GET")
    assert.equal(entered.status, 303)
    return ConsoleUser.of(link.origin, entered)
  }

  /** Whom an answer has given a cookie. */
  static async of(origin: string, { headers }: Reply): Promise<ConsoleUser> {
    const [cookie = ""] = String(headers["set-cookie"]).split(";")
    const session = await send(`${origin}/api/session`, "GET", { headers: { cookie } })
    assert.equal(session.status, 200, session.text)
    return new ConsoleUser(origin, cookie, (session.json as { csrf: string }).csrf)
  }

  get(path: string): Promise<Reply> {
    return send(this.origin + path, "GET", { headers: { cookie: this.cookie } })
  }

  /** As a page sends it: with the token, from its own origin. */
  send(method: "POST" | "PUT", path: string, body: unknown): Promise<Reply> {
    const headers = { cookie: this.cookie, "x-csrf-token": this.csrf, origin: this.origin }
    return send(this.origin + path, method, { headers, body })
  }
}
