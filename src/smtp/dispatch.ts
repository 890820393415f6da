// From a line to the next session: the one place where all commands stand, and where those who waste our time are counted.
import type { Command } from "./command.ts"
import { isForeign, parseCommand } from "./command.ts"
import { bdat } from "./chunking.ts"
import { data } from "./data.ts"
import { featured } from "./features.ts"
import { hello, welcome } from "./hello.ts"
import type { Line } from "./lines.ts"
import { mail } from "./mail.ts"
import { etrn, expn, helpOn, noop, quit, rset, verb, vrfy } from "./other.ts"
import { rcpt } from "./rcpt.ts"
import { greeting, notAccepting, openProxy, replies, tooManyBadCommands, unknownCommand } from "./replies.ts"
import { auth, authLine } from "./auth.ts"
import { startTls } from "./secure.ts"
import { xclient, xforward } from "./xclient.ts"
import {
  traced,
  type Asks,
  begin,
  byRule,
  clientName,
  move,
  type Next,
  type Offers,
  type Outcome,
  reset,
  type Session,
  stay,
} from "./session.ts"
import type { Arrival } from "../mail/arrival.ts"
import type { Reply } from "../mail/reply.ts"
import { type Soon, whenThere } from "../mail/soon.ts"

/**
 * A client is there. Whom the gate refuses is greeted all the same and then told at each command, as sendmail does it:
 * mail that waits for it elsewhere is given back at once and not tried for days. A 421 ends it at once.
 */
export async function greet(
  arrival: Arrival,
  offers: Offers,
  date: string,
  { gate }: Asks,
): Promise<Outcome> {
  const decision = await gate.connect(arrival)
  const session = await featured(begin(arrival, offers), gate)
  const hail = greeting(offers.greeting.replaceAll("$b", date))
  if (decision.outcome === "yes" || decision.outcome === "pass") return await hailed(session, hail, gate)
  const trace = traced("check_relay", clientName(arrival), decision)
  if (decision.reply.code === 421) return stay(session, decision.reply, trace)
  return move({ ...session, refused: decision.reply }, hail, undefined, trace)
}

/** The greeting, at once or after a silence. */
async function hailed(session: Session, hail: Reply, gate: Asks["gate"]): Promise<Outcome> {
  const pause = await gate.pause?.(session.arrival)
  if (pause?.outcome !== "yes") return move(session, hail)
  const next = { does: "hear out", milliseconds: pause.value, hail, reason: pause.reason } as const
  return { session, replies: [], next, asked: undefined }
}

/** The silence before the greeting is over. Who has spoken in it is a program that does not listen, and is taken nothing from. */
export function heardOut(
  session: Session,
  { hail, reason }: Next & { does: "hear out" },
  quiet: boolean,
): Outcome {
  if (quiet) return move(session, hail)
  const rule = byRule("greet_pause", `the client spoke before it was greeted: ${reason.says}`, reason.at)
  const told = notAccepting(session.offers.hostname)
  return move({ ...session, refused: replies.commandRejected }, told, undefined, rule)
}

/** One line from the client. */
export function receive(session: Session, line: Line, asks: Asks): Soon<Outcome> {
  const counted = { ...session, commands: session.commands + 1 }
  if (session.exchange !== undefined) return authLine(counted, session.exchange, line, asks)
  if (line.kind === "broken") return countBad(stay(counted, brokenReply(line)))
  const { offers, arrival } = session
  if (session.commands === 0 && isForeign(line.text)) {
    return stay(counted, openProxy(offers.hostname, clientName(arrival)))
  }
  const command = parseCommand(line.text)
  if (session.refused !== undefined) return refused(counted, command)
  const counts = (outcome: Outcome): Soon<Outcome> => {
    if (command.verb === "wrong" && command.afterwards === "count it")
      return answerToUnknown(outcome, line.text, asks).then(countBad)
    return leadsNowhere(command) ? countIdle(outcome) : outcome
  }
  const answer = dispatch(counted, command, asks)
  return whenThere(
    hasNoQuestion(command) ? whenThere(answer, (outcome) => checkOther(outcome, line.text, asks)) : answer,
    counts,
  )
}

/** sendmail asks no ruleset of their own about these; of NOOP and VERB it says its own reply all the same, which we do not. */
function hasNoQuestion(command: Command): boolean {
  if (command.verb === "wrong") return command.afterwards === "count it"
  return ["NOOP", "VERB"].includes(command.verb)
}

/** check_other: may a command be answered as it would be? */
async function checkOther(outcome: Outcome, line: string, { gate }: Asks): Promise<Outcome> {
  const digit = String(outcome.replies.at(-1)?.code ?? "").slice(0, 1)
  const said = await gate.other?.(outcome.session.arrival, line, digit)
  if (said?.outcome !== "no" && said?.outcome !== "later") return outcome
  return stay(outcome.session, said.reply, traced("check_other", line, said))
}

/** What the gate wants to say to a command that nobody knows, instead of our own words. */
async function answerToUnknown(outcome: Outcome, line: string, { gate }: Asks): Promise<Outcome> {
  if (outcome.next.does === "close") return outcome
  const said = await gate.unknown?.(outcome.session.arrival, line)
  if (said?.outcome !== "no" && said?.outcome !== "later") return outcome
  return { ...outcome, replies: [said.reply] }
}

