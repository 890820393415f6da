// `waypost start`: reads the configuration, binds the listeners, starts the other processes and starts them again when
// they die, passes signals on. Decides nothing about mail.
import type { ChildProcess } from "node:child_process"
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs"
import type { Server } from "node:net"
import { dirname } from "node:path"
import { defaultSource } from "../config/default.ts"
import type { DaemonOptions, Settings } from "../config/settings.ts"
import { hostFacts } from "../host/facts.ts"
import { lockFile } from "../host/posix.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import { readTlsMaterial } from "../trust/tls-material.ts"
import type { TlsMaterial } from "../trust/tls-options.ts"
import { makeFirstCertificate } from "./first-certificate.ts"
import type { ToAgent } from "../agent/main.ts"
import { startProcess } from "./children.ts"
import { writeFirstFiles } from "./first-files.ts"
import { type Layout, layoutOf, makeLayout } from "./layout.ts"
import { bind, handOver } from "./listener.ts"
import type { Configuration, FromMail, ToMail } from "./messages.ts"
import { permitsOf } from "./permits.ts"

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
  readonly onReady: (report: StartReport) => void
  readonly say: (line: string) => void
}

export type StartReport = {
  readonly listeners: readonly DaemonOptions[]
  readonly settings: Settings
  readonly layout: Layout
  /** Who the mail process runs as when we are root. */
  readonly mailUser: StartOptions["mailUser"]
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

class Supervisor {
  readonly #options: StartOptions
  readonly #layout: Layout
  #settings: Settings
  #tls: TlsMaterial
  #mail: ChildProcess | undefined
  #agent: ChildProcess | undefined
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
  }

  async run(): Promise<number> {
    // Ports first: a port that is taken must be said before anything is started.
    const servers = await this.#bindAll()
    if (!servers.ok) return refuse(this.#options, servers.error, 71)
    process.on("SIGTERM", () => this.#stop())
    process.on("SIGINT", () => this.#stop())
    process.on("SIGHUP", () => this.#reload())
    this.#startAgent()
    this.#startMail(servers.value)
    setInterval(() => this.#lookAtCertificates(), certificatesEvery).unref()
    return this.#ended.promise
  }

  async #bindAll(): Promise<Result<readonly Server[]>> {
    const servers: Server[] = []
    for (const daemon of this.#settings.daemons) {
      const server = await bind(daemon)
      if (!server.ok) {
        for (const bound of servers) bound.close()
        return fail(server.error)
      }
      servers.push(server.value)
    }
    return ok(servers)
  }

  #startAgent(): void {
    const { entry, mailUser } = this.#options
    const allowed = String(mailUser?.uid ?? process.getuid?.() ?? -1)
    const child = startProcess({ role: "agent", entry, args: [this.#layout.agent, allowed], user: undefined })
    this.#agent = child
    this.#sendPermits()
    child.on("exit", (code, signal) => {
      if (this.#stopping) return
      this.#options.say(`the delivery agent ended (${signal ?? `exit ${code}`}); starting it again`)
      setTimeout(() => this.#startAgent(), restartAfter.first)
    })
  }

  /** What the agent may do as root; without root it has no rights to lend. */
  #sendPermits(): void {
    const { mailUser } = this.#options
    if (mailUser === undefined || this.#agent?.connected !== true) return
    this.#agent.send({ permits: permitsOf(this.#settings, this.#layout, mailUser) } satisfies ToAgent)
  }

  #startMail(servers: readonly Server[]): void {
    const { entry, mailUser } = this.#options
    const child = startProcess({ role: "mail", entry, args: [], user: mailUser?.name })
    this.#mail = child
    const send = (message: ToMail, server?: Server) => child.send(message, server)
    send({ kind: "configure", configuration: this.#configuration(), listeners: servers.length })
    for (const [daemon, server] of servers.entries()) send({ kind: "listener", daemon }, server)
    child.on("message", (message) => this.#heard(message as FromMail, servers))
    child.on("exit", (code, signal) => void this.#mailEnded(code, signal))
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

  #heard(message: FromMail, servers: readonly Server[]): void {
    switch (message.kind) {
      case "listening":
        this.#handOver(message.daemon, servers[message.daemon])
        return
      case "refused":
        this.#exitCode = 75
        this.#options.say(message.why)
        this.#stop()
        return
      case "reload":
        this.#reload()
        return
      case "ready":
        this.#delay = restartAfter.first
        if (!this.#reported) this.#report()
    }
  }

  /** From now on only the mail process accepts; it gets those who came while it was starting, too. */
  #handOver(daemon: number, server: Server | undefined): void {
    const early = server === undefined ? [] : handOver(server)
    const client: ToMail = { kind: "client", daemon }
    for (const socket of early) {
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
    })
  }

  async #mailEnded(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    this.#mail = undefined
    if (this.#stopping) return this.#finish()
    this.#options.say(`the mail process ended (${signal ?? `exit ${code}`}); starting it again`)
    await new Promise((resolve) => setTimeout(resolve, this.#delay))
    this.#delay = Math.min(this.#delay * 2, restartAfter.longest)
    if (this.#stopping) return this.#finish()
    const servers = await this.#bindAll()
    if (servers.ok) return this.#startMail(servers.value)
    this.#options.say(servers.error)
    await this.#mailEnded(code, signal)
  }

  /** A wrong configuration is said and changes nothing. */
  #reload(): void {
    const settings = this.#options.load()
    if (!settings.ok) {
      this.#options.say(`reload refused, the old configuration stays:\n${settings.error}`)
      return
    }
    const moved =
      JSON.stringify(settings.value.daemons.map(place)) !== JSON.stringify(this.#settings.daemons.map(place))
    this.#settings = settings.value
    this.#sendPermits()
    this.#tls = this.#readTls(settings.value)
    this.#sendReload()
    this.#options.say(moved ? "reloaded; the listeners change at the next start" : "reloaded")
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
    const stop: ToMail = { kind: "stop" }
    if (this.#mail?.connected === true) this.#mail.send(stop)
    else if (this.#mail === undefined) this.#finish()
    setTimeout(() => this.#mail?.kill("SIGKILL"), stopWithin).unref()
  }

  #finish(): void {
    this.#agent?.removeAllListeners("exit")
    this.#agent?.once("exit", () => this.#ended.resolve(this.#exitCode))
    if (this.#agent === undefined || this.#agent.exitCode !== null) this.#ended.resolve(this.#exitCode)
    else this.#agent.kill("SIGTERM")
  }
}

function place(daemon: DaemonOptions): string {
  return `${daemon.family} ${daemon.address ?? "*"} ${daemon.port}`
}
