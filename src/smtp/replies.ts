// What the server says, in sendmail's words (srvrsmtp.c), one constant or function each. Never a file's or a map's name.
import { reply, type Reply } from "../mail/reply.ts"
import { echo } from "./session.ts"

/** The replies that always read the same. */
export const replies = {
  needMail: reply(503, "5.0.0", "Need MAIL command"),
  needMailBeforeRcpt: reply(503, "5.0.0", "Need MAIL before RCPT"),
  needRcpt: reply(503, "5.0.0", "Need RCPT (recipient)"),
  needHello: reply(503, "5.0.0", "Polite people say HELO first"),
  introduceYourself: reply(503, "5.0.0", "I demand that you introduce yourself first"),
  senderAlready: reply(503, "5.5.0", "Sender already specified"),
  tooManyRecipients: reply(452, "4.5.3", "Too many recipients"),
  noSpace: reply(452, "4.4.5", "Insufficient disk space; try again later"),
  notStored: reply(451, "4.3.0", "Message could not be stored; try again later"),
  enterMail: reply(354, undefined, 'Enter mail, end with "." on a line by itself'),
  endData: reply(354, undefined, "End data with <CR><LF>.<CR><LF>"),
  reset: reply(250, "2.0.0", "Reset state"),
  ok: reply(250, "2.0.0", "OK"),
  verbose: reply(250, "2.0.0", "Verbose mode"),
  noVerbose: reply(502, "5.7.0", "Verbose unavailable"),
  notAllowed: reply(502, "5.7.0", "Sorry, we do not allow this operation"),
  cannotVerify: reply(252, "2.5.2", "Cannot VRFY user; try RCPT to attempt delivery (or try finger)"),
  needArgument: reply(501, "5.5.2", "Argument required"),
  needParameter: reply(500, "5.5.2", "Parameter required"),
  noTls: reply(454, "4.3.3", "TLS not available after start"),
  noAuth: reply(503, "5.3.3", "AUTH not available"),
  readyTls: reply(220, "2.0.0", "Ready to start TLS"),
  noArgument: reply(501, "5.5.2", "Syntax error (no parameters allowed)"),
  requireTlsNeedsTls: reply(530, "5.7.4", "REQUIRETLS needs STARTTLS first"), // RFC 8689 §5
  authenticationRequired: reply(530, "5.7.0", "Authentication required"), // RFC 4954 §6
  alreadyAuthenticated: reply(503, "5.5.0", "Already Authenticated"),
  authInTransaction: reply(503, "5.5.0", "AUTH not permitted during a mail transaction"),
  authNeedsMechanism: reply(501, "5.5.2", "AUTH mechanism must be specified"),
  authNeedsTls: reply(538, "5.7.11", "Encryption required for requested authentication mechanism"), // RFC 4954 §6
  authAborted: reply(501, "5.0.0", "AUTH aborted"),
  authNotBase64: reply(501, "5.5.4", "cannot decode AUTH parameter"),
  authMalformed: reply(501, "5.5.4", "AUTH response is malformed"),
  authTooLong: reply(500, "5.5.6", "AUTH response too long"), // RFC 4954 §4
  authenticated: reply(235, "2.0.0", "OK Authenticated"),
  invalidDomain: reply(501, "5.0.0", "Invalid domain name"),
  commandRejected: reply(550, "5.0.0", "Command rejected"),
  lineTooLong: reply(500, "5.5.2", "Command line too long"),
  controlCharacter: reply(500, "5.5.2", "Control character in command line"),
  notUtf8: reply(500, "5.5.2", "Command line is neither ASCII nor UTF-8"),
  needUtf8: reply(553, "5.6.7", "Address needs the SMTPUTF8 parameter of MAIL"), // RFC 6531 §3.5
  bareCr: reply(421, "4.5.0", "Bare carriage return (CR) not allowed"),
  bareLf: reply(421, "4.5.0", "Bare linefeed (LF) not allowed"),
  chunkBareCr: reply(554, "5.6.0", "Bare carriage return (CR) not allowed"),
  chunkBareLf: reply(554, "5.6.0", "Bare linefeed (LF) not allowed"),
  nul: reply(554, "5.6.0", "NUL octet not allowed"),
  headerTooLarge: reply(552, "5.6.0", "Message header too large"),
  useBdat: reply(503, "5.5.1", "BODY=BINARYMIME needs BDAT"), // RFC 3030 §3
  bdatBegun: reply(503, "5.5.1", "DATA after BDAT; use BDAT LAST or RSET"), // RFC 3030 §2
  bdatSyntax: reply(501, "5.5.4", "Syntax: BDAT octets [LAST]"),
} as const satisfies Record<string, Reply>

export function noSuchMechanism(name: string): Reply {
  return reply(504, "5.3.3", `AUTH mechanism ${echo(name).slice(0, 32)} not available`)
}

/** 334 with the challenge in base64 (RFC 4954 §4). */
export function challengeReply(challenge: string): Reply {
  return reply(334, undefined, Buffer.from(challenge, "utf8").toString("base64"))
}

export function tooManyLogins(hostname: string): Reply {
  return reply(421, "4.7.0", `${hostname} Too many failed logins; closing connection`)
}

export function greeting(text: string): Reply {
  return reply(220, undefined, text)
}

/** In the place of the greeting (RFC 5321 §3.1). */
export function notAccepting(hostname: string): Reply {
  return reply(554, undefined, `${hostname} ESMTP not accepting messages`)
}

