// Commands that write letters: mail, the answers, forward, resend.
import { hostname } from "node:os"
import { scanHeader } from "../../message/header.ts"
import { answerTo, type AnswerKind, forwardOf, quoted } from "../answer.ts"
import { contentOf } from "../content.ts"
import { type Draft, emptyDraft } from "../letter.ts"
import { noWishes, octetsOf, sendBy } from "../send.ts"
import { type After, type CommandLine, listed, type MailCommand } from "./command.ts"
import type { Numbered } from "./message-list.ts"
import { programOf, record } from "./sent.ts"
import type { Session } from "./session.ts"
import { namesOf, typeLetter } from "./typing.ts"
import { expandAliases } from "./variables.ts"

/** Has the letter typed and sends it, with more behind what is typed; says how that went. */
export async function writeAndSend(draft: Draft, session: Session, behind = ""): Promise<boolean> {
  const { terminal, wanted } = session
  let begun = draft
  if (terminal.interactive && draft.subject === "" && wanted.variables.has("asksub")) {
    const subject = await terminal.line("Subject: ")
    if (typeof subject === "string") begun = { ...draft, subject }
  }
  const typed = await typeLetter(begun, session)
  if (typed === "abandoned") return false
  return await sendDraft({ ...typed.draft, text: typed.draft.text + behind }, session)
}

async function sendDraft(draft: Draft, session: Session): Promise<boolean> {
  const { terminal, wanted } = session
  const names = (list: readonly string[]) => expandAliases(wanted, list)
  const ready: Draft = {
    ...draft,
    to: names(draft.to),
    cc: names(draft.cc),
    bcc: names(draft.bcc),
    from: draft.from ?? wanted.variables.get("from"),
  }
  if (ready.to.length + ready.cc.length + ready.bcc.length === 0) {
    terminal.complain("No recipients specified")
    return false
  }
  record(ready, session)
  const { code, id, said } = await sendBy(
    programOf(session),
    octetsOf(ready),
    { ...noWishes, verbose: wanted.variables.has("verbose") },
    session.io,
  )
  if (code !== 0) terminal.complain(`The letter was not sent (exit ${code})${said === "" ? "" : `: ${said}`}`)
  else if (id === undefined && programOf(session) === undefined)
    terminal.say("left for the mail system, which is not running now")
  else if (id !== undefined && terminal.interactive)
    terminal.say(`queued as ${id} (waypost explain ${id} tells its way)`)
  return code === 0
}

async function mail(session: Session, { rest }: CommandLine): Promise<After> {
  await writeAndSend({ ...emptyDraft, to: namesOf(rest) }, session)
  return "go on"
}

function answering(kind: AnswerKind) {
  return async (session: Session, { words }: CommandLine): Promise<After> => {
    const some = listed(session, words)
    if (!some.ok) {
      session.terminal.complain(some.error)
      return "go on"
    }
    for (const message of some.value) await answer(session, message, kindFor(kind, session))
    return "go on"
  }
}

/** `set flipr` exchanges r and R. */
function kindFor(kind: AnswerKind, { wanted: { variables } }: Session): AnswerKind {
  if (!variables.has("flipr") || kind === "list") return kind
  return kind === "all" ? "sender" : "all"
}

async function answer(session: Session, message: Numbered, kind: AnswerKind): Promise<void> {
  const octets = await session.read(message)
  if (octets === undefined) return
  const draft = answerTo(octets, kind, ours(session))
  if (draft === undefined) {
    session.terminal.complain(
      `${message.number}: ${kind === "list" ? "no list it came by" : "nobody to answer"}`,
    )
    return
  }
  session.touch(message)
  const { terminal, wanted } = session
  terminal.say(`To: ${draft.to.join(", ")}`)
  if (draft.cc.length > 0) terminal.say(`Cc: ${draft.cc.join(", ")}`)
  terminal.say(`Subject: ${draft.subject}`)
  const text = wanted.variables.has("quote")
    ? quoted((await contentOf(octets)).text, wanted.variables.get("indentprefix"))
    : ""
  if (!(await writeAndSend({ ...draft, text }, session))) return
  const state = session.stateOf(message)
  state.flags = { ...state.flags, answered: true }
}

