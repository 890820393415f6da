// The parameters that extensions add to MAIL and RCPT: SIZE (RFC 1870), BODY (RFC 6152, 3030), RET, ENVID, NOTIFY, ORCPT
// (RFC 3461), SMTPUTF8 (RFC 6531), AUTH (RFC 4954), BY (RFC 2852); and the list of extensions EHLO shows.
import type { BodyType, DeliverBy, Notify } from "../mail/envelope.ts"
import type { Reply } from "../mail/reply.ts"
import { type Mechanism, saysPassword } from "../auth/sasl.ts"
import type { Arrival } from "../mail/arrival.ts"
import { fail, ok, type Result } from "../mail/result.ts"
import type { Parameter } from "./path.ts"
import * as say from "./replies.ts"
import { type Extension, extensions, type Offers } from "./session.ts"

export type MailParameters = {
  readonly size: number
  readonly body: BodyType
  readonly smtputf8: boolean
  readonly ret: "full" | "headers" | undefined
  readonly envid: string | undefined
  readonly by: ByTime | undefined
  /** AUTH=, decoded; `<>`: nobody in particular. */
  readonly submitter: string | undefined
  /** REQUIRETLS (RFC 8689): on encrypted ways only. */
  readonly requireTls: boolean
}

/** BY= as it was said: the time is counted from now. */
export type ByTime = Omit<DeliverBy, "at"> & { readonly seconds: number }

export type RcptParameters = {
  readonly notify: readonly Notify[]
  readonly original: string | undefined
}

type Read<T> = Result<T, Reply>

/** What EHLO and LHLO list, in sendmail's order (srvrsmtp.c), ours before HELP. */
export function extensionLines(offers: Offers, arrival?: Arrival): readonly string[] {
  const { privacy, maxMessageSize, lmtp, leastDeliverBy } = offers
  const expn = !privacy.has("noexpn")
  const lines: (string | false)[] = [
    "ENHANCEDSTATUSCODES",
    offers.pipelining !== false && "PIPELINING",
    expn && "EXPN",
    expn && !privacy.has("noverb") && "VERB",
    "8BITMIME",
    maxMessageSize > 0 ? `SIZE ${maxMessageSize}` : "SIZE",
    !privacy.has("noreceipts") && "DSN",
    !lmtp && !privacy.has("noetrn") && "ETRN",
    authLine(offers, arrival),
    offers.startTls === true && arrival?.tls === undefined && "STARTTLS",
    leastDeliverBy >= 0 && (leastDeliverBy > 0 ? `DELIVERBY ${leastDeliverBy}` : "DELIVERBY"),
    ...extensions.filter((word) => offers.extensions.has(word) && isInPlace(word, arrival)),
    ...(offers.proxied === true ? proxyLines : []),
    "HELP",
  ]
  return lines.filter((line) => line !== false)
}

/** RFC 8689 §2: REQUIRETLS is offered within TLS alone. */
function isInPlace(word: Extension, arrival: Arrival | undefined): boolean {
  return word !== "REQUIRETLS" || arrival?.tls !== undefined
}

// RFC 4954 §3: what cannot be used now is not offered.
function authLine(offers: Offers, arrival: Arrival | undefined): string | false {
  if (arrival === undefined || arrival.authType !== undefined) return false
  const usable = usableMechanisms(offers, arrival)
  return usable.length > 0 && `AUTH ${usable.join(" ")}`
}

const proxyLines = [
  "XCLIENT NAME ADDR PORT PROTO HELO LOGIN",
  "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
] as const

/** Mechanisms that this client may use now: no password in clear text, EXTERNAL for whom a certificate vouches, -PLUS within TLS 1.3. */
export function usableMechanisms(
  { auth }: Offers,
  { tls, tlsFacts, forwardedBy }: Arrival,
): readonly Mechanism[] {
  if (auth === undefined) return []
  return auth.mechanisms.filter((mechanism) => {
    if (mechanism === "EXTERNAL") return tlsFacts?.verify === "OK"
    // RFC 9266 §4.2: TLS 1.3 alone. Where a proxy speaks for the client, the client's TLS ends there.
    if (mechanism === "SCRAM-SHA-256-PLUS")
      return tlsFacts?.version === "TLSv1.3" && forwardedBy === undefined
    return tls !== undefined || auth.inClear || !saysPassword(mechanism)
  })
}

