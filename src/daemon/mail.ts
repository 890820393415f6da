// The mail process: waits for its configuration and its listeners from the supervisor, opens the spool, and serves until it is
// told to stop. It has no privilege; what needs some is asked of the delivery agent.
import { Server, Socket } from "node:net"
import type { Settings } from "../config/settings.ts"
import type { TlsMaterial } from "../trust/tls-options.ts"
import { adopt, hold } from "./listener.ts"
import { MailSystem } from "./mail-system.ts"
import type { Configuration, FromMail, ToMail } from "./messages.ts"

/** Runs as a child of the supervisor; resolves when it has stopped in order. */
export async function runMailProcess(): Promise<number> {
  try {
    return await untilStopped()
  } finally {
    if (process.connected) process.disconnect?.() // an open channel would keep the process alive
  }
}

async function untilStopped(): Promise<number> {
  const inbox = new Inbox()
  const configuration = await inbox.configuration
  const opened = await MailSystem.open(configuration, () => say({ kind: "reload" }))
  if (!opened.ok) {
    await said({ kind: "refused", why: opened.error })
    return 75
  }
  const system = opened.value
  for (const { daemon, server } of await inbox.listeners) {
    system.serve(server, daemon)
    say({ kind: "listening", daemon })
  }
  inbox.onClient((socket, daemon) => system.welcome(socket, daemon))
  inbox.onReload((settings, tls) => void system.reload(settings, tls))
  say({ kind: "ready" })
  await inbox.stop
  await system.stop()
  return 0
}

function say(message: FromMail): void {
  if (process.connected) process.send?.(message)
}

/** Resolves when the supervisor has it. */
function said(message: FromMail): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, {}, () => resolve())
    else resolve()
  })
}

/** What may come with a message. */
type Handle = Server | Socket | undefined

type Listener = { readonly daemon: number; readonly server: Server }

/** What the supervisor says, in the order in which it is needed. A supervisor that has died means: stop. */
class Inbox {
  readonly #configured = Promise.withResolvers<Configuration>()
  readonly #listening = Promise.withResolvers<readonly Listener[]>()
  readonly #stopped = Promise.withResolvers<void>()
  readonly #listeners: Listener[] = []
  #expected = Number.POSITIVE_INFINITY
  #reload: (settings: Settings, tls: TlsMaterial) => void = () => {}
  #client: (socket: Socket, daemon: number) => void = (socket) => socket.destroy()

  constructor() {
    process.on("message", (message, handle) => this.#hear(message as ToMail, handle as Handle))
    process.on("disconnect", () => this.#stopped.resolve())
    // The terminal's Ctrl-C reaches all processes of the group; only the supervisor acts on it.
    process.on("SIGINT", () => {})
    process.on("SIGTERM", () => this.#stopped.resolve())
    process.on("SIGHUP", () => {})
  }

  get configuration(): Promise<Configuration> {
    return this.#configured.promise
  }

  get listeners(): Promise<readonly Listener[]> {
    return this.#listening.promise
  }

  get stop(): Promise<void> {
    return this.#stopped.promise
  }

  onReload(reload: (settings: Settings, tls: TlsMaterial) => void): void {
    this.#reload = reload
  }

  onClient(client: (socket: Socket, daemon: number) => void): void {
    this.#client = client
  }

  #hear(message: ToMail, handle: Handle): void {
    switch (message.kind) {
      case "configure":
        this.#expected = message.listeners
        this.#configured.resolve(message.configuration)
        break
      case "listener":
        if (!(handle instanceof Server)) break
        hold(handle) // clients come in from this moment on
        this.#listeners.push({ daemon: message.daemon, server: handle })
        break
      case "client":
        if (!(handle instanceof Socket)) return // it went away on the way
        adopt(handle)
        this.#client(handle, message.daemon)
        return
      case "reload":
        this.#reload(message.settings, message.tls)
        return
      case "stop":
        this.#stopped.resolve()
        return
    }
    if (this.#listeners.length >= this.#expected) this.#listening.resolve(this.#listeners)
  }
}
