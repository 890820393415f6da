// What a command may touch: its streams, its environment and where it stands. Handed in, so that tests hand in their own.
import type { Readable, Writable } from "node:stream"
import type { Channel } from "../host/channel.ts"

export type Io = {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** The script that runs: `node ENTRY PROGRAM …` starts any program of the house. */
  readonly entry: string
  /** The ways of a process that has nothing else to do; where there are none, the streams serve. */
  readonly alone?: Alone
}

/** Input, output and the daemon's sockets, each waited for in place: Node's streams take longer to load than a quick command to run. */
export type Alone = {
  readonly isTerminal: () => boolean
  readonly input: () => AsyncIterable<Buffer>
  readonly print: (text: string | Buffer) => void
  /** Throws an error of Node's shape when nobody is there. */
  readonly connect: (path: string) => Promise<Channel>
}

/** What a module in this folder exports. The result is an exit code of sysexits(3). */
export type Command = { readonly run: (argv: readonly string[], io: Io) => Promise<number> }

/** The exit codes of sysexits(3) that commands give. */
export const exits = {
  ok: 0,
  usage: 64,
  dataError: 65,
  noInput: 66,
  noUser: 67,
  noHost: 68,
  unavailable: 69,
  software: 70,
  osError: 71,
  cannotCreate: 73,
  ioError: 74,
  tryAgain: 75,
  protocol: 76,
  noPermission: 77,
  config: 78,
} as const

/** The same surroundings with other streams: what is waited for in place belongs to the process's own. */
export function withStreams(io: Io, streams: Partial<Pick<Io, "stdin" | "stdout" | "stderr">>): Io {
  const { env, cwd, entry } = io
  return {
    get stdin() {
      return streams.stdin ?? io.stdin
    },
    get stdout() {
      return streams.stdout ?? io.stdout
    },
    get stderr() {
      return streams.stderr ?? io.stderr
    },
    env,
    cwd,
    entry,
  }
}

/** Standard input, whole. */
export function inputOf(io: Io): AsyncIterable<Buffer | string> {
  return io.alone?.input() ?? io.stdin
}

/** Whether a person sits at standard input. */
export function isTerminal(io: Io): boolean {
  return io.alone?.isTerminal() ?? ("isTTY" in io.stdin && io.stdin.isTTY === true)
}

/** Prints to standard output: for the little that a quick command has to say. */
export function print(io: Io, text: string | Buffer): void {
  if (io.alone === undefined) io.stdout.write(text)
  else io.alone.print(text)
}

/** Says in one line what was wrong and what to do; the result is the exit code. */
export function refuse(io: Io, line: string, code: number): number {
  io.stderr.write(`${line}\n`)
  return code
}

/** Thrown where a command cannot go on and it is not our bug: the entry prints it as one line and ends with the code. */
export class Refusal extends Error {
  readonly code: number

  constructor(message: string, code: number) {
    super(message)
    this.code = code
  }
}
