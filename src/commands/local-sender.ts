// Who submits: the login of this process and the name that belongs to it, as sendmail finds them out.
import { readFileSync } from "node:fs"
import { userInfo } from "node:os"
import { gecosName } from "../message/full-name.ts"
import type { Io } from "./io.ts"
import type { SendmailOptions } from "./sendmail-options.ts"

export type LocalSender = {
  /** For MAIL FROM, without brackets; "" is the null sender; a bare login is qualified by the daemon. */
  readonly path: string
  /** The person's name, for From:. */
  readonly fullName: string | undefined
  readonly login: string
}

/** -f and -F first, then $NAME, then the account. The name of an account belongs only to mail sent as that account. */
export function localSender(
  { sender, fullName }: SendmailOptions,
  io: Io,
  passwd = "/etc/passwd",
): LocalSender {
  const login = ownLogin()
  const path = (sender ?? login).replace(/^<(.*)>$/s, "$1")
  const own =
    path === login && io.env["NAME"] !== undefined && io.env["NAME"] !== "" ? io.env["NAME"] : undefined
  return { path, login, fullName: fullName ?? own ?? accountName(path, passwd) }
}

function ownLogin(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? "nobody") // a uid without an account has no other name
  }
}

/** The name of the account, where the login has one here. */
function accountName(login: string, passwd: string): string | undefined {
  for (const line of readText(passwd).split("\n")) {
    const [name, , , , gecos = ""] = line.split(":")
    if (name === login && login !== "") return gecosName(gecos, login)
  }
  return undefined
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return "" // no such file: then no name is known
  }
}
