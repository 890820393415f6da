// `waypost start`: reads the configuration, binds the listeners, starts the other processes and starts them again when
// they die, passes signals on. Decides nothing about mail.
import type { ChildProcess } from "node:child_process"
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { defaultSource } from "../config/default.ts"
import type { DaemonOptions, Settings } from "../config/settings.ts"
import { hostFacts } from "../host/facts.ts"
import { lockFile } from "../host/posix.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { readTlsMaterial } from "../trust/tls-material.ts"
import type { TlsMaterial } from "../trust/tls-options.ts"
import { dueReason, obtainCertificate } from "../trust/acme.ts"
import { acmeWish } from "./acme-wish.ts"
import { makeFirstCertificate } from "./first-certificate.ts"
import { AgentChild } from "./agent-child.ts"
import { Bound } from "./bound.ts"
import { startProcess } from "./children.ts"
import { ConsoleChild } from "./console-child.ts"
import { writeFirstFiles } from "./first-files.ts"
import { type Layout, layoutOf, makeLayout } from "./layout.ts"
import type { Configuration, FromMail, ToMail } from "./messages.ts"
import { type Place, type PlacesChange, placesChange, placesOf, printPlace } from "./places.ts"

export type StartOptions = {
  /** The script that `process mail` and `process agent` are arguments of. */
  readonly entry: string
  readonly state: string
  readonly resolver: string | undefined
  readonly logFormat: "sendmail" | "json"
  readonly queueInterval: number | undefined
  /** Reads the configuration anew: at start and at each reload. The error is what is wrong, ready to be printed. */
  readonly load: () => Result<Settings>
  /** The user that the mail process becomes when we are root. */
  readonly mailUser: { readonly name: string; readonly uid: number; readonly gid: number } | undefined
  /** The console's port in the place of confCONSOLE_PORT, or none of it. */
  readonly console: { readonly port: number | undefined } | "none"
  readonly onReady: (report: StartReport) => void
  readonly say: (line: string) => void
}

export type StartReport = {
  readonly listeners: readonly DaemonOptions[]
  readonly settings: Settings
  readonly layout: Layout
  /** Who the mail process runs as when we are root. */
  readonly mailUser: StartOptions["mailUser"]
  /** Lets its owner into the console, once. */
  readonly consoleLink?: string | undefined
}

/** Runs until a signal ends it. The exit code follows sysexits(3). */
export async function superviseStart(options: StartOptions): Promise<number> {
  const settings = options.load()
  if (!settings.ok) return refuse(options, settings.error, 78)
  const layout = layoutOf(options.state)
  const made = makeLayout(layout, options.mailUser)
  if (!made.ok) return refuse(options, made.error, 73)
  if (settings.value.source === defaultSource) writeFirstFiles(layout)
  const locked = lockState(layout)
  if (!locked.ok) return refuse(options, locked.error, 75)
  return new Supervisor(options, layout, settings.value).run()
}

function refuse(options: StartOptions, why: string, code: number): number {
  options.say(why)
  return code
}

/** Kept until the process ends: the kernel releases it, even at kill -9. */
function lockState(layout: Layout): Result<void> {
  mkdirSync(dirname(layout.lock), { recursive: true })
  const file = openSync(layout.lock, "a+", 0o644)
  if (!lockFile(file, "try")) {
    const pid = readFileSync(layout.lock, "utf8").trim()
    return fail(
      `another Waypost (pid ${pid}) is running on ${layout.state}; stop it first, or choose another --state DIR`,
    )
  }
  writeFileSync(layout.lock, `${process.pid}\n`)
  return ok(undefined)
}

const restartAfter = { first: 100, longest: 5000 } // milliseconds
const stopWithin = 30_000
const certificatesEvery = 60_000
const firstRenewal = 2000
const renewalsEvery = 12 * 3_600_000

class Supervisor {
  readonly #options: StartOptions
  readonly #layout: Layout
  #settings: Settings
  #tls: TlsMaterial
  #mail: ChildProcess | undefined
  readonly #agent: AgentChild
  readonly #console: ConsoleChild | undefined
  readonly #bound = new Bound()
  /** The mail process has said that it serves; before, a reload waits. */
  #ready = false
  #reloadWanted = false
  #reloading: Promise<void> = Promise.resolve()
  #closed: (() => void) | undefined
  #stopping = false
  #reported = false
  #delay = restartAfter.first
  #exitCode = 0
  readonly #ended = Promise.withResolvers<number>()

