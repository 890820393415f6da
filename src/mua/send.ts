// A letter's way out: the sendmail command's own path into the queue, in this process, so that nothing is decided twice. What it is
// called there is the queue id that `waypost explain` and `waypost show` know it by.
import type { Io } from "../commands/io.ts"
import { composed, type Draft } from "./letter.ts"

export type Sent = {
  /** sysexits(3). */
  readonly code: number
  /** Undefined when it was left for a mail system that is not running, or refused. */
  readonly id: string | undefined
  /** What the mail system said about it. */
  readonly said: string
}

export type Wishes = {
  readonly verbose: boolean
  /** The reverse-path, when it is not the login. */
  readonly sender: string | undefined
  /** Recipients beside those of the header, as for a bounce; then the header names nobody. */
  readonly only: readonly string[] | undefined
}

export const noWishes: Wishes = { verbose: false, sender: undefined, only: undefined }

/** A letter's octets, as they are handed over. */
export function octetsOf(draft: Draft): Buffer {
  return composed(draft, `=_${Date.now().toString(36)}.${process.pid}.${Math.random().toString(36).slice(2)}`)
}

/** Sends octets that are a whole message, through another program than ours where the person named one (`set sendmail=…`). */
export async function sendBy(
  program: string | undefined,
  octets: Buffer,
  wishes: Wishes,
  io: Io,
): Promise<Sent> {
  if (program === undefined || program === "") return await send(octets, wishes, io)
  const { spawn } = await import("node:child_process")
  const from = wishes.sender === undefined ? [] : ["-f", wishes.sender]
  const child = spawn(
    program,
    ["-i", ...from, ...(wishes.only === undefined ? ["-t"] : ["--", ...wishes.only])],
    {
      cwd: io.cwd,
      stdio: ["pipe", "inherit", "inherit"],
    },
  )
  child.stdin.on("error", () => {}) // its exit code tells
  child.stdin.end(octets)
  return await new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: 69, id: undefined, said: `${program}: ${error.message}` }))
    child.on("close", (code) => resolve({ code: code ?? 75, id: undefined, said: "" }))
  })
}

/** Sends octets that are a whole message. */
export async function send(octets: Buffer, wishes: Wishes, io: Io): Promise<Sent> {
  const [{ sendMessage }, { readSendmailOptions }, { runningState }] = await Promise.all([
    import("../commands/sendmail-message.ts"),
    import("../commands/sendmail-options.ts"),
    import("../commands/state.ts"),
  ])
  const argv = [
    "-i",
    "-oep",
    ...(wishes.sender === undefined ? [] : ["-f", wishes.sender]),
    ...(wishes.only === undefined ? ["-t"] : ["--", ...wishes.only]),
  ]
  const options = readSendmailOptions(argv, () => undefined)
  if (!options.ok) throw new Error(options.error)
  let id: string | undefined
  let said = ""
  const listener = (direction: ">>>" | "<<<", line: string) => {
    if (wishes.verbose) io.stderr.write(direction === ">>>" ? `>>> ${line}\n` : `${line}\n`)
    if (direction === ">>>") return
    said = line
    id = /^250 2\.0\.0 (\S+) Message accepted/.exec(line)?.[1] ?? id
  }
  const input = (async function* () {
    yield octets
  })()
  const code = await sendMessage(options.value, { state: runningState(undefined, io), listener, io, input })
  return { code, id, said }
}