export function senderOk(typed: string): Reply {
  return reply(250, "2.1.0", `${echo(typed)}... Sender ok`)
}

export function recipientOk(typed: string): Reply {
  return reply(250, "2.1.5", `${echo(typed)}... Recipient ok`)
}

export function accepted(id: string): Reply {
  return reply(250, "2.0.0", `${id} Message accepted for delivery`)
}

export function chunkTaken(octets: number): Reply {
  return reply(250, "2.0.0", `${octets} bytes received`)
}

export function closing(hostname: string): Reply {
  return reply(221, "2.0.0", `${hostname} closing connection`)
}

export function needsDomain(verb: string): Reply {
  return reply(501, "5.0.0", `${verb} requires domain address`)
}

export function unknownCommand(line: string): Reply {
  return reply(500, "5.5.1", `Command unrecognized: "${echo(line)}"`)
}

export function notImplemented(line: string): Reply {
  return reply(502, "5.5.1", `Command not implemented: "${echo(line)}"`)
}

export function syntax(text: string): Reply {
  return reply(501, "5.5.2", `Syntax error in parameters scanning "${echo(text)}"`)
}

export function userRequired(typed: string): Reply {
  return reply(553, "5.1.3", `${echo(typed)}... User address required`)
}

export function addressTooLong(typed: string): Reply {
  return reply(553, "5.1.3", `${echo(typed)}... Address too long`)
}

export function unrecognizedParameter(key: string): Reply {
  return reply(555, "5.5.4", `${echo(key)} parameter unrecognized`)
}

export function duplicateParameter(key: string): Reply {
  return reply(501, "5.5.0", `Duplicate ${key} parameter`)
}

export function valueRequired(key: string): Reply {
  return reply(501, "5.5.2", `${key} requires a value`)
}

export function noValueAllowed(key: string): Reply {
  return reply(501, "5.5.4", `${key} takes no value`)
}

export function badArgument(value: string, key: string): Reply {
  return reply(501, "5.5.2", `Bad argument "${echo(value)}" to ${key}`)
}

export function badParameterValue(key: string): Reply {
  return reply(501, "5.5.2", `Syntax error in ${key} parameter value`)
}

export const byNeedsTime = reply(501, "5.5.4", "mode R requires BY time > 0")

export function byTooShort(seconds: number, least: number): Reply {
  return reply(555, "5.5.2", `time ${seconds} less than ${least}`)
}

export function unknownBody(value: string): Reply {
  return reply(501, "5.5.4", `Unknown BODY type ${echo(value)}`)
}

export function noDsn(key: string): Reply {
  return reply(504, "5.7.0", `Sorry, ${key} not supported, we do not allow DSN`)
}

export function unbalanced(text: string, what: string): Reply {
  return reply(553, "5.0.0", `${echo(text)}... Unbalanced '${what}'`)
}

export function tooManyBadCommands(hostname: string): Reply {
  return reply(421, "4.7.0", `${hostname} Too many bad commands; closing connection`)
}

export function openProxy(hostname: string, client: string): Reply {
  return reply(421, "4.7.0", `${hostname} Rejecting open proxy ${echo(client)}`)
}

export function lostInput(hostname: string, client: string): Reply {
  return reply(421, "4.4.1", `${hostname} Lost input channel from ${echo(client)}`)
}

export function goingDown(hostname: string): Reply {
  return reply(421, "4.3.2", `${hostname} Service not available, closing connection`)
}

export function ourFault(hostname: string): Reply {
  return reply(421, "4.3.0", `${hostname} Internal error, closing connection`)
}

export function declaredTooLarge(limit: number): Reply {
  return reply(552, "5.2.3", `Message size exceeds fixed maximum message size (${limit})`)
}

export function tooLarge(limit: number): Reply {
  return reply(552, "5.2.3", `Message exceeds maximum fixed size (${limit})`)
}

export function tooManyHops(hops: number, limit: number): Reply {
  return reply(554, "5.4.6", `Too many hops ${hops} (${limit} max)`)
}

export function queueing(node: string): Reply {
  return reply(250, "2.0.0", `Queuing for node ${echo(node)} started`)
}

export function queueingGroup(name: string): Reply {
  return reply(250, "2.0.0", `Queuing for queue group ${echo(name)} started`)
}

export function unknownGroup(name: string): Reply {
  return reply(459, "4.5.4", `Queue ${echo(name)} unknown`)
}

/**
 * The gate's refusal with the address as it was typed in front, as sendmail has it: `<x@example.org>... Relaying denied`.
 * sendmail puts it before 450, 550 and 553 only (err.c fmtmsg); 451, 551 and 552 say their words alone.
 */
export function about(typed: string, bare: string, refusal: Reply): Reply {
  if (refusal.code % 100 !== 50 && refusal.code % 100 !== 53) return refusal
  const [first = "", ...others] = refusal.text
  const said = withoutAddress(first, bare)
  return { ...refusal, text: [`${echo(typed)}... ${said}`, ...others] }
}

// The gate knows the address without its brackets; where it put one in front itself, the typed form takes its place.
function withoutAddress(text: string, bare: string): string {
  for (const form of [`<${bare}>`, bare, echo(`<${bare}>`), echo(bare)]) {
    if (text.startsWith(`${form}... `)) return text.slice(form.length + 4)
  }
  return text
}
