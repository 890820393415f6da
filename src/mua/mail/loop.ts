// The line mode's loop: a line, its command, the next line.
import { MailboxError } from "../mailbox.ts"
import { type After, type MailCommand, readCommandLine } from "./command.ts"
import { folderCommands } from "./folders.ts"
import { keepingCommands } from "./keeping.ts"
import { sendingCommands } from "./sending.ts"
import type { Session } from "./session.ts"
import { settingCommands } from "./settings.ts"
import { headerLine, showingCommands } from "./showing.ts"

async function help({ terminal }: Session): Promise<After> {
  for (const { name, short, does } of commands)
    terminal.say(
      `${name === short ? name : `${short}${" ".repeat(Math.max(1, 5 - short.length))}${name}`.padEnd(16)}`
        .padEnd(18)
        .concat(does),
    )
  terminal.say(
    "LIST: 3  1-5  . ^ $ *  + -  ann  /lunch  :n new  :u unread  :o old  :r read  :f flagged  :a answered",
  )
  return "go on"
}

const commands: readonly MailCommand[] = [
  ...showingCommands,
  ...keepingCommands,
  ...sendingCommands,
  ...folderCommands,
  ...settingCommands,
  { name: "?", short: "?", does: "this list", run: help },
  { name: "help", short: "hel", does: "this list", run: help },
]

/** The command a word means: itself, or the shortest form of it that POSIX allows and anything up to the whole word. */
function commandOf(verb: string): MailCommand | undefined {
  return (
    commands.find(({ name, short }) => name === verb || short === verb) ??
    commands.find(({ name, short }) => verb.startsWith(short) && name.startsWith(verb))
  )
}

/** Runs one line. `where` says whose line it is when it is not the person's own. */
export async function perform(text: string, session: Session, where = ""): Promise<After> {
  if (text.trim().startsWith("#") && text.trim() !== "#") return "go on"
  const line = readCommandLine(text)
  const numbered = line.verb === "" || /^[.^$*:/]$/.test(line.verb) // a list alone shows its messages
  const command = numbered
    ? commandOf(line.rest === "" && line.verb === "" ? "next" : "type")
    : commandOf(line.verb)
  if (command === undefined) {
    session.terminal.complain(`${where}Unknown command: "${line.verb}" (? lists them)`)
    return "go on"
  }
  try {
    return await command.run(
      session,
      numbered ? { ...line, words: readCommandLine(`type ${text}`).words } : line,
    )
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!(error instanceof MailboxError) && code === undefined) throw error
    session.terminal.complain(`${where}${(error as Error).message}`)
    return "go on"
  }
}

/** Until quit, exit, or the end of input, which is a quit. */
export async function loop(session: Session): Promise<void> {
  const { terminal, wanted } = session
  for (;;) {
    if (terminal.interactive) await tellNews(session)
    const line = await terminal.line(wanted.variables.get("prompt") ?? "& ")
    if (line === "interrupted") continue
    if (line === undefined && terminal.interactive && wanted.variables.has("ignoreeof")) {
      terminal.say('Use "quit" to quit.')
      continue
    }
    const after = line === undefined ? "quit" : await perform(line, session)
    if (after === "exit") return
    if (after === "quit") return await session.finish()
  }
}

async function tellNews(session: Session): Promise<void> {
  const count = await session.look()
  if (count === 0) return
  session.terminal.say(`New mail has arrived: ${count} message${count === 1 ? "" : "s"}.`)
  for (const message of session.messages.slice(-count))
    session.terminal.say(headerLine(message, session.dot, session.terminal.width))
}
