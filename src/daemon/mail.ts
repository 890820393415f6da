// The mail process: waits for its configuration and its listeners from the supervisor, opens the spool, and serves until it is
// told to stop. It has no privilege; what needs some is asked of the delivery agent.
import { Server, Socket } from "node:net"
import type { Settings } from "../config/settings.ts"
import type { TlsMaterial } from "../trust/tls-options.ts"
import { confineMail } from "./confine.ts"
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
  confineMail()
  const inbox = new Inbox()
  const configuration = await inbox.configuration
  const opened = await MailSystem.open(configuration, () => say({ kind: "reload" }))
  if (!opened.ok) {
    await said({ kind: "refused", why: opened.error })
    return 75
  }
  const system = opened.value
  const serve = ({ place, server }: Listener) => {
    system.serve(server, place)
    say({ kind: "listening", place })
  }
  for (const listener of await inbox.listeners) serve(listener)
  inbox.follow({
    listener: serve,
    client: (socket, place) => system.welcome(socket, place),
    close(places) {
      system.shut(places)
      say({ kind: "closed" })
    },
    reload: (settings, tls) => void system.reload(settings, tls),
  })
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

type Listener = { readonly place: string; readonly server: Server }

/** What follows the supervisor's word while the system runs. */
type Followers = {
  readonly listener: (listener: Listener) => void
  readonly client: (socket: Socket, place: string) => void
  readonly close: (places: readonly string[]) => void
  readonly reload: (settings: Settings, tls: TlsMaterial) => void
}

/** What the supervisor says, in the order in which it is needed. A supervisor that has died means: stop. */
class Inbox {
  readonly #configured = Promise.withResolvers<Configuration>()
  readonly #listening = Promise.withResolvers<readonly Listener[]>()
  readonly #stopped = Promise.withResolvers<void>()
  readonly #listeners: Listener[] = []
  #expected = Number.POSITIVE_INFINITY
  #followers: Followers | undefined

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

  follow(followers: Followers): void {
    this.#followers = followers
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
        if (this.#followers !== undefined) return this.#followers.listener({ ...message, server: handle })
        this.#listeners.push({ place: message.place, server: handle })
        break
      case "client":
        if (!(handle instanceof Socket)) return // it went away on the way
        adopt(handle)
        if (this.#followers === undefined) handle.destroy()
        else this.#followers.client(handle, message.place)
        return
      case "close":
        return this.#followers?.close(message.places)
      case "reload":
        return this.#followers?.reload(message.settings, message.tls)
      case "stop":
        this.#stopped.resolve()
        return
    }
    if (this.#listeners.length >= this.#expected) this.#listening.resolve(this.#listeners)
  }
}
