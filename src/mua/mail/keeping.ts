// Commands that decide what becomes of messages: delete, save, copy, write, mbox, hold, and the marks.
import { appendFileSync, existsSync, writeFileSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import { contentOf } from "../content.ts"
import type { Flags } from "../summary.ts"
import { type After, type CommandLine, forEach, listAndFile, listed, type MailCommand } from "./command.ts"
import type { Numbered } from "./message-list.ts"
import type { Fate, Session } from "./session.ts"
import { fileName } from "./file-name.ts"
import { headerLine } from "./showing.ts"

function sets(fate: Fate) {
  return (session: Session, { words }: CommandLine): Promise<After> =>
    forEach(session, words, (message) => {
      session.stateOf(message).fate = fate
      session.dot = message.number
    })
}

/** After a deletion the current message is the next one that is left. */
async function remove(session: Session, line: CommandLine): Promise<After> {
  await sets("delete")(session, line)
  moveOn(session)
  return "go on"
}

function moveOn(session: Session): void {
  const { messages, dot } = session
  const next =
    messages.find(({ number, deleted }) => number > dot && !deleted) ??
    messages.findLast(({ deleted }) => !deleted)
  if (next !== undefined) session.dot = next.number
}

async function removeAndShow(session: Session, line: CommandLine): Promise<After> {
  const before = session.dot
  await remove(session, line)
  const next = session.message(session.dot)
  if (next === undefined || next.deleted || session.dot === before)
    session.terminal.complain("No more messages")
  else {
    session.terminal.say(headerLine(next, session.dot, session.terminal.width))
    const { showingCommands } = await import("./showing.ts")
    await showingCommands
      .find(({ name }) => name === "type")
      ?.run(session, { verb: "type", rest: "", words: [] })
  }
  return "go on"
}

function mark(change: Partial<Flags>) {
  return (session: Session, { words }: CommandLine): Promise<After> =>
    forEach(session, words, (message) => {
      const state = session.stateOf(message)
      state.flags = { ...state.flags, ...change }
      session.dot = message.number
    })
}

/** Who deleted a message has seen it. */
async function undelete(session: Session, { words }: CommandLine): Promise<After> {
  return await forEach(
    session,
    words,
    (message) => {
      session.stateOf(message).fate = "usual"
      session.touch(message)
    },
    "deleted",
  )
}

async function touch(session: Session, { words }: CommandLine): Promise<After> {
  return await forEach(session, words, (message) => {
    session.stateOf(message).touched = true
    session.dot = message.number
  })
}

/** `save` and `copy`: appended to a file, which then says whether it is new. */
function saving(fate: "saved" | undefined, what: "whole" | "body") {
  return async (session: Session, { words }: CommandLine): Promise<After> => {
    const { list, file } = splitFile(session, words)
    const path = inHere(session, fileName(session, file))
    const some = listed(session, list)
    if (!some.ok) {
      session.terminal.complain(some.error)
      return "go on"
    }
    const word = existsSync(path) ? "Appended" : "New file"
    let octets = 0
    for (const message of some.value) {
      if (
        !(what === "whole"
          ? await session.saveTo(path, message, what)
          : await writeBody(session, message, path))
      )
        continue
      octets += message.listed.size
      const state = session.stateOf(message)
      if (fate !== undefined) state.fate = fate
      state.flags = { ...state.flags, seen: true, recent: false }
      session.dot = message.number
    }
    session.terminal.say(
      `"${file}" [${word}] ${some.value.length} message${some.value.length === 1 ? "" : "s"}/${octets} octets`,
    )
    return "go on"
  }
}

/** The last word is the file, unless it can only be a message list; without one it is mbox. */
function splitFile(
  session: Session,
  words: readonly string[],
): { readonly list: readonly string[]; readonly file: string } {
  const { list, file } = listAndFile(words)
  return file === undefined ? { list, file: session.wanted.variables.get("MBOX") ?? "mbox" } : { list, file }
}

function inHere(session: Session, path: string): string {
  return isAbsolute(path) ? path : join(session.io.cwd, path)
}

/** `write`: the text alone, as a person would have it, and the parts beside it under names of their own. */
async function writeBody(session: Session, message: Numbered, path: string): Promise<boolean> {
  const octets = await session.read(message)
  if (octets === undefined) return false
  const { text, parts } = await contentOf(octets)
  appendFileSync(path, text, { mode: 0o600 })
  for (const part of parts) {
    const beside = freeName(`${path}.${part.name}`)
    writeFileSync(beside, part.octets, { mode: 0o600, flag: "wx" })
    session.terminal.say(`"${beside}" [New file] ${part.octets.length} octets`)
  }
  return true
}

function freeName(path: string): string {
  for (let n = 0; ; n++) {
    const name = n === 0 ? path : `${path}.${n}`
    if (!existsSync(name)) return name
  }
}

/** `Save`, `Copy`: to a file named after the sender. */
function savingBySender(fate: "saved" | undefined) {
  return async (session: Session, { words }: CommandLine): Promise<After> => {
    const some = listed(session, words)
    if (!some.ok) session.terminal.complain(some.error)
    const [one] = some.ok ? some.value : []
    if (one === undefined) return "go on"
    const name = one.listed.summary.from.address.split("@")[0]?.replaceAll(/[^\w.+-]/g, "_") || "nobody"
    const list = words.length === 0 ? ["."] : words
    return await saving(fate, "whole")(session, { verb: "Save", rest: "", words: [...list, name] })
  }
}

export const keepingCommands: readonly MailCommand[] = [
  { name: "delete", short: "d", does: "removes messages at quit", run: remove },
  { name: "dp", short: "dp", does: "removes the current message and shows the next", run: removeAndShow },
  { name: "dt", short: "dt", does: "removes the current message and shows the next", run: removeAndShow },
  { name: "undelete", short: "u", does: "takes a removal back", run: undelete },
  {
    name: "save",
    short: "s",
    does: "appends messages to a file; at quit they leave the mailbox",
    run: saving("saved", "whole"),
  },
  { name: "Save", short: "S", does: "saves to a file named after the sender", run: savingBySender("saved") },
  { name: "copy", short: "c", does: "appends messages to a file", run: saving(undefined, "whole") },
  {
    name: "Copy",
    short: "C",
    does: "copies to a file named after the sender",
    run: savingBySender(undefined),
  },
  {
    name: "write",
    short: "w",
    does: "writes text and parts into files, without headers",
    run: saving("saved", "body"),
  },
  { name: "mbox", short: "mb", does: "moves messages to mbox at quit", run: sets("mbox") },
  { name: "hold", short: "ho", does: "leaves read messages in the system mailbox", run: sets("keep") },
  { name: "preserve", short: "pre", does: "leaves read messages in the system mailbox", run: sets("keep") },
  {
    name: "touch",
    short: "tou",
    does: "moves messages to mbox at quit, as if they had been read",
    run: touch,
  },
  { name: "unread", short: "U", does: "counts messages as unread", run: mark({ seen: false }) },
  { name: "new", short: "new", does: "counts messages as unread", run: mark({ seen: false }) },
  { name: "flag", short: "fl", does: "flags messages", run: mark({ flagged: true }) },
  { name: "unflag", short: "unfl", does: "takes the flag off", run: mark({ flagged: false }) },
]
