// `waypost user`: users of the users file, who have a mailbox here without an account of the machine.
import { chownSync, chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import type { Readable } from "node:stream"
import { layoutOf } from "../daemon/layout.ts"
import { hashPassword } from "../host/password-hash.ts"
import { replaceFile } from "../host/replace.ts"
import { badName, type FileUser, parseUsers, withoutUser, withUser } from "../host/users-file.ts"
import { type Arguments, readArguments, stateOption, type Usage } from "./arguments.ts"
import { exits, type Io, Refusal, refuse } from "./io.ts"
import { findMailUser } from "./mail-user.ts"
import { changeAdmin } from "./user-admin.ts"
import { askPassword } from "./password.ts"
import { runningState } from "./state.ts"

const usage: Usage = {
  name: "waypost user",
  operands: "add|list|remove|passwd|admin|no-admin [NAME]",
  mostOperands: 2,
  about:
    "Users of the users file: a mailbox here, and a login for submission, without an account of the machine. The password is asked for, or read from standard input. An admin may log in to the console, with a code of an authenticator app.",
  options: {
    state: stateOption,
    "no-code": { says: "admin: the password is enough" },
    "no-password": { says: "add: a mailbox without a login" },
    "full-name": { value: "NAME", says: "add: the name that mail of this user is from" },
    json: { says: "list: an object a line" },
  },
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const given = readArguments(usage, argv, io)
  if (typeof given === "number") return given
  const [action, name] = given.operands
  const { usersFile: file, admins } = layoutOf(runningState(given.text("state"), io))
  switch (action) {
    case "list":
      return list(file, given, io)
    case "add":
    case "remove":
    case "passwd":
    case "admin":
    case "no-admin":
      break
    default:
      return refuse(
        io,
        "waypost user: add, list, remove, passwd, admin or no-admin; see waypost user --help",
        exits.usage,
      )
  }
  if (name === undefined) return refuse(io, `waypost user ${action}: which user?`, exits.usage)
  const bad = badName(name)
  if (bad !== undefined) return refuse(io, `waypost user ${action}: ${bad}`, exits.usage)
  const text = read(file)
  const known = parseUsers(text).users.find((user) => user.name === name)
  if (action !== "add" && known === undefined) {
    return refuse(io, `waypost user ${action}: there is no ${name} in ${file}`, exits.noUser)
  }
  if (action === "admin" || action === "no-admin")
    return changeAdmin(admins, { action, name, passwordOnly: given.has("no-code") }, io)
  if (action === "add" && known !== undefined) {
    return refuse(
      io,
      `waypost user add: ${name} is there already; waypost user passwd changes the password`,
      exits.usage,
    )
  }
  if (action === "remove") write(file, withoutUser(text, name))
  else write(file, withUser(text, await changed(name, known, given, io)))
  io.stdout.write(`${done[action]} ${name}\n`)
  return exits.ok
}

const done = { add: "added", remove: "removed (mail is kept)", passwd: "new password for" } as const

async function changed(
  name: string,
  known: FileUser | undefined,
  given: Arguments,
  io: Io,
): Promise<Omit<FileUser, "line">> {
  const gecos = given.text("full-name") ?? known?.gecos ?? ""
  if (/[:\n]/.test(gecos))
    throw new Refusal("waypost user: a full name has no colon and is one line", exits.usage)
  const blank = { name, hash: "", home: "", uid: undefined, gid: undefined, gecos }
  const hash = given.has("no-password")
    ? ""
    : await hashPassword(await askPassword(name, io.stdin as Readable, io.stderr))
  return { ...(known ?? blank), gecos, hash }
}

function list(file: string, given: Arguments, io: Io): number {
  const { users, issues } = parseUsers(read(file))
  for (const { name, gecos, home, hash } of users) {
    const login = hash === "" ? "no login" : "login by password"
    io.stdout.write(
      given.has("json")
        ? `${JSON.stringify({ name, gecos, home, login: hash !== "" })}\n`
        : `${name}\t${login}\t${gecos}\n`,
    )
  }
  for (const issue of issues) io.stderr.write(`${file}: ${issue}\n`)
  return issues.length === 0 ? exits.ok : exits.config
}

/** A file that is not there has no users yet. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return ""
    throw new Refusal(`${file}: ${(error as Error).message}`, exits.noPermission)
  }
}

/** Hashes are for the mail system only: as root its group may read them, else nobody but us. */
function write(file: string, text: string): void {
  const fresh = !existsSync(file)
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 })
  const written = replaceFile(file, [Buffer.from(text)])
  if (!written.ok) throw new Refusal(written.error, exits.cannotCreate)
  if (!fresh) return
  const group = process.getuid?.() === 0 ? findMailUser() : undefined
  if (group !== undefined) chownSync(file, 0, group.gid)
  chmodSync(file, group === undefined ? 0o600 : 0o640)
}
