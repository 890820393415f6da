// The console's process as the supervisor sees it: started after the mail system is ready, started again when it ends, told of new
// settings. Mail never waits for it.
import type { ChildProcess } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { isIP } from "node:net"
import { option } from "../config/options.ts"
import type { Settings } from "../config/settings.ts"
import { reasonOf } from "../host/replace.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { startProcess } from "./children.ts"
import type { Layout } from "./layout.ts"

/** What the console's process is told. */
export type ConsoleConfiguration = {
  readonly layout: Layout
  /** Where it listens; port 0: any that is free. */
  readonly address: string
  readonly port: number
  /** Other names that it may be called by (Host:). */
  readonly hosts: readonly string[]
  /** The sendmail.mc that the system runs on, or `built-in default`. */
  readonly source: string
  readonly asRoot: boolean
  readonly resolver: string | undefined
  /** Certificate and key as PEM; only the supervisor may read them. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** The one-time link's secret; only at the first start. */
  readonly link: string | undefined
}

export type ToConsole = { readonly kind: "configure"; readonly configuration: ConsoleConfiguration }

export type FromConsole = { readonly kind: "say"; readonly line: string }

export type ConsoleParts = {
  readonly entry: string
  readonly layout: Layout
  readonly user: string | undefined
  readonly asRoot: boolean
  readonly resolver: string | undefined
  /** In the place of confCONSOLE_PORT. */
  readonly port: number | undefined
  readonly say: (line: string) => void
}

const restartAfter = { first: 500, longest: 30_000 } // milliseconds

/** Owns the process. */
export class ConsoleChild {
  readonly #parts: ConsoleParts
  readonly #link = randomBytes(24).toString("base64url")
  #settings: Settings
  #child: ChildProcess | undefined
  #delay = restartAfter.first
  #started = false
  #stopping = false

  constructor(parts: ConsoleParts, settings: Settings) {
    this.#parts = parts
    this.#settings = settings
  }

  /** The link that lets its owner in, once; undefined: there is no console, or its port is not known yet. */
  get link(): string | undefined {
    const port = this.#port()
    if (port === undefined || port === 0) return undefined
    const secure = option(this.#settings, "ConsoleCertFile") !== undefined
    const address = option(this.#settings, "ConsoleAddress")
    const host = isLoopback(address) ? "localhost" : address
    return `${secure ? "https" : "http"}://${isIP(host) === 6 ? `[${host}]` : host}:${port}/login/${this.#link}`
  }

  start(): void {
    if (this.#stopping || this.#port() === undefined) return
    const configuration = this.#configuration()
    if (!configuration.ok) return this.#parts.say(`console: ${configuration.error}`)
    const { entry, user, say } = this.#parts
    const child = startProcess({ role: "console", entry, args: [], user }, (how) => this.#ended(how))
    this.#child = child
    if (child === undefined) return
    child.send({ kind: "configure", configuration: configuration.value } satisfies ToConsole)
    this.#started = true
    child.on("message", (message) => {
      this.#delay = restartAfter.first
      say((message as FromConsole).line)
    })
  }

  #ended(how: string): void {
    this.#child = undefined
    if (this.#stopping) return
    if (this.#port() === undefined) return // a reload has turned it off
    this.#parts.say(`the console ended (${how}); starting it again`)
    setTimeout(() => this.start(), this.#delay).unref()
    this.#delay = Math.min(this.#delay * 2, restartAfter.longest)
  }

  /** New settings: it listens where they say from now on. */
  follow(settings: Settings): void {
    this.#settings = settings
    const child = this.#child
    if (child === undefined) return this.start()
    if (this.#port() === undefined) return void child.kill("SIGTERM")
    const configuration = this.#configuration()
    if (!configuration.ok) return this.#parts.say(`console: ${configuration.error}`)
    if (child.connected)
      child.send({ kind: "configure", configuration: configuration.value } satisfies ToConsole)
  }

  stop(): void {
    this.#stopping = true
    this.#child?.kill("SIGTERM")
  }

  #port(): number | undefined {
    if (this.#parts.port !== undefined) return this.#parts.port
    const port = option(this.#settings, "ConsolePort")
    return port === 0 ? undefined : port
  }

  #configuration(): Result<ConsoleConfiguration> {
    const { layout, asRoot, resolver } = this.#parts
    const tls = readTls(this.#settings)
    if (!tls.ok) return tls
    return ok({
      layout,
      address: option(this.#settings, "ConsoleAddress"),
      port: this.#port() ?? 0,
      hosts: option(this.#settings, "ConsoleHosts"),
      source: this.#settings.source,
      asRoot,
      resolver,
      tls: tls.value,
      link: this.#started ? undefined : this.#link,
    })
  }
}

function readTls(settings: Settings): Result<ConsoleConfiguration["tls"]> {
  const cert = option(settings, "ConsoleCertFile")
  const key = option(settings, "ConsoleKeyFile")
  if (cert === undefined && key === undefined) return ok(undefined)
  if (cert === undefined || key === undefined)
    return fail("confCONSOLE_CERT and confCONSOLE_KEY go together; it is not started")
  try {
    return ok({ cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") })
  } catch (error) {
    return fail(`${cert}, ${key}: ${reasonOf(error)}; it is not started`)
  }
}

/** Whether nobody but this machine reaches this address. */
export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || (isIP(address) === 4 && address.startsWith("127."))
}
