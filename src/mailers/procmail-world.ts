// The procmail interpreter's wishes fulfilled, with the rights of the process they are asked in: that of the user, never the agent.
import { type ChildProcessByStdio, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, constants, lstatSync, openSync, rmSync, statSync, writeSync } from "node:fs"
import { constants as constantsOfSystem } from "node:os"
import type { Readable, Writable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import type { Answer, Command, RunWish, Steps, Wish } from "../filters/procmail-effects.ts"
import { takeLockFile } from "../mailbox/dotlock.ts"
import { storeInFolders } from "../mailbox/folder.ts"
import { wordsFor } from "../mailbox/outcome.ts"
import { readRcfile } from "./procmail-rcfile.ts"

type Child = ChildProcessByStdio<Writable, Readable, Readable | null>

export type ProcmailOutput = {
  /** procmail's own output and error output. */
  readonly print: (octets: Buffer) => void
  readonly say: (text: string) => void
}

/** Runs a computation to its end, each wish as it comes. */
export async function fulfil<T>(steps: Steps<T>, output: ProcmailOutput): Promise<T> {
  let next = steps.next()
  while (next.done !== true) next = steps.next(await answer(next.value, output))
  return next.value
}

async function answer(wish: Wish, output: ProcmailOutput): Promise<Answer> {
  switch (wish.wish) {
    case "run":
      return await runProgram(wish, output)
    case "store":
      return { answer: "stored", ...(await storeInFolders({ ...wish, lockWaitMilliseconds })) }
    case "print":
      output.print(wish.message)
      return { answer: "done" }
    case "read":
      return readRcfile(wish.path, wish.strict)
    case "lock":
      return await lock(wish.path, wish.sleep, wish.timeout)
    case "unlock":
      rmSync(wish.path, { force: true })
      return { answer: "done" }
    case "enter":
      return isDirectory(wish.path) ? { answer: "done" } : { answer: "refused", why: "no such directory" }
    case "log":
      writeLog(wish.file, wish.text, output)
      return { answer: "done" }
  }
}

/** Octets that a program's input takes without being read. */
const pipeHolds = 65_536
const lockWaitMilliseconds = 60_000
/** What a filter may make of a message. */
const mostOutput = 256 * 1024 * 1024

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

async function lock(path: string, seconds: number, timeout: number): Promise<Answer> {
  const deadline = performance.now() + (timeout > 0 ? 2 * timeout : 3600) * 1000
  const pause = Math.min(Math.max(seconds, 1) * 1000, 8000)
  for (let wait = 100; ; wait = Math.min(wait * 2, pause)) {
    try {
      if (takeLockFile(path, Date.now()) !== undefined) return { answer: "done" }
      const held = lstatSync(path, { throwIfNoEntry: false })
      if (held !== undefined && timeout > 0 && Date.now() - held.mtimeMs > timeout * 1000)
        rmSync(path, { force: true }) // procmail: "Forcing lock"
    } catch (error) {
      return { answer: "refused", why: wordsFor(error) }
    }
    if (performance.now() > deadline) return { answer: "refused", why: "held by another for too long" }
    await sleep(wait)
  }
}

function writeLog(path: string | undefined, text: string, output: ProcmailOutput): void {
  if (path === undefined) return output.say(text)
  let fd: number | undefined
  try {
    fd = openLog(path)
    writeSync(fd, Buffer.from(text, "latin1"))
  } catch (error) {
    output.say(`procmail: Error while writing to "${path}": ${wordsFor(error)}\n${text}`)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function openLog(path: string): number {
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600)
}

/** LOGFILE is a program's own error output, as with procmail, so that none of it is lost; a pipe where it cannot be opened. */
function errorOutput(log: string | undefined): number | "pipe" {
  try {
    return log === undefined ? "pipe" : openLog(log)
  } catch {
    return "pipe"
  }
}

/** Octets as they are in rcfiles, in the form that Node hands to programs. */
function octetsOf(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8")
}

function wordsOf(command: Command): readonly [string, ...string[]] {
  const words = command.kind === "words" ? command.words : [command.shell, command.flags, command.line]
  const [program = "", ...args] = words.map(octetsOf)
  return [program, ...args]
}

/** What cannot be started as a program is read as a script by the shell (execvp(3)). */
async function runProgram(wish: RunWish, output: ProcmailOutput): Promise<Answer> {
  const words = wordsOf(wish.command)
  const ended = await start(words, wish, output)
  if (ended !== undefined) return ended
  const [program] = words
  return (await start(["/bin/sh", ...words], wish, output)) ?? failed(program, wish, output)
}

function failed(program: string, { log }: RunWish, output: ProcmailOutput): Answer {
  writeLog(log, `procmail: Failed to execute "${program}"\n`, output)
  return { answer: "ended", code: 127, output: Buffer.alloc(0), wrote: true }
}

async function start(
  [program, ...args]: readonly [string, ...string[]],
  wish: RunWish,
  output: ProcmailOutput,
): Promise<Answer | undefined> {
  const environment = [...wish.environment].map(([name, value]) => [name, octetsOf(value)] as const)
  const before = process.umask(wish.umask)
  const errors = errorOutput(wish.log)
  try {
    const child = spawn(program, args, {
      cwd: wish.directory,
      env: Object.fromEntries(environment),
      detached: true,
      stdio: ["pipe", "pipe", errors],
    }) as Child // its input and output are pipes
    process.umask(before)
    return await follow(child, wish, output)
  } catch {
    return undefined
  } finally {
    process.umask(before)
    if (errors !== "pipe") closeSync(errors)
  }
}

async function follow(child: Child, wish: RunWish, output: ProcmailOutput): Promise<Answer> {
  const pieces: Buffer[] = []
  let octets = 0
  let wrote = true
  child.stdout.on("data", (piece: Buffer) => {
    octets += piece.length
    if (octets > mostOutput) return kill(child, "SIGKILL")
    if (wish.capture) pieces.push(piece)
    else output.say(piece.toString("latin1"))
  })
  child.stderr?.on("data", (piece: Buffer) => writeLog(wish.log, piece.toString("latin1"), output))
  child.stdin.on("error", () => {
    // It went without reading all. What a pipe holds counts as written, as with procmail.
    wrote = wish.input.length <= pipeHolds
  })
  const timer =
    wish.timeout > 0 ? setTimeout(() => late(child, wish, output), wish.timeout * 1000) : undefined
  try {
    const exited = once(child, "exit") as Promise<[number | null, string | null]>
    const closed = once(child, "close").catch(() => {})
    child.stdin.end(wish.input)
    const [code, signal] = await exited
    // What it left in the background may hold our pipes: a filter's output is waited for, others are not.
    await (wish.capture ? closed : Promise.race([closed, sleep(200, undefined, { ref: false })]))
    return { answer: "ended", code: code ?? -signalNumber(signal), output: Buffer.concat(pieces), wrote }
  } finally {
    clearTimeout(timer)
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
  }
}

/** A program that a signal ended has that signal's number, negative, for its exit code. */
function signalNumber(signal: string | null): number {
  return constantsOfSystem.signals[(signal ?? "SIGKILL") as NodeJS.Signals]
}

function late(child: Child, { command, log }: RunWish, output: ProcmailOutput): void {
  const shown = command.kind === "words" ? (command.words[0] ?? "") : command.line
  writeLog(log, `procmail: Timeout, terminating "${shown}"\n`, output)
  kill(child, "SIGTERM")
  setTimeout(() => kill(child, "SIGKILL"), 5000).unref()
}

function kill({ pid }: Child, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // its group is empty
  }
}
