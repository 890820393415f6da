// One command line, read (RFC 5321 §4.1.1). A line that cannot be one is a value too: it carries the reply it gets.
import type { TypedAddress } from "../mail/address.ts"
import type { Reply } from "../mail/reply.ts"
import { parsePath, type Parameter } from "./path.ts"
import { notImplemented, replies, syntax, unknownCommand, userRequired } from "./replies.ts"

export type HelloCommand = {
  readonly verb: "HELO" | "EHLO" | "LHLO"
  /** What the client calls itself; empty when it does not say. */
  readonly name: string
}
export type MailCommand = {
  readonly verb: "MAIL"
  readonly typed: string
  readonly path: TypedAddress | "null"
  readonly parameters: readonly Parameter[]
}
export type RcptCommand = {
  readonly verb: "RCPT"
  readonly typed: string
  readonly path: TypedAddress | "postmaster"
  readonly parameters: readonly Parameter[]
}
export type BdatCommand = { readonly verb: "BDAT"; readonly octets: number; readonly last: boolean }
/** VRFY, EXPN, HELP, ETRN, NOOP …: the rest of the line is theirs to read. */
export type WordCommand = {
  readonly verb:
    | "DATA"
    | "RSET"
    | "NOOP"
    | "QUIT"
    | "HELP"
    | "VRFY"
    | "EXPN"
    | "ETRN"
    | "VERB"
    | "STARTTLS"
    | "AUTH"
    | "XCLIENT"
    | "XFORWARD"
  readonly argument: string
}
/** Not a command of ours, or one with a wrong argument: answered, counted against the client, or the end of the session. */
export type WrongCommand = {
  readonly verb: "wrong"
  readonly reply: Reply
  readonly afterwards: "go on" | "count it" | "close"
}

export type Command = HelloCommand | MailCommand | RcptCommand | BdatCommand | WordCommand | WrongCommand

/** Reads one line. Blanks before the verb and after the argument do not count; verbs are in any case. */
export function parseCommand(line: string): Command {
  const text = line.trim()
  const blank = text.search(/[ \t]/)
  const verb = (blank < 0 ? text : text.slice(0, blank)).toUpperCase()
  const argument = blank < 0 ? "" : text.slice(blank + 1).trim()
  switch (verb) {
    case "HELO":
    case "EHLO":
    case "LHLO":
      return { verb, name: argument }
    case "MAIL":
      return mail(argument)
    case "RCPT":
      return rcpt(argument)
    case "BDAT":
      return bdat(argument)
    case "DATA":
      return argument === "" ? { verb, argument } : wrong(syntax(argument))
    case "RSET":
    case "NOOP":
    case "QUIT":
    case "HELP":
    case "VRFY":
    case "EXPN":
    case "ETRN":
    case "VERB":
    case "STARTTLS":
    case "AUTH":
    case "XCLIENT":
    case "XFORWARD":
      return { verb, argument }
    case "SEND":
    case "SAML":
    case "SOML":
    case "TURN":
      return { verb: "wrong", reply: notImplemented(text), afterwards: "count it" }
  }
  return { verb: "wrong", reply: unknownCommand(text), afterwards: "count it" }
}

/** What a web browser, a proxy tester or a login script says first; such a peer is no mail client. */
export function isForeign(line: string): boolean {
  return /^(?:GET |POST |CONNECT |USER )/.test(line)
}

function wrong(reply: Reply): WrongCommand {
  return { verb: "wrong", reply, afterwards: "go on" }
}

function mail(argument: string): Command {
  const read = parsePath(argument, "FROM")
  return read.ok ? { verb: "MAIL", ...read.value } : wrong(read.error)
}

function rcpt(argument: string): Command {
  const read = parsePath(argument, "TO")
  if (!read.ok) return wrong(read.error)
  const { typed, path, parameters } = read.value
  if (path === "null") return wrong(userRequired(typed))
  // RFC 5321 §4.1.1.3: the bare name, in any case, is always a recipient.
  return path.text.toLowerCase() === "postmaster"
    ? { verb: "RCPT", typed, path: "postmaster", parameters }
    : { verb: "RCPT", typed, path, parameters }
}

// RFC 3030 §2. A count that cannot be read leaves unknown how much content follows. It must not be taken for commands,
// so the session ends there.
function bdat(argument: string): Command {
  const match = /^(\d{1,15})(?:[ \t]+(LAST))?$/i.exec(argument)
  if (match === null) return { verb: "wrong", reply: replies.bdatSyntax, afterwards: "close" }
  return { verb: "BDAT", octets: Number(match[1]), last: match[2] !== undefined }
}