/** MAIL's parameters, or the reply to the first that is wrong. */
export function readMailParameters(parameters: readonly Parameter[], offers: Offers): Read<MailParameters> {
  return parameters.length === 0 ? ok(plainMail) : readAll(parameters, plainMail, offers, readMailParameter)
}

const plainMail: MailParameters = {
  size: 0,
  body: "7bit",
  smtputf8: false,
  ret: undefined,
  envid: undefined,
  by: undefined,
  submitter: undefined,
  requireTls: false,
}

/** RCPT's parameters, or the reply to the first that is wrong. */
export function readRcptParameters(parameters: readonly Parameter[], offers: Offers): Read<RcptParameters> {
  const none: RcptParameters = { notify: [], original: undefined }
  return parameters.length === 0 ? ok(none) : readAll(parameters, none, offers, readRcptParameter)
}

function readAll<T extends object>(
  parameters: readonly Parameter[],
  none: T,
  offers: Offers,
  readOne: (parameter: Named, offers: Offers) => Read<Partial<T>>,
): Read<T> {
  const found = { ...none }
  const seen = new Set<string>()
  for (const { key, value } of parameters) {
    const name = key.toUpperCase()
    if (seen.has(name)) return fail(say.duplicateParameter(name))
    seen.add(name)
    const one = readOne({ name, key, value }, offers)
    if (!one.ok) return one
    Object.assign(found, one.value)
  }
  return ok(found)
}

/** A parameter with its keyword in capitals; `key` is as it was typed. */
type Named = Parameter & { readonly name: string }

function readMailParameter({ name, key, value }: Named, offers: Offers): Read<Partial<MailParameters>> {
  switch (name) {
    case "SIZE":
      return required(name, value, readSize)
    case "BODY":
      return required(name, value, (text) => readBody(text, offers))
    case "RET":
      return offers.privacy.has("noreceipts") ? fail(say.noDsn(name)) : required(name, value, readRet)
    case "ENVID":
      return offers.privacy.has("noreceipts") ? fail(say.noDsn(name)) : required(name, value, readEnvid)
    case "SMTPUTF8":
      if (!offers.extensions.has("SMTPUTF8")) break
      return value === undefined ? ok({ smtputf8: true }) : fail(say.noValueAllowed(name)) // RFC 6531 §3.4
    case "REQUIRETLS":
      if (!offers.extensions.has("REQUIRETLS")) break
      return value === undefined ? ok({ requireTls: true }) : fail(say.noValueAllowed(name)) // RFC 8689 §2
    case "AUTH":
      return required(name, value, readSubmitter)
    case "BY":
      return offers.leastDeliverBy < 0
        ? fail(say.unrecognizedParameter(key))
        : required(name, value, (text) => readBy(text, offers.leastDeliverBy))
  }
  return fail(say.unrecognizedParameter(key))
}

// RFC 4954 §5: taken from everyone; whom to believe is the gate's to say.
function readSubmitter(text: string): Read<Partial<MailParameters>> {
  const submitter = text === "<>" ? text : decodeXtext(text)
  return submitter === undefined ? fail(say.badParameterValue("AUTH")) : ok({ submitter })
}

// RFC 2852 §4: seconds, a semicolon, N or R, and T for a trace. What is back at once cannot be delivered by then.
function readBy(text: string, least: number): Read<Partial<MailParameters>> {
  const found = /^([+-]?\d{1,9});([NR])(T?)$/i.exec(text)
  if (found === null) return fail(say.badParameterValue("BY"))
  const seconds = Number(found[1])
  const mode = found[2]?.toUpperCase() === "R" ? "return" : "notify"
  if (mode === "return" && seconds <= 0) return fail(say.byNeedsTime)
  if (mode === "return" && seconds < least) return fail(say.byTooShort(seconds, least))
  return ok({ by: { seconds, mode, trace: found[3] !== "" } })
}

