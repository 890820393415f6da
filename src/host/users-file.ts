// The users file (STATE/users): mailboxes and logins for sites and tests without system accounts. One user a line, as in passwd(5):
//   name:hash:home:uid:gid:full name
// `hash` is what password-hash.ts makes, or empty (no login by password), `home` may be empty (then the mail directory's place for the
// user), uid and gid too (then the mail system's own user). Lines that begin with # are comments and stay where they are.
import { fail, ok, type Result } from "../mail/result.ts"

export type FileUser = {
  readonly name: string
  readonly hash: string
  readonly home: string
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly gecos: string
  /** Its line in the file, from 1. */
  readonly line: number
}

export type UsersText = {
  readonly users: readonly FileUser[]
  /** Lines that are no users, each "line 3: …". */
  readonly issues: readonly string[]
}

/** What a user may be called: what can be a mailbox's name and a local part without quotes. */
const namePattern = /^[a-z0-9_][a-z0-9_.-]{0,63}$/

/** Why this cannot be a user's name; undefined when it can. */
export function badName(name: string): string | undefined {
  if (namePattern.test(name) && !name.includes("..") && !name.endsWith(".")) return undefined
  return `"${name}" cannot be a user's name: small letters, digits, and . _ - inside`
}

/** Reads the file's text. A line that is wrong is said and left out, never guessed at. */
export function parseUsers(text: string): UsersText {
  const users: FileUser[] = []
  const issues: string[] = []
  const seen = new Set<string>()
  text.split("\n").forEach((line, i) => {
    if (line.trim() === "" || line.startsWith("#")) return
    const user = parseUser(line, i + 1)
    if (!user.ok) issues.push(`line ${i + 1}: ${user.error}`)
    else if (seen.has(user.value.name)) issues.push(`line ${i + 1}: ${user.value.name} is here twice`)
    else users.push(user.value)
    if (user.ok) seen.add(user.value.name)
  })
  return { users, issues }
}

function parseUser(text: string, line: number): Result<FileUser> {
  const fields = text.replace(/\r$/, "").split(":")
  const [name = "", hash = "", home = "", uid = "", gid = "", gecos = ""] = fields
  const bad = badName(name)
  if (bad !== undefined) return fail(bad)
  if (fields.length < 2 || fields.length > 6) return fail("not name:hash:home:uid:gid:full name")
  if (!isIdOrEmpty(uid) || !isIdOrEmpty(gid)) return fail("uid and gid are numbers, or empty")
  if ((uid === "") !== (gid === "")) return fail("uid and gid go together")
  if (home !== "" && !home.startsWith("/")) return fail("the home is an absolute path, or empty")
  return ok({ name, hash, home, uid: numberOf(uid), gid: numberOf(gid), gecos, line })
}

function isIdOrEmpty(text: string): boolean {
  return text === "" || (/^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff)
}

function numberOf(text: string): number | undefined {
  return text === "" ? undefined : Number(text)
}

/** The user's line, without its end. */
export function printUser({ name, hash, home, uid, gid, gecos }: Omit<FileUser, "line">): string {
  return [name, hash, home, uid ?? "", gid ?? "", gecos]
    .join(":")
    .replace(/:+$/, (colons) => colons.slice(0, 1))
}

/** The file's text with this user added or in place of the one of the same name. */
export function withUser(text: string, user: Omit<FileUser, "line">): string {
  const there = parseUsers(text).users.find(({ name }) => name === user.name)
  const lines = linesOf(text)
  if (there === undefined) return `${[...lines, printUser(user)].join("\n")}\n`
  return `${lines.map((line, i) => (i + 1 === there.line ? printUser(user) : line)).join("\n")}\n`
}

/** The file's text without this user. */
export function withoutUser(text: string, name: string): string {
  const there = parseUsers(text).users.find((user) => user.name === name)
  const lines = linesOf(text).filter((_, i) => i + 1 !== there?.line)
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n")
}
