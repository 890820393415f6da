// SASL on the client's side: what we say to a server that wants to know who we are. The strongest mechanism that both sides know is
// used; a password is said as it is only where nobody else can hear it, or where the configuration asks for that.
import { createHmac } from "node:crypto"
import { clientFinal, clientFirst } from "./scram.ts"

/** A line of authinfo, read (sendmail: AuthInfo:host "U:login" "P:password" …). */
export type Credentials = {
  /** U: whom we act as; empty: whoever I is. */
  readonly authorization: string
  /** I: whose password it is. */
  readonly login: string
  readonly password: string
  readonly realm: string | undefined
  /** M: the mechanisms that may be used; undefined: those of the configuration. */
  readonly mechanisms: readonly string[] | undefined
}

/** An exchange under way; `respond` answers a challenge, or says why it cannot. */
export type ClientExchange = {
  readonly mechanism: string
  /** Sent along with AUTH; undefined: the server speaks first. */
  readonly initial: string | undefined
  readonly respond: (
    challenge: string,
  ) => { readonly say: string } | { readonly give: "up"; readonly why: string }
}

const strongestFirst = [
  "EXTERNAL",
  "SCRAM-SHA-256-PLUS",
  "SCRAM-SHA-256",
  "CRAM-MD5",
  "PLAIN",
  "LOGIN",
] as const

export type Choice = {
  /** What the server offers, in capitals. */
  readonly offered: readonly string[]
  /** What we may use where the credentials do not say. */
  readonly allowed: readonly string[]
  /** The line is encrypted, or the server is on this machine. */
  readonly secure: boolean
  /** We have shown a certificate. */
  readonly certified: boolean
  /** What the login can be bound to (RFC 9266); absent where there is no TLS 1.3. */
  readonly channel?: Buffer | undefined
  readonly nonce: string
}

/** The exchange for these credentials; a string that says why there is none. */
export function chooseExchange(credentials: Credentials, choice: Choice): ClientExchange | string {
  const { offered, allowed, secure, certified, channel } = choice
  const wanted = (credentials.mechanisms ?? allowed).map((word) => word.toUpperCase())
  let held: string | undefined
  for (const mechanism of strongestFirst) {
    if (!wanted.includes(mechanism) || !offered.includes(mechanism)) continue
    const plain = mechanism === "PLAIN" || mechanism === "LOGIN"
    // sendmail differs: it says passwords in clear text unless told otherwise (AuthOptions=p). M: asks for it here.
    if (plain && !secure && credentials.mechanisms?.includes(mechanism) !== true) held = mechanism
    else if (mechanism === "EXTERNAL" && !certified) continue
    else if (mechanism === "SCRAM-SHA-256-PLUS" && channel === undefined) continue
    else return exchangeOf(mechanism, credentials, choice)
  }
  if (held !== undefined) return `${held} would say the password in clear text`
  return `the peer offers ${offered.join(" ") || "no mechanism"}, and we may use ${wanted.join(" ")}`
}

function exchangeOf(
  mechanism: (typeof strongestFirst)[number],
  credentials: Credentials,
  choice: Choice,
): ClientExchange {
  const { authorization, login, password } = credentials
  switch (mechanism) {
    case "EXTERNAL":
      return { mechanism, initial: authorization, respond: () => ({ say: authorization }) }
    case "PLAIN": {
      const acting = authorization === login ? "" : authorization
      const message = `${acting}\0${login}\0${password}`
      return { mechanism, initial: message, respond: () => ({ say: message }) }
    }
    case "LOGIN":
      return inOrder(mechanism, [login, password])
    case "CRAM-MD5":
      return {
        mechanism,
        initial: undefined,
        respond: (challenge) => ({
          say: `${login} ${createHmac("md5", password).update(challenge).digest("hex")}`,
        }),
      }
    case "SCRAM-SHA-256-PLUS":
    case "SCRAM-SHA-256":
      return scram(mechanism, credentials, choice)
  }
}

/** LOGIN has no standard: whatever the server asks, it is the login first and then the password. */
function inOrder(mechanism: string, answers: readonly string[]): ClientExchange {
  let next = 0
  return {
    mechanism,
    initial: undefined,
    respond: () => {
      const say = answers[next++]
      return say === undefined ? { give: "up", why: "it asks for more than login and password" } : { say }
    },
  }
}

function scram(
  mechanism: "SCRAM-SHA-256" | "SCRAM-SHA-256-PLUS",
  { login, password }: Credentials,
  choice: Choice,
): ClientExchange {
  const first = clientFirst(login, choice.nonce, bindingOf(mechanism, choice))
  let expected: string | undefined
  return {
    mechanism,
    initial: `${first.header}${first.bare}`,
    respond: (challenge) => {
      if (expected !== undefined) {
        // RFC 5802 §3: a server that cannot prove that it knows us is another.
        return challenge === expected
          ? { say: "" }
          : { give: "up", why: "it does not know the password itself" }
      }
      const final = clientFinal(first, challenge, password)
      if (typeof final === "string") return { give: "up", why: final }
      expected = final.expected
      return { say: final.message }
    },
  }
}

/** RFC 5802 §6: a server that offers -PLUS must not hear "y", one from whose offer somebody has taken it must. */
function bindingOf(mechanism: string, { channel, offered }: Choice): Buffer | "n" | "y" {
  if (channel === undefined) return "n"
  if (mechanism === "SCRAM-SHA-256-PLUS") return channel
  return offered.includes("SCRAM-SHA-256-PLUS") ? "n" : "y"
}

/** Reads the right-hand side of AuthInfo: `"U:ann" "I:ann" "P=c2VjcmV0" "R:realm" "M:PLAIN LOGIN"`; `=` marks base64. */
export function parseAuthInfo(text: string): Credentials | string {
  const found = new Map<string, string>()
  for (const [, quoted, bare] of text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
    const item = quoted === undefined ? (bare ?? "") : quoted.replaceAll(/\\(.)/g, "$1")
    const letter = item.charAt(0).toUpperCase()
    const mark = item.charAt(1)
    if (!"UIPRM".includes(letter) || letter === "" || (mark !== ":" && mark !== "="))
      return `"${letter}" is none of U: I: P: R: M:`
    const value = item.slice(2)
    found.set(letter, mark === "=" ? Buffer.from(value, "base64").toString("utf8") : value)
  }
  const authorization = found.get("U") ?? ""
  const login = found.get("I") ?? authorization
  const listed = found.get("M")
  const onlyExternal = listed?.trim().toUpperCase() === "EXTERNAL"
  if (!onlyExternal && login === "") return "neither U: nor I: says whose password it is"
  if (!onlyExternal && found.get("P") === undefined) return "P: is missing"
  return {
    authorization: authorization === "" ? login : authorization,
    login,
    password: found.get("P") ?? "",
    realm: found.get("R"),
    mechanisms: listed?.trim().split(/\s+/),
  }
}
