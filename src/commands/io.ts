// What a command may touch: its streams, its environment and where it stands. Handed in, so that tests hand in their own.
import type { Readable, Writable } from "node:stream"

export type Io = {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** The script that runs: `node ENTRY PROGRAM …` starts any program of the house. */
  readonly entry: string
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
