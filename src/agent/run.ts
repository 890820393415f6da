// Starting a user's program with a message on its standard input: as the user and nothing more, in a process group of its own,
// with a clean environment, no descriptor but its three, and an end.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { once } from "node:events"
import { statSync } from "node:fs"
import type { Body } from "../mailbox/body.ts"
import { directoryRights, type Owner } from "../mailbox/owner.ts"
import { drained } from "./drained.ts"
import { answerFor, type EndedBy } from "./exit-codes.ts"
import type { AgentAnswer, RunRequest } from "./protocol.ts"

export type Running = {
  readonly body: Body
  /** Nobody hears how it ends any more, so its message is delivered once more: it is ended, not run twice. */
  readonly gone: AbortSignal
  readonly asRoot: boolean
}

/** Runs it and waits for its end. As root it becomes the user through setpriv(1); root itself is never given to a program. */
export async function runProgram(
  request: RunRequest,
  owner: Owner,
  { body, gone, asRoot }: Running,
): Promise<AgentAnswer> {
  if (asRoot && owner.rights === undefined) {
    const text = `programs are not run as ${request.owner.name}: that is root`
    return { outcome: "failed", status: "5.7.0", text }
  }
  try {
    return await follow(becomeAndStart(request, owner), request, { body, gone })
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    return { outcome: "later", status: "4.3.0", text: `the program could not be started: ${words}` }
  }
}

const standardShell = "/bin/sh"
const standardPath = "/usr/bin:/bin"

/** Starts the command as its owner, with a clean environment and three descriptors. */
export function becomeAndStart(request: RunRequest, owner: Owner): ChildProcessWithoutNullStreams {
  const { name, home } = request.owner
  const { shell = standardShell } = request
  const names = name.includes(" ") ? {} : { USER: name, LOGNAME: name } // numbers without an account have none
  const env = { SHELL: shell, ...names, HOME: home, ...request.environment }
  const [program = shell, ...args] = [
    ...become(owner, request.mailboxes),
    // What the program finds in its environment must not be there while we are still root: LD_PRELOAD would be root's.
    "env",
    "-i",
    ...Object.entries({ PATH: standardPath, ...env }).map(([key, value]) => `${key}=${value}`),
    shell,
    "-c",
    request.command,
  ]
  // `detached`: a session and process group of its own, so that what it started ends with it. Node opens every descriptor of
  // its own close-on-exec, so the program has these three and no other.
  return spawn(program, args, {
    cwd: directoryFor(request.directory),
    env: { PATH: standardPath },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  })
}

function become(owner: Owner, mailboxes: string | undefined): string[] {
  const { rights } = owner
  if (rights === undefined) return []
  const { uid, gid } = rights
  const groups = mailboxes === undefined ? rights.groups : withMailGroup(owner, rights.groups, mailboxes)
  const others = groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, others, "--no-new-privs", "--inh-caps=-all", "--"]
}

/** The group that may write the directory of mailboxes, where root made it so (Debian: root:mail 2775). */
function withMailGroup(owner: Owner, groups: readonly number[], mailboxes: string): readonly number[] {
  if (statSync(mailboxes, { throwIfNoEntry: false }) === undefined) return groups
  const gid = directoryRights(mailboxes, owner).rights?.gid
  return gid === undefined || gid === owner.gid || groups.includes(gid) ? groups : [...groups, gid]
}

/** sendmail's D=$z:/ : the home, or the root where there is no home. */
function directoryFor(wanted: string): string {
  const there = wanted === "" ? undefined : statSync(wanted, { throwIfNoEntry: false })
  return there?.isDirectory() === true ? wanted : "/"
}

async function follow(
  child: ChildProcessWithoutNullStreams,
  { timeoutSeconds, outputLimit }: RunRequest,
  { body, gone }: Omit<Running, "asRoot">,
): Promise<AgentAnswer> {
  const output = new Output(outputLimit)
  child.stdout.on("data", output.take)
  child.stderr.on("data", output.take)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    killGroup(child)
  }, timeoutSeconds * 1000)
  const end = () => killGroup(child)
  gone.addEventListener("abort", end)
  if (gone.aborted) end()
  try {
    const [ended] = await Promise.all([endOf(child), feed(child, body)])
    if (isLate)
      return { outcome: "later", status: "4.3.0", text: `the program was stopped after ${timeoutSeconds} s` }
    return answerFor(ended, output.words())
  } finally {
    clearTimeout(timer)
    gone.removeEventListener("abort", end)
  }
}

const lastWordsMilliseconds = 200

/** Resolves when the program has ended. What it left running in the background may hold our pipes for long: not waited for. */
async function endOf(child: ChildProcessWithoutNullStreams): Promise<EndedBy> {
  const closed = once(child, "close").catch(() => {}) // a failing start rejects below
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null]
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, lastWordsMilliseconds)
  await Promise.race([closed, late])
  clearTimeout(timer)
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
  return { code: code ?? 0, signal: signal ?? undefined }
}

/** The program and all that it started. */
export function killGroup({ pid }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // the group is empty
  }
}

/** Writes the message. A program that has read enough and goes is no error: its exit code says what it thinks. */
async function feed({ stdin }: ChildProcessWithoutNullStreams, body: Body): Promise<void> {
  stdin.on("error", () => {}) // EPIPE
  for await (const piece of body) {
    if (stdin.destroyed) return
    if (!stdin.write(piece)) await drained(stdin)
  }
  stdin.end()
}

/** In one line. */
export function wordsOf(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim()
}

/** The beginning of what a program says, up to a limit; the rest is read and thrown away. */
class Output {
  readonly #limit: number
  readonly #pieces: Buffer[] = []
  #have = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  readonly take = (piece: Buffer): void => {
    const part = piece.subarray(0, Math.max(0, this.#limit - this.#have))
    this.#have += part.length
    if (part.length > 0) this.#pieces.push(part)
  }

  /** In one line, for logs and reports. */
  words(): string {
    return wordsOf(Buffer.concat(this.#pieces).toString("utf8"))
  }
}
