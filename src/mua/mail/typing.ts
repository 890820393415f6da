// A letter being typed: lines of text, and the `~` escapes of mailx between them. Ends at end of input, `~.`, or a lone dot where
// that is wished.
import { appendFileSync, readFileSync, statSync } from "node:fs"
import { basename } from "node:path"
import { type Draft, attachment, forgotAttachment } from "../letter.ts"
import { quoted } from "../answer.ts"
import { listed } from "./command.ts"
import { edited, outputOf, run } from "./outside.ts"
import type { Session } from "./session.ts"
import { fileName } from "./file-name.ts"
import { textOf } from "./showing.ts"
import { wordsOf } from "./variables.ts"

/** What becomes of the letter: `abandoned` leaves it in dead.letter. */
export type Typed = { readonly draft: Draft } | "abandoned"

type Typing = { draft: Draft; readonly session: Session; done: boolean; abandoned: boolean }

/** Reads the text, and what the escapes change. */
export async function typeLetter(draft: Draft, session: Session): Promise<Typed> {
  const { terminal } = session
  const typing: Typing = { draft, session, done: false, abandoned: false }
  const escape = session.wanted.variables.get("escape") ?? "~"
  let interrupts = 0
  while (!typing.done) {
    const line = await terminal.line()
    if (line === undefined) {
      if (terminal.interactive && session.wanted.variables.has("ignoreeof")) {
        terminal.say(`Use "." or "${escape}." to end the letter`)
        continue
      }
      break
    }
    if (line === "interrupted") {
      if (session.wanted.variables.has("ignore")) continue
      interrupts++
      if (interrupts > 1) return abandon(typing)
      terminal.say("(Interrupt -- one more to kill letter)")
      continue
    }
    interrupts = 0
    if (line === "." && (terminal.interactive || session.wanted.variables.has("dot"))) break
    if (escape !== "" && line.startsWith(escape)) await escaped(line, escape, typing)
    else add(typing, `${line}\n`)
  }
  if (typing.abandoned) return abandon(typing)
  await afterwards(typing)
  return { draft: typing.draft }
}

function add(typing: Typing, text: string): void {
  typing.draft = { ...typing.draft, text: typing.draft.text + text }
}

/** Cc and Bcc where they are asked for at the end, and the word about an attachment that is not there. */
async function afterwards(typing: Typing): Promise<void> {
  const { session } = typing
  const { terminal, wanted } = session
  if (terminal.interactive && wanted.variables.has("askcc")) {
    const cc = await terminal.line("Cc: ")
    if (typeof cc === "string") typing.draft = { ...typing.draft, cc: [...typing.draft.cc, ...namesOf(cc)] }
  }
  if (terminal.interactive && forgotAttachment(typing.draft)) {
    const answer = await terminal.line(
      "The text speaks of an attachment, and there is none. File to attach (Return: send as it is): ",
    )
    if (typeof answer === "string" && answer.trim() !== "") attach(typing, answer.trim())
  }
}

function abandon({ draft, session }: Typing): "abandoned" {
  const { variables } = session.wanted
  if (variables.has("save") && draft.text !== "") {
    const dead = deadLetter(session)
    appendFileSync(dead, draft.text, { mode: 0o600 })
    session.terminal.say(`"${dead}" [the letter was kept there]`)
  }
  return "abandoned"
}