  constructor(options: StartOptions, layout: Layout, settings: Settings) {
    this.#options = options
    this.#layout = layout
    this.#settings = settings
    this.#tls = this.#readTls(settings)
    const { entry, mailUser, say } = options
    this.#agent = new AgentChild({ entry, layout, mailUser, say }, settings)
    this.#console = this.#makeConsole(settings)
  }

  #makeConsole(settings: Settings): ConsoleChild | undefined {
    const { entry, console, mailUser, resolver, say } = this.#options
    if (console === "none") return undefined
    const user = mailUser?.name
    const parts = { entry, layout: this.#layout, user, asRoot: mailUser !== undefined, resolver, say }
    return new ConsoleChild({ ...parts, port: console.port }, settings)
  }

  async run(): Promise<number> {
    // Ports first: a port that is taken must be said before anything is started.
    const bound = await this.#bound.bind(placesOf(this.#settings.daemons))
    if (!bound.ok) return refuse(this.#options, bound.error, 71)
    process.on("SIGTERM", () => this.#stop())
    process.on("SIGINT", () => this.#stop())
    process.on("SIGHUP", () => this.#reload())
    this.#startMail() // has more to do than the agent before it is ready
    this.#agent.start()
    setInterval(() => this.#lookAtCertificates(), certificatesEvery).unref()
    setTimeout(() => void this.#renewByAcme(), firstRenewal).unref()
    setInterval(() => void this.#renewByAcme(), renewalsEvery).unref()
    return this.#ended.promise
  }

  #startMail(): void {
    const { entry, mailUser } = this.#options
    const child = startProcess({ role: "mail", entry, args: [], user: mailUser?.name }, (how) => {
      void this.#mailEnded(how)
    })
    this.#mail = child
    if (child === undefined) return
    const configure: ToMail = {
      kind: "configure",
      configuration: this.#configuration(),
      listeners: this.#bound.waiting.length,
    }
    child.send(configure)
    this.#giveListeners()
    child.on("message", (message) => this.#heard(message as FromMail))
  }

  #giveListeners(): void {
    if (this.#mail?.connected !== true) return
    for (const [place, server] of this.#bound.waiting) {
      const listener: ToMail = { kind: "listener", place }
      this.#mail.send(listener, server)
    }
  }

  #configuration(): Configuration {
    const { resolver, logFormat, queueInterval, mailUser } = this.#options
    const { addresses } = hostFacts()
    const asRoot = mailUser !== undefined
    return {
      settings: this.#settings,
      layout: this.#layout,
      tls: this.#tls,
      resolver,
      logFormat,
      addresses,
      asRoot,
      queueInterval,
    }
  }

  #heard(message: FromMail): void {
    switch (message.kind) {
      case "listening":
        this.#handOver(message.place)
        return
      case "closed":
        this.#closed?.()
        return
      case "refused":
        this.#options.say(message.why)
        if (this.#reported) return // it has served before: whatever is wrong now (a full disk), it is tried again
        this.#exitCode = 75
        this.#stop()
        return
      case "reload":
        this.#reload()
        return
      case "ready":
        this.#delay = restartAfter.first
        this.#ready = true
        if (!this.#reported) this.#report()
        if (this.#reloadWanted) this.#reload()
    }
  }

  /** From now on only the mail process accepts; it gets those who came while it was starting, too. */
  #handOver(place: string): void {
    const client: ToMail = { kind: "client", place }
    for (const socket of this.#bound.served(place)) {
      if (socket.destroyed || this.#mail?.connected !== true) socket.destroy()
      else this.#mail.send(client, socket)
    }
  }

  #report(): void {
    this.#reported = true
    const { mailUser, onReady } = this.#options
    onReady({
      listeners: this.#settings.daemons,
      settings: this.#settings,
      layout: this.#layout,
      mailUser,
      consoleLink: this.#console?.link,
    })
    this.#console?.start() // mail first
  }

  async #mailEnded(how: string): Promise<void> {
    this.#mail = undefined
    this.#ready = false
    this.#closed?.()
    if (this.#stopping) return this.#finish()
    this.#options.say(`the mail process ended (${how}); starting it again`)
    await new Promise((resolve) => setTimeout(resolve, this.#delay))
    this.#delay = Math.min(this.#delay * 2, restartAfter.longest)
    await this.#reloading
    if (this.#stopping) return this.#finish()
    this.#bound.close()
    const bound = await this.#bound.bind(placesOf(this.#settings.daemons))
    if (bound.ok) return this.#startMail()
    this.#options.say(bound.error)
    await this.#mailEnded(how)
  }

  /** One after the other, and none before the mail process is there to hear of it. */
  #reload(): void {
    this.#reloadWanted = !this.#ready
    if (!this.#ready || this.#stopping) return
    this.#reloading = this.#reloading
      .then(() => this.#reloadNow())
      .catch((error: unknown) => this.#options.say(`reload failed: ${String(error)}`))
  }

  /** A wrong configuration, or one with a listener that cannot be had, is said and changes nothing. */
  async #reloadNow(): Promise<void> {
    const settings = this.#options.load()
    if (!settings.ok) {
      this.#options.say(`reload refused, the old configuration stays:\n${settings.error}`)
      return
    }
    const change = placesChange(this.#settings.daemons, settings.value.daemons)
    const opened = await this.#open(change)
    if (!opened.ok) {
      this.#options.say(`reload refused, the old configuration stays:\n${opened.error}`)
      return
    }
    this.#settings = settings.value
    this.#agent.follow(settings.value)
    this.#tls = this.#readTls(settings.value)
    this.#sendReload() // the mail process closes what is gone
    this.#console?.follow(settings.value)
    this.#giveListeners()
    this.#options.say(["reloaded", ...printChange(change)].join("; "))
  }

  /** Binds what is new. Where that fails, what had to be closed for it is opened again. */
  async #open({ added, inTheWay }: PlacesChange): Promise<Result<void>> {
    await this.#shut(inTheWay)
    const bound = await this.#bound.bind(added)
    if (bound.ok || inTheWay.length === 0) return bound
    const again = await this.#bound.bind(inTheWay)
    if (!again.ok) this.#options.say(again.error)
    this.#giveListeners()
    return bound
  }

  /** Resolves when the mail process has closed these, or is gone. */
  async #shut(places: readonly Place[]): Promise<void> {
    if (places.length === 0 || this.#mail?.connected !== true) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closed = resolve
    const close: ToMail = { kind: "close", places: places.map(({ place }) => place) }
    this.#mail.send(close)
    await promise
  }

  /** confACME_DIRECTORY: a certificate that is missing or near its end is replaced. */
  async #renewByAcme(): Promise<void> {
    const wish = acmeWish(this.#settings, this.#layout)
    if (!wish.ok) return this.#options.say(wish.error)
    if (wish.value === undefined) return
    const due = dueReason(wish.value, new Date())
    if (due === undefined) return
    this.#options.say(`ACME: a certificate is due, for ${due}`)
    const got = await obtainCertificate(wish.value)
    this.#options.say(
      got.ok ? got.value : `ACME: ${got.error}; the next try is in ${renewalsEvery / 3_600_000} hours`,
    )
    if (got.ok) this.#lookAtCertificates()
  }

  #sendReload(): void {
    const reload: ToMail = { kind: "reload", settings: this.#settings, tls: this.#tls }
    if (this.#mail?.connected === true) this.#mail.send(reload)
  }

  #readTls(settings: Settings): TlsMaterial {
    const made = makeFirstCertificate(settings, this.#layout)
    if (made !== undefined) this.#options.say(made)
    const tls = readTlsMaterial(settings, new Date())
    for (const issue of tls.issues) this.#options.say(issue)
    return tls
  }

  /** Whoever renews certificates need not tell us: their files are looked at. */
  #lookAtCertificates(): void {
    const tls = readTlsMaterial(this.#settings, new Date())
    if (tls.fingerprint === this.#tls.fingerprint) return
    for (const issue of tls.issues) this.#options.say(issue)
    this.#tls = tls
    this.#options.say("certificates have changed: new connections get the new ones")
    this.#sendReload()
  }

  #stop(): void {
    if (this.#stopping) return
    this.#stopping = true
    this.#console?.stop()
    const stop: ToMail = { kind: "stop" }
    if (this.#mail?.connected === true) this.#mail.send(stop)
    else if (this.#mail === undefined) this.#finish()
    setTimeout(() => this.#mail?.kill("SIGKILL"), stopWithin).unref()
  }

  #finish(): void {
    this.#bound.close() // a mail process that refused to start never took its listeners, and they would keep us here
    void this.#agent.stop().then(() => this.#ended.resolve(this.#exitCode))
  }
}

/** `now listening on 192.0.2.1:25`, `no longer on 0.0.0.0:25`. */
function printChange({ added, gone }: PlacesChange): string[] {
  const now = added.length === 0 ? [] : [`now listening on ${added.map(printPlace).join(", ")}`]
  return gone.length === 0 ? now : [...now, `no longer on ${gone.map(printPlace).join(", ")}`]
}
