// Whose number a user id is: for the sender of mail that a program of this machine hands in.
import { readFileSync } from "node:fs"
import { askGetent } from "./getent.ts"
import { parsePasswdLine } from "./passwd.ts"

/** The login name, or "#1234" for an id that no source knows. */
export async function loginName(uid: number, passwd = "/etc/passwd"): Promise<string> {
  for (const line of readFileSync(passwd, "utf8").split("\n")) {
    const account = parsePasswdLine(line, undefined)
    if (account?.uid === uid) return account.name
  }
  const found = await askGetent(String(uid))
  return found.found === "entry" ? found.entry.name : `#${uid}`
}