/** Names as they are typed: parted by commas, or by blanks where there are none. */
export function namesOf(text: string): string[] {
  const parts = /[,<"(]/.test(text) ? text.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/) : text.split(/\s+/)
  return parts.map((part) => part.trim()).filter((part) => part !== "")
}

async function escaped(line: string, escape: string, typing: Typing): Promise<void> {
  const verb = line.slice(escape.length, escape.length + 1)
  const rest = line.slice(escape.length + 1).trim()
  if (verb === escape)
    add(typing, `${line.slice(escape.length)}\n`) // a doubled one stands for itself
  else if (!(await headerEscape(verb, rest, typing)) && !(await textEscape(verb, rest, typing)))
    typing.session.terminal.complain(`${escape}${verb}: unknown (${escape}? lists them)`)
}

async function headerEscape(verb: string, rest: string, typing: Typing): Promise<boolean> {
  const { draft, session } = typing
  switch (verb) {
    case "s":
      typing.draft = { ...draft, subject: rest }
      return true
    case "t":
      typing.draft = { ...draft, to: [...draft.to, ...namesOf(rest)] }
      return true
    case "c":
      typing.draft = { ...draft, cc: [...draft.cc, ...namesOf(rest)] }
      return true
    case "b":
      typing.draft = { ...draft, bcc: [...draft.bcc, ...namesOf(rest)] }
      return true
    case "@":
      for (const name of namesOf(rest)) attach(typing, name)
      return true
    case "h":
      await askHeader(typing, session)
      return true
  }
  return false
}

async function askHeader(typing: Typing, { terminal }: Session): Promise<void> {
  const ask = async (name: string, before: string) => {
    const line = await terminal.line(`${name}: ${before === "" ? "" : `(${before}) `}`)
    return typeof line === "string" && line.trim() !== "" ? line.trim() : before
  }
  const { draft } = typing
  const to = namesOf(await ask("To", draft.to.join(", ")))
  const subject = await ask("Subject", draft.subject)
  const cc = namesOf(await ask("Cc", draft.cc.join(", ")))
  const bcc = namesOf(await ask("Bcc", draft.bcc.join(", ")))
  typing.draft = { ...typing.draft, to, subject, cc, bcc }
}

type Escape = (rest: string, typing: Typing, verb: string) => void | Promise<void>

const textEscapes: Readonly<Record<string, Escape>> = {
  ".": (_, typing) => {
    typing.done = true
  },
  q: (_, typing) => giveUp(typing),
  x: (_, typing) => {
    typing.session.wanted.variables.delete("save")
    giveUp(typing)
  },
  p: (_, typing) => preview(typing),
  r: insertFile,
  "<": insertFile,
  d: (_, typing) => insertText(deadLetter(typing.session), typing),
  w: (rest, { session, draft }) => appendFileSync(fileName(session, rest), draft.text),
  m: (rest, typing) => insertMessages("quoted", rest, typing),
  M: (rest, typing) => insertMessages("quoted whole", rest, typing),
  f: (rest, typing) => insertMessages("as shown", rest, typing),
  F: (rest, typing) => insertMessages("whole", rest, typing),
  e: (_, typing) => edit("EDITOR", typing),
  v: (_, typing) => edit("VISUAL", typing),
  "|": pipeThrough,
  "!": async (rest, { session }) => void (await run(session, rest, undefined)),
  a: (_, typing) => insertVariable("sign", typing),
  A: (_, typing) => insertVariable("Sign", typing),
  i: insertVariable,
  ":": command,
  _: command,
  "?": (_, { session }) => session.terminal.say(escapesHelp),
}

async function textEscape(verb: string, rest: string, typing: Typing): Promise<boolean> {
  const escape = Object.hasOwn(textEscapes, verb) ? textEscapes[verb] : undefined
  if (escape === undefined) return false
  await escape(rest, typing, verb)
  return true
}

function giveUp(typing: Typing): void {
  typing.done = true
  typing.abandoned = true
}

function deadLetter(session: Session): string {
  return fileName(session, session.wanted.variables.get("DEAD") ?? "dead.letter")
}

function insertVariable(name: string, typing: Typing): void {
  add(typing, `${typing.session.wanted.variables.get(name) ?? ""}\n`)
}

async function command(rest: string, { session }: Typing): Promise<void> {
  await session.perform(rest, session)
}

const escapesHelp = `~.        ends the letter          ~q ~x    gives it up; ~q keeps the text in dead.letter
~s TEXT   subject                  ~t ~c ~b  adds to To, Cc, Bcc
~h        asks for the header      ~@ FILE   attaches a file
~r FILE   reads a file in          ~< !CMD   reads a command's output in
~m ~f LIST  quotes, forwards messages (~M ~F with all header fields)
~e ~v     editor                   ~| CMD    pipes the text through a command
~p        shows the letter         ~w FILE   writes the text to a file
~! CMD    runs a command           ~: CMD    a command of mail
~a ~A ~i VAR  inserts a signature or a variable    ~d  reads dead.letter in    ~~  a line that begins with ~`

async function preview({ draft, session }: Typing): Promise<void> {
  const { octetsOf } = await import("../send.ts")
  session.terminal.say("-------\nMessage contains:")
  session.terminal.show(octetsOf(draft).toString("utf8"))
}

async function insertFile(name: string, typing: Typing): Promise<void> {
  const { session } = typing
  if (!name.startsWith("!")) return insertText(fileName(session, name), typing)
  const { code, output } = await outputOf(session, name.slice(1), "")
  if (code === 0) add(typing, output)
  else session.terminal.complain(`${name.slice(1)} ended with ${code}`)
}

function insertText(path: string, typing: Typing): void {
  try {
    const text = readFileSync(path, "utf8")
    add(typing, text.endsWith("\n") || text === "" ? text : `${text}\n`)
    typing.session.terminal.say(`"${path}" ${text.split("\n").length - 1}/${text.length}`)
  } catch (error) {
    typing.session.terminal.complain(`${path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  }
}

/** Attaches a file; what cannot be read is said and left out. */
function attach(typing: Typing, name: string): void {
  const { session } = typing
  const path = fileName(session, name)
  try {
    if (!statSync(path).isFile()) throw Object.assign(new Error(), { code: "not a file" })
    const one = attachment(path, readFileSync(path))
    typing.draft = { ...typing.draft, attachments: [...typing.draft.attachments, one] }
    session.terminal.say(`attached ${basename(path)}`)
  } catch (error) {
    session.terminal.complain(`${path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  }
}

type Quoting = "quoted" | "quoted whole" | "as shown" | "whole"

async function insertMessages(how: Quoting, rest: string, typing: Typing): Promise<void> {
  const { session } = typing
  const some = listed(session, wordsOf(rest))
  if (!some.ok) return session.terminal.complain(some.error)
  for (const message of some.value) {
    const octets = await session.read(message)
    if (octets === undefined) continue
    const all = how === "whole" || how === "quoted whole"
    const text = await textOf(session, octets, { all, lines: undefined })
    add(
      typing,
      how.startsWith("quoted") ? quoted(text, session.wanted.variables.get("indentprefix") ?? "> ") : text,
    )
    session.terminal.say(`Interpolating: ${message.number}`)
  }
}

async function edit(which: "EDITOR" | "VISUAL", typing: Typing): Promise<void> {
  const text = await edited(typing.session, typing.draft.text, which)
  if (text !== undefined) typing.draft = { ...typing.draft, text }
}

async function pipeThrough(commandLine: string, typing: Typing): Promise<void> {
  const { code, output } = await outputOf(typing.session, commandLine, typing.draft.text)
  if (code === 0 && output !== "") typing.draft = { ...typing.draft, text: output }
  else
    typing.session.terminal.complain(
      `${commandLine} ended with ${code}${output === "" ? " and wrote nothing" : ""}: the text is as it was`,
    )
}
