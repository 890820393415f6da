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
  const accounts = accountsOf(passwd)
  const login = ownLogin(accounts)
  const path = (sender ?? login).replace(/^<(.*)>$/s, "$1")
  const own =
    path === login && io.env["NAME"] !== undefined && io.env["NAME"] !== "" ? io.env["NAME"] : undefined
  return { path, login, fullName: fullName ?? own ?? accountName(path, accounts) }
}

/** The login of an account of this machine's file; the name services, who know of others too, take longer to ask than to send. */
function ownLogin(accounts: readonly Account[]): string {
  const uid = String(process.getuid?.() ?? "")
  const own = accounts.find((account) => account[2] === uid)?.[0]
  if (own !== undefined && own !== "") return own
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? "nobody") // a uid without an account has no other name
  }
}

/** The name of the account, where the login has one here. */
function accountName(login: string, accounts: readonly Account[]): string | undefined {
  const own = login === "" ? undefined : accounts.find(([name]) => name === login)
  return own === undefined ? undefined : gecosName(own[4] ?? "", login)
}

/** A line's fields: name, password, uid, gid, person, home, shell (passwd(5)). */
type Account = readonly string[]

function accountsOf(passwd: string): readonly Account[] {
  return readText(passwd)
    .split("\n")
    .map((line) => line.split(":"))
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return "" // no such file: then no name is known
  }
}
