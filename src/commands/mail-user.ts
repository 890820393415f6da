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
  for (const line of accountLines(root)) {
    const [name, , uid, gid] = line.split(":")
    if (name === mailUserName) return { name, uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}

function accountLines(root: string): readonly string[] {
  try {
    return readFileSync(join(root, "etc/passwd"), "utf8").split("\n")
  } catch {
    return []
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
  runAsRoot("userdel", [...(root === "/" ? [] : ["--prefix", root]), mailUserName])
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
