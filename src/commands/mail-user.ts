// The system user that the mail process runs as when root starts it.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { exits, Refusal } from "./io.ts"
import { systemState } from "./state.ts"

export type MailUser = { readonly name: string; readonly uid: number; readonly gid: number }

/** Its name, and its group's. */
export const mailUserName = "waypost"

/** The user, if the machine under `root` has it. It is ours and local, so the file is asked, not the name services. */
export function findMailUser(root = "/"): MailUser | undefined {
  const [name, , uid, gid] = entryOf(join(root, "etc/passwd")) ?? []
  return name === undefined ? undefined : { name, uid: Number(uid), gid: Number(gid) }
}

/** The fields of our line in an account file. */
function entryOf(file: string): readonly string[] | undefined {
  try {
    const lines = readFileSync(file, "utf8").split("\n")
    return lines.find((line) => line.startsWith(`${mailUserName}:`))?.split(":")
  } catch {
    return undefined // no such file: a machine without accounts
  }
}

/** Makes the user and its group, without a login. */
export function makeMailUser(root = "/"): MailUser {
  const where = root === "/" ? [] : ["--prefix", root]
  const what = ["--system", "--user-group", "--no-create-home", "--home-dir", systemState]
  runAsRoot("useradd", [
    ...where,
    ...what,
    "--shell",
    "/usr/sbin/nologin",
    "--comment",
    "Waypost mail system",
    mailUserName,
  ])
  const made = findMailUser(root)
  if (made === undefined) throw new Refusal(`useradd made no user ${mailUserName}`, exits.cannotCreate)
  return made
}

/** Removes it, and its group with it. */
export function removeMailUser(root = "/"): void {
  const where = root === "/" ? [] : ["--prefix", root]
  runAsRoot("userdel", [...where, mailUserName])
  // userdel takes the group along only where login.defs says USERGROUPS_ENAB.
  if (entryOf(join(root, "etc/group")) !== undefined) runAsRoot("groupdel", [...where, mailUserName])
}

/** Runs one of the machine's own tools; what it complains of is the message. */
export function runAsRoot(tool: string, args: readonly string[]): void {
  try {
    execFileSync(tool, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    })
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer }
    const said = stderr?.toString().trim().split("\n")[0]
    throw new Refusal(`${tool}: ${said === undefined || said === "" ? message : said}`, exits.cannotCreate)
  }
}