function readRcptParameter({ name, key, value }: Named, offers: Offers): Read<Partial<RcptParameters>> {
  if (name !== "NOTIFY" && name !== "ORCPT") return fail(say.unrecognizedParameter(key))
  if (offers.privacy.has("noreceipts")) return fail(say.noDsn(name))
  return name === "NOTIFY" ? required(name, value, readNotify) : required(name, value, readOrcpt)
}

function required<T>(name: string, value: string | undefined, read: (value: string) => Read<T>): Read<T> {
  return value === undefined || value === "" ? fail(say.valueRequired(name)) : read(value)
}

// sendmail differs: it takes SIZE=abc for SIZE=0. RFC 1870 §3: 1 to 20 digits.
function readSize(text: string): Read<Partial<MailParameters>> {
  return /^\d{1,20}$/.test(text) ? ok({ size: Number(text) }) : fail(say.badArgument(text, "SIZE"))
}

function readBody(text: string, offers: Offers): Read<Partial<MailParameters>> {
  switch (text.toUpperCase()) {
    case "7BIT":
      return ok({ body: "7bit" })
    case "8BITMIME":
      return ok({ body: "8bitmime" })
    case "BINARYMIME":
      if (!offers.extensions.has("BINARYMIME")) break
      return ok({ body: "binarymime" })
  }
  return fail(say.unknownBody(text))
}

function readRet(text: string): Read<Partial<MailParameters>> {
  switch (text.toUpperCase()) {
    case "FULL":
      return ok({ ret: "full" })
    case "HDRS":
      return ok({ ret: "headers" })
  }
  return fail(say.badArgument(text, "RET"))
}

// RFC 3461 §4.4: at most 100 octets of xtext, of printable characters.
function readEnvid(text: string): Read<Partial<MailParameters>> {
  const envid = text.length <= 100 ? decodeXtext(text) : undefined
  return envid === undefined ? fail(say.badParameterValue("ENVID")) : ok({ envid })
}

// RFC 3461 §4.1: NEVER alone, or a list of the others.
function readNotify(text: string): Read<Partial<RcptParameters>> {
  const words = text.toUpperCase().split(",")
  if (words.length === 1 && words[0] === "NEVER") return ok({ notify: ["never"] })
  const notify: Notify[] = []
  for (const word of words) {
    const one = word.toLowerCase()
    if (one !== "success" && one !== "failure" && one !== "delay")
      return fail(say.badArgument(text, "NOTIFY"))
    if (!notify.includes(one)) notify.push(one)
  }
  return ok({ notify })
}

// RFC 3461 §4.2: an address type, a semicolon, xtext; at most 500 octets.
function readOrcpt(text: string): Read<Partial<RcptParameters>> {
  const semicolon = text.indexOf(";")
  const type = text.slice(0, Math.max(semicolon, 0))
  if (text.length > 500 || !/^[A-Za-z0-9-]+$/.test(type)) return fail(say.badParameterValue("ORCPT"))
  const address = decodeXtext(text.slice(semicolon + 1))
  return address === undefined || address === ""
    ? fail(say.badParameterValue("ORCPT"))
    : ok({ original: `${type};${address}` })
}

/**
 * xtext (RFC 3461 §4): `+2B` is `+`. undefined when it is none, or when what it hides is not printable: it would
 * otherwise carry line ends into reports. Characters beyond ASCII stand for themselves (RFC 6533 §3).
 */
export function decodeXtext(text: string): string | undefined {
  const decoded = text.replaceAll(/\+([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  if (/\+(?![0-9A-F]{2})/.test(text) || text.includes("=") || /[\u0000-\u001f\u007f-\u009f]/.test(decoded)) {
    return undefined
  }
  return decoded
}
