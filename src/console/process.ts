// The console's process: without privilege, started by the supervisor after the mail system. It answers by the
// settings in force, and ends with the supervisor; door.ts listens.
import { hostname } from "node:os"
import { dirname, join } from "node:path"
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
import { clockIsKept } from "../host/posix.ts"
import { systemResolver } from "../host/resolver.ts"
import type { Health } from "./api.ts"
import { type App, type AppParts, type Lasting, makeApp } from "./app.ts"
import { type Ask, asking, first } from "./asking.ts"
import { Door, shownHost } from "./door.ts"
import { Doorkeeper } from "./doorkeeper.ts"
import { Events } from "./events.ts"
import { loadAt } from "./files.ts"
import { makeHealth } from "./health.ts"
import { NowPage } from "./now.ts"
import { type Pages, readPages } from "./static-pages.ts"

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
  #lasting: Lasting | undefined
  #app: App | undefined
  #door: Door | undefined

  /** Answers as this says from now on. Who is in stays in, and the door stays where it is unless it is to be elsewhere. */
  follow(configuration: ConsoleConfiguration): void {
    const { layout, link } = configuration
    this.#doorkeeper ??= this.#open(layout)
    if (link !== undefined) this.#doorkeeper.sessions.addLink(link)
    const wrong = whyNotThere(configuration, this.#doorkeeper)
    if (wrong !== undefined) {
      this.close()
      return say(wrong)
    }
    const parts = partsOf(configuration, this.#doorkeeper, this.#pages)
    this.#lasting ??= { now: new NowPage(parts), events: new Events(parts.ask) }
    this.#lasting.now.follow(parts)
    this.#app = makeApp(parts, this.#lasting)
    if (this.#door?.stays(configuration) === true) return
    this.#door?.close()
    this.#door = new Door(configuration, {
      answer: (request, bindings) => this.#answer(request, bindings),
      link: () => link ?? this.#doorkeeper?.sessions.newLink() ?? "",
      say,
    })
  }

  #answer(request: Request, bindings: object): Response | Promise<Response> {
    return this.#app?.fetch(request, bindings) ?? new Response(null, { status: 503 })
  }

  #open(layout: ConsoleConfiguration["layout"]): Doorkeeper {
    const doorkeeper = new Doorkeeper(layout, Date.now)
    const url = () => this.#door?.url ?? ""
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

  close(): void {
    this.#door?.close()
    this.#door = undefined
    this.#lasting?.now.close()
    this.#lasting = undefined
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

function partsOf(configuration: ConsoleConfiguration, doorkeeper: Doorkeeper, pages: Pages): AppParts {
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
  const known = {
    settings: () => loadAt(place).settings,
    state: layout.state,
    clock: Date.now,
    clockIsKept: keptClock,
    mail: () => mailAnswers(ask),
  }
  return {
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
    // Cookies know no ports: two systems of one machine have one each. Over TLS no other host of the domain can set it.
    cookie: `${tls === undefined ? "" : "__Host-"}waypost${port}`,
    health: dns.ok ? makeHealth({ ...known, dns: dns.value }) : async () => [unusableResolver(dns.error)],
    bug: (error) =>
      process.stderr.write(`console: ${error instanceof Error ? error.stack : String(error)}\n`),
  }
}

function unusableResolver(says: string): Health {
  return {
    name: "DNS",
    state: "bad",
    says,
    todo: "confDNS_RESOLVER is ADDR:PORT; without it /etc/resolv.conf says whom to ask",
  }
}

function keptClock(): boolean | undefined {
  try {
    return clockIsKept()
  } catch {
    return undefined // a machine without that call
  }
}

async function mailAnswers(ask: Ask): Promise<string | undefined> {
  try {
    await first(ask({ verb: "ready" }))
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
