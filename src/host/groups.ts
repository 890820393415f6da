// A user's supplementary groups: from /etc/group, and from id(1) where nsswitch.conf names sources beyond files.
import { execFile } from "node:child_process"
import { readFileSync, statSync } from "node:fs"

export type GroupsOf = (name: string, gid: number) => readonly number[] | Promise<readonly number[]>

/** Which sources nsswitch.conf(5) names for a database; files alone when it says nothing. */
export function nameSources(database: string, file = "/etc/nsswitch.conf"): readonly string[] {
  const line = readOrEmpty(file)
    .split("\n")
    .find((one) => one.trimStart().startsWith(`${database}:`))
  if (line === undefined) return ["files"]
  const [words = ""] = line.slice(line.indexOf(":") + 1).split("#", 1)
  return words
    .replaceAll(/\[[^\]]*\]/g, " ")
    .split(/\s+/)
    .filter((word) => word !== "")
}

/** Whether only the files in /etc can know a name of this database (systemd's own source has service users of a moment). */
export function onlyFiles(database: string): boolean {
  return nameSources(database).every((source) => ["files", "compat", "systemd"].includes(source))
}

/** All groups of the user, his own first. */
export const groupsByName: GroupsOf = (name, gid) => {
  const groups = [gid, ...(membersOf("/etc/group").get(name) ?? [])]
  return onlyFiles("group") && onlyFiles("initgroups") ? groups : askId(name, groups)
}

type Members = ReadonlyMap<string, readonly number[]>

let read: { readonly at: string; readonly members: Members } | undefined

function membersOf(file: string): Members {
  const { mtimeMs, ino } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: 0, ino: 0 }
  const at = `${mtimeMs} ${ino}`
  if (read?.at !== at) read = { at, members: parseGroups(readOrEmpty(file)) }
  return read.members
}

/** From the text of group(5): a user's groups by number. */
export function parseGroups(text: string): Members {
  const members = new Map<string, number[]>()
  for (const line of text.split("\n")) {
    const [, , gid = "", users = ""] = line.split(":")
    if (!/^\d+$/.test(gid)) continue
    for (const user of users.split(",").filter((one) => one !== "")) {
      members.set(user, [...(members.get(user) ?? []), Number(gid)])
    }
  }
  return members
}

// In a process of its own: a slow directory server stops only this delivery.
function askId(name: string, known: readonly number[]): Promise<readonly number[]> {
  return new Promise((resolve) => {
    execFile("id", ["-G", "--", name], { timeout: 30_000 }, (error, stdout) => {
      const groups = stdout.trim().split(/\s+/).map(Number)
      resolve(error === null && groups.every(Number.isInteger) ? [...new Set([...known, ...groups])] : known)
    })
  })
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return "" // a host without this file has nothing to say here
  }
}
