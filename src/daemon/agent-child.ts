// The delivery agent's process as the supervisor sees it: started, started again when it ends, told what it may do.
import type { ChildProcess } from "node:child_process"
import type { ToAgent } from "../agent/main.ts"
import type { Settings } from "../config/settings.ts"
import { startProcess } from "./children.ts"
import type { Layout } from "./layout.ts"
import { permitsOf } from "./permits.ts"

export type AgentParts = {
  readonly entry: string
  readonly layout: Layout
  /** Who may ask it beside our own user; undefined without root, when there are no rights to lend. */
  readonly mailUser: { readonly name: string; readonly uid: number; readonly gid: number } | undefined
  readonly say: (line: string) => void
}

const restartAfter = { first: 100, longest: 5000 } // milliseconds
/** When it is told to stop the mail process has waited for it already, and is gone. */
const stopsWithin = 5000

/** Owns the process. */
export class AgentChild {
  readonly #parts: AgentParts
  #settings: Settings
  #child: ChildProcess | undefined
  #delay = restartAfter.first
  #stopping = false
  readonly #gone = Promise.withResolvers<void>()

  constructor(parts: AgentParts, settings: Settings) {
    this.#parts = parts
    this.#settings = settings
  }

  start(): void {
    if (this.#stopping) return
    const { entry, layout, mailUser } = this.#parts
    const allowed = String(mailUser?.uid ?? process.getuid?.() ?? -1)
    const began = performance.now()
    this.#child = startProcess(
      { role: "agent", entry, args: [layout.agent, allowed], user: undefined },
      (how) => this.#ended(how, performance.now() - began),
    )
    this.#sendPermits()
  }

  #ended(how: string, lived: number): void {
    this.#child = undefined
    if (this.#stopping) return this.#gone.resolve()
    this.#parts.say(`the delivery agent ended (${how}); starting it again`)
    if (lived > restartAfter.longest) this.#delay = restartAfter.first
    setTimeout(() => this.start(), this.#delay)
    this.#delay = Math.min(this.#delay * 2, restartAfter.longest)
  }

  /** New settings: it may do what they ask for. */
  follow(settings: Settings): void {
    this.#settings = settings
    this.#sendPermits()
  }

  /** What it may do as root. */
  #sendPermits(): void {
    const { layout, mailUser } = this.#parts
    if (mailUser === undefined || this.#child?.connected !== true) return
    this.#child.send({ permits: permitsOf(this.#settings, layout, mailUser) } satisfies ToAgent)
  }

  /** Resolves when it has ended. */
  stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (child === undefined) return Promise.resolve()
    child.kill("SIGTERM")
    setTimeout(() => child.kill("SIGKILL"), stopsWithin).unref()
    return this.#gone.promise
  }
}