/** The login, here and at this host, and the `alternates`. */
function ours({ user, wanted: { alternates } }: Session): (address: string) => boolean {
  const own = new Set([user, `${user}@${hostname()}`, `${user}@localhost`].map((one) => one.toLowerCase()))
  return (address) => own.has(address.toLowerCase()) || alternates.has(address.toLowerCase())
}

async function forward(session: Session, { words }: CommandLine): Promise<After> {
  const { message, to } = lastNames(session, words)
  const octets = message === undefined ? undefined : await session.read(message)
  if (message === undefined || octets === undefined) return "go on"
  const { text, parts } = await contentOf(octets)
  const draft = forwardOf(octets, text)
  session.touch(message)
  session.terminal.say(`(the forwarded text, ${draft.text.split("\n").length} lines, follows what you write)`)
  await writeAndSend({ ...draft, to, text: "", attachments: parts }, session, draft.text)
  return "go on"
}

/** Sends it on as it is, to somebody else (RFC 5322 §3.6.6). */
async function resend(session: Session, { words }: CommandLine): Promise<After> {
  const { message, to } = lastNames(session, words)
  const octets = message === undefined ? undefined : await session.read(message)
  if (message === undefined || octets === undefined) return "go on"
  const { printDate } = await import("../../message/date.ts")
  const header = scanHeader(octets)
  const recipients = expandAliases(session.wanted, to)
  const trace = `Resent-Date: ${printDate(Date.now())}\nResent-From: ${session.wanted.variables.get("from") ?? session.user}\nResent-To: ${recipients.join(", ")}\n`
  const whole = Buffer.concat([Buffer.from(trace), header.bytes])
  const { code, id } = await sendBy(programOf(session), whole, { ...noWishes, only: recipients }, session.io)
  if (code !== 0) session.terminal.complain(`not sent (exit ${code})`)
  else if (id !== undefined && session.terminal.interactive) session.terminal.say(`queued as ${id}`)
  return "go on"
}

/** `forward 3 ann bob`: a list first when the first word is one, else the current message. */
function lastNames(
  session: Session,
  words: readonly string[],
): { readonly message: Numbered | undefined; readonly to: readonly string[] } {
  const [head = "", ...others] = words
  const numbered = /^(?:\d+|[.^$])$/.test(head)
  const some = listed(session, numbered ? [head] : ["."])
  const to = numbered ? others : words
  if (!some.ok) session.terminal.complain(some.error)
  else if (to.length === 0) session.terminal.complain("to whom? (forward [MESSAGE] NAME…)")
  return { message: some.ok && to.length > 0 ? some.value[0] : undefined, to }
}

export const sendingCommands: readonly MailCommand[] = [
  { name: "mail", short: "m", does: "writes a letter", run: mail },
  { name: "reply", short: "r", does: "answers the sender and all recipients", run: answering("all") },
  { name: "respond", short: "r", does: "answers the sender and all recipients", run: answering("all") },
  { name: "Reply", short: "R", does: "answers the sender alone", run: answering("sender") },
  { name: "Respond", short: "R", does: "answers the sender alone", run: answering("sender") },
  { name: "followup", short: "fo", does: "answers the sender and all recipients", run: answering("all") },
  { name: "Followup", short: "F", does: "answers the sender alone", run: answering("sender") },
  { name: "Lreply", short: "L", does: "answers the list", run: answering("list") },
  {
    name: "forward",
    short: "forw",
    does: "forwards a message with its parts: forward [MESSAGE] NAME…",
    run: forward,
  },
  { name: "resend", short: "rese", does: "sends a message on as it is: resend [MESSAGE] NAME…", run: resend },
]
