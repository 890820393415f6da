// Classes ($=w, $=R …): members from the configuration, from files with a name on each line, and from what the host is.
import type { Origin } from "../mail/decision.ts"
import type { ReadText } from "../mail/world.ts"
import { error, type Issue, warning } from "./issues.ts"
import type { ClassMembers } from "./settings.ts"

export type Classes = Map<string, Map<string, Origin | undefined>>

/** Adds members; the first line that named one stays its origin. */
export function addMembers(
  classes: Classes,
  name: string,
  members: readonly string[],
  at: Origin | undefined,
): void {
  const found = classes.get(name) ?? new Map<string, Origin | undefined>()
  for (const member of members) {
    const folded = member.toLowerCase()
    if (folded !== "" && !found.has(folded)) found.set(folded, at)
  }
  classes.set(name, found)
}

/** `-o /etc/mail/relay-domains %[^\#]` as options, path and pattern. */
export type ClassFile = {
  readonly class: string
  readonly spec: string
  readonly at: Origin | undefined
}

/** Reads a class file: the first word of each line, `#` comments; a missing file is an error unless -o says it may be. */
export function readClassFile(classes: Classes, file: ClassFile, read: ReadText): readonly Issue[] {
  const match = /^\s*(-o\s+)?(\S+)(?:\s+(.*))?$/.exec(file.spec)
  const path = match?.[2] ?? ""
  if (match === null || path === "-o")
    return [error("bad-value", `class ${file.class}: no file is named`, file.at)]
  if (path.startsWith("|") || path.startsWith("@") || /^(?:LDAP|ldap)/.test(path)) {
    return [error("not-supported", `class ${file.class}: only files are read, not ${path}`, file.at)]
  }
  const text = read(path)
  if (!text.ok) {
    if (match[1] !== undefined) return missing(text.error) ? [] : [warning("unreadable", text.error, file.at)]
    return [error("unreadable", `class ${file.class}: ${text.error}`, file.at)]
  }
  addLines(classes, file, path, text.value)
  return patternIssue(file, match[3])
}

function missing(why: string): boolean {
  return /no such file|not found|ENOENT/i.test(why)
}

// %s, "%[^\#]" and their kin all mean: the first word. Others would need scanf.
function patternIssue(file: ClassFile, pattern: string | undefined): readonly Issue[] {
  if (pattern === undefined || /^(?:%s|%\[\^[^\]]*\])$/.test(pattern.trim())) return []
  return [warning("not-supported", `class ${file.class}: the pattern ${pattern} is taken for %s`, file.at)]
}

function addLines(classes: Classes, file: ClassFile, path: string, text: string): void {
  let line = 0
  for (const content of text.split("\n")) {
    line++
    const word = /^\s*([^#\s]+)/.exec(content)?.[1]
    if (word === undefined) continue
    const column = content.indexOf(word) + 1
    const at: Origin =
      file.at === undefined ? { file: path, line, column } : { file: path, line, column, via: file.at }
    addMembers(classes, file.class, [word], at)
  }
}

export type HostNames = {
  readonly hostname: string
  readonly addresses: readonly string[]
}

/** What sendmail puts into class w by itself: the host's name, its short form, localhost, and its addresses as literals. */
export function addOwnNames(classes: Classes, host: HostNames, probe: "all" | "none" | "no-loopback"): void {
  const short = host.hostname.split(".", 1)[0] ?? ""
  addMembers(classes, "w", ["localhost", host.hostname, short, "[127.0.0.1]"], undefined)
  if (probe === "none") return
  // sendmail knows nothing of ::1 (conf.c: load_if_names); what is sent there comes in again, and is told so.
  const addresses = host.addresses.filter(
    (address) => address !== "::1" && (probe === "all" || !address.startsWith("127.")),
  )
  addMembers(classes, "w", addresses.map(literal), undefined)
}

function literal(address: string): string {
  const bare = address.replace(/%.*$/, "") // fe80::1%eth0
  return bare.includes(":") ? `[ipv6:${bare}]` : `[${bare}]`
}

/** The classes, no longer to be changed. */
export function finished(classes: Classes): ReadonlyMap<string, ClassMembers> {
  return classes
}
