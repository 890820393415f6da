// A message that the sendmail command keeps for later: one file, a line of JSON that says what is to be done, then the octets with
// CRLF line ends. Users write these files and the mail system reads them, so a line is believed only after it was looked at.
import type { Notify } from "../mail/envelope.ts"
import { fail, ok, type Result } from "../mail/result.ts"

export type ClientFile = {
  /** As for MAIL FROM, without brackets; "" is the null sender; a bare login is one of this host. */
  readonly sender: string
  readonly recipients: readonly string[]
  readonly notify: readonly Notify[] | undefined
  readonly ret: "full" | "headers" | undefined
  readonly envid: string | undefined
  readonly body: "7bit" | "8bitmime"
  /** Milliseconds since 1970. */
  readonly acceptedAt: number
  /** Octets of header, its blank line with it, and of everything. */
  readonly headerSize: number
  readonly size: number
  /** What the mail system said to recipients that it refused for good: their sender is to be told by mail. */
  readonly refused: readonly { readonly recipient: string; readonly said: readonly string[] }[]
  /** Whose it is, where the mail system itself has written it anew. */
  readonly login?: string
  /** The submission program (submit.mc) made it whole, with a Received: of its own: it goes to that file's server. */
  readonly hop?: true
}

/** The longest first line. */
export const longestLine = 1024 * 1024

const name = /^[0-9A-Za-z]{14}$/

/** Whether a file of the client queue may be called so: a queue id. */
export function isClientName(text: string): boolean {
  return name.test(text)
}

/** The first line, with its end. */
export function printClientFile(file: ClientFile): Buffer {
  return Buffer.from(`${JSON.stringify({ version: 1, ...file })}\n`)
}

/** Reads the first line. The error says what is wrong with it. */
export function parseClientFile(line: string): Result<ClientFile> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return fail("its first line is no JSON")
  }
  return isClientFile(value) ? ok(value) : fail("its first line does not say what is to be done")
}

function isClientFile(value: unknown): value is ClientFile {
  if (typeof value !== "object" || value === null) return false
  const it = value as Readonly<Record<string, unknown>>
  return (
    it["version"] === 1 &&
    isPath(it["sender"]) &&
    isList(it["recipients"], isPath) &&
    (it["notify"] === undefined || isList(it["notify"], isNotify)) &&
    [undefined, "full", "headers"].includes(it["ret"] as string | undefined) &&
    (it["envid"] === undefined || (isText(it["envid"]) && it["envid"].length <= 100)) &&
    (it["body"] === "7bit" || it["body"] === "8bitmime") &&
    isCount(it["acceptedAt"]) &&
    isCount(it["headerSize"]) &&
    isCount(it["size"]) &&
    isList(it["refused"], isRefused) &&
    (it["login"] === undefined || isText(it["login"])) &&
    (it["hop"] === undefined || it["hop"] === true)
  )
}

function isList<T>(value: unknown, isOne: (one: unknown) => one is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isOne)
}

/** One line, so that it can never become a second command. */
function isText(value: unknown): value is string {
  return typeof value === "string" && !/[\u0000-\u001f\u007f]/.test(value)
}

function isPath(value: unknown): value is string {
  return isText(value) && value.length <= 1000
}

function isNotify(value: unknown): value is Notify {
  return value === "never" || value === "success" || value === "failure" || value === "delay"
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}

function isRefused(value: unknown): value is ClientFile["refused"][number] {
  if (typeof value !== "object" || value === null || !("recipient" in value) || !("said" in value))
    return false
  return isPath(value.recipient) && isList(value.said, isText)
}

/** The parameters of MAIL and RCPT, each with a blank before it; of those alone that a server offers, where its offers are given. */
export function clientParameters(
  { notify, ret, envid, body }: Pick<ClientFile, "notify" | "ret" | "envid" | "body">,
  offers: readonly string[] = ["8BITMIME", "DSN"],
): {
  readonly mail: string
  readonly rcpt: string
} {
  const dsn = offers.includes("DSN")
  const mail = [
    ...(body === "8bitmime" && offers.includes("8BITMIME") ? ["BODY=8BITMIME"] : []),
    ...(ret === undefined || !dsn ? [] : [`RET=${ret === "full" ? "FULL" : "HDRS"}`]),
    ...(envid === undefined || !dsn ? [] : [`ENVID=${xtext(envid)}`]),
  ]
  return {
    mail: mail.map((word) => ` ${word}`).join(""),
    rcpt: notify === undefined || !dsn ? "" : ` NOTIFY=${notify.join(",").toUpperCase()}`,
  }
}

/** RFC 3461 §4: `+`, `=` and what is not printable as +HH. */
export function xtext(text: string): string {
  return text.replaceAll(
    /[^\x21-\x2a\x2c-\x3c\x3e-\x7e]/g,
    (c) => `+${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  )
}