function brokenReply(line: Line & { kind: "broken" }) {
  switch (line.why) {
    case "too long":
      return replies.lineTooLong
    case "control character":
      return replies.controlCharacter
    case "not UTF-8":
      return replies.notUtf8
  }
}

function dispatch(session: Session, command: Command, asks: Asks): Soon<Outcome> {
  if (needsLogin(session, command)) return stay(session, replies.authenticationRequired)
  switch (command.verb) {
    case "MAIL":
      return mail(session, command, asks)
    case "RCPT":
      return rcpt(session, command, asks)
    case "DATA":
      return data(session, asks)
    case "BDAT":
      return session.offers.extensions.has("CHUNKING")
        ? bdat(session, command, asks)
        : countBad(stay(session, unknownCommand("BDAT")))
    case "HELO":
    case "EHLO":
    case "LHLO":
      return hello(session, command, asks)
    case "RSET":
      return rset(session)
    case "NOOP":
      return noop(session)
    case "QUIT":
      return quit(session)
    case "HELP":
      return helpOn(session, command.argument)
    case "VERB":
      return verb(session)
    case "ETRN":
      return etrn(session, command.argument, asks)
    case "VRFY":
      return vrfy(session, command.argument, asks)
    case "EXPN":
      return expn(session, command.argument, asks)
    case "STARTTLS":
      return startTls(session, command.argument, asks)
    case "AUTH":
      return auth(session, command.argument, asks)
    case "XCLIENT":
      return xclient(session, command.argument, asks, greet).then(forProxies)
    case "XFORWARD":
      return forProxies(xforward(session, command.argument))
    case "wrong":
      return command.afterwards === "close"
        ? move(session, command.reply, { does: "close" })
        : stay(session, command.reply)
  }
}

/** A command that is none for this client counts against it. */
function forProxies(outcome: Outcome): Outcome {
  return outcome.session.offers.proxied === true ? outcome : countBad(outcome)
}

/** DAEMON_OPTIONS with Modify=a: nothing that concerns mail is for a client that has not logged in. */
function needsLogin({ offers, arrival }: Session, command: Command): boolean {
  if (offers.auth?.required !== true || arrival.authenticated !== undefined) return false
  return ["MAIL", "VRFY", "EXPN", "ETRN"].includes(command.verb)
}

// The client was refused when it came: it hears that again, but may still say who it is and leave.
function refused(session: Session, command: Command): Outcome {
  switch (command.verb) {
    case "HELO":
    case "EHLO":
    case "LHLO": {
      const named =
        command.name === "" ? session : { ...session, arrival: { ...session.arrival, helo: command.name } }
      return move(named, welcome(named, command.verb))
    }
    case "NOOP":
      return noop(session)
    case "RSET":
      return rset(session)
    case "QUIT":
      return quit(session)
    case "BDAT":
      return countBad({
        session,
        replies: [session.refused ?? replies.commandRejected],
        next: { does: "chunk", octets: command.octets, last: command.last, keep: false },
        asked: undefined,
      })
    case "MAIL":
    case "RCPT":
    case "DATA":
    case "HELP":
    case "VERB":
    case "ETRN":
    case "VRFY":
    case "EXPN":
    case "STARTTLS":
    case "AUTH":
    case "XCLIENT":
    case "XFORWARD":
    case "wrong":
      return countBad(stay(session, session.refused ?? replies.commandRejected))
  }
}

function leadsNowhere(command: Command): boolean {
  switch (command.verb) {
    case "HELO":
    case "EHLO":
    case "LHLO":
    case "RSET":
    case "NOOP":
    case "HELP":
    case "VERB":
    case "ETRN":
    case "VRFY":
    case "EXPN":
    case "STARTTLS":
    case "AUTH":
    case "XCLIENT":
    case "XFORWARD":
      return true
    case "MAIL":
    case "RCPT":
    case "DATA":
    case "BDAT":
    case "QUIT":
    case "wrong":
      return false
  }
}

function countBad(outcome: Outcome): Outcome {
  const { session } = outcome
  const bad = session.bad + 1
  const { maxBadCommands, hostname } = session.offers
  if (maxBadCommands > 0 && bad > maxBadCommands)
    return move({ ...reset(session), bad }, tooManyBadCommands(hostname), { does: "close" })
  return { ...outcome, session: { ...session, bad }, next: slowly(outcome, bad) }
}

const longestTarpit = 10_000

/** BadCommandThrottle: the more nonsense, the longer until the next command is read. */
function slowly({ session, next }: Outcome, bad: number): Next {
  const { badCommandThrottle = 0 } = session.offers
  if (next.does !== "read" || badCommandThrottle === 0 || bad <= badCommandThrottle) return next
  return { does: "pause", milliseconds: Math.min((bad - badCommandThrottle) * 1000, longestTarpit) }
}

// A message that is taken sets the count back: connections that are kept open with NOOP and RSET live on.
function countIdle(outcome: Outcome): Outcome {
  const { session } = outcome
  const idle = session.idle + 1
  const { maxIdleCommands } = session.offers
  const counted = { ...outcome, session: { ...session, idle } }
  return maxIdleCommands > 0 && idle > maxIdleCommands ? countBad(counted) : counted
}
