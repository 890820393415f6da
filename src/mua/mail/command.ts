// What a command of the line mode is, and how its line is read.
import type { Result } from "../../mail/result.ts"
import { type Numbered, readMessageList } from "./message-list.ts"
import type { Session } from "./session.ts"
import { wordsOf } from "./variables.ts"

/** What the loop does after a command. */
export type After = "go on" | "quit" | "exit"

export type CommandLine = {
  readonly verb: string
  /** All behind the verb. */
  readonly rest: string
  readonly words: readonly string[]
}

export type MailCommand = {
  /** The shortest form in capitals and the whole word: `Print` is written `P` `Print` in names. */
  readonly name: string
  /** The shortest abbreviation, as POSIX allows it; other words are other names. */
  readonly short: string
  readonly does: string
  readonly run: (session: Session, line: CommandLine) => Promise<After>
}

/** Parts verb and rest: the verb may be followed by its list without a blank (`d3`, `p/lunch`). */
export function readCommandLine(text: string): CommandLine {
  const found = /^\s*([a-zA-Z]+|[!|?=#+^$*.:/~-]|)\s*(.*)$/s.exec(text)
  const verb = found?.[1] ?? ""
  const rest = (found?.[2] ?? "").trimEnd()
  return { verb, rest, words: wordsOf(rest) }
}

/** The messages that a command is about: those named, else the current one. */
export function listed(
  session: Session,
  words: readonly string[],
  about: "live" | "deleted" = "live",
): Result<readonly Numbered[]> {
  const scene = { messages: session.messages, dot: session.dot, about, showName: true } as const
  return readMessageList(words.length === 0 ? ["."] : words, scene)
}

/** Runs something for each message of a list; says what is wrong with the list. */
export async function forEach(
  session: Session,
  words: readonly string[],
  act: (message: Numbered) => void | Promise<void>,
  about: "live" | "deleted" = "live",
): Promise<After> {
  const some = listed(session, words, about)
  if (!some.ok) session.terminal.complain(some.error)
  else for (const message of some.value) await act(message)
  return "go on"
}

/** The words of `save` and its like: a list, and a file last. */
export function listAndFile(words: readonly string[]): {
  readonly list: readonly string[]
  readonly file: string | undefined
} {
  return { list: words.slice(0, -1), file: words.at(-1) }
}
