// One line of passwd(5).
import type { Origin } from "../mail/decision.ts"
import type { Account } from "../mail/world.ts"

/** The account; undefined for comments, NIS's + and - lines, and what is no account. */
export function parsePasswdLine(line: string, at: Origin | undefined): Account | undefined {
  const [name = "", , uid = "", gid = "", gecos = "", home = "", shell = ""] = line.split(":")
  if (name === "" || /^[#+-]/.test(name) || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return undefined
  const [fullName = ""] = gecos.split(",", 1)
  return {
    name,
    uid: Number(uid),
    gid: Number(gid),
    home: home === "" ? "/" : home,
    shell,
    gecos: fullName,
    at,
  }
}
