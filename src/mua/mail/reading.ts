// Reading mail: opens the mailbox, reads ~/.mailrc, and goes into the loop.
import { userInfo } from "node:os"
import { isAbsolute, join } from "node:path"
import { exits, type Io } from "../../commands/io.ts"
import type { Mailbox } from "../mailbox.ts"
import { openMailbox } from "../open.ts"
import { loop, perform } from "./loop.ts"
import type { MailOptions } from "./options.ts"
import { ownRc, systemMailbox } from "./place.ts"
import { Session } from "./session.ts"
import { sourceFile } from "./settings.ts"
import { fileName } from "./file-name.ts"
import { headerLine, showGreeting, showHeaders } from "./showing.ts"
import { Terminal } from "./terminal.ts"
import { setVariables, startValues } from "./variables.ts"

/** Reads a mailbox; 1 when there is nothing to read. */
export async function readMail(options: MailOptions, io: Io): Promise<number> {
  const session = await openSession(options, io)
  const { terminal, wanted } = session
  try {
    if (options.checkOnly) return session.count > 0 ? exits.ok : 1
    if (options.print !== undefined || (options.headersOnly && options.json)) {
      const { listAsJson, printMessages } = await import("./scripted.ts")
      if (options.print !== undefined) return await printMessages(session, options, io)
      listAsJson(session, io)
      return session.count > 0 ? exits.ok : 1
    }
    if (options.headersOnly) {
      for (const message of session.messages) terminal.say(headerLine(message, session.dot, terminal.width))
      return session.count > 0 ? exits.ok : 1
    }
    if (session.count === 0 && session.isSystem) {
      terminal.say(`No mail for ${session.user}`)
      return 1
    }
    if (wanted.variables.has("header") && !options.noSummary) {
      showGreeting(session)
      showHeaders(session)
    }
    await loop(session)
    return exits.ok
  } finally {
    terminal.close()
  }
}

const nothing: Mailbox = {
  path: "",
  form: "mbox",
  messages: [],
  look: async () => ({ came: [], went: [] }),
  read: async () => undefined,
  write: async () => {},
  close: async () => {},
}

/** A session on the mailbox that the options name, with what ~/.mailrc wishes. */
export async function openSession(options: MailOptions, io: Io): Promise<Session> {
  const wanted = startValues(io.env)
  const user = options.user ?? userInfo().username
  wanted.variables.set("user", user)
  if (options.ignoreInterrupts) wanted.variables.set("ignore", "")
  if (options.verbose) wanted.variables.set("verbose", "")
  if (options.addresses.length > 0) wanted.variables.set("sending", "")
  const terminal = new Terminal(io)
  const isSystem = options.folder === undefined
  const first = new Session({ io, terminal, wanted, user, perform, mailbox: nothing, isSystem })
  if (!options.noSystemRc) await sourceFile(first, "/etc/mail.rc", "may be missing")
  await sourceFile(first, ownRc(io), "may be missing")
  for (const complaint of setVariables(wanted, options.set)) terminal.complain(complaint)
  if (options.addresses.length > 0) return first
  const folder = options.folder === "" ? (wanted.variables.get("MBOX") ?? "mbox") : options.folder
  const path = folder === undefined ? systemMailbox(io, user, wanted) : fileName(first, folder)
  const mailbox = await openMailbox(isAbsolute(path) ? path : join(io.cwd, path))
  return new Session({ io, terminal, wanted, user, perform, mailbox, isSystem })
}
