// The delivery agent as a process: the only part of the system that keeps root's rights, and so the smallest. It reads frames
// from one kind of client, writes mailboxes and starts programs as their users; it opens no database and parses no mail.
import { existsSync, unlinkSync } from "node:fs"
import type { Server } from "node:net"
import {
  checkPosix,
  closeInheritedOnExec,
  keepCapabilities,
  noNewPrivileges,
  setLimit,
} from "../host/posix.ts"
import { Durability } from "./durability.ts"
import { makeFindOwner } from "./identity.ts"
import { type Judge, makeJudge, type Permits, type Refusal } from "./permits.ts"
import { makeAgentServer } from "./server.ts"
import { makeVerbs } from "./verbs.ts"

export type AgentOptions = {
  /** Where to listen; or the descriptor of a socket that listens already. */
  readonly listen: { readonly path: string } | { readonly fd: number }
  /** Who may ask beside our own user. */
  readonly allowed: readonly number[]
  readonly log: (line: string) => void
  readonly lockWaitMilliseconds?: number
  /** What may be asked for, as it stands now; absent: whatever those who may ask wish. */
  readonly judge?: () => Judge
}

export type RunningAgent = {
  /** Stops taking requests; resolves when those in hand are answered. */
  stop(): Promise<void>
}

/** Starts serving; resolves when the socket accepts connections. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const { listen, allowed, log, lockWaitMilliseconds = 30_000, judge } = options
  const own = process.geteuid?.()
  closeInheritedOnExec()
  const durability = new Durability()
  const asRoot = own === 0
  const serve = makeVerbs({
    durable: durability.make,
    findOwner: makeFindOwner(asRoot, (identity) => noting(judge?.().identity(identity), log)),
    mayServe: (request) => noted(judge?.().request(request), log),
    lockWaitMilliseconds,
    asRoot,
  })
  const inHand = new Set<Promise<unknown>>()
  const server = makeAgentServer({
    serve: (request, body, gone) => {
      const reply = serve(request, body, gone)
      inHand.add(reply)
      void reply.finally(() => inHand.delete(reply))
      return reply
    },
    mayAsk: (uid) => uid === own || allowed.includes(uid),
    log,
  })
  await listening(server, listen)
  return {
    async stop() {
      server.close()
      while (inHand.size > 0) await Promise.allSettled(inHand)
      await durability.close()
    },
  }
}

/** A request that is refused is one that our mail process never makes: the log must say it. */
function noted(why: string | undefined, log: (line: string) => void): string | undefined {
  if (why !== undefined) log(`a request is refused: ${why}`)
  return why
}

async function noting(
  asked: Promise<Refusal | undefined> | undefined,
  log: (line: string) => void,
): Promise<Refusal | undefined> {
  const refusal = await asked
  if (refusal?.kind === "refused") noted(refusal.why, log)
  return refusal
}

// The directory around the socket is 0700, and each peer is asked for by the kernel's word; the socket itself may be open.
function listening(server: Server, listen: AgentOptions["listen"]): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    if ("path" in listen && existsSync(listen.path)) unlinkSync(listen.path) // an earlier agent's
    const mask = process.umask(0)
    server.listen(listen, () => {
      server.off("error", reject)
      resolve()
    })
    process.umask(mask)
  })
}

/** Gives up what an agent never needs: as root all capabilities but those for files and users, and core dumps of others' mail. */
export function confine(): void {
  process.umask(0o077)
  setLimit("core", 0)
  noNewPrivileges()
  if (process.geteuid?.() !== 0) return
  process.setgroups?.([])
  keepCapabilities([
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
  ])
}

/** `process agent SOCKET UID,UID…`: what the supervisor starts. Resolves with the exit code when it was told to stop. */
export async function runAgentProcess([path = "", uids = ""]: readonly string[]): Promise<number> {
  const usable = checkPosix()
  const allowed = uids.split(",").filter((uid) => uid !== "")
  if (!usable.ok) return refuse(usable.error)
  if (path === "" || !allowed.every((uid) => /^\d+$/.test(uid))) return refuse("usage: agent SOCKET UID,UID…")
  const permits = new PermitsInbox()
  confine()
  const common = { listen: { path }, allowed: allowed.map(Number), log: say }
  const judged = process.geteuid?.() === 0 ? { judge: await permits.judge() } : {}
  const agent = await startAgent({ ...common, ...judged })
  await toldToStop()
  await agent.stop()
  // Connections of clients are still open; nothing is in hand any more.
  setImmediate(() => process.exit(0))
  return 0
}

/** The permits that the supervisor sends: at the start, and at each reload. */
class PermitsInbox {
  readonly #first = Promise.withResolvers<void>()
  #judge: Judge | undefined

  constructor() {
    process.on("message", (message: ToAgent) => {
      this.#judge = makeJudge(message.permits)
      this.#first.resolve()
    })
  }

  /** Resolves when there are some; the function gives those of the moment. */
  async judge(): Promise<() => Judge> {
    await this.#first.promise
    return () => this.#judge ?? unreachable()
  }
}

function unreachable(): never {
  throw new Error("permits that have come cannot be gone")
}

/** What the supervisor says to the agent. */
export type ToAgent = { readonly permits: Permits }

function toldToStop(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  process.on("SIGTERM", () => resolve())
  process.on("disconnect", () => resolve()) // the supervisor is gone
  process.on("SIGINT", () => {}) // a terminal's Ctrl-C is for the supervisor
  process.on("SIGHUP", () => {})
  return promise
}

function refuse(why: string): number {
  say(why)
  return 78
}

function say(line: string): void {
  process.stderr.write(`waypost agent: ${line}\n`)
}
