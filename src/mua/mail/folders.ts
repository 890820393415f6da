// Commands that change the folder or end the session, and those that start other programs.
import { readdirSync, statSync } from "node:fs"
import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"
import { MailboxError } from "../mailbox.ts"
import { scanHeader } from "../../message/header.ts"
import { type After, type CommandLine, forEach, listed, type MailCommand } from "./command.ts"
import { edited, run } from "./outside.ts"
import { systemMailbox } from "./place.ts"
import type { Session } from "./session.ts"
import { fileName } from "./file-name.ts"
import { showGreeting, showHeaders } from "./showing.ts"
import { contentOf } from "../content.ts"

async function folder(session: Session, { words: [name] }: CommandLine): Promise<After> {
  if (name === undefined) {
    showGreeting(session)
    return "go on"
  }
  const place = placeOf(session, name)
  if (place === undefined) {
    session.terminal.complain("#: there was no folder before this one")
    return "go on"
  }
  try {
    await session.change(place.path, place.isSystem)
    showGreeting(session)
    if (session.wanted.variables.has("header")) showHeaders(session)
  } catch (error) {
    if (!(error instanceof MailboxError)) throw error
    session.terminal.complain(error.message)
  }
  return "go on"
}

/** `%` the system mailbox, `%user` another's, `#` the one before, `&` mbox, `+name` below the folder. */
function placeOf(
  session: Session,
  name: string,
): { readonly path: string; readonly isSystem: boolean } | undefined {
  if (name.startsWith("%"))
    return { path: systemMailbox(session.io, name.slice(1) || session.user, session.wanted), isSystem: true }
  if (name === "#")
    return session.previous === undefined ? undefined : { path: session.previous, isSystem: false }
  const path = fileName(session, name === "&" ? (session.wanted.variables.get("MBOX") ?? "mbox") : name)
  return { path: isAbsolute(path) ? path : join(session.io.cwd, path), isSystem: false }
}

async function folders(session: Session): Promise<After> {
  const path = fileName(session, "+")
  try {
    for (const name of readdirSync(path).toSorted()) {
      const file = statSync(join(path, name), { throwIfNoEntry: false })
      if (file !== undefined && !name.startsWith("."))
        session.terminal.say(file.isDirectory() ? `${name}/` : name)
    }
  } catch (error) {
    session.terminal.complain(`${path}: ${(error as NodeJS.ErrnoException).code}`)
  }
  return "go on"
}

async function chdir(session: Session, { words: [name] }: CommandLine): Promise<After> {
  const path = name === undefined ? (session.io.env["HOME"] ?? homedir()) : fileName(session, name)
  try {
    process.chdir(path)
  } catch (error) {
    session.terminal.complain(`${path}: ${(error as NodeJS.ErrnoException).code}`)
  }
  return "go on"
}

async function shell(session: Session, { rest }: CommandLine): Promise<After> {
  await run(session, rest === "" ? "exec ${SHELL:-/bin/sh}" : rest, undefined)
  return "go on"
}

/** `pipe [LIST] "command"`: the raw messages, one after the other. */
async function pipe(session: Session, { words, rest }: CommandLine): Promise<After> {
  const command = words.at(-1)
  if (command === undefined) {
    session.terminal.complain("pipe: through which command?")
    return "go on"
  }
  const some = listed(session, words.length > 1 && !rest.startsWith(command) ? words.slice(0, -1) : ["."])
  if (!some.ok) session.terminal.complain(some.error)
  const pieces: Buffer[] = []
  for (const message of some.ok ? some.value : []) {
    const octets = await session.read(message)
    if (octets !== undefined) pieces.push(octets)
    session.touch(message)
  }
  if (pieces.length > 0) await run(session, command, Buffer.concat(pieces))
  return "go on"
}

/** Looks at the message in an editor; mailboxes are not rewritten by it. */
function editing(which: "EDITOR" | "VISUAL") {
  return async (session: Session, { words }: CommandLine): Promise<After> =>
    await forEach(session, words, async (message) => {
      const octets = await session.read(message)
      if (octets === undefined) return
      const { text } = await contentOf(octets)
      const head = scanHeader(octets)
      await edited(session, `${head.bytes.toString("utf8", 0, head.end)}\n${text}`, which)
      session.touch(message)
    })
}

const ends = (after: After) => async (): Promise<After> => after

export const folderCommands: readonly MailCommand[] = [
  {
    name: "folder",
    short: "fold",
    does: "another folder: a file, % system mailbox, & mbox, # the one before, +name",
    run: folder,
  },
  { name: "file", short: "fi", does: "another folder", run: folder },
  { name: "folders", short: "folders", does: "lists the folders", run: folders },
  { name: "chdir", short: "ch", does: "another working directory", run: chdir },
  { name: "cd", short: "cd", does: "another working directory", run: chdir },
  { name: "!", short: "!", does: "runs a command", run: shell },
  { name: "shell", short: "sh", does: "starts a shell", run: shell },
  { name: "pipe", short: "pi", does: "gives messages to a command", run: pipe },
  { name: "|", short: "|", does: "gives messages to a command", run: pipe },
  { name: "edit", short: "e", does: "shows messages in the editor", run: editing("EDITOR") },
  { name: "visual", short: "v", does: "shows messages in the visual editor", run: editing("VISUAL") },
  { name: "quit", short: "q", does: "ends, writing what was done", run: ends("quit") },
  { name: "exit", short: "ex", does: "ends; the mailbox stays as it was", run: ends("exit") },
  { name: "xit", short: "x", does: "ends; the mailbox stays as it was", run: ends("exit") },
]
