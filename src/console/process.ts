// The console's process: without privilege, started by the supervisor after the mail system. It listens where it is told, tries again
// when the port is taken, and ends with the supervisor.
import { createServer as createPlain, type Server } from "node:http"
import { createServer as createSecure } from "node:https"
import { isIP } from "node:net"
import { hostname } from "node:os"
import { dirname, join } from "node:path"
import { createAdaptorServer } from "@hono/node-server"
import { option } from "../config/options.ts"
import { classMembers, macro } from "../config/settings.ts"
import {
  type ConsoleConfiguration,
  type FromConsole,
  isLoopback,
  type ToConsole,
} from "../daemon/console-child.ts"
import { confineMail } from "../daemon/confine.ts"
import { serveControl } from "../daemon/control.ts"
import { isInnerName } from "../forensics/owners.ts"
import { systemResolver } from "../host/resolver.ts"
import { type App, makeApp } from "./app.ts"
import { type Ask, asking, first } from "./asking.ts"
import { Doorkeeper } from "./doorkeeper.ts"
import { loadAt } from "./files.ts"
import { makeHealth } from "./health.ts"
import { type Pages, readPages } from "./static-pages.ts"

const tryAgainAfter = 30_000

/** Runs as a child of the supervisor until it is told to stop, or the supervisor has gone. */
export async function runConsoleProcess(): Promise<number> {
  confineMail()
  const ended = Promise.withResolvers<number>()
  const host = new ConsoleHost()
  process.on("message", (message) => {
    const { kind, configuration } = message as ToConsole
    if (kind === "configure") host.follow(configuration)
  })
  process.on("SIGTERM", () => ended.resolve(0))
  process.on("disconnect", () => ended.resolve(0))
  process.on("SIGINT", () => {}) // of the whole terminal; the supervisor says when
  process.on("SIGHUP", () => {})
  const code = await ended.promise
  host.close()
  return code
}

function say(line: string): void {
  if (process.connected) process.send?.({ kind: "say", line: `console: ${line}` } satisfies FromConsole)
}

/** What listens now. */
class ConsoleHost {
  readonly #pages: Pages = readPages(join(dirname(process.argv[1] ?? ""), "console"))
  #doorkeeper: Doorkeeper | undefined
  #server: Server | undefined
  #app: App | undefined
  #again: NodeJS.Timeout | undefined
  #url = ""

  /** Listens as this says from now on; those who are in stay in. */
  follow(configuration: ConsoleConfiguration): void {
    const { layout, link } = configuration
    this.#doorkeeper ??= this.#open(layout)
    if (link !== undefined) this.#doorkeeper.sessions.addLink(link)
    this.#shut()
    const wrong = whyNotThere(configuration, this.#doorkeeper)
    if (wrong !== undefined) return say(wrong)
    this.#listen(configuration, this.#doorkeeper)
  }

  #open(layout: ConsoleConfiguration["layout"]): Doorkeeper {
    const doorkeeper = new Doorkeeper(layout, Date.now)
    const url = () => this.#url
    void serveControl(
      layout.console,
      new Map([
        [
          "link",
          async function* (_request, { trusted }) {
            if (!trusted)
              yield { error: "link: only root and the owner of this mail system may have one", code: 77 }
            else if (url() === "")
              yield { error: "the console does not listen now; the log tells why", code: 75 }
            else yield { link: `${url()}/login/${doorkeeper.sessions.newLink()}` }
          },
        ],
      ]),
      (error) => say(String(error)),
    )
    return doorkeeper
  }

  #listen(configuration: ConsoleConfiguration, doorkeeper: Doorkeeper): void {
    const { address, port, tls, link } = configuration
    const app = appOf(configuration, doorkeeper, this.#pages)
    const made = createAdaptorServer({
      fetch: app.fetch,
      ...(tls === undefined
        ? { createServer: createPlain }
        : { createServer: createSecure, serverOptions: tls }),
    })
    const server = made as Server // http and https: the one that was asked for
    this.#app = app
    this.#server = server
    server.on("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "is taken" : `cannot be had (${error.code ?? error.message})`
      say(
        `port ${port} of ${address} ${why}; tried again every ${tryAgainAfter / 1000} seconds, mail goes on`,
      )
      this.#shut()
      this.#again = setTimeout(() => this.#retry(configuration, doorkeeper), tryAgainAfter)
    })
    server.listen(port, address, () => {
      const bound = server.address()
      const there = typeof bound === "object" && bound !== null ? bound.port : port
      this.#url = `${tls === undefined ? "http" : "https"}://${shownHost(address)}:${there}`
      if (port === 0) say(`${this.#url}/login/${link ?? doorkeeper.sessions.newLink()}`)
    })
  }

  /** Says nothing again while nothing changes. */
  #retry(configuration: ConsoleConfiguration, doorkeeper: Doorkeeper): void {
    this.#listen(configuration, doorkeeper)
    this.#server?.once("listening", () => say(`listens on ${this.#url} now`))
  }

  #shut(): void {
    clearTimeout(this.#again)
    this.#app?.close()
    this.#server?.close()
    this.#server?.closeAllConnections()
    this.#server = undefined
    this.#url = ""
  }

  close(): void {
    this.#shut()
  }
}

/** Others reach it only with TLS and a password set. */
function whyNotThere({ address, tls }: ConsoleConfiguration, doorkeeper: Doorkeeper): string | undefined {
  if (isLoopback(address)) return undefined
  if (tls === undefined)
    return `${address} is reached by others, which wants TLS: confCONSOLE_CERT and confCONSOLE_KEY; it is not started`
  if (!doorkeeper.hasAdministrator)
    return `${address} is reached by others, which wants an administrator with a password: waypost user add NAME, waypost user admin NAME; it is not started`
  return undefined
}

function shownHost(address: string): string {
  if (isLoopback(address)) return "localhost"
  return isIP(address) === 6 ? `[${address}]` : address
}

function appOf(configuration: ConsoleConfiguration, doorkeeper: Doorkeeper, pages: Pages): App {
  const { layout, source, asRoot, address, hosts, tls, resolver, port } = configuration
  const place = { source, asRoot, state: layout.state }
  const { settings } = loadAt(place)
  const ask = asking(layout.state)
  const host = (settings === undefined ? undefined : macro(settings, "j")) ?? hostname()
  const names = settings === undefined ? [] : [...classMembers(settings, "w").keys()]
  const dns = systemResolver(
    resolver ?? (settings === undefined ? undefined : option(settings, "DnsResolver")),
  )
  if (!dns.ok) say(dns.error)
  const known = { settings: () => loadAt(place).settings, state: layout.state, clock: Date.now }
  return makeApp({
    ask,
    doorkeeper,
    pages,
    place,
    clock: Date.now,
    aside: layout.run,
    host,
    ours: names.filter((name) => !name.startsWith("[") && !isInnerName(name)),
    hosts: new Set(
      ["localhost", "127.0.0.1", "[::1]", shownHost(address), ...hosts].map((name) => name.toLowerCase()),
    ),
    secure: tls !== undefined,
    // Cookies know no ports: two systems of one machine have one each.
    cookie: `waypost${port}`,
    health: dns.ok ? makeHealth({ ...known, dns: dns.value, mail: () => mailAnswers(ask) }) : async () => [],
    bug: (error) =>
      process.stderr.write(`console: ${error instanceof Error ? error.stack : String(error)}\n`),
  })
}

async function mailAnswers(ask: Ask): Promise<string | undefined> {
  try {
    await first(ask({ verb: "ready" }))
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
